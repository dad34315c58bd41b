"""Variations drawn anew each epoch, for harmful and honest text alike, so that none tells the label."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from classifiers.examples import Example

OPENINGS = (
    "Hi, ", "Hello! ", "Good morning. ", "Hey there, quick one: ", "Please help. ", "Doctor, ",
    "Sorry to bother you. ", "I have a question. ", "ok so ", "Thanks in advance! ",
)  # fmt: skip
CLOSINGS = (
    " Thanks!",
    " Thank you.",
    " Please be brief.",
    " Any help is welcome.",
    " asap pls",
    " Be specific.",
)
ONE_WINDOW = 480
"""Characters that fit into one window of a prompt, so that the label is the window's."""
SHORT = 64
"""Characters of the turns that more than four of fit into a window."""


class Augmenter:
    """Draws a variation of an example.

    - prompts: a greeting or a closing; lost final punctuation; honest turns before it, after it or around it
      (the label stays: a request buried in harmless talk is the same request);
    - exchanges: a prefix of the response, as a stream shows it; the prompt left out.
    """

    def __init__(self, honest: Sequence[str], rng: random.Random) -> None:
        self._honest = [text for text in honest if len(text) < 240]
        self._short = [text for text in self._honest if len(text) < SHORT]
        self._rng = rng

    def __call__(self, example: Example) -> Example:
        if example.response is None:
            return replace(example, prompt=self._vary(example.prompt or ""))
        return self._shorten(example)

    def _vary(self, text: str) -> str:
        draw = self._rng.random()
        if draw < 0.05:
            return self._rng.choice(OPENINGS) + text
        if draw < 0.10:
            return text + self._rng.choice(CLOSINGS)
        if draw < 0.17:
            return text.rstrip(".?! ")
        if draw < 0.31 and self._honest:
            return self._bury(text)
        return text

    def _bury(self, text: str) -> str:
        """The text among one to eight honest ones, as turns or as one paragraph."""
        turns: list[str] = []
        count = self._rng.choice((1, 1, 2, 3, 4, 6, 8))
        for turn in self._rng.choices((count > 4 and self._short) or self._honest, k=count):
            if len(text) + sum(map(len, turns)) + len(turn) < ONE_WINDOW:
                turns.append(turn)
        turns.insert(self._rng.randint(0, len(turns)), text)
        return self._rng.choice(("\n", " ")).join(turns)

    def _shorten(self, example: Example) -> Example:
        response = example.response or ""
        weight = example.weight
        if self._rng.random() < 0.35 and len(response) > 120:
            share = self._rng.uniform(0.25, 0.9)
            response = response[: int(len(response) * share)]
            weight *= share
        settled = example.score in (1, 4, 5) or example.score is None
        prompt = None if settled and self._rng.random() < 0.12 else example.prompt
        return replace(example, prompt=prompt, response=response, weight=weight)
