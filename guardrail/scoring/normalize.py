"""Undo disguises of single characters, so that the classifier reads what a person would read.

Plain ASCII text, nearly all of it, passes a few substring tests and returns as it is. Anything else is edited
in stages, each a list of replacements, with a table that maps every character back to the given text.
Whitespace stays: the tokenizer ignores how much of it there is. Genuine text in other scripts stays too:
lookalikes fold only inside words that mix scripts, or where the rest of the text is Latin.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from guardrail.scoring.confusables import SCRIPTS, SHAPES


@dataclass(frozen=True, slots=True)
class Normalized:
    """Normalised text, and where each of its characters comes from.

    `offsets` has one index into the given text per character, never falling; `None` means the same index.
    `length` is the length of the given text.
    """

    text: str
    offsets: array[int] | None
    length: int

    def start(self, index: int) -> int:
        """Where the character at `index` begins in the given text."""
        if self.offsets is None:
            return index
        return self.offsets[index] if index < len(self.offsets) else self.length

    def end(self, index: int) -> int:
        """Where, in the given text, a stretch ends whose normalised end (exclusive) is `index` >= 1.

        Characters that were removed after the stretch belong to it.
        """
        if self.offsets is None:
            return index
        return max(self.start(index), self.offsets[index - 1] + 1)


Edit = tuple[int, int, str]
"""Replace the characters from start to end (exclusive) by a string."""


class _Draft:
    """Text under edit, with its offsets."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.length = len(text)
        self.offsets: array[int] | None = None

    def apply(self, edits: Iterable[Edit]) -> None:
        """Make edits, given in order and without overlap."""
        pieces: list[str] = []
        table = array("I")
        at = 0
        for start, end, new in edits:
            pieces += (self.text[at:start], new)
            table.extend(range(at, start))
            # the characters of a replacement spread over what they replace, the last ones sharing its end
            table.extend(min(start + step, max(end - 1, start)) for step in range(len(new)))
            at = end
        if not pieces:
            return
        pieces.append(self.text[at:])
        table.extend(range(at, len(self.text)))
        self.text = "".join(pieces)
        before = self.offsets
        self.offsets = table if before is None else array("I", (before[i] for i in table))

    def sub(self, pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str | None]) -> None:
        """Replace matches; `None` leaves one as it is."""
        found = ((m, replace(m)) for m in pattern.finditer(self.text))
        self.apply((m.start(), m.end(), new) for m, new in found if new is not None and new != m.group())


_LEET: Final = {
    "0": "o",
    "1": "i",
    "3": "e",
    "4": "a",
    "5": "s",
    "7": "t",
    "8": "b",
    "@": "a",
    "$": "s",
    "!": "i",
}
_GAP: Final = r"[ \t\-._*|/~+^·•‐-―]"  # noqa: RUF001 - dashes of every width part letters alike
_SPACED: Final = re.compile(rf"(?<![^\W_])[^\W_](?:{_GAP}{{1,4}}[^\W_](?![^\W_])){{3,}}")
_GAPS: Final = re.compile(r"[\W_]+")
_LEET_WORD: Final = re.compile(r"(?<![\w@$!.])(?=\$?[a-z]*[A-Z0-9@$!])[\w@$!]{4,24}(?![\w@$])", re.ASCII)
_INNER_LEET: Final = re.compile(r"(?<=[A-Za-z])[0134578@$!]{1,2}(?=[A-Za-z])|^\$(?=[a-z]{3})")
_SHOUTED: Final = re.compile(r"[0@$!]|[13457].*[13457]")
_CLINICAL: Final = re.compile(
    r"hba1c|dpp4i|glp1.*|t1dm?|a1at?|q\d+h\w*|h\dn\d|cha2ds2\w*|chads2\w*|ki67|5ht\w+|cyp\w+|sars.*|covid.*",
    re.I,
)
_CLASSES: Final = bytes(
    0x61 if chr(code).isalpha()
    else 0x31 if chr(code) in _LEET
    else 0x20 if chr(code) in " \t-._*|/~+^"
    else 0x00 if (code < 32 and chr(code) not in "\t\n\v\f\r") or code == 127
    else 0x2E
    for code in range(128)
).ljust(256, b".")  # fmt: skip
"""ASCII to letter `a`, leet `1`, gap ` `, control NUL, other `.`: for quick substring tests."""
_ALNUM: Final = bytes(0x61 if chr(code).isalnum() else 0x2E for code in range(128)).ljust(256, b".")
_SUSPECT: Final = (b"\0", b"a1a", b"a11a", b"1aaa", b" a a ", b" a  a ", b" a   a ", b" a    a ")
_RUN: Final = b"a" * 65
_SURROGATE: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]")
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]+"
)
_NON_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_MARKED: Final = re.compile(
    r"(?<=[A-Za-z0-9])[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+"
)
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_LONG: Final = re.compile(r"[^\W_]{65,}")


