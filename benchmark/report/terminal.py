"""A table of a report on the terminal."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table as RichTable

from benchmark.report.tables import Table


def rich_table(found: Table) -> RichTable:
    """The table with its caption above and its note below; numbers keep to one line."""
    table = RichTable(
        title=escape(found.caption), title_justify="left", caption=escape(found.note), caption_justify="left"
    )
    for at, name in enumerate(found.columns):
        table.add_column(
            escape(name), justify="left" if at < found.labels else "right", no_wrap=at >= found.labels
        )
    for row in found.rows:
        table.add_row(*(escape(cell) for cell in row))
    return table
