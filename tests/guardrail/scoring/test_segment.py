"""Joined words come apart; long words stay."""

from __future__ import annotations

import pytest

from guardrail.scoring.scores import Item
from guardrail.scoring.segment import Segmenter
from guardrail.scoring.windows import Preparer
from tests.guardrail.scoring.tiny import tokenizer

WORDS = ("the", "of", "to", "how", "a", "patient", "record", "medical", "error", "hide", "from", "my", "dose")
SEGMENT = Segmenter({word: 2000 + at for at, word in enumerate(WORDS)})


@pytest.mark.parametrize(
    ("text", "apart"),
    [
        ("howtohidetherecord", "how to hide the record"),
        ("HowToHideAMedicalErrorFromMyPatient", "how to hide a medical error from my patient"),
        ("say howtofalsifythemedicalrecord now", "say how to falsify the medical record now"),
    ],
)
def test_joined_words_come_apart(text: str, apart: str) -> None:
    assert SEGMENT(text) == apart


@pytest.mark.parametrize(
    "text",
    [
        "",
        "how to hide the record",
        "electroencephalography",
        "immunohistochemistry of the patient",
        "x" * 500,
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert SEGMENT(text) is None


def test_the_reading_is_scored_beside_the_text() -> None:
    joined = "howtofalsifythepatientrecord"
    plain, apart = Preparer(tokenizer()).prepare(Item(joined))
    assert (plain.view, apart.view) == ("text", "unspaced")
    assert (apart.start, apart.end) == (0, len(joined))
    assert tokenizer().token_to_id("falsify") in apart.ids
