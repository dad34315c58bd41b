"""The two kinds of record every set is read into."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """One request somebody might type.

    `harmful` is whether it asks for something unethical (None: not rated, or rated ambiguous).
    `principle` is 1-9, or 0 for harm outside medicine; None for honest requests without a counterpart.
    `origin` names the item it was derived from, so that kin stay on one side of a split.
    """

    set: str
    text: str
    harmful: bool | None
    principle: int | None = None
    kind: str = ""
    origin: str = ""

    @property
    def id(self) -> str:
        """Stable: set and the hash of the text."""
        return f"{self.set}:{text_hash(self.text)}"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request with a response and what a judge or a person said of it.

    `harmfulness` is a judge score 1-5 under the paper's rubric; `harmful` a person's yes or no;
    `principles` the principles the response violates (empty when none, None when not judged).
    """

    set: str
    prompt: str
    response: str
    harmfulness: int | None = None
    harmful: bool | None = None
    refusal: bool | None = None
    principles: tuple[int, ...] | None = None
    kind: str = ""
    origin: str = ""

    @property
    def id(self) -> str:
        """Stable: set and the hash of both texts."""
        return f"{self.set}:{text_hash(self.prompt + chr(0) + self.response)}"


def text_hash(text: str) -> str:
    """The first 16 hex digits of the sha256 of the text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
