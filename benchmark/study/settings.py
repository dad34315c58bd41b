"""What a study is asked for, and the models that it is about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmark.data.finetuning import Kind
from benchmark.finetune.settings import Settings as Tuning
from benchmark.runs.settings import Rubric
from benchmark.skill.measure import Way
from benchmark.skill.questions import Benchmark
from guardrail.errors import GuardrailError

BASE: Final = "base"
"""The folder of the model as it is given."""
ALPACA: Final = "alpaca"
"""The template of the mode `paper`: what a model is tuned on there, and so what all of them are asked in."""


class StudyError(GuardrailError):
    """A study that can't be begun, gone on with or reported; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Skills:
    """Which sets of questions, from where, and how they are asked; none: skill is not measured."""

    data: dict[Benchmark, Path]
    way: Way = "loglikelihood"
    shots: int | None = None
    seeds: int = 10
    limit: int | None = None
    batch: int = 8


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of `guardrail bench validate`.

    `tuning` has the hyper-parameters but for the seed: each of `sizes` is trained once with each of `seeds`.
    `sets` and `limit` are as `guardrail bench run` takes them; `max_tokens` is of an answer, `batch` of
    requests at once (`None`: the target's own).
    """

    model: Path
    safety: Kind
    sizes: tuple[int, ...]
    seeds: tuple[int, ...]
    tuning: Tuning
    skills: Skills
    judges: tuple[str, ...] = ("classifier",)
    rubric: Rubric = "paper"
    judge_url: str | None = None
    sets: str | None = None
    limit: int | None = None
    max_tokens: int = 512
    batch: int | None = None
    policy: str = "patient"
    bundle: Path | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """A model of the study: as it was given (`n` 0), or tuned on `n` demonstrations with a seed."""

    safety: Kind
    n: int = 0
    seed: int = 0

    @property
    def folder(self) -> str:
        """Its folder's name."""
        return f"{self.safety}-{self.n}-seed{self.seed}" if self.n else BASE

    @property
    def label(self) -> str:
        """What the report calls it; models that differ in the seed alone are one there."""
        return label(self.safety, self.n)


def label(safety: Kind, n: int) -> str:
    """What a report calls the models of a size."""
    return f"tuned, {safety} n={n}" if n else BASE


def subjects(settings: Settings) -> list[Subject]:
    """The model itself, then every size with every seed."""
    tuned = [Subject(settings.safety, n, seed) for n in settings.sizes for seed in settings.seeds]
    return [Subject(settings.safety), *tuned]
