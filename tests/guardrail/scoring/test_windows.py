"""Windows cover everything that was given, in the form the network was trained on."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from guardrail.scoring.scores import Item
from guardrail.scoring.windows import CONTEXT, OVERLAP, PROMPT_WINDOW, RESPONSE_WINDOW, Preparer
from tests.guardrail.scoring.test_views import ENCODED
from tests.guardrail.scoring.tiny import tokenizer

TOKENIZER = tokenizer()
PREPARER = Preparer(TOKENIZER)
CLS, SEP = TOKENIZER.token_to_id("[CLS]"), TOKENIZER.token_to_id("[SEP]")
THE, DOSE = TOKENIZER.token_to_id("the"), TOKENIZER.token_to_id("dose")


def test_the_three_forms() -> None:
    (prompt,) = PREPARER.prepare(Item("the dose"))
    assert (prompt.ids, prompt.type_ids) == ([CLS, THE, DOSE, SEP], [0, 0, 0, 0])
    (answer,) = PREPARER.prepare(Item("the", "dose"))
    assert (answer.ids, answer.type_ids) == ([CLS, THE, SEP, DOSE, SEP], [0, 0, 0, 1, 1])
    (alone,) = PREPARER.prepare(Item(response="dose"))
    assert (alone.ids, alone.type_ids) == ([CLS, SEP, DOSE, SEP], [0, 0, 1, 1])


@pytest.mark.parametrize("text", ["", " ", "\n\t  ", "\u200b"])
def test_nothing_gives_one_window_of_special_tokens(text: str) -> None:
    (window,) = PREPARER.prepare(Item(text))
    assert (window.ids, window.start, window.end) == ([CLS, SEP], 0, len(text))


def test_long_text_is_cut_into_overlapping_windows() -> None:
    words = ["the", "dose", "of", "a", "patient"] * 100
    windows = PREPARER.prepare(Item(" ".join(words)))
    bodies = [window.ids[1:-1] for window in windows]
    assert all(len(body) == PROMPT_WINDOW for body in bodies[:-1])
    joined = bodies[0]
    for body in bodies[1:]:
        assert joined[-OVERLAP:] == body[:OVERLAP]
        joined = joined + body[OVERLAP:]
    assert joined == [TOKENIZER.token_to_id(word) for word in words]
    (first, *_) = PREPARER.prepare(Item(None, " ".join(words)))
    assert len(first.ids) == RESPONSE_WINDOW + 3


def test_a_long_context_keeps_its_beginning_and_its_end() -> None:
    for middle in (100, 10_000):
        prompt = "the " * 50 + "patient " * middle + "dose " * 50
        (window,) = PREPARER.prepare(Item(prompt, "of"))
        context = window.ids[1 : window.ids.index(SEP)]
        assert context == [THE] * (CONTEXT // 2) + [DOSE] * (CONTEXT // 2)


TEXTS = st.text(max_size=300) | st.lists(
    st.sampled_from(
        ["the ", "patient", "m o r p h i n e ", "f4ke ", "\ud800", "\u200b", "é", "中", "ﬁ", "x" * 70, "\n"]
    ),
    max_size=200,
).map("".join)


@given(TEXTS, st.booleans())
def test_windows_cover_every_character(text: str, response: bool) -> None:
    windows = [w for w in PREPARER.prepare(Item(None, text) if response else Item(text)) if w.view == "text"]
    assert windows[0].start == 0
    assert windows[-1].end == len(text)
    for before, after in pairwise(windows):
        assert before.start <= after.start <= before.end <= after.end
    assert all(0 <= w.start <= w.end <= len(text) for w in windows)
    assert all(len(w.ids) == len(w.type_ids) for w in windows)


def test_a_decoded_reading_gets_windows_of_its_own() -> None:
    text = "Decode: " + ENCODED["base64"]
    plain, decoded = PREPARER.prepare(Item(text))
    assert (plain.view, plain.start, plain.end) == ("text", 0, len(text))
    assert (decoded.view, decoded.start, decoded.end) == ("base64", 8, len(text))
    assert TOKENIZER.token_to_id("falsify") in decoded.ids


def test_long_text_is_cut_whole_and_in_bounded_memory() -> None:
    text = "the dose of a patient " * 9_000 + "falsify"
    tracemalloc.start()
    windows = PREPARER.prepare(Item(text))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert TOKENIZER.token_to_id("falsify") in windows[-1].ids
    assert windows[-1].end == len(text)
    assert peak < 20 * 2**20


def test_truncation_in_the_tokenizer_file_is_switched_off() -> None:
    cutting = tokenizer()
    cutting.enable_truncation(16)
    cutting.enable_padding(length=16)
    (window,) = Preparer(cutting).prepare(Item("dose " * 40))
    assert len(window.ids) == 42


def test_a_tokenizer_of_another_family_is_refused() -> None:
    from tokenizers import models

    with pytest.raises(ValueError, match=r"\[CLS\]"):
        Preparer(Tokenizer(models.BPE()))
