"""A real server on loopback, and every kind of OpenAI client against it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import MarkerScorer, Upstream


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    server = Upstream()
    yield server
    server.close()


@pytest.fixture
def scorer() -> MarkerScorer:
    return MarkerScorer()
