"""How the core asks for scores without doing any I/O.

The core is written as generators: they yield the items to score and are sent the scores. A shell runs them
with `drive` or `adrive`; that is all that sync and async differ in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import TypeVar

from guardrail.errors import ScoringError
from guardrail.scoring.scores import Item, ItemScores

T = TypeVar("T")
Steps = Generator[Sequence[Item], Sequence[ItemScores], T]
"""Yields items, is sent their scores (or thrown a `ScoringError`), returns the outcome."""


def drive(steps: Steps[T], score: Callable[[Sequence[Item]], Sequence[ItemScores]]) -> T:
    """Run `steps` to its outcome, scoring on this thread's time."""
    try:
        items = next(steps)
        while True:
            try:
                scores = score(items)
            except ScoringError as failure:
                items = steps.throw(failure)
            else:
                items = steps.send(scores)
    except StopIteration as stop:
        return stop.value


async def adrive(steps: Steps[T], score: Callable[[Sequence[Item]], Awaitable[Sequence[ItemScores]]]) -> T:
    """Run `steps` to its outcome; scoring is awaited, so the loop is never blocked."""
    try:
        items = next(steps)
        while True:
            try:
                scores = await score(items)
            except ScoringError as failure:
                items = steps.throw(failure)
            else:
                items = steps.send(scores)
    except StopIteration as stop:
        return stop.value
