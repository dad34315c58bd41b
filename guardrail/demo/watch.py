"""A scorer that measures another one: how long the guard kept a call waiting."""

from __future__ import annotations

import time
from collections.abc import Sequence

from guardrail.scoring.scores import Curves, Item, ItemScores, Scorer
from guardrail.verdict import ClassifierInfo


class Watch:
    """Scores with `inner` and adds up its calls and milliseconds."""

    def __init__(self, inner: Scorer) -> None:
        self._inner = inner
        self.calls = 0
        self.milliseconds = 0.0

    @property
    def info(self) -> ClassifierInfo:
        """The classifier of the inner scorer."""
        return self._inner.info

    @property
    def curves(self) -> Curves:
        """The curves of the inner scorer."""
        return self._inner.curves

    def reset(self) -> None:
        """Begin anew, before a call."""
        self.calls = 0
        self.milliseconds = 0.0

    def score(self, items: Sequence[Item]) -> list[ItemScores]:
        """Score, and note the time."""
        started = time.perf_counter()
        scores = self._inner.score(items)
        self.milliseconds += (time.perf_counter() - started) * 1000
        self.calls += 1
        return scores
