"""What a study found: one computed value, of which the page, the Markdown and the JSON are three views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmark.judged import Arm
from benchmark.report.tree import Report
from benchmark.skill.questions import Benchmark
from benchmark.stats import Comparison, Estimate, Summary


@dataclass(frozen=True, slots=True)
class Model:
    """A size: the model as it was given (`n` 0), or those tuned on `n` demonstrations, one a seed."""

    label: str
    n: int
    seeds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SkillRow:
    """Accuracy of a model on a set. Of several seeds, all their answers, with questions as clusters.

    `invalid` counts answers that name no option; behind the guard, what it stopped is among them.
    """

    benchmark: Benchmark
    label: str
    arm: Arm
    accuracy: Estimate | None
    invalid: int
    questions: int


@dataclass(frozen=True, slots=True)
class SkillChange:
    """Accuracy of one model less that of another, question by question; `title` says of which."""

    benchmark: Benchmark
    title: str
    difference: Estimate | None


@dataclass(frozen=True, slots=True)
class Training:
    """A fine-tuning, as its manifest tells of it."""

    label: str
    seed: int
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Study:
    """Everything.

    `report` is what `guardrail bench report` would say of all runs, with models under the study's names.
    `parts` are the harmful sets, and the sources of those that have several; `changes` bear as `target` what
    was compared with what.
    """

    title: str
    model: str
    settings: dict[str, Any]
    models: tuple[Model, ...]
    sentences: tuple[str, ...]
    notes: tuple[str, ...]
    parts: tuple[Summary, ...]
    changes: tuple[Comparison, ...]
    skills: tuple[SkillRow, ...]
    skill_changes: tuple[SkillChange, ...]
    trainings: tuple[Training, ...]
    report: Report

    def whole(self, label: str, arm: Arm) -> Summary | None:
        """A model in one arm on all requests, under the report's judge."""
        rows = (strand.summary for strand in self.report.of(label))
        return next((row for row in rows if row.arm == arm), None)

    def skill(self, benchmark: str, label: str, arm: Arm) -> Estimate | None:
        """Its accuracy on a set."""
        rows = (row for row in self.skills if (row.benchmark, row.label, row.arm) == (benchmark, label, arm))
        return next((row.accuracy for row in rows), None)

    @property
    def benchmarks(self) -> tuple[Benchmark, ...]:
        """The sets that skill was measured on."""
        return tuple(dict.fromkeys(row.benchmark for row in self.skills))
