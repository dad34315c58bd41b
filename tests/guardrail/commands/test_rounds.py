"""Rounds keep the order, never wait for a slow producer, and pass on what it raises."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.commands.rounds import rounds


@given(st.integers(0, 40), st.integers(1, 7))
def test_input_that_never_pauses_is_cut_evenly(count: int, most: int) -> None:
    found = list(rounds(iter(range(count)), most))
    assert [item for part in found for item in part] == list(range(count))
    assert all(len(part) == most for part in found[:-1])


def test_what_has_come_is_handed_on_when_the_producer_pauses() -> None:
    go_on = threading.Event()

    def slow() -> Iterator[int]:
        yield 1
        yield 2
        go_on.wait(10)
        yield 3

    found = rounds(slow(), 100, patience=0.05)
    assert next(found) == [1, 2]
    go_on.set()
    assert list(found) == [[3]]


def test_an_error_comes_after_the_items_before_it() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    found = rounds(broken(), 10)
    assert next(found) == [1]
    with pytest.raises(OSError, match="gone"):
        next(found)
