"""A harmful word in any one string of a recorded exchange stops it, but for the places listed here.

The lists are written by hand, apart from the adapters' own tables: what an adapter does not read and these
lists do not name is a side door. In each exchange every shape of a place is tried once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from guardrail.exchange import Answer, Exchange, drive
from guardrail.guard import Guard
from guardrail.wire.sse import Event, Parser, serialise
from tests.guardrail.exchange.recorded import RECORDED, Recorded
from tests.support import MARK, guard

Path = tuple[str | int, ...]

IDS: Final = (
    *("type", "role", "id", "object", "model", "status", "phase", "service_tier", "cache_control", "caller"),
    *("call_id", "tool_call_id", "tool_use_id", "file_id", "item_id", "container_id", "approval_request_id"),
    *("finish_reason", "native_finish_reason", "stop_reason", "error_code", "retrieved_at", "page_age"),
    *("file_type", "media_type", "execution", "fingerprint", "server_label", "mcp_server_name", "tool_name"),
    *("system_fingerprint", "obfuscation", "provider", "usage", "container", "request_id", "detail"),
)
"""Ids, states and settings, wherever they stand."""
BESIDE: Final = ("annotations", "top_logprobs", "content_filter_results", "prompt_filter_results")
"""What OpenAI puts beside a text: where it comes from, what else could have been said, another's verdict."""
FORWARDED: Final = ("(error) error", "error")
"""An upstream's error, in its own words."""
UNREAD: Final = (
    *("(image_url) image_url", "(input_audio) input_audio", "(file) file", "audio data"),
    "(response.audio.delta) delta",
    *("source (base64) data", "source (url) url", "source (file) file_id", "(container_upload) file_id"),
    *("(input_image)", "(input_file)", "(computer_screenshot)", "(image_generation_call) result"),
    *("(response.audio.delta) delta", "partial_image_b64", "(compaction) encrypted_content"),
)
"""Content without text: by the policy, and recorded."""
SETTINGS: Final = (
    *("audio", "betas", "context_management edits", "function_call", "include", "inference_geo"),
    *("mcp_servers", "metadata", "modalities", "moderation", "prompt_cache_key", "prompt_cache_retention"),
    *("prompt version", "reasoning", "reasoning_effort", "safety_identifier", "speed", "stop_sequences"),
    *("thinking", "tool_choice", "truncation", "user", "web_search_options", "tools (mcp) authorization"),
    *("tools (mcp) headers", "input (configuration_update) reasoning", "previous_response_id"),
)
"""How a request begins that sets something, or names what the provider keeps (by the policy)."""
NAMES: Final = ("(user) name", "(function) name")
"""Of those who speak."""
OF_THE_MODEL: Final = (
    *("(assistant)", "(reasoning)", "(function_call)", "(custom_tool_call)", "(computer_call)", "(program)"),
    *("(local_shell_call)", "(shell_call)", "(apply_patch_call)", "(mcp_approval_request)"),
    *("(tool_search_call)", "(mcp_call) arguments", "(mcp_call) name"),
)
"""In a request: what the model has said before. What its provider's tools brought is read there too."""
ECHOED: Final = (
    *("billing", "incomplete_details", "metadata", "moderation", "previous_response_id", "prompt"),
    *("reasoning", "safety_identifier", "tool_choice", "tools", "truncation"),
)
"""How an answer begins that repeats the request."""
DEFINED: Final = ("(mcp_list_tools) tools", "(tool_search_output) tools", "(developer) tools")
"""Definitions of tools in an answer: the operator's."""
SEALED: Final = ("(reasoning) encrypted_content",)
"""Read by nobody but the provider."""
MADE: Final = tuple(
    f"(image_generation_call) {name}" for name in ("background", "output_format", "quality", "size")
)
"""How an image was made."""


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Where the strings are, and what is said there."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list | dict):
        for name, entry in enumerate(value) if isinstance(value, list) else value.items():
            yield from leaves(entry, (*path, name))


def planted(value: Any, path: Path) -> Any:
    """A copy with the word after what is said at that place."""
    if not path:
        return f"{value} {MARK}"
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = planted(value[path[0]], path[1:])
    return copy


def shape(value: Any, path: Path) -> str:
    """The names on the way to a place, each object that has a role or a type announced by it."""
    steps: list[str] = []
    for name in path:
        kind = (value.get("role") or value.get("type")) if isinstance(value, dict) else None
        if isinstance(kind, str):
            steps.append(f"({kind})")
        if isinstance(name, str):
            steps.append(name)
        value = value[name]
    return " ".join(steps)


def within(place: str, names: tuple[str, ...]) -> bool:
    return any(f" {name} " in f" {place} " for name in names)


def begins(place: str, names: tuple[str, ...]) -> bool:
    return any(f"{place} ".startswith(f"{name} ") for name in names)


