"""`guardrail policy`: look at a preset, check a file before it guards anybody, list the keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guardrail.commands.options import BundleOption

app = typer.Typer(help="Look at policy presets and check policy files.", no_args_is_help=True)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A policy file: YAML, TOML or JSON.")],
    bundle: BundleOption = None,
) -> None:
    """Read a policy file as the guard would, and show the scores at which it acts."""
    from rich.console import Console

    from guardrail.commands.thresholds import thresholds_table
    from guardrail.policy import Policy
    from guardrail.scoring.bundle import Bundle

    policy = Policy.load(file)
    typer.echo(f"{file}: ok, policy {policy.name}")
    Console().print(thresholds_table(policy, Bundle.load(bundle)))


@app.command()
def show(preset: Annotated[str, typer.Argument(help="patient, clinician or research.")]) -> None:
    """Print a preset, ready to be saved to a file and changed."""
    from guardrail.errors import PolicyError
    from guardrail.policy_files import PRESETS, preset_text

    if preset not in PRESETS:
        raise PolicyError(f"no preset {preset!r}: {', '.join(PRESETS)}")
    typer.echo(preset_text(preset), nl=False)


@app.command()
def keys() -> None:
    """Print every key of a policy file as a Markdown table."""
    from guardrail.commands.policy_keys import policy_keys

    typer.echo(policy_keys())
