"""Where the texts of OpenAI's chat messages are, and every other field by name: the closed rule.

    scanned as text
        request  `content` and text parts of every role but system, developer and assistant; what only the
                 model says (`tool_calls`, `function_call`, `refusal`) in every other role; `prediction`;
                 every string in a field that is unknown here
        answer   `content`, `refusal`, `reasoning*`, tool and function calls with their names, transcripts;
                 every string in a field that is unknown here
    passed as harmless
        request  settings, names and ids
        answer   ids, usage, `annotations`, `logprobs`
    by `policy.unscannable`
        request  image, audio, video and file parts; `modalities: ["audio"]`
        answer   `audio.data`; long strings without a space in an unknown field

    the operator's, by `policy.scan`
        system   messages of the roles system and developer
        tools    `tools`, `functions`, `response_format`

`logprobs` are in the same event as the text they describe, so they leave with it or not at all; the tokens of
another text are scanned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, cast

from guardrail.wire.fields import definitions, strings, unknown
from guardrail.wire.format import Choice, NotUnderstood, Turn
from guardrail.wire.logprobs import tokens_of_another

# Fields that are read, or that hold no words of a user or a model, in the OpenAI API and in servers like it.
REQUEST: Final = frozenset(
    [
        "messages",
        "prediction",
        "modalities",
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "metadata",
        "model",
        "moderation",
        "n",
        "parallel_tool_calls",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning_effort",
        "reasoning",
        "response_format",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
        "web_search_options",
        "provider",
        "models",
        "route",
        "transforms",
        "data_sources",
    ]
)
TOOLS: Final = ("tools", "functions", "response_format")
"""Fields of a request in which the operator defines tools and the shape of answers."""
MESSAGE: Final = frozenset(["role", "content", "name", "tool_call_id", "audio"])
"""Of a message that is not the model's."""
SAID: Final = ("tool_calls", "function_call", "refusal")
"""What only the model says: history in its own messages, in any other a text like one in an unknown field."""
BODY: Final = frozenset(
    [
        "id",
        "object",
        "created",
        "model",
        "choices",
        "usage",
        "system_fingerprint",
        "service_tier",
        "moderation",
        "metadata",
        "obfuscation",
        "provider",
        "x_groq",
        "prompt_filter_results",
        "prompt_logprobs",
        "error",
    ]
)
CHOICE: Final = frozenset(
    [
        "index",
        "message",
        "delta",
        "finish_reason",
        "logprobs",
        "native_finish_reason",
        "stop_reason",
        "content_filter_results",
    ]
)
_PLAIN: Final = CHOICE - {"message"}
ANSWER: Final = frozenset(
    ["role", "content", "refusal", "tool_calls", "function_call", "audio", "annotations"]
)
_KINDS: Final = {"system": "setup", "developer": "setup", "assistant": "model", "user": "user"}
_TEXT_PART: Final = frozenset({"type", "text", "cache_control"})
_PARTS: Final = frozenset({"image_url", "input_audio", "file", "audio", "video_url"})
_DESCRIBED: Final = ("content", "refusal")
_CALL: Final = frozenset({"id", "index", "type", "extra_content"})


def list_of(found: dict[str, Any], name: str) -> list[Any]:
    """The list under `name`; only `messages` must be there."""
    value = found.get(name)
    if value is None and name != "messages":
        return []
    if not isinstance(value, list):
        raise NotUnderstood(f"`{name}` that is not a list")
    return cast("list[Any]", value)


def turns(messages: list[Any], opaque: list[str]) -> Iterator[Turn]:
    """The messages of a request; names of what has no text go to `opaque`."""
    for index, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(
            role := cast("dict[str, Any]", message).get("role"), str
        ):
            raise NotUnderstood("a message without a role")
        found = cast("dict[str, Any]", message)
        kind = cast("Any", _KINDS.get(role, "tool"))  # an unknown role is scanned like any other input
        if kind in ("setup", "model"):
            # Not scanned, so what it holds besides text is no concern either.
            yield Turn(index, kind, "\n".join(content_texts(found.get("content"), [])))
            strays = {name: found.get(name) for name in SAID} if kind == "setup" else {}
            if texts := [text for _, text in unknown(strays, frozenset(), opaque)]:
                yield Turn(index, "tool", "\n".join(texts))
            continue
        texts = content_texts(found.get("content"), opaque)
        texts += [text for _, text in unknown(found, MESSAGE, opaque)]
        if isinstance(found.get("audio"), dict):
            opaque.append("audio")
        yield Turn(index, kind, "\n".join(texts))


def system_texts(messages: list[Any], opaque: list[str]) -> Iterator[str]:
    """The operator's messages, of a request that `turns` has read."""
    for message in cast("list[dict[str, Any]]", messages):
        if _KINDS.get(message["role"]) == "setup":
            texts = content_texts(message.get("content"), opaque)
            texts += [text for _, text in unknown(message, MESSAGE, opaque)]
            if texts:
                yield "\n".join(texts)


def tool_texts(found: dict[str, Any], opaque: list[str]) -> Iterator[str]:
    """The operator's definitions in a request."""
    for name in TOOLS:
        yield from definitions(found.get(name), opaque)