def normalize(text: str) -> Normalized:
    """The text as a reader sees it, with offsets into the given text. Any string is accepted."""
    plain = text.isascii()
    if plain and not _suspect(text.encode()):
        return Normalized(text, None, len(text))
    draft = _Draft(text)
    draft.sub(_SURROGATE, _join_surrogates)
    draft.sub(_INVISIBLE, lambda _: "")
    if not plain:
        draft.sub(_NON_ASCII, _compatible)
        draft.sub(_MARKED, lambda _: "")
        _fold_scripts(draft)
    draft.sub(_SPACED, _join_letters)
    draft.sub(_LEET_WORD, _fold_leet)
    draft.sub(_LONG, lambda m: " ".join(m.group()[at : at + 64] for at in range(0, len(m.group()), 64)))
    return Normalized(draft.text, draft.offsets, draft.length)


def _suspect(text: bytes) -> bool:
    classes = text.translate(_CLASSES)
    if any(sign in classes for sign in _SUSPECT):
        return True
    return len(text) > len(_RUN) and _RUN in text.translate(_ALNUM)


def _join_surrogates(match: re.Match[str]) -> str:
    pair = match.group()
    if len(pair) == 2:
        return pair.encode("utf-16", "surrogatepass").decode("utf-16")
    return "\ufffd"


def _compatible(match: re.Match[str]) -> str | None:
    """NFKC of one character, its shape folded; accents stay, since the tokenizer takes them off."""
    char = match.group()
    folded = SHAPES.get(char)
    if folded is not None:
        return folded
    wide = unicodedata.normalize("NFKC", char)
    if wide == char or len(wide) > 4:
        return None  # a whole phrase in one character stays one: it must not make the text many times longer
    return "".join(SHAPES.get(c, c) for c in wide)


def _fold_scripts(draft: _Draft) -> None:
    """Fold lookalikes of other scripts in mixed words, and in whole words of a text that is mostly Latin."""
    latin = foreign = 0
    candidates: list[tuple[int, str, bool]] = []
    for match in _LETTERS.finditer(draft.text):
        word = match.group()
        if word.isascii():
            latin += len(word)
            continue
        mixed = any(c < "\u0250" for c in word)
        if mixed or (len(word) > 1 and all(c in SCRIPTS for c in word)):
            candidates.append((match.start(), word, mixed))
            latin += len(word)
        else:
            foreign += len(word)
    mostly_latin = latin >= 2 * foreign
    edits: list[Edit] = []
    for start, word, mixed in candidates:
        if mixed or mostly_latin:
            folded = "".join(_fold_letter(word, at) for at in range(len(word)))
            if folded != word:
                edits.append((start, start + len(word), folded))
    draft.apply(edits)


def _fold_letter(word: str, at: int) -> str:
    """Fold one letter; a Greek one only beside a letter of its case, so that TNF-alpha stays."""
    char = word[at]
    folded = SCRIPTS.get(char)
    if folded is None:
        return char
    if "\u0370" <= char <= "\u03ff":
        beside = word[max(at - 1, 0) : at] + word[at + 1 : at + 2]
        if not any(c.isupper() == char.isupper() for c in beside):
            return char
    return folded


def _join_letters(match: re.Match[str]) -> str | None:
    """`f-a-k-e a n.o.t.e` to words: the most frequent gap is inside words, any other stands between them."""
    run = match.group()
    letters = [c for c in run if c.isalnum()]
    if sum(c.isalpha() for c in letters) * 2 <= len(letters):
        return None
    lowered = [c.lower() for c in letters]
    if all(a < b for a, b in pairwise(lowered)):
        return None  # an enumeration: "A B C D"
    gaps = Counter(_GAPS.findall(run))
    inner = max(gaps, key=lambda gap: (gaps[gap], -len(gap)))
    joined = _GAPS.sub(lambda m: "" if m.group() == inner else " ", run)
    return joined if max(map(len, joined.split())) > 3 else None  # "i.e. e.g." are abbreviations


def _fold_leet(match: re.Match[str]) -> str | None:
    """`f4ls1fy` and `p@tient` to letters; doses, codes and addresses (`5mg`, `HbA1c`, `a@b.org`) stay."""
    word = match.group()
    letters = sum(c.isalpha() for c in word)
    if (
        letters < 2
        or letters * 2 < len(word)
        or _INNER_LEET.search(word) is None
        or _CLINICAL.fullmatch(word)
    ):
        return None
    body = word.rstrip("!")
    shouted = any(c.isupper() for c in word[1:])
    if shouted and (
        word != word.upper() or len(body) < 6 or not body[-1].isalpha() or not _SHOUTED.search(body)
    ):
        return None  # a gene or a code: "TNFRSF1A"
    before, bang, after = body.partition("!")
    if bang and len(before) > 3 and len(after) > 3:
        return None  # two sentences without a space: "great!thanks"
    rest = match.string[match.end() : match.end() + 2]
    if "@" in word and rest[:1] == "." and rest[1:2].isalnum():
        return None  # a mail address
    folded = "".join(_LEET.get(c, c) for c in body)
    return (folded.upper() if shouted else folded) + word[len(body) :]
