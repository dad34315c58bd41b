"""The report as Markdown: the sentences, the cautions and the tables of the page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from benchmark.report.sections import GLOSSARY, all_tables, made_by
from benchmark.report.tables import Table
from benchmark.report.tree import Report
from benchmark.report.words import NONE

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")


def markdown(report: Report) -> str:
    """The whole report; it holds no text of a request."""
    lines = [*headline(report.title, report.judge, report.sentences, report.notes)]
    lines += in_sections(all_tables(report))
    lines += ["## What the words mean", ""]
    lines += [f"- {escaped(name)}: {escaped(text)}" for name, text in GLOSSARY.items()]
    return "\n".join([*lines, "", escaped(made_by(report))]) + "\n"


def headline(title: str, judge: str | None, sentences: Iterable[str], notes: Iterable[str]) -> Iterator[str]:
    """Lines of the title, of who judged, of what was found and of what to mind; a note is said once."""
    yield from (f"# {escaped(title)}", "")
    yield from (f"Judged by {escaped(judge or NONE)}. 95 % intervals in brackets.", "")
    for sentence in sentences:
        yield from (f"**{escaped(sentence)}**", "")
    if said := dict.fromkeys(notes):
        yield from ("Read with care:", "", *(f"- {escaped(note)}" for note in said), "")


def in_sections(tables: Iterable[tuple[str, Table]]) -> Iterator[str]:
    """Lines of the tables that have rows, each heading before the first of its tables."""
    last = ""
    for heading, table in tables:
        if not table.rows:
            continue
        if heading != last:
            yield from (f"## {escaped(heading)}", "")
            last = heading
        yield from (*as_markdown(table), "")


def as_markdown(table: Table) -> list[str]:
    """The lines of one table, with its caption and its note."""
    rules = ["---" if at < table.labels else "---:" for at in range(len(table.columns))]
    lines = [f"### {escaped(table.caption)}", "", _row(table.columns), f"| {' | '.join(rules)} |"]
    lines += [_row(row) for row in table.rows]
    return [*lines, "", escaped(table.note)] if table.note else lines


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(escaped(cell) for cell in cells)} |"


def escaped(content: str) -> str:
    """Without line ends, and with nothing that Markdown would read as markup."""
    return _SPECIAL.sub(r"\\\1", " ".join(content.split()))
