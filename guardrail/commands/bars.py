"""Bars for a person: a verdict as a small table, with no text of the exchange in it."""

from __future__ import annotations

from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from guardrail.principles import PRINCIPLES
from guardrail.verdict import Action, Verdict

WIDTH: Final = 24
"""Characters of a full bar."""
_STYLES: Final = {
    Action.ALLOW: "bold green",
    Action.OBSERVE: "bold yellow",
    Action.ANNOTATE: "bold yellow",
    Action.REFUSE: "bold red",
    Action.BLOCK: "bold red",
}


def action_text(verdict: Verdict) -> Text:
    """The action in its colour, and why."""
    text = Text(verdict.action.value, style=_STYLES[verdict.action])
    if verdict.reason != "allowed":
        text.append(f"  {verdict.reason}", style="default not bold")
    return text


def bar(share: float, flagged: bool = False) -> Text:
    """A bar filled to `share` (0-1)."""
    filled = round(share * WIDTH)
    colour = "red" if flagged else "cyan"
    return Text("█" * filled, style=colour) + Text("░" * (WIDTH - filled), style="bright_black")


def verdict_bars(verdict: Verdict) -> RenderableType:
    """The action, the overall scores and the nine principles, each with its bar."""
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column(no_wrap=True, ratio=None, overflow="ellipsis")
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    scores = verdict.scores
    if scores is not None:
        if scores.prompt_risk is not None:
            caused = verdict.direction == "prompt"
            table.add_row("prompt risk", bar(scores.prompt_risk, caused), f"{scores.prompt_risk:.2f}")
        if scores.harmfulness is not None:
            caused = verdict.direction == "response"
            table.add_row(
                "response harmfulness, 1-5",
                bar((scores.harmfulness - 1) / 4, caused),
                f"{scores.harmfulness:.1f} ",
            )
        if scores.refusal is not None:
            table.add_row("response declines", bar(scores.refusal), f"{scores.refusal:.2f}")
        table.add_row("")
        for principle in PRINCIPLES:
            share = scores.principles[principle.number]
            label = Text.assemble((f"{principle.number} ", "bold"), principle.name)
            table.add_row(label, bar(share, principle.number in verdict.flagged), f"{share:.2f}")
        table.add_row("  harm outside medicine", bar(scores.general), f"{scores.general:.2f}")
    who = f"{verdict.classifier.name} {verdict.classifier.version}, policy {verdict.policy}"
    return Group(
        action_text(verdict), "", table, "", Text(f"{who}, {verdict.latency_ms:.1f} ms", style="dim")
    )
