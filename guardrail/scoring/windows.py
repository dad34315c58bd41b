"""An item to the token windows the classifier reads: one preparation, for training and production alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Final

from tokenizers import Tokenizer

from guardrail.scoring import deadline
from guardrail.scoring.normalize import Normalized, normalize
from guardrail.scoring.scores import Item
from guardrail.scoring.segment import Segmenter, has_long_run
from guardrail.scoring.views import View, views

PROMPT_WINDOW: Final = 128
"""Tokens of a prompt scored at once, special tokens not counted."""
RESPONSE_WINDOW: Final = 256
"""Tokens of a response scored at once."""
OVERLAP: Final = 32
"""Tokens that consecutive windows share."""
CONTEXT: Final = 64
"""Tokens of the prompt that accompany each window of a response."""

_CHUNK: Final = 4096
"""Characters tokenised at once: bounds memory, and a short text is tokenised in one call."""

Token = tuple[int, int, int]
"""A token id, and the start and end (exclusive) of its characters in the given text."""


@dataclass(frozen=True, slots=True)
class PreparedWindow:
    """Token ids of one window, special tokens included, and what it covers of the given text."""

    ids: list[int]
    type_ids: list[int]
    """0 for the prompt (or the context), 1 for the response."""
    start: int
    end: int
    view: str
    """`text`, or the name of the decoding that revealed it."""


class Preparer:
    """Turns items into windows; thread-safe.

    The tokenizer must be a BERT-style one with `[CLS]` and `[SEP]`. Truncation and padding that it may carry
    are switched off, since no text is ever dropped.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self._cls = _special(tokenizer, "[CLS]")
        self._sep = _special(tokenizer, "[SEP]")
        self.pad = _special(tokenizer, "[PAD]")

    def prepare(self, item: Item) -> list[PreparedWindow]:
        """The windows of an item, in order; at least one. No text is dropped, however long."""
        if item.response is None:
            text, head, size, kind = item.prompt or "", [self._cls], PROMPT_WINDOW, 0
        else:
            head = [self._cls, *self._context(item.prompt or ""), self._sep]
            text, size, kind = item.response, RESPONSE_WINDOW, 1
        normal = normalize(text)
        windows = list(self._windows(normal, head, size, kind))
        for view in self._readings(text, normal.text):
            for window in self._windows(normalize(view.text), head, size, kind):
                windows.append(replace(window, start=view.start, end=view.end, view=view.name))
        return windows

    def _readings(self, text: str, normal: str) -> list[View]:
        found = views(text, normal)
        if has_long_run(normal):
            apart = self._segmenter(normal)
            if apart is not None:
                found.append(View("unspaced", apart, 0, len(text)))
        return found

    @cached_property
    def _segmenter(self) -> Segmenter:
        return Segmenter(self._tokenizer.get_vocab(with_added_tokens=False))

    def _windows(self, normal: Normalized, head: list[int], size: int, kind: int) -> Iterator[PreparedWindow]:
        tokens = self._tokens(normal)
        held: list[Token] = []
        start = 0
        while True:
            held.extend(islice(tokens, size + 1 - len(held)))
            last = len(held) <= size
            used = held[:size]
            end = normal.length if last else used[-1][2]
            ids = [*head, *(token[0] for token in used), self._sep]
            type_ids = [0] * len(head) + [kind] * (len(used) + 1)
            yield PreparedWindow(ids, type_ids, start, end, "text")
            if last:
                return
            held = held[size - OVERLAP :]
            start = held[0][1]

    def _tokens(self, normal: Normalized) -> Iterator[Token]:
        for base, chunk in _chunks(normal.text):
            deadline.remaining()
            encoding = self._tokenizer.encode(chunk, add_special_tokens=False)
            ids, spans = encoding.ids, encoding.offsets
            if normal.offsets is None:
                yield from ((i, base + a, base + b) for i, (a, b) in zip(ids, spans, strict=True))
            else:
                yield from (
                    (i, normal.start(base + a), normal.end(base + b))
                    for i, (a, b) in zip(ids, spans, strict=True)
                )

    def _context(self, prompt: str) -> list[int]:
        """The prompt's first and last tokens; only its first and last characters are read when it is long."""
        if len(prompt) <= _CHUNK:
            ids = self._ids(prompt)
            half = CONTEXT // 2
            return ids if len(ids) <= CONTEXT else [*ids[:half], *ids[-half:]]
        first, last = self._ids(prompt[: _CHUNK // 2]), self._ids(prompt[-_CHUNK // 2 :])
        return [*first[: CONTEXT // 2], *last[-(CONTEXT // 2) :]]

    def _ids(self, text: str) -> list[int]:
        return self._tokenizer.encode(normalize(text).text, add_special_tokens=False).ids


def _special(tokenizer: Tokenizer, token: str) -> int:
    found = tokenizer.token_to_id(token)
    if found is None:
        raise ValueError(f"the tokenizer has no {token} token; a BERT-style tokenizer is needed")
    return found


def _chunks(text: str) -> Iterator[tuple[int, str]]:
    """Stretches of at most `_CHUNK` characters with their start, cut at whitespace where there is some."""
    if len(text) <= _CHUNK:
        yield 0, text
        return
    at = 0
    while at < len(text):
        end = at + _CHUNK
        if end < len(text):
            gap = max(text.rfind(" ", at + _CHUNK // 2, end), text.rfind("\n", at + _CHUNK // 2, end))
            end = end if gap < 0 else gap
        yield at, text[at:end]
        at = end
