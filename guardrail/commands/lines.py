"""JSON lines in, JSON lines out: what one line may be, what one answer looks like; no text in any of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, Final, NoReturn, cast

from guardrail.errors import InputError
from guardrail.verdict import Verdict

MAX_LINE: Final = 16 * 2**20
"""Bytes. A longer line is answered with an error and never held in memory."""
KEYS: Final = ("prompt", "response", "messages")


@dataclass(frozen=True, slots=True)
class Line:
    """One input line: its number (from 1), its `id` (any JSON value), and its request or what is wrong."""

    number: int
    id: Any
    request: Mapping[str, Any] | InputError


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _parse(number: int, raw: bytes) -> Line:
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        return Line(number, None, InputError("not valid UTF-8"))
    except json.JSONDecodeError as error:
        return Line(number, None, InputError(f"not valid JSON: {error.msg} at character {error.pos + 1}"))
    except (ValueError, RecursionError):
        return Line(number, None, InputError("not valid JSON"))
    if not isinstance(value, dict):
        return Line(number, None, InputError("not a JSON object"))
    record = cast("dict[str, Any]", value)
    request = {key: record[key] for key in KEYS if record.get(key) is not None}
    if not request:
        return Line(number, record.get("id"), InputError(f"has none of the keys {', '.join(KEYS)}"))
    return Line(number, record.get("id"), request)


def read_lines(stream: IO[bytes]) -> Iterator[Line]:
    """Every line that is not blank. Other keys than `id`, `prompt`, `response` and `messages` are ignored."""
    number = 0
    while raw := stream.readline(MAX_LINE + 1):
        number += 1
        if len(raw) > MAX_LINE and not raw.endswith(b"\n"):
            while (rest := stream.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                pass
            yield Line(number, None, InputError(f"longer than {MAX_LINE // 2**20} MiB"))
        elif raw.strip():
            yield _parse(number, raw)


def answer(line: Line, outcome: Verdict | Exception) -> dict[str, Any]:
    """The output object of one line: the scores, or the error where there are none."""
    if isinstance(outcome, Exception):
        return {"id": line.id, "error": str(outcome)}
    if outcome.scores is None:
        return {"id": line.id, "error": f"not scored: {outcome.failure}", "action": outcome.action}
    scores = outcome.scores
    return {
        "id": line.id,
        "action": outcome.action,
        "prompt_risk": scores.prompt_risk,
        "harmfulness": scores.harmfulness,
        "refusal": scores.refusal,
        "principles": {str(number): value for number, value in scores.principles.items()},
        "flagged": list(outcome.flagged),
        "latency_ms": outcome.latency_ms,
    }
