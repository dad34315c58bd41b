"""`guardrail policy`: look at a preset, check a file before it guards anybody."""

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
    """Check a policy file, and say at which scores it will act. Exit code 3 when it can't be used."""
    from guardrail.policy import Policy

    Policy.load(file)
    typer.echo(f"{file}: ok")


@app.command()
def show(preset: Annotated[str, typer.Argument(help="patient, clinician or research.")]) -> None:
    """Print a preset, ready to be saved to a file and changed."""
    from guardrail.policy import Policy

    typer.echo(Policy.load(preset))
