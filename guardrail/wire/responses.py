"""OpenAI Responses: request, response, stream, and a response retrieved later.

One response is one choice: where a part of it is stopped, the answer is. Closing events repeat the text of
what they close; a repetition is compared with what was scored (`Chunk.wholes`) and leaves only with it.

`previous_response_id`, `conversation`, references to items and compacted histories bring in what the provider
keeps. They pass when this guard saw it, and fall to `policy.unscannable` when not. After an answer that was
stopped, and after the guard's own reply, a request goes on from what came before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final, cast

from guardrail.wire.fields import is_opaque, strings
from guardrail.wire.format import Chunk, Json, NotUnderstood, Operator, Part, Request, Response
from guardrail.wire.logprobs import tokens_of_another
from guardrail.wire.responses_rules import EVENTS, LAST, PROMPT, REQUEST, RESPONSE, Event
from guardrail.wire.responses_story import (
    OWN,
    ResponseStory,
    as_response,
    event,
    message,
    renamed,
    told,
    written,
)
from guardrail.wire.responses_texts import (
    defined,
    gathered,
    item_texts,
    kept_of,
    objects,
    part_text,
    response_texts,
    said,
    shell_texts,
    system_texts,
    tool_texts,
    turns,
    withheld,
)
from guardrail.wire.strict_json import read_object, write

_OVER: Final = frozenset(["completed", "incomplete", "failed", "cancelled"])


class Responses:
    """The adapter (`guardrail.wire.format.Wire`, `Retelling`); it has no state."""

    name = "openai.responses"
    end = b""

    # ---- request

    def request(self, body: bytes) -> Request:
        """Read a request; an item that is not one is not understood."""
        found = read_object(body, "a request", unique_keys=True)
        opaque: list[str] = []
        history: list[tuple[str, str]] = []
        asked = tuple(turns(self.items(found), opaque, history))
        extra = list(_extra(found, opaque))
        own = _unwrap(found)
        for name in ("previous_response_id", "conversation"):
            handle = found.get(name)
            if isinstance(handle, dict):
                handle = cast("dict[str, Any]", handle).get("id", "")
            history += [] if handle is None else [(name, str(handle))]
        return Request(
            asked,
            tuple(extra),
            tuple(dict.fromkeys(opaque)),
            stream=bool(found.get("stream")),
            history=tuple(history),
            rewritten=own,
            body=found,
        )

    def operator(self, request: Request, part: Part) -> Operator:
        """`instructions` and the operator's items, or the definitions of tools and of structured output."""
        found, opaque = request.body, list[str]()
        items = self.items(found)
        if part == "system":
            texts = ["\n".join(said(found.get("instructions"), opaque)), *system_texts(items, opaque)]
        else:
            texts = [*defined(found, REQUEST, opaque), *tool_texts(items, opaque)]
        return Operator(tuple(filter(None, texts)), tuple(opaque))

    def items(self, found: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The items of a request; a string is a user's message."""
        return _items(found.get("input"))

    def withhold(self, request: Request, messages: Collection[int], notice: str) -> bytes:
        """The request with `notice` in place of what these items say; ids and names stay."""
        given = request.body.get("input")
        if isinstance(given, str):
            kept: Any = notice if messages else given
        else:
            kept = [
                withheld(item, notice) if index in messages else item
                for index, item in enumerate(_items(given))
            ]
        return write({**request.body, **({"input": kept} if messages else {})})

    def rewind(self, request: Request, name: str, before: str | None) -> bool:
        """Follow `before` instead of a response that was stopped; nothing else can be skipped."""
        if name == "previous_response_id":
            request.body[name] = before
        return name == "previous_response_id"

    # ---- response

    def response(self, body: bytes) -> Response:
        """Read a whole response, also one that still runs in the background."""
        found = read_object(body, "a response")
        if found.get("error") and "output" not in found:
            return Response((), found)  # an upstream's error that came with status 200
        if not isinstance(found.get("output"), list) and found.get("object") != "response":
            raise NotUnderstood("a response without a list of output items")
        over = found.get("status", "completed") in _OVER
        return Response((gathered(found),), found, kept_of(found) if over else None)

    def reply(self, request: Request, text: str, moderation: Json) -> bytes:
        """A response whose one message is `text`."""
        return write(written(request, text, moderation))

    def replace(self, response: Response, stopped: Iterable[int], text: str) -> None:
        """Put `text` in place of all output."""
        body = response.body
        for name in [name for name in body if name not in RESPONSE or name == "output_text"]:
            del body[name]
        body["output"] = [message(text, body)]
        body["status"] = "incomplete"
        body["incomplete_details"] = {"reason": "content_filter"}

    def annotate(self, response: Response, moderation: Json) -> bytes:
        """The body with the verdict in its `moderation` field."""
        return write({**response.body, "moderation": as_response(moderation)})

    # ---- stream

    def chunk(self, data: bytes) -> Chunk:
        """Read one event's data."""
        if (mark := data.strip()) == b"[DONE]":  # which some servers send though OpenAI does not
            return Chunk(last=True)
        if not mark:
            return Chunk()
        found = read_object(data, "an event")
        kind = found.get("type")
        chunk = Chunk(choices=(0,), body=found)
        if kind is None and found.get("error"):
            # Its words are the upstream's own and pass as its error responses do.
            chunk.last = True
            return chunk
        if not isinstance(kind, str):
            raise NotUnderstood("an event without a type")
        chunk.last = kind in LAST
        opaque: list[str] = []
        rule = EVENTS.get(kind)
        if rule is None:
            chunk.parts = [(0, kind, text) for text in _plain(found, opaque)]
        else:
            _read(rule, kind, found, chunk, opaque)
        chunk.opaque = [(0, name) for name in opaque]
        return chunk

    def reply_stream(self, request: Request, text: str, moderation: Json) -> bytes:
        """The refusal as all events of a stream."""
        return told(written(request, text, moderation))

    def story(self) -> ResponseStory:
        """What has left of a stream, to be told by `response.incomplete` when it is cut."""
        return ResponseStory()

    def cut(self, like: Chunk, choice: int, moderation: Json) -> bytes:
        """`response.incomplete` after nothing; a stream's story tells what has left."""
        return ResponseStory().cut(choice, moderation)

    def without(self, chunk: Chunk, choices: Collection[int]) -> bytes | None:
        """Nothing: every event is of the one response."""
        return None

    def annotate_chunk(self, chunk: Chunk, moderation: Json) -> bytes:
        """The event with the verdict in its response's `moderation` field."""
        response = chunk.body.get("response")
        if isinstance(response, dict):
            response["moderation"] = as_response(moderation)
        return renamed(chunk.body)

    # ---- errors

    def error(self, message: str, code: str, param: str | None) -> bytes:
        """OpenAI's error body."""
        return write(
            {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}
        )

    def error_event(self, message: str, code: str) -> bytes:
        """An `error` event as the API documents it, and as the SDK raises it (`APIError`)."""
        error = {"type": "invalid_request_error", "message": message, "code": code, "param": None}
        return event("error", code=code, message=message, param=None, sequence_number=0, error=error)


class KeptResponses(Responses):
    """A response that is retrieved or cancelled: the request has nothing to read, the answer is the same.

    What it answers is not in the request, so it is judged without its question.
    """

    name = "openai.responses.kept"

    def request(self, body: bytes) -> Request:
        """Nothing is asked of a model; a body is not understood."""
        if body.strip() not in (b"", b"{}"):
            raise NotUnderstood("a body where the API has none")
        return Request(())

    def withhold(self, request: Request, messages: Collection[int], notice: str) -> bytes:
        """Nothing can be withheld of what nobody says."""
        return b""


def _unwrap(found: dict[str, Any]) -> bool:
    """Follow what the guard's own reply follows, where a request follows that reply; whether it does."""
    before = found.get("previous_response_id")
    if not isinstance(before, str) or not before.startswith(OWN):
        return False
    found["previous_response_id"] = before.partition(".")[2] or None
    return True


def _items(given: object) -> list[dict[str, Any]]:
    """`input` as items; a string is a user's message."""
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    return objects(given, "`input`")


def _extra(found: Mapping[str, Any], opaque: list[str]) -> Iterator[str]:
    """Texts outside `input`: the values of a prompt's variables, and unknown fields."""
    prompt = found.get("prompt")
    if isinstance(prompt, dict):
        for name, value in cast("dict[str, Any]", prompt).items():
            if name not in PROMPT:
                yield from _plain({name: value}, opaque)
        variables: Any = cast("dict[str, Any]", prompt).get("variables")
        for value in cast("dict[str, Any]", variables).values() if isinstance(variables, dict) else ():
            if text := part_text(value, opaque):
                yield text
    elif prompt is not None:
        yield from _plain({"prompt": prompt}, opaque)
    yield from _plain({name: value for name, value in found.items() if name not in REQUEST}, opaque)


_IDS: Final = frozenset(
    ["type", "sequence_number", "item_id", "output_index", "content_index", "obfuscation"]
)


def _plain(found: Mapping[str, Any], opaque: list[str]) -> Iterator[str]:
    """Every text in an object of which nothing is known but its ids."""
    for name, value in found.items():
        if name not in _IDS:
            for text in strings(value):
                if is_opaque(text):
                    opaque.append("data in an unknown field")
                else:
                    yield text


def _read(rule: Event, kind: str, found: Mapping[str, Any], chunk: Chunk, opaque: list[str]) -> None:
    """Fill in a chunk from an event of a known type."""
    value = found.get(rule.field)
    index = _number(found, "output_index")
    base = f"output[{index}]"
    if rule.how == "delta":
        if isinstance(value, str) and value:
            chunk.parts.append((0, _channel(rule, base, found), value))
        elif value:
            raise NotUnderstood("a delta that is not a string")
        _logprobs(found, value, chunk, base)
    elif rule.how == "whole":
        if isinstance(value, str) and value:
            chunk.wholes.append((0, _channel(rule, base, found), value))
        elif value:
            raise NotUnderstood("a text that is not a string")
        if isinstance(name := found.get("name"), str) and "name" in rule.fields:
            chunk.wholes.append((0, base, name))
        _logprobs(found, value, chunk, base)
    elif rule.how == "part":
        if text := part_text(value, opaque):
            chunk.wholes.append((0, _channel(rule, base, found), text))
    elif rule.how == "item":
        for item in objects([] if value is None else [value], "an output item"):
            chunk.wholes += [(0, channel, text) for channel, text in item_texts(item, index, opaque)]
    elif rule.how == "shell":
        texts = shell_texts(base, _number(found, "command_index"), value, opaque)
        said = [(0, channel, text) for channel, text in texts]
        (chunk.parts if rule.field == "delta" else chunk.wholes).extend(said)
    elif rule.how == "response":
        _life(kind, value, chunk, opaque)
    _others(rule, kind, found, chunk, opaque)


def _life(kind: str, response: object, chunk: Chunk, opaque: list[str]) -> None:
    if not isinstance(response, dict):
        raise NotUnderstood("an event without its response")
    found = cast("dict[str, Any]", response)
    chunk.wholes += [(0, channel, text) for channel, text in response_texts(found, opaque)]
    chunk.kept = kept_of(found)
    chunk.finished = (0,) if kind in LAST else ()


def _others(rule: Event, kind: str, found: Mapping[str, Any], chunk: Chunk, opaque: list[str]) -> None:
    """Fields of an event beside its text."""
    for name, value in found.items():
        use = rule.fields.get(name)
        if use is None:
            chunk.parts += [(0, f"{kind} {name}", text) for text in _plain({name: value}, opaque)]
        elif use == "unread" and value:
            opaque.append(kind.removeprefix("response.").removesuffix(".delta"))


def _channel(rule: Event, base: str, found: Mapping[str, Any]) -> str:
    place, brace, _ = rule.place.partition("[{")
    if not brace:
        return f"{base}.{place}"
    return f"{base}.{place}[{_number(found, rule.place[len(place) + 2 : -2])}]"


def _number(found: Mapping[str, Any], name: str) -> int:
    value = found.get(name, 0)
    if not isinstance(value, int):
        raise NotUnderstood("an index that is not a number")
    return value


def _logprobs(found: Mapping[str, Any], text: object, chunk: Chunk, base: str) -> None:
    tokens = tokens_of_another(found.get("logprobs"), text)
    chunk.parts += [(0, f"{base}.logprobs", token) for token in tokens]
