"""What goes into a scorer and what comes out; the scorer knows no wire format and no policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from guardrail.verdict import ClassifierInfo, Direction


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to score: a prompt, a response, or a response with the prompt as its context.

    With both, the prompt is context only: score it with an item of its own.
    """

    prompt: str | None = field(default=None, repr=False)
    response: str | None = field(default=None, repr=False)

    @property
    def direction(self) -> Direction:
        return "prompt" if self.response is None else "response"


@dataclass(frozen=True, slots=True)
class WindowScores:
    """Calibrated scores of one window; `start` and `end` are character offsets into the item's text."""

    start: int
    end: int
    view: str
    risk: float
    """Prompt items: probability of an unethical request. Response items: P(judge score >= 3)."""
    harmfulness: float | None
    """Response items only: expected judge score, 1-5."""
    refusal: float | None
    """Response items only."""
    principles: tuple[float, ...]
    """Nine probabilities, principle 1 first."""
    general: float


@dataclass(frozen=True, slots=True)
class ItemScores:
    """The windows of one item, in order; never empty."""

    windows: tuple[WindowScores, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """Operating points measured on held-out data: a threshold for each false-positive rate.

    `rates` ascend, `thresholds` descend; on the scale of the score (risk 0-1, harmfulness 1-5).
    """

    rates: tuple[float, ...]
    thresholds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Curves:
    """The bundle's curves: prompt risk, response harmfulness, and each principle per direction (1 first)."""

    prompt: Curve
    response: Curve
    prompt_principles: tuple[Curve, ...]
    response_principles: tuple[Curve, ...]


class Scorer(Protocol):
    """Anything that scores. Thread-safe; `score` may block."""

    @property
    def info(self) -> ClassifierInfo:
        """Name, version and sha256 of the classifier."""
        ...

    @property
    def curves(self) -> Curves:
        """Where the thresholds for stated false-positive rates are looked up."""
        ...

    def score(self, items: Sequence[Item]) -> list[ItemScores]:
        """Score items in order; one result per item. Raises `ScoringError`."""
        ...
