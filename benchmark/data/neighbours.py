"""Exact and near duplicates between texts, so that no evaluation item has kin in a training set."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

_WORD = re.compile(r"[a-z0-9]+")


def normalised(text: str) -> str:
    """Lower case, letters and digits only, single spaces: equal for texts that differ in typography."""
    return " ".join(_WORD.findall(text.lower()))


def trigrams(text: str) -> frozenset[tuple[str, ...]]:
    """Word 3-grams of the normalised text; the whole text as one gram when it is shorter."""
    words = _WORD.findall(text.lower())
    if len(words) < 3:
        return frozenset({tuple(words)}) if words else frozenset()
    return frozenset(tuple(words[i : i + 3]) for i in range(len(words) - 2))


class Neighbours:
    """An index of texts that answers how near another text is: word-3-gram Jaccard similarity, 0 to 1."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._sizes: list[int] = []
        self._index: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for text in texts:
            grams = trigrams(text)
            for gram in grams:
                self._index[gram].append(len(self._sizes))
            self._sizes.append(len(grams))

    def similarity(self, text: str) -> float:
        """The highest Jaccard similarity of `text` with any indexed text."""
        grams = trigrams(text)
        shared: Counter[int] = Counter()
        for gram in grams:
            shared.update(self._index.get(gram, ()))
        return max((n / (len(grams) + self._sizes[i] - n) for i, n in shared.items()), default=0.0)
