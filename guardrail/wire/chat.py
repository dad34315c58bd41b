"""OpenAI chat completions: request, response and stream."""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Iterable
from typing import Any, Final, cast

from guardrail.wire import sse
from guardrail.wire.chat_texts import (
    BODY,
    MESSAGE,
    REQUEST,
    choice_parts,
    choices_of,
    content_texts,
    gather,
    index_of,
    list_of,
    turns,
)
from guardrail.wire.fields import unknown
from guardrail.wire.format import NO_CHOICE, Choice, Chunk, Json, Request, Response
from guardrail.wire.strict_json import read_object, write

_MAX_CHOICES: Final = 128  # OpenAI's own limit for `n`


class ChatCompletions:
    """The adapter (`guardrail.wire.format.Wire`); it has no state."""

    name = "openai.chat.completions"
    end = b"data: [DONE]\n\n"

    # ---- request

    def request(self, body: bytes) -> Request:
        """Read a request; a message that is not one is not understood."""
        found = read_object(body, "a request", unique_keys=True)
        opaque: list[str] = []
        asked = tuple(turns(list_of(found, "messages"), opaque))
        extra = [text for _, text in unknown(found, REQUEST, opaque)]
        if isinstance(prediction := found.get("prediction"), dict):
            extra += content_texts(cast("dict[str, Any]", prediction).get("content"), opaque)
        if "audio" in list_of(found, "modalities"):
            opaque.append("audio output")
        n = found.get("n")
        return Request(
            asked,
            tuple(extra),
            tuple(dict.fromkeys(opaque)),
            stream=bool(found.get("stream")),
            choices=min(n, _MAX_CHOICES) if isinstance(n, int) and n > 0 else 1,
            body=found,
        )

    def withhold(self, request: Request, messages: Collection[int], notice: str) -> bytes:
        """The request with `notice` as the content of these messages; names and call ids stay."""
        kept = [
            {key: item for key, item in message.items() if key in MESSAGE} | {"content": notice}
            if index in messages
            else message
            for index, message in enumerate(cast("list[dict[str, Any]]", request.body["messages"]))
        ]
        return write({**request.body, "messages": kept})

    # ---- response

    def response(self, body: bytes) -> Response:
        """Read a whole completion."""
        found = read_object(body, "a response")
        choices: list[Choice] = []
        if found.get("error") and "choices" not in found:
            return Response((), found)  # an upstream's error that came with status 200
        for entry in choices_of(found):
            choice = Choice(index_of(entry))
            opaque: list[str] = []
            gather(choice, choice_parts(entry, opaque), opaque)
            choices.append(choice)
        if not BODY.issuperset(found):
            outside, opaque = Choice(NO_CHOICE), []
            gather(outside, unknown(found, BODY, opaque), opaque)
            choices.append(outside)
        return Response(tuple(choices), found)

    def reply(self, request: Request, text: str, moderation: Json) -> bytes:
        """A completion in which every choice is `text`, ended by the content filter."""
        return write(
            {
                **_head(request, "chat.completion"),
                "choices": [
                    {
                        "index": index,
                        "message": {"role": "assistant", "content": text, "refusal": None},
                        "logprobs": None,
                        "finish_reason": "content_filter",
                    }
                    for index in range(request.choices)
                ],
                "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
                "moderation": moderation,
            }
        )

    def replace(self, response: Response, stopped: Iterable[int], text: str) -> None:
        """Put `text` in place of the stopped choices; their tool calls and log probabilities go."""
        everything = NO_CHOICE in (gone := set(stopped))
        for entry in choices_of(response.body):
            if everything or index_of(entry) in gone:
                index = index_of(entry)
                entry.clear()
                entry |= {
                    "index": index,
                    "message": {"role": "assistant", "content": text, "refusal": None},
                    "logprobs": None,
                    "finish_reason": "content_filter",
                }
        if everything:
            for name in [name for name in response.body if name not in BODY]:
                del response.body[name]

    def annotate(self, response: Response, moderation: Json) -> bytes:
        """The body with the verdict in its `moderation` field."""
        return write({**response.body, "moderation": moderation})

    # ---- stream

    def chunk(self, data: bytes) -> Chunk:
        """Read one event's data: a completion chunk, `[DONE]`, or an upstream's error."""
        if (mark := data.strip()) == b"[DONE]":
            return Chunk(last=True)
        if not mark:
            return Chunk()
        found = read_object(data, "an event")
        # An error ends the stream; its words are the upstream's own and pass as its error responses do.
        chunk = Chunk(last=bool(found.get("error")), body=found)
        if chunk.last and "choices" not in found:
            return chunk
        parts = chunk.parts
        indexes: list[int] = []
        finished: list[int] = []
        for entry in choices_of(found):
            index = index_of(entry)
            indexes.append(index)
            opaque: list[str] = []
            for channel, text in choice_parts(entry, opaque):
                parts.append((index, channel, text))
            if opaque:
                chunk.opaque += [(index, name) for name in opaque]
            if entry.get("finish_reason"):
                finished.append(index)
        if not BODY.issuperset(found):
            opaque = []
            parts += [(NO_CHOICE, name, text) for name, text in unknown(found, BODY, opaque)]
            chunk.opaque += [(NO_CHOICE, name) for name in opaque]
        chunk.choices = tuple(indexes)
        chunk.finished = tuple(finished)
        return chunk

    def reply_stream(self, request: Request, text: str, moderation: Json) -> bytes:
        """The refusal as a stream: the text of each choice, its end, and `[DONE]`."""
        head = _head(request, "chat.completion.chunk")
        events = [
            {
                **head,
                "choices": [{"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}],
                **more,
            }
            for index in range(request.choices)
            for delta, reason, more in (
                ({"role": "assistant", "content": text, "refusal": None}, None, {}),
                ({}, "content_filter", {"moderation": moderation}),
            )
        ]
        return b"".join(sse.serialise(write(event)) for event in events) + self.end

    def cut(self, like: Chunk, choice: int, moderation: Json) -> bytes:
        """An empty delta with `finish_reason: content_filter`."""
        head = {
            key: like.body[key]
            for key in ("id", "created", "model", "system_fingerprint")
            if key in like.body
        }
        end: Json = {"index": choice, "delta": {}, "logprobs": None, "finish_reason": "content_filter"}
        event: Json = {**head, "object": "chat.completion.chunk", "choices": [end], "moderation": moderation}
        return sse.serialise(write(event))

    def without(self, chunk: Chunk, choices: Collection[int]) -> bytes | None:
        """The event without these choices; usage counts keep an event alive."""
        kept = [entry for entry in choices_of(chunk.body) if index_of(entry) not in choices]
        chunk.body["choices"] = kept
        chunk.choices = tuple(index for index in chunk.choices if index not in choices)
        chunk.parts = [part for part in chunk.parts if part[0] not in choices]
        chunk.finished = tuple(index for index in chunk.finished if index not in choices)
        if not kept and not chunk.body.get("usage"):
            return None
        return sse.serialise(write(chunk.body))

    def annotate_chunk(self, chunk: Chunk, moderation: Json) -> bytes:
        """The event with the verdict in its `moderation` field."""
        chunk.body["moderation"] = moderation
        return sse.serialise(write(chunk.body))

    # ---- errors

    def error(self, message: str, code: str, param: str | None) -> bytes:
        """OpenAI's error body."""
        return write(
            {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}
        )

    def error_event(self, message: str, code: str) -> bytes:
        """OpenAI's error body as an event; the SDK raises it as `APIError`."""
        return sse.serialise(self.error(message, code, None))


def _head(request: Request, kind: str) -> dict[str, Any]:
    model = request.body.get("model")
    return {
        "id": f"chatcmpl-guardrail-{uuid.uuid4().hex}",
        "object": kind,
        "created": int(time.time()),
        "model": model if isinstance(model, str) else "",
    }
