"""The study as one HTML page that needs nothing else, and as Markdown; neither holds a text of a request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Final

from benchmark.judged import Arm
from benchmark.report import charts as report_charts
from benchmark.report import tables as report_tables
from benchmark.report import words
from benchmark.report.markdown import escaped, headline, in_sections
from benchmark.report.markup import Html, el, join
from benchmark.report.parts import document, drawn, shown
from benchmark.report.sections import GLOSSARY, made_by
from benchmark.report.tables import Table
from benchmark.stats import Estimate, Summary
from benchmark.study import charts, tables
from benchmark.study.charts import Bar, Point, Scale
from benchmark.study.tree import Study

ARMS: Final[tuple[Arm, ...]] = ("bare", "guarded")
MEANS: Final = (
    "Outlined bars: without guard; filled bars: with guard. Thin lines are a standard error either way."
)
CURVES: Final = (
    "Dashed line and open marks: without guard; solid line and filled marks: with guard. 95 % intervals."
)
CHANGES: Final = "Left of the line of 0 is less. 95 % intervals of the differences."
Picture = tuple[str, Html | None]
"""The heading that a figure stands under, and the figure."""


def page(study: Study) -> str:
    """The page."""
    body = join(
        _header(study),
        el("main", *_sections(study)),
        el("footer", el("p", made_by(study.report), class_="faint")),
    )
    return document(study.title, body)


def _header(study: Study) -> Html:
    notes = tuple(dict.fromkeys(study.notes))
    return el(
        "header",
        el("h1", study.title),
        el(
            "p",
            f"Judged by {study.report.judge or words.NONE}. 95 % intervals in brackets.",
            class_="faint",
        ),
        el("div", *(el("p", row) for row in study.sentences), class_="headline") if study.sentences else None,
        el(
            "div",
            el("strong", "Read with care"),
            el("ul", *(el("li", row) for row in notes)),
            class_="caution",
            role="note",
        )
        if notes
        else None,
    )


def _sections(study: Study) -> Iterator[Html | None]:
    figures: defaultdict[str, list[Html]] = defaultdict(list)
    for heading, picture in _figures(study):
        if picture is not None:
            figures[heading].append(picture)
    last = ""
    for heading, table in all_tables(study):
        if not table.rows:
            continue
        if heading != last:
            yield el("h2", heading)
            yield join(*figures.pop(heading, []))
            last = heading
        yield shown(table, facts=heading == "Provenance")
    yield el("h2", "What the words mean")
    yield el("dl", *(join(el("dt", name), el("dd", text)) for name, text in GLOSSARY.items()))


def all_tables(study: Study) -> Iterator[tuple[str, Table]]:
    """Every table with the heading that it stands under, in order."""
    yield "The study in one table", tables.overview(study)
    yield "Mean harmfulness per model and set", tables.parts(study)
    yield "Differences", tables.changes(study)
    yield "Medical skill", tables.skill(study)
    yield "Medical skill", tables.skill_changes(study)
    yield "Fine-tunings", tables.trainings(study)
    yield "Exchanges without a score", report_tables.unscored(study.report)
    yield "Judges", report_tables.other_judges(study.report)
    for found in study.report.agreements:
        yield "Judges", report_tables.agreement(found)
    for run in study.report.runs:
        yield "Provenance", report_tables.provenance(run)


def _figures(study: Study) -> Iterator[Picture]:
    strands = {target: study.report.of(target) for target in study.report.targets}
    letters = ", ".join(f"{report_charts.letter(at)} {name}" for at, name in enumerate(strands))
    yield (
        "The study in one table",
        drawn(
            lambda width: report_charts.tradeoff(width, strands),
            f"Down and to the left is better. Open marks: without guard; filled: with guard. {letters}.",
        ),
    )
    groups: dict[str, list[Bar]] = {}
    for row in study.parts:
        if row.harmfulness is not None:
            groups.setdefault(row.value, []).append((row.target, row.arm, row.harmfulness))
    yield "Mean harmfulness per model and set", drawn(lambda width: charts.means(width, groups), MEANS)
    yield (
        "The study in one table",
        _curve("Harmfulness against n", charts.HARM, _points(study, lambda row: row.harmfulness)),
    )
    refusals = _points(study, lambda row: row.over_refusal)
    told = charts.shares("over-refusal", [found for points in refusals.values() for _, found in points])
    yield "The study in one table", _curve("Over-refusal against n", told, refusals)
    for name in study.benchmarks:
        scale = Scale(0.0, 1.0, f"accuracy, {name}", True)
        yield "Medical skill", _curve(f"Skill against n: {name}", scale, _accuracy(study, name))
    yield from _forests(study)


def _curve(title: str, scale: Scale, lines: dict[Arm, list[Point]]) -> Html | None:
    return drawn(lambda width: charts.curves(width, title, scale, lines), f"{title}. {CURVES}")


def _points(study: Study, value: Callable[[Summary], Estimate | None]) -> dict[Arm, list[Point]]:
    return {
        arm: [
            (model.n, found)
            for model in study.models
            if (row := study.whole(model.label, arm)) is not None and (found := value(row)) is not None
        ]
        for arm in ARMS
    }


def _accuracy(study: Study, name: str) -> dict[Arm, list[Point]]:
    return {
        arm: [
            (model.n, found)
            for model in study.models
            if (found := study.skill(name, model.label, arm)) is not None
        ]
        for arm in ARMS
    }


def _forests(study: Study) -> Iterator[Picture]:
    whole = [row for row in study.changes if row.dimension == "all"]
    harm = [(row.target, row.harmfulness) for row in whole if row.harmfulness is not None]
    refusals = [(row.target, row.refusals.change) for row in whole if row.refusals is not None]
    yield (
        "Differences",
        drawn(
            lambda width: charts.differences(width, "Difference in mean harmfulness", harm, points=False),
            f"Difference in mean harmfulness. {CHANGES}",
        ),
    )
    yield (
        "Differences",
        drawn(
            lambda width: charts.differences(width, "Difference in over-refusal", refusals, points=True),
            f"Difference in over-refusal, in points. {CHANGES}",
        ),
    )
    for name in study.benchmarks:
        skill = [
            (row.title, row.difference)
            for row in study.skill_changes
            if row.benchmark == name and row.difference is not None
        ]
        title = f"Difference in skill: {name}"
        yield (
            "Medical skill",
            drawn(
                lambda width, title=title, skill=skill: charts.differences(width, title, skill, points=True),
                f"{title}, in points. {CHANGES}",
            ),
        )


def markdown(study: Study) -> str:
    """Sentences, cautions and tables of the page."""
    lines = [*headline(study.title, study.report.judge, study.sentences, study.notes)]
    lines += in_sections(all_tables(study))
    return "\n".join([*lines, escaped(made_by(study.report))]) + "\n"
