"""Other readings of a text: what encodings in it decode to, each to be scored beside the text itself.

A reading is emitted only when it looks like English, so that ordinary text has none; cheap tests decide that.
The text is read in slices of `SLICE` characters with at most `LIMIT` readings each, so that the work grows no
faster than the text. A reading is read once more (an encoding inside an encoding), no deeper.
"""

from __future__ import annotations

import base64
import codecs
import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice, pairwise, product
from typing import Final
from urllib.parse import unquote_to_bytes

LIMIT: Final = 4
"""Readings of one slice."""
SLICE: Final = 16_384
"""Characters read at once."""
_DEPTH: Final = 2

Decode = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class View:
    """One reading: how it was decoded, the text, and the stretch of the given text it stands in."""

    name: str
    text: str = field(repr=False)
    start: int
    end: int


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COMMON: Final = _words(
    "the of and to in is that it for you with this on are be have from or by not but what all can how when"
    " your which an their they my if will about one has would there so out more who we me his her them was as"
    " at a i do please write explain give make patient patients medical doctor drug without should"
)
_TELLING: Final = _words(
    "the of and to that for you with this are have from not but what all can how when your which their they"
    " will about would there out more who them please write explain give make patient patients medical doctor"
    " drug without should need want help using into someone people"
)
_ROT13: Final = frozenset(codecs.encode(word, "rot13") for word in _TELLING) - _TELLING
_REVERSED: Final = frozenset(word[::-1] for word in _TELLING) - _TELLING - {"ton", "era"}
_LEET_LETTERS: Final = {"a": "4@", "e": "3", "i": "1!", "o": "0", "s": "5$", "t": "7+", "b": "8", "l": "1"}
_LEET: Final = str.maketrans("4@31!05$7+8", "aaeiiossttb")
_LEET_WORDS: Final = frozenset(
    "".join(form)
    for word in _COMMON
    for form in product(*(c + _LEET_LETTERS.get(c, "") for c in word))
    if form != tuple(word) and any(c.isalpha() for c in form)
)
"""The common words, some but not all letters replaced by digits or signs of their shape."""
_BACKWARDS: Final = frozenset(
    tuple(pair.split())
    for pair in (
        *(
            "to how",
            "my to",
            "the of",
            "an of",
            "the in",
            "the to",
            "the for",
            "the from",
            "the on",
            "the with",
        ),
        *("a for", "a with", "a of", "can how", "do how", "would how", "a write", "a give", "a make"),
    )
)
"""Pairs of words that English has the other way round only, or nearly so."""
_BLOCK: Final = re.compile(r"[A-Za-z0-9+/_-]{16,}(?:[ \t]*\r?\n[A-Za-z0-9+/_-]{4,})*={0,2}")
_HEX: Final = re.compile(r"(?:(?:0x|\\x|\\u00)?[0-9A-Fa-f]{2}[\s,:;]{0,2}){8,}")
_HEX_MARK: Final = re.compile(r"0x|\\x|\\u00|[^0-9A-Fa-f]")
_PERCENT: Final = re.compile(r"(?:%[0-9A-Fa-f]{2}){3}|(?:\w{1,40}%20){3}\w")
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,12});")
_LONG_WORD: Final = b"b" * 16
_BASE64: Final = bytes(
    0x62 if chr(code).isalnum() or chr(code) in "+/_-" else 0x2E for code in range(128)
).ljust(256, b".")
_HEX_SIGNS: Final = (b"h" * 16, b"hh hh hh hh hh ", b"\\xhh\\xhh", b"\\uhhhh\\uhhhh", b"hxhh")
_HEXADECIMAL: Final = bytes(
    0x68 if chr(code) in "0123456789abcdefABCDEF"
    else 0x20 if chr(code) in " \t\n,:;"
    else code if chr(code) in "\\xu"
    else 0x2E
    for code in range(128)
).ljust(256, b".")  # fmt: skip
"""ASCII to hexadecimal digit `h`, separator ` `, the marks `\\`, `x`, `u`, and other `.`."""
_TAGS: Final = re.compile("[\U000e0020-\U000e007e]{4,}")
_SELECTORS: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")
_TOKEN: Final = re.compile(r"\S+")
_WORD: Final = re.compile(r"[A-Za-z]+")
_CLAUSE: Final = re.compile(r"[.:;!?\n\"“”]\s*")


def views(text: str, normal: str | None = None) -> list[View]:
    """The other readings of a text, in no order of importance; usually none.

    `normal` is the text without its disguised characters, where it has any; spans are still those of `text`.
    """
    found: list[View] = []
    for base in range(0, len(text), SLICE):
        part = text[base : base + SLICE]
        found += [View(v.name, v.text, base + v.start, base + v.end) for v in _views(part, 1)]
    if normal is not None and normal != text:
        for base in range(0, len(normal), SLICE):
            found += [View(v.name, v.text, 0, len(text)) for v in _shuffled(normal[base : base + SLICE])]
    return found


def _views(text: str, depth: int) -> list[View]:
    found: list[View] = []
    for view in islice(_candidates(text, depth), LIMIT):
        found.append(view)
        if depth < _DEPTH:
            inner = _views(view.text, depth + 1)
            found += [View(f"{view.name}+{v.name}", v.text, view.start, view.end) for v in inner]
    return found[:LIMIT]


