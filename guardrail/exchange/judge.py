"""What the core needs of a guard: its policy, its memory, and verdicts on scores. No threads, no I/O."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from guardrail.scoring.scores import Item, ItemScores
from guardrail.verdict import Direction, Verdict

if TYPE_CHECKING:
    from guardrail.exchange.memory import Memory
    from guardrail.policy import Policy


class Judge(Protocol):
    """The part of `Guard` that an exchange uses."""

    @property
    def policy(self) -> Policy:
        """What to do with what is found."""
        ...

    @property
    def memory(self) -> Memory:
        """What was decided before."""
        ...

    def verdict(
        self,
        direction: Direction,
        scores: Sequence[ItemScores],
        *,
        messages: Sequence[int | None] = (),
        failure: Exception | None = None,
        not_scanned: Sequence[str] = (),
        latency_ms: float = 0.0,
    ) -> Verdict:
        """The decision on one side: `scores` of its items in order (`messages`: where each came from)."""
        ...


def item(text: str, prompt: str | None, direction: Direction) -> Item:
    """An item whose text any tokenizer can read: halves of surrogate pairs are joined, lone ones replaced."""
    return (
        Item(prompt=_whole(text)) if direction == "prompt" else Item(prompt and _whole(prompt), _whole(text))
    )


def _whole(text: str) -> str:
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def shifted(scores: ItemScores, by: int) -> ItemScores:
    """The same scores with window offsets `by` characters further on."""
    if not by:
        return scores
    windows = tuple(
        dataclasses.replace(window, start=window.start + by, end=window.end + by) for window in scores.windows
    )
    return ItemScores(windows)
