"""The bare ONNX session: the floor that the guard is measured against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs] - it ships no types
from numpy.typing import NDArray
from tokenizers import Tokenizer

from guardrail.scoring.bundle import Bundle
from guardrail.scoring.onnx import session_options
from guardrail.scoring.scores import Item
from guardrail.scoring.windows import PreparedWindow, Preparer

ort: Any = onnxruntime
Feed = dict[str, NDArray[np.int64]]
BATCH_TOKENS: Final = 2048
"""Padded tokens in one batch."""


class Bare:
    """A session on the bundle's network, with the guard's options, and inputs prepared beforehand."""

    def __init__(self, bundle: Bundle) -> None:
        self._session = ort.InferenceSession(
            str(bundle.model), session_options(), providers=["CPUExecutionProvider"]
        )
        self._preparer = Preparer(Tokenizer.from_file(str(bundle.tokenizer)))

    def feeds(self, items: Sequence[Item]) -> list[Feed]:
        """The items' windows as batches by length."""
        windows = sorted(
            (window for item in items for window in self._preparer.prepare(item)),
            key=lambda window: len(window.ids),
        )
        groups: list[list[PreparedWindow]] = [[]]
        for window in windows:
            if groups[-1] and (len(groups[-1]) + 1) * len(window.ids) > BATCH_TOKENS:
                groups.append([])
            groups[-1].append(window)
        return [_feed(group) for group in groups]

    def run(self, feeds: Sequence[Feed]) -> None:
        """Nothing but the network."""
        for feed in feeds:
            self._session.run(["logits"], feed)


def _feed(windows: Sequence[PreparedWindow]) -> Feed:
    longest = max(len(window.ids) for window in windows)
    feed = {
        name: np.zeros((len(windows), longest), dtype=np.int64)
        for name in ("input_ids", "attention_mask", "token_type_ids")
    }
    for row, window in enumerate(windows):
        length = len(window.ids)
        feed["input_ids"][row, :length] = window.ids
        feed["attention_mask"][row, :length] = 1
        feed["token_type_ids"][row, :length] = window.type_ids
    return feed
