"""Text made to be slow is read in time that grows with its length and no faster."""

from __future__ import annotations

import random
import time

import pytest

from guardrail.scoring.normalize import normalize
from guardrail.scoring.views import views

SIZE = 60_000
_GAPS = random.Random(0)
HOSTILE = {
    "letters": "a",
    "spaced": "a b ",
    "gaps": None,
    "leet": "a1",
    "at signs": "a@a.",
    "dollars": "$a!",
    "zeros": "0",
    "hex": "0x61 ",
    "hex marks": "\\x6",
    "base64 lines": "QUJDREVGR0hJSktMTU5PUA\n",
    "percent": "%",
    "percent words": "a%20",
    "percent run": None,
    "entities": "&#97;",
    "ampersands": "&amp",
    "rot13": "gur naq. ",
    "reversed": "eht dna ",
    "backwards": "the of ",
    "newlines": "\n",
    "spaces": " ",
    "combining": "a\u0301\u0302",
    "mixed": "a\u0430\u03b1",
    "wide": "\uff41",
    "ligatures": "\ufdfa",
    "tags": "\U000e0061",
    "selectors": "\ufe0f\ufe0e",
    "joiners": "a\u200d",
    "surrogates": "\ud800",
    "flags": "\U0001f1e6",
}


def text_of(name: str) -> str:
    unit = HOSTILE[name]
    if name == "gaps":
        return "".join("a" + "".join(_GAPS.choices(" -._*|/~+^", k=4)) for _ in range(SIZE // 5))
    if name == "percent run":
        return "%%%" + "a" * SIZE
    assert unit is not None
    return unit * (SIZE // len(unit))


@pytest.mark.parametrize("name", HOSTILE)
def test_it_takes_no_longer_than_its_length_asks_for(name: str) -> None:
    text = text_of(name)
    began = time.process_time()
    normal = normalize(text)
    found = views(text, normal.text)
    assert time.process_time() - began < 2.0
    assert sum(len(view.text) for view in found) <= 8 * len(text)
