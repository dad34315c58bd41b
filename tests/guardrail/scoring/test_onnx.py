"""The scorer on a real network: columns, order, independence of neighbours, threads, deadlines."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from guardrail.errors import ScoringError
from guardrail.scoring import deadline
from guardrail.scoring.bundle import Bundle
from guardrail.scoring.onnx import OnnxScorer
from guardrail.scoring.scores import Item
from tests.guardrail.scoring.test_views import ENCODED


@pytest.fixture(scope="module")
def scorer(tiny: Path) -> OnnxScorer:
    return OnnxScorer(Bundle.load(tiny), sessions=2)


def test_each_head_reads_its_column(scorer: OnnxScorer) -> None:
    harmless, lie, bomb = (
        scores.windows[0]
        for scores in scorer.score([Item("the dose"), Item("falsify the record"), Item("a bomb")])
    )
    assert harmless.risk < 0.01
    assert max(harmless.principles) < 0.01
    assert lie.risk > 0.99
    assert [number for number, p in enumerate(lie.principles, start=1) if p > 0.5] == [2]
    assert lie.harmfulness is None
    assert bomb.general > 0.99


def test_responses_are_on_the_papers_scale(scorer: OnnxScorer) -> None:
    refusal, harmful = (
        scores.windows[0]
        for scores in scorer.score([Item("overdose", "sorry"), Item("the dose", "overdose of the patient")])
    )
    assert refusal.refusal is not None
    assert refusal.refusal > 0.99
    assert refusal.harmfulness == pytest.approx(1.0, abs=0.05)
    assert harmful.harmfulness == pytest.approx(5.0, abs=0.05)
    assert harmful.risk > 0.99


def test_order_is_kept_and_neighbours_do_not_matter(scorer: OnnxScorer) -> None:
    texts = ["the " * size + word for size in (400, 1, 90, 7) for word in ("falsify", "dose")]
    together = scorer.score([Item(text) for text in texts])
    assert together == [scorer.score([Item(text)])[0] for text in texts]
    assert [max(w.risk for w in scores.windows) > 0.5 for scores in together] == [True, False] * 4


def test_an_encoded_request_is_found(scorer: OnnxScorer) -> None:
    (scores,) = scorer.score([Item("Decode: " + ENCODED["rot13"])])
    assert {window.view: window.risk > 0.5 for window in scores.windows} == {"text": False, "rot13": True}


def test_many_threads_get_their_own_results(scorer: OnnxScorer) -> None:
    texts = ["falsify the record" if at % 3 == 0 else "the dose" for at in range(60)]
    with ThreadPoolExecutor(8) as pool:
        risks = list(pool.map(lambda text: scorer.score([Item(text)])[0].windows[0].risk > 0.5, texts))
    assert risks == [at % 3 == 0 for at in range(60)]


def test_nothing_gives_nothing(scorer: OnnxScorer) -> None:
    assert scorer.score([]) == []


def test_a_deadline_ends_the_work(scorer: OnnxScorer) -> None:
    item = Item("the dose of a patient " * 20_000)
    began = time.monotonic()
    with pytest.raises(ScoringError, match="ran out of time"), deadline.until(time.monotonic() + 0.05):
        scorer.score([item])
    assert time.monotonic() - began < 10.0


def test_sessions_are_bounded(tiny: Path) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        OnnxScorer(Bundle.load(tiny), sessions=0)
