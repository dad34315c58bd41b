"""Reading JSON without a second meaning: what two parsers could read differently is not understood."""

from __future__ import annotations

import json
from typing import Any, cast

from guardrail.wire.format import NotUnderstood


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        # The guard would scan one of the two and the model could be given the other.
        raise NotUnderstood("JSON with a key given twice")
    return found


def read_object(body: bytes, what: str, *, unique_keys: bool = False) -> dict[str, Any]:
    """The JSON object in `body`, which must be UTF-8. Raises `NotUnderstood`, naming `what` only."""
    try:
        # Decoded here, because json.loads would also guess UTF-16 and UTF-32.
        value: object = json.loads(body.decode("utf-8"), object_pairs_hook=_unique if unique_keys else None)
    except (ValueError, RecursionError):
        raise NotUnderstood(f"{what} that is not JSON") from None
    if not isinstance(value, dict):
        raise NotUnderstood(f"{what} that is not a JSON object")
    return cast("dict[str, Any]", value)


def write(value: object) -> bytes:
    """Compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
