"""`guardrail bench compare`: one run against another, or why that can't be done."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare(
    first: Annotated[Path, typer.Argument(metavar="RUN_A", help="Folder of the run compared with.")],
    second: Annotated[Path, typer.Argument(metavar="RUN_B", help="Folder of the run that is compared.")],
    out: Annotated[Path | None, typer.Option(help="Write everything as JSON, with both provenances.")] = None,
    detail: Annotated[bool, typer.Option(help="Rows by source, wording and train neighbours too.")] = False,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
) -> None:
    """Compare RUN_B with RUN_A, request by request: another model, guard or policy on the same requests.

    Refuses, with exit code 1, runs that differ in comparability number, data, judge or settings, and says in
    what.
    """
    from benchmark.output import console, write_json
    from benchmark.report.comparison import compare_runs
    from benchmark.report.runs import read_run
    from benchmark.report.tables import narrow, paired
    from benchmark.report.terminal import rich_table
    from benchmark.stats.summary import Dimension

    dimensions: list[Dimension] = ["all", "set", "principle"]
    found = compare_runs(
        read_run(first),
        read_run(second),
        dimensions=[*dimensions, "source", "register", "train"] if detail else dimensions,
        seed=seed,
    )
    target = console()
    for title in dict.fromkeys((row.target, row.judge) for row in found.rows):
        rows = [row for row in found.rows if (row.target, row.judge) == title]
        caption = f"{found.second} less {found.first}: {title[0]}, judged by {title[1]}"
        target.print(rich_table(narrow(paired(rows, caption))))
    for note in found.notes:
        target.print(f"note: {note}", markup=False)
    if out is not None:
        write_json(out, found)
        typer.echo(f"wrote {out}", err=True)
