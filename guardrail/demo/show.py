"""The demonstration's tables; readable at 80 columns."""

from __future__ import annotations

from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from guardrail.principles import PRINCIPLES
from guardrail.verdict import Verdict

REPLY_CHARS = 110
"""Characters of an answer that are shown."""


@dataclass(frozen=True, slots=True)
class Row:
    """One exchange: what was asked, what came back, and what the guard thought of it."""

    asked: str
    answered: str
    outcome: str
    stopped: bool
    verdict: Verdict
    added_ms: float | None


def _shortened(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= REPLY_CHARS else flat[:REPLY_CHARS].rsplit(" ", 1)[0] + " ..."


def _score(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def exchanges() -> Table:
    """An empty table of exchanges."""
    table = Table(box=SIMPLE_HEAD, expand=True, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("asked / answered", ratio=1, overflow="fold")
    table.add_column("outcome", no_wrap=True, min_width=8)
    table.add_column("risk\n0-1", justify="right", no_wrap=True, min_width=4)
    table.add_column("harm\n1-5", justify="right", no_wrap=True, min_width=4)
    table.add_column("prin-\nciples", justify="right", no_wrap=True, min_width=6)
    table.add_column("guard\nms", justify="right", no_wrap=True, min_width=5)
    return table


def add(table: Table, row: Row) -> None:
    """Append an exchange."""
    colour = "red" if row.stopped else "green"
    scores = row.verdict.scores
    text = Text(row.asked, style="bold")
    text.append("\n" + _shortened(row.answered), style="not bold dim")
    if hidden := {window.view for window in row.verdict.windows} - {"text"}:
        text.append(f"\n(also read as {', '.join(sorted(hidden))})", style="not bold italic")
    table.add_row(
        text,
        Text(row.outcome, style=colour),
        _score(scores and scores.prompt_risk, 2),
        _score(scores and scores.harmfulness, 1),
        ",".join(map(str, row.verdict.flagged[:3])) or "-",
        _score(row.added_ms, 1),
    )
    table.add_section()


def act(console: Console, number: int, title: str, explanation: str) -> None:
    """The heading of an act."""
    console.print()
    console.print(f"[bold cyan]{number}  {escape(title)}[/]")
    console.print(explanation, style="dim", markup=False, highlight=False)
    console.print()


def legend(console: Console) -> None:
    """What the columns mean, and the principles by number."""
    console.print()
    console.print(
        "risk: probability that the request is unethical. harm: the answer on the paper's scale, from 1 "
        "(declines) to 5 (fulfils a harmful request). guard ms: what the guard added to the call.",
        style="dim",
        highlight=False,
    )
    names = ", ".join(f"{principle.number} {principle.name}" for principle in PRINCIPLES)
    console.print(f"principles (AMA): {names}.", style="dim", highlight=False)
    console.print(
        "Not a medical device: a filter that makes mistakes both ways.", style="dim", highlight=False
    )
