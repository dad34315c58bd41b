"""The measures of speed measure what they say; the figures themselves are for an idle machine."""

from __future__ import annotations

import itertools

import pytest

from benchmark.speed.bare import BATCH_TOKENS, Bare
from benchmark.speed.checks import many_checks
from benchmark.speed.client import figures as client_figures
from benchmark.speed.figure import Figure, table
from benchmark.speed.imports import loaded_by
from benchmark.speed.texts import PROMPT_40, mixed
from guardrail.guard import Guard
from guardrail.scoring.bundle import Bundle
from guardrail.scoring.scores import Item


@pytest.fixture(scope="module")
def bare() -> Bare:
    return Bare(Bundle.load(None))


def test_a_figure_is_held_to_its_bound() -> None:
    kept, broken = Figure("a", 1.25, "x", 1.25, "how"), Figure("b", 2.0, "ms", 1.0)
    assert kept.good
    assert not broken.good
    assert table([kept, broken]).splitlines()[2:] == [
        "| a | 1.25 x | 1.25 x | yes | how |",
        "| b | 2 ms | 1 ms | **no** |  |",
    ]


def test_the_prompt_has_forty_tokens(bare: Bare) -> None:
    (feed,) = bare.feeds([Item(prompt=PROMPT_40)])
    assert feed["input_ids"].shape == (1, 42)  # with [CLS] and [SEP]


def test_batches_are_by_length_and_bounded(bare: Bare) -> None:
    requests = list(mixed(60))
    feeds = bare.feeds([Item(prompt=request["prompt"]) for request in requests])
    assert sum(feed["input_ids"].shape[0] for feed in feeds) == 60
    assert all(feed["input_ids"].size <= BATCH_TOKENS for feed in feeds)
    widths = [feed["input_ids"].shape[1] for feed in feeds]
    assert all(one <= other for one, other in itertools.pairwise(widths))


def test_mixed_texts_are_the_same_each_time() -> None:
    assert list(mixed(20)) == list(mixed(20))
    assert {"response" in request for request in mixed(20)} == {True, False}


def test_many_checks_are_compared(bare: Bare) -> None:
    with Guard(workers=1) as guard:
        figure = many_checks(guard, bare, 12)
    assert figure.value > 0
    assert "12 lines" in figure.detail


def test_a_wrapped_call_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.speed.client.ROUNDS", 13)
    (figure,) = client_figures()
    assert "medians of 3" in figure.detail


def test_loaded_modules_are_seen() -> None:
    assert "json" in loaded_by("import json")