def asked_harmless(place: str) -> bool:
    """Whether a place of a request is one that need not be read."""
    said = within(place, OF_THE_MODEL) and "_tool_result)" not in place
    return said or begins(place, SETTINGS) or within(place, (*IDS, *UNREAD, *NAMES))


def answered_harmless(place: str) -> bool:
    """Whether a place of an answer is one that need not be read."""
    place = re.sub(r"^\(response\.\w+\) response ", "", place)
    return begins(place, (*ECHOED, *FORWARDED)) or within(
        place, (*IDS, *UNREAD, *BESIDE, *DEFINED, *SEALED, *MADE)
    )


def places(value: Any) -> Iterator[tuple[str, Path]]:
    """Every shape of a place in a body once."""
    seen: set[str] = set()
    for path, _ in leaves(value):
        if (place := shape(value, path)) not in seen:
            seen.add(place)
            yield place, path


def reads(recorded: Recorded) -> list[Event]:
    """The events of a stream."""
    parser = Parser(1 << 20)
    events = parser.feed(recorded.response)
    rest = parser.finish()
    return events if rest is None else [*events, rest]


def all_guarding() -> Guard:
    """What has no text passes, so that what is found is found by the word; the operator's words are read."""
    return guard(unscannable="record", scan={"system": True, "tools": True})


def asked(g: Guard, recorded: Recorded) -> Exchange:
    exchange = Exchange(g, recorded.wire)
    assert not isinstance(drive(exchange.request(recorded.request), g.score), Answer)
    return exchange


@pytest.mark.parametrize("recorded", [r for r in RECORDED if r.request], ids=lambda recorded: recorded.name)
def test_in_a_request(recorded: Recorded) -> None:
    g = all_guarding()
    body = json.loads(recorded.request)
    missed: list[str] = []
    for place, path in places(body):
        if not asked_harmless(place):
            data = json.dumps(planted(body, path)).encode()
            outcome = drive(Exchange(g, recorded.wire).request(data), g.score)
            missed += [] if isinstance(outcome, Answer) else [place]
    assert missed == []


@pytest.mark.parametrize(
    "recorded", [r for r in RECORDED if r.answered and not r.streamed], ids=lambda recorded: recorded.name
)
def test_in_a_whole_answer(recorded: Recorded) -> None:
    g = all_guarding()
    body = json.loads(recorded.response)
    missed: list[str] = []
    for place, path in places(body):
        if not answered_harmless(place):
            data = json.dumps(planted(body, path)).encode()
            exchange = asked(g, recorded)
            told = drive(exchange.response(data), g.score)
            verdict = exchange.record.response
            stopped = verdict is not None and verdict.action.stops and MARK.encode() not in told.body
            missed += [] if stopped else [place]
    assert missed == []


@pytest.mark.parametrize(
    "recorded", [r for r in RECORDED if r.answered and r.streamed], ids=lambda recorded: recorded.name
)
def test_in_an_event(recorded: Recorded) -> None:
    g = all_guarding()
    events = reads(recorded)
    seen: set[str] = set()
    missed: list[str] = []
    for at, event in enumerate(events):
        if event.data is None or event.data.strip() in (b"", b"[DONE]"):
            continue
        body = json.loads(event.data)
        for place, path in places(body):
            if place in seen or answered_harmless(place):
                continue
            seen.add(place)
            said = serialise(json.dumps(planted(body, path)).encode())
            raw = [event.raw for event in events]
            exchange = asked(g, recorded)
            stream = exchange.stream()
            told = drive(stream.feed(b"".join([*raw[:at], said, *raw[at + 1 :]])), g.score)
            told += drive(stream.finish(), g.score)
            verdict = exchange.record.response
            stopped = verdict is not None and verdict.action.stops and MARK.encode() not in told
            missed += [] if stopped else [place]
    assert missed == []


def test_nothing_is_listed_in_vain() -> None:
    asks = {place for r in RECORDED if r.request for place, _ in places(json.loads(r.request))}
    tells = {
        re.sub(r"^\(response\.\w+\) response ", "", place)
        for r in RECORDED
        if r.answered
        for data in ([event.data for event in reads(r)] if r.streamed else [r.response])
        if data is not None and data.strip() not in (b"", b"[DONE]")
        for place, _ in places(json.loads(data))
    }
    both = asks | tells
    assert {name for name in (*IDS, *UNREAD) if not any(within(place, (name,)) for place in both)} == set()
    assert {name for name in (*OF_THE_MODEL, *NAMES) if not any(within(at, (name,)) for at in asks)} == set()
    assert {name for name in SETTINGS if not any(begins(place, (name,)) for place in asks)} == set()
    assert {name for name in (*ECHOED, *FORWARDED) if not any(begins(at, (name,)) for at in tells)} == set()
    beside = (*BESIDE, *DEFINED, *SEALED, *MADE)
    assert {name for name in beside if not any(within(place, (name,)) for place in tells)} == set()
