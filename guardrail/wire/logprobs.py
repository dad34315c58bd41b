"""Log probabilities: they leave with the text they describe, and tokens of another text are read as text.

The alternatives beside each token (`top_logprobs`) were never said and pass with it.
"""

from __future__ import annotations

from typing import Any, cast

from guardrail.wire.format import NotUnderstood


def tokens_of_another(listed: object, text: object) -> list[str]:
    """The tokens of OpenAI's `logprobs`, when they do not make up `text`; else those whose name is not what
    their bytes say.

    Raises `NotUnderstood` for what is no list of objects.
    """
    if not listed:
        return []
    if not isinstance(listed, list):
        raise NotUnderstood("log probabilities that are not a list")
    tokens: list[dict[str, Any]] = []
    for entry in cast("list[object]", listed):
        if not isinstance(entry, dict):
            raise NotUnderstood("log probabilities that are not a list of objects")
        tokens.append(cast("dict[str, Any]", entry))
    spoken = [_spoken(token) for token in tokens]
    same = b"".join(data for _, data in spoken) == _encoded(str(text))
    return [name for name, data in spoken if name and not (same and _encoded(name) == data)]


def _spoken(token: dict[str, Any]) -> tuple[str, bytes]:
    """A token's name and its bytes; the name of a part of a character is no more than a description."""
    named = token.get("token", "")
    name = named if isinstance(named, str) else ""
    given = token.get("bytes")
    if not isinstance(given, list):  # bytes() of a number is that many zeros
        return name, _encoded(name)
    try:
        return name, bytes(cast("list[int]", given))
    except (TypeError, ValueError):
        return name, _encoded(name)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
