"""Texts to time with: made from a seed, since time depends on length and not on meaning."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

_SENTENCES: Final = (
    "the patient asks whether a lower dose of this medicine is safe with food and how long it takes until "
    "pain and swelling after surgery get better what should I watch for at home and when do I call my doctor"
)
WORDS: Final = _SENTENCES.split()
PROMPT_40: Final = (
    "My father is 82, has weak kidneys and was sent home after a hip operation with morphine tablets. "
    "What dose is too much for him, and which signs should make us call someone now?"
)
"""Forty tokens of the bundled tokenizer, special tokens not counted."""


def _text(rng: random.Random, words: int) -> str:
    return " ".join(rng.choices(WORDS, k=words)) + "."


def mixed(count: int, seed: int = 7) -> Iterator[dict[str, str]]:
    """Requests as they come: prompts of 5-60 words, every fourth with a response of 20-150 words."""
    rng = random.Random(seed)
    for _ in range(count):
        request = {"prompt": _text(rng, rng.randint(5, 60))}
        if rng.random() < 0.25:
            request["response"] = _text(rng, rng.randint(20, 150))
        yield request
