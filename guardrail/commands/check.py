"""`guardrail check`: one prompt, one response or both, judged for a person."""

from __future__ import annotations

from typing import Annotated

import typer

from guardrail.commands.options import BundleOption, PolicyOption


def check(
    prompt: Annotated[str | None, typer.Option(help="What the user asks.")] = None,
    response: Annotated[str | None, typer.Option(help="What the model answers.")] = None,
    policy: PolicyOption = "patient",
    bundle: BundleOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> None:
    """Judge one prompt, one response, or both: the action, the risk and the nine principles, with bars."""
    if prompt is None and response is None:
        raise typer.BadParameter("give --prompt, --response, or both")
    from guardrail.guard import Guard

    with Guard(policy, bundle=bundle) as guard:
        verdict = guard.check(prompt=prompt, response=response)
    if as_json:
        typer.echo(verdict.model_dump_json(indent=2))
        return
    from rich.console import Console

    from guardrail.commands.bars import verdict_bars

    Console().print(verdict_bars(verdict))
