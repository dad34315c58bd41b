"""Options that several commands of the benchmark share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

JudgeOption = Annotated[
    list[str],
    typer.Option(help="classifier, or a model as KIND:NAME; several times for several."),
]
RubricOption = Annotated[str, typer.Option(help="paper or native: the prompt of judges that are models.")]
LimitOption = Annotated[int | None, typer.Option(min=1, help="Requests a set, drawn at random: a trial.")]

StartOption = Annotated[Path, typer.Option(help="Hugging Face folder, or a .gguf file.")]
SafetyOption = Annotated[str, typer.Option(help="Safety demonstrations: med, gen or both.")]
MethodOption = Annotated[str, typer.Option(help="lora or full.")]
EpochsOption = Annotated[int | None, typer.Option(help="Passes over the data.")]
RateOption = Annotated[float | None, typer.Option(help="Peak learning rate.")]
LengthOption = Annotated[int | None, typer.Option(help="Tokens of an example; the rest is cut.")]
BatchOption = Annotated[int | None, typer.Option(help="Examples an optimiser step.")]
MicroBatchOption = Annotated[int | None, typer.Option(help="Examples at once; bounds the memory.")]
StepsOption = Annotated[int | None, typer.Option(help="End after so many optimiser steps: a trial.")]
SaveOption = Annotated[int | None, typer.Option(help="Optimiser steps from checkpoint to checkpoint.")]
TwinsOption = Annotated[
    float | None,
    typer.Option(help="Honest twins a demonstration (modern), answered by the model itself."),
]
BenignOption = Annotated[float | None, typer.Option(help="Answers of MedQuAD a demonstration (modern).")]


def one_of(option: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise `typer.BadParameter` for a value that is none of those allowed."""
    if value not in allowed:
        raise typer.BadParameter(f"{option} is {', '.join(allowed[:-1])} or {allowed[-1]}, not {value!r}")
