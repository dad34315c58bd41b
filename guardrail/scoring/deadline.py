"""How a check that ran out of time stops its scorer, instead of leaving it to burn a core."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from typing import Final

from guardrail.errors import ScoringError

_moment: Final[ContextVar[float]] = ContextVar("guardrail_deadline", default=inf)


@contextmanager
def until(moment: float) -> Generator[None]:
    """Within it, scoring has until `moment` (of `time.monotonic`)."""
    token = _moment.set(moment)
    try:
        yield
    finally:
        _moment.reset(token)


def remaining() -> float | None:
    """Seconds left, `None` without a deadline. Raises `ScoringError` when none are left."""
    moment = _moment.get()
    if moment == inf:
        return None
    left = moment - time.monotonic()
    if left <= 0.0:
        raise ScoringError("the check ran out of time")
    return left