def content_texts(content: object, opaque: list[str]) -> list[str]:
    """The texts of a message's content (a string, `null`, or parts); names of the rest go to `opaque`."""
    if content is None:
        return []
    if isinstance(content, str):
        return [content] if content else []
    if not isinstance(content, list):
        raise NotUnderstood("a message's content that is neither a string nor a list")
    texts: list[str] = []
    for part in cast("list[object]", content):
        if isinstance(part, str):
            texts.append(part)
            continue
        if not isinstance(part, dict):
            raise NotUnderstood("a content part that is not an object")
        found = cast("dict[str, Any]", part)
        kind = found.get("type")
        if kind in _PARTS:
            opaque.append(str(kind))
            continue
        if isinstance(text := found.get("text"), str):
            texts.append(text)
        texts += [text for _, text in unknown(found, _TEXT_PART, opaque)]
    return texts


def choices_of(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The choices of a completion or a chunk."""
    choices = found.get("choices")
    if isinstance(choices, list):
        for entry in cast("list[object]", choices):
            if not isinstance(entry, dict):
                break
        else:
            return cast("list[dict[str, Any]]", choices)
    raise NotUnderstood("a completion without a list of choices")


def index_of(entry: dict[str, Any]) -> int:
    """A choice's index; 0 where an endpoint leaves it out."""
    index = entry.get("index", 0)
    if not isinstance(index, int) or index < 0:
        raise NotUnderstood("a choice whose index is not a number")
    return index


def choice_parts(entry: dict[str, Any], opaque: list[str]) -> list[tuple[str, str]]:
    """(channel, text) of one choice, whole or streamed."""
    delta = entry.get("delta")
    plain = not entry.get("logprobs") and _PLAIN.issuperset(entry)
    if plain and isinstance(delta, dict) and len(cast("dict[str, Any]", delta)) == 1:
        content = cast("dict[str, Any]", delta).get("content")
        if isinstance(content, str):
            return [("content", content)] if content else []  # which nearly every chunk is
    parts: list[tuple[str, str]] = []
    for name in ("message", "delta"):
        said = entry.get(name)
        if isinstance(said, dict):
            parts += _answer_parts(cast("dict[str, Any]", said), opaque)
            if logprobs := entry.get("logprobs"):
                parts += _logprobs(logprobs, cast("dict[str, Any]", said), opaque)
        elif said is not None:
            raise NotUnderstood(f"a choice whose {name} is not an object")
    if not CHOICE.issuperset(entry):
        parts += unknown(entry, CHOICE, opaque)
    return parts


def _logprobs(logprobs: object, said: dict[str, Any], opaque: list[str]) -> Iterator[tuple[str, str]]:
    """Tokens that are not those of the text beside them, and what another server's form says."""
    found = cast("dict[str, Any]", logprobs) if isinstance(logprobs, dict) else {"": logprobs}
    for name in _DESCRIBED:
        texts = content_texts(said.get(name), [])
        for token in tokens_of_another(found.get(name), "".join(texts)):
            yield f"logprobs.{name}", token
    yield from unknown(found, frozenset(_DESCRIBED), opaque)


def _answer_parts(message: dict[str, Any], opaque: list[str]) -> list[tuple[str, str]]:
    """(channel, text) of a message or a delta, in its order."""
    parts: list[tuple[str, str]] = []
    content = message.get("content")
    if content:
        if isinstance(content, str):
            parts.append(("content", content))
        else:
            parts += [("content", text) for text in content_texts(content, opaque)]
    if refusal := message.get("refusal"):
        parts += [("refusal", text) for text in strings(refusal)]
    if message.get("tool_calls"):
        for position, call in enumerate(list_of(message, "tool_calls")):
            parts += _call(call, position)
    if function := message.get("function_call"):
        parts += [("function_call", text) for text in _spoken(function)]
    audio = message.get("audio")
    if isinstance(audio, dict):
        sound = cast("dict[str, Any]", audio)
        parts += [("audio.transcript", text) for text in strings(sound.get("transcript"))]
        if sound.get("data"):
            opaque.append("audio")
    elif audio:
        raise NotUnderstood("audio that is not an object")
    if not ANSWER.issuperset(message):
        parts += unknown(message, ANSWER, opaque)
    return parts


def _call(call: object, position: int) -> Iterator[tuple[str, str]]:
    if not isinstance(call, dict):
        raise NotUnderstood("a tool call that is not an object")
    found = cast("dict[str, Any]", call)
    channel = f"tool_calls[{found.get('index', position)}]"
    for name, value in found.items():
        if name not in _CALL:
            yield from ((channel, text) for text in _spoken(value))


def _spoken(function: object) -> Iterator[str]:
    """A call as text: the name once, then the arguments as they come."""
    if not isinstance(function, dict):
        yield from strings(function)
        return
    for name, value in cast("dict[str, Any]", function).items():
        for text in strings(value):
            yield f"{text} " if name == "name" else text


def gather(choice: Choice, parts: Iterable[tuple[str, str]], opaque: list[str]) -> None:
    """Put the parts of a whole answer together by channel."""
    for channel, text in parts:
        choice.texts[channel] = choice.texts.get(channel, "") + text
    choice.opaque = tuple(dict.fromkeys(opaque))