def _candidates(text: str, depth: int) -> Iterator[View]:
    if not text.isascii():
        yield from _hidden(text)
    yield from _blocks(text, depth)
    if text.count("%") > 2 and _PERCENT.search(text):
        yield from _whole("percent", text, unquote_to_bytes(text.encode()).decode("utf-8", "replace"))
    if text.count("&") > 2 and len(_ENTITY.findall(text)) > 2:
        yield from _whole("html", text, html.unescape(text))
    yield from _shuffled(text)


def _whole(name: str, text: str, reading: str) -> Iterator[View]:
    if reading != text and _plausible(reading):
        yield View(name, reading, 0, len(text))


def _plausible(text: str) -> bool:
    """Whether it could be English: nearly all letters and spaces, and common words among its words."""
    head = text[:400]
    if len(text) < 8 or "\ufffd" in head or sum(map(_letter, head)) < 0.8 * len(head):
        return False
    words = [word.lower() for word in _WORD.findall(head)]
    return len(words) > 1 and sum(word in _COMMON for word in words) >= max(1, len(words) // 8)


def _letter(char: str) -> bool:
    return char.isalpha() or char.isspace()


def _hidden(text: str) -> Iterator[View]:
    """Text in invisible characters: tags (an ASCII character each), variation selectors (a byte each)."""
    for match in _TAGS.finditer(text):
        reading = "".join(chr(ord(c) - 0xE0000) for c in match.group())
        if reading.isprintable() and len(reading) > 7:
            yield View("tags", reading, *match.span())
    for match in _SELECTORS.finditer(text):
        codes = (ord(c) for c in match.group())
        data = bytes(code - 0xFE00 if code < 0xE0100 else code - 0xE0100 + 16 for code in codes)
        reading = data.decode("utf-8", "replace")
        if _plausible(reading):
            yield View("selectors", reading, *match.span())


def _blocks(text: str, depth: int) -> Iterator[View]:
    """Base64 and hexadecimal stretches."""
    raw = text.encode("utf-8", "replace")
    if _LONG_WORD in raw.translate(_BASE64):
        for match in _BLOCK.finditer(text):
            block = "".join(match.group().rstrip("=").split())
            if block.islower() or block.isupper() or block[1:].islower():
                continue  # words: the base64 of English has letters of both cases
            block = block.replace("-", "+").replace("_", "/")
            block = block[: len(block) - (len(block) % 4 == 1)]
            yield from _bytes("base64", base64.b64decode(block + "=" * (-len(block) % 4)), match, depth)
    classes = raw.translate(_HEXADECIMAL)
    if any(sign in classes for sign in _HEX_SIGNS):
        for match in _HEX.finditer(text):
            digits = _HEX_MARK.sub("", match.group())
            yield from _bytes("hex", bytes.fromhex(digits[: len(digits) // 2 * 2]), match, depth)


def _bytes(name: str, data: bytes, match: re.Match[str], depth: int) -> Iterator[View]:
    reading = data.decode("utf-8", "replace")
    if _plausible(reading):
        yield View(name, reading, *match.span())
    elif depth < _DEPTH and reading.isascii():
        for inner in chain(_blocks(reading, depth + 1), _shuffled(reading)):
            yield View(f"{name}+{inner.name}", inner.text, *match.span())


def _shuffled(text: str) -> Iterator[View]:
    """Letters or words in another order or alphabet, known by their commonest words."""
    words = text.lower().split()
    kinds = set(words)
    if len(kinds & _ROT13) > 1:
        yield from _stretch("rot13", text, _ROT13, lambda part: codecs.encode(part, "rot13"))
    if len(kinds & _REVERSED) > 1:
        yield from _stretch("reversed", text, _REVERSED, lambda part: part[::-1])
        yield from _stretch("reversed-words", text, _REVERSED, _flip_words)
    if len(kinds & _LEET_WORDS) > 1:
        yield from _whole("leetspeak", text, _TOKEN.sub(_from_leet, text))
    if _BACKWARDS.isdisjoint(pairwise(words)):
        return
    hits = sum(pair in _BACKWARDS for pair in pairwise(words))
    if (hits > 1 and hits * 20 >= len(words)) or len(words) < 16:
        yield from _whole("backwards", text, " ".join(reversed(text.split())))


def _flip_words(text: str) -> str:
    return _TOKEN.sub(lambda match: match.group()[::-1], text)


def _from_leet(match: re.Match[str]) -> str:
    """`h0w`, `4` and `1$` to letters; a final `!` stays, and so do numbers that spell no common word."""
    token = match.group()
    body = token.rstrip("!.,;:?")
    read = body.translate(_LEET)
    number = len(body) > 1 and body.isdigit() and read not in _COMMON
    return token if number else read + token[len(body) :]


def _stretch(name: str, text: str, signs: frozenset[str], decode: Decode) -> Iterator[View]:
    """From the clause with the first sign to the clause with the last."""
    spots = [match.span() for match in _WORD.finditer(text) if match.group().lower() in signs]
    if not spots:
        return
    start = max((match.end() for match in _CLAUSE.finditer(text, 0, spots[0][0])), default=0)
    after = _CLAUSE.search(text, spots[-1][1])
    end = after.start() if after else len(text)
    reading = decode(text[start:end])
    if _plausible(reading):
        yield View(name, reading, start, end)
