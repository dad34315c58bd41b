"""Words written without spaces (`howtofalsifyarecord`), taken apart by the tokenizer's own vocabulary."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import inf, log
from typing import Final

_SHORTEST: Final = 16
"""Letters in a row from which on a run is looked at: few English words are longer."""
_LONGEST_WORD: Final = 20
_CHEAPEST: Final = 5.0
_COMMON: Final = 4000
"""Rank from which on a short word is more likely a piece of a longer one."""
_RUN: Final = re.compile(rf"(?<!')[A-Za-z]{{{_SHORTEST},}}")
_LETTERS: Final = bytes(0x61 if chr(code).isalpha() else 0x2E for code in range(128)).ljust(256, b".")
_SIGN: Final = b"a" * _SHORTEST
_LINKS: Final = frozenset(
    ["and", "for", "from", "how", "my", "of", "that", "the", "to", "what", "with", "without"]
)
"""Words that a request hardly does without, and that single long words hardly come apart into."""


def has_long_run(text: str) -> bool:
    """Whether there is anything to take apart; quick."""
    return _SIGN in text.encode("utf-8", "replace").translate(_LETTERS)


class Segmenter:
    """Takes runs of letters apart into the likeliest words of a vocabulary; thread-safe.

    A BERT vocabulary lists words by frequency, so a word's id stands for its rank (Zipf's law).
    """

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        self._cost = {
            word: max(log(rank + 2) - _CHEAPEST, 1.0) + (4.0 if len(word) < 4 and rank > _COMMON else 0.0)
            for word, rank in vocabulary.items()
            if word.isascii() and word.isalpha() and (len(word) > 1 or word in ("a", "i"))
        }

    def __call__(self, text: str) -> str | None:
        """The text with its joined words apart; `None` when there are none."""
        apart = _RUN.sub(lambda match: self._apart(match.group()) or match.group(), text)
        return apart if apart != text else None

    def _apart(self, run: str) -> str | None:
        """The cheapest way to write a run as words, if it reads like a sentence."""
        letters = run.lower()
        best = [0.0] + [inf] * len(letters)
        came = [0] * (len(letters) + 1)
        for end in range(1, len(letters) + 1):
            for start in range(max(0, end - _LONGEST_WORD), end):
                cost = self._cost.get(letters[start:end]) or _unknown(end - start)
                if best[start] + cost < best[end]:
                    best[end], came[end] = best[start] + cost, start
        words: list[str] = []
        end = len(letters)
        while end:
            words.append(letters[came[end] : end])
            end = came[end]
        words.reverse()
        if best[-1] == inf or len(words) < 4 or len(letters) < 3 * len(words) or _LINKS.isdisjoint(words):
            return None
        known = sum(len(word) for word in words if word in self._cost)
        return " ".join(words) if known * 2 > len(letters) else None


def _unknown(length: int) -> float:
    """The cost of a word that is in no vocabulary, such as a drug's name: dearer than known ones."""
    return 4.0 + 2.0 * length if length > 3 else inf
