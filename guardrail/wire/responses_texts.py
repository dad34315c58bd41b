"""Where the texts of the Responses API's items are: turns of a request, channels of an answer.

A channel is named by its place, such as `output[1].content[0]`, so that what a streamed delta adds to and
what a closing event repeats are the same one. What an item says besides is one channel, `output[1]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from guardrail.wire.fields import definitions, is_opaque, strings
from guardrail.wire.format import Choice, Kept, NotUnderstood, Turn
from guardrail.wire.logprobs import tokens_of_another
from guardrail.wire.responses_rules import INSIDE, ITEMS, PARTS, RESPONSE, Fields, Item, Kind, fields

_ROLES: Final[Mapping[str, Kind]] = {
    "user": "user",
    "assistant": "model",
    "system": "setup",
    "developer": "setup",
}
_UNKNOWN: Final = Item("tool", fields(harmless="id type status"))
_MAX_DEPTH: Final = 64
_LISTED: Final = {("message", "content"), ("reasoning", "content"), ("reasoning", "summary")}
_SINGLE: Final = frozenset(["arguments", "input", "code"])


def objects(value: object, what: str) -> list[dict[str, Any]]:
    """A list of objects; an absent one is empty. Raises `NotUnderstood`, naming `what`."""
    if value is None:
        return []
    if isinstance(value, list):
        found = cast("list[object]", value)
        if all(isinstance(entry, dict) for entry in found):
            return cast("list[dict[str, Any]]", found)
    raise NotUnderstood(f"{what} that is not a list of objects")


def said(value: object, opaque: list[str], depth: int = 0) -> Iterator[str]:
    """Every text of a scanned field; names of what has none go to `opaque`."""
    if depth > _MAX_DEPTH:
        raise NotUnderstood("JSON nested too deeply")
    if isinstance(value, str):
        if value:
            yield value
    elif isinstance(value, list):
        for entry in cast("list[object]", value):
            yield from said(entry, opaque, depth + 1)
    elif isinstance(value, dict):
        found = cast("dict[str, Any]", value)
        part = PARTS.get(str(found.get("type")))
        if part is not None and "unread" in part.values():
            opaque.append(str(found["type"]))
            found = {name: entry for name, entry in found.items() if name not in part}
        for name, entry in found.items():
            use = INSIDE.get(name)
            if use == "scanned":
                yield from said(entry, opaque, depth + 1)
            elif use is None:
                yield from _unknown(name, entry, opaque, depth)
        if part is not None:
            yield from tokens_of_another(found.get("logprobs"), found.get("text"))


def _unknown(name: str, value: object, opaque: list[str], depth: int) -> Iterator[str]:
    """What a name that no table knows says, after the name."""
    texts: list[str] = []
    for text in strings(value, depth + 1):
        if is_opaque(text):
            opaque.append("data in an unknown field")
        else:
            texts.append(text)
    if texts:
        yield name
        yield from texts


# ---- requests


def turns(items: list[dict[str, Any]], opaque: list[str], history: list[tuple[str, str]]) -> Iterator[Turn]:
    """The items of a request's `input` as turns; handles of kept items go to `history`."""
    for index, item in enumerate(items):
        kind, rule = kind_of(item)
        for name, value in item.items():
            use = rule.fields.get(name)
            if use == "history" and isinstance(value, str):
                history.append((str(item.get("type") or "item_reference"), value))
            elif use == "unread" and kind != "model" and value:
                opaque.append(_name_of(value, item))
        # The model's own and the operator's words are not scanned, so neither is what holds none.
        yield Turn(index, kind, _text(item, rule, opaque if kind in ("user", "tool") else []))


def _text(item: Mapping[str, Any], rule: Item, opaque: list[str]) -> str:
    """What an item of a request says, a line a text; names of what has none go to `opaque`."""
    texts: list[str] = []
    for name, value in item.items():
        use = rule.fields.get(name)
        if use in ("scanned", None):
            texts += _unknown(name, value, opaque, 0) if use is None else said(value, opaque)
            if name in ("content", "output") and use == "scanned":
                opaque += _foreign(value)
    return "\n".join(texts)


def system_texts(items: list[dict[str, Any]], opaque: list[str]) -> Iterator[str]:
    """What the operator says in the items of a request."""
    for item in items:
        kind, rule = kind_of(item)
        if kind == "setup" and (text := _text(item, rule, opaque)):
            yield text


def tool_texts(items: list[dict[str, Any]], opaque: list[str]) -> Iterator[str]:
    """The definitions in the items of a request."""
    for item in items:
        yield from defined(item, kind_of(item)[1].fields, opaque)


def defined(found: Mapping[str, Any], rules: Fields, opaque: list[str]) -> Iterator[str]:
    """The definitions in the fields of an object."""
    for name, value in found.items():
        if rules.get(name) == "tools":
            yield from definitions(value, opaque)


def kind_of(item: Mapping[str, Any]) -> tuple[Kind, Item]:
    """Who speaks in an item of a request, and its rule; a type or a role that is unknown is a tool's."""
    name = item.get("type")
    if name is None:
        # Both may leave their type out; what has more than an id is no reference.
        name = "message" if "role" in item else "item_reference" if item.keys() <= {"type", "id"} else ""
    if not isinstance(name, str):
        raise NotUnderstood("an item whose type is not a string")
    rule = ITEMS.get(name, _UNKNOWN)
    if name == "message":
        return _ROLES.get(str(item.get("role")), "tool"), rule
    return rule.kind, rule


def _foreign(content: object) -> list[str]:
    """Content parts of types that no table knows: what they bring beside their text can't be known."""
    if not isinstance(content, list):
        return []
    parts = [cast("dict[str, Any]", e) for e in cast("list[object]", content) if isinstance(e, dict)]
    kinds = [part.get("type") for part in parts]
    return ["content of an unknown type" for kind in kinds if kind is not None and kind not in PARTS]


def _name_of(value: object, item: Mapping[str, Any]) -> str:
    inner = cast("dict[str, Any]", value).get("type") if isinstance(value, dict) else None
    return inner if isinstance(inner, str) and inner in PARTS else str(item.get("type"))


def withheld(item: Mapping[str, Any], notice: str) -> dict[str, Any]:
    """The item with `notice` in place of what it says; ids and names stay."""
    kind = item.get("type", "message")
    rule = kind_of(item)[1]
    kept = {
        name: value
        for name, value in item.items()
        if rule.fields.get(name, "scanned") != "scanned" and name != rule.main
    }
    if kind == "shell_call_output":
        end = {"type": "exit", "exit_code": 0}
        return {**kept, rule.main: [{"stdout": notice, "stderr": "", "outcome": end}]}
    if kind in ("file_search_call", "code_interpreter_call"):
        return {**kept, rule.main: None}
    return {**kept, rule.main: notice} if rule.main else kept


# ---- answers


def item_texts(item: Mapping[str, Any], index: int, opaque: list[str]) -> Iterator[tuple[str, str]]:
    """(channel, text) of one item of an answer."""
    kind = str(item.get("type"))
    rule = ITEMS.get(kind, _UNKNOWN)
    base = f"output[{index}]"
    rest: list[str] = []
    for name, value in item.items():
        use = rule.fields.get(name)
        if use is None:
            rest += _unknown(name, value, opaque, 0)
        elif use == "unread":
            if value:
                opaque.append(_name_of(value, item))
        elif use not in ("scanned", "answer") or value is None:
            continue
        elif (kind, name) in _LISTED and isinstance(value, list):
            for position, part in enumerate(cast("list[object]", value)):
                if text := part_text(part, opaque):
                    yield f"{base}.{name}[{position}]", text
        elif name in _SINGLE:
            if isinstance(value, str) and value:
                yield f"{base}.{name}", value
            else:
                rest += strings(value)
        elif kind == "shell_call" and name == "action":
            yield from _commands(base, value, rest, opaque)
        elif kind == "shell_call_output" and name == "output":
            yield from shell_texts(base, 0, value, opaque)
        else:
            rest += said(value, opaque)
    if rest:
        yield base, "\n".join(rest)


def part_text(part: object, opaque: list[str]) -> str:
    """What a content part says; in an answer an unknown part is read like an unknown field."""
    return "".join(said(part, opaque))


def _commands(base: str, action: object, rest: list[str], opaque: list[str]) -> Iterator[tuple[str, str]]:
    if not isinstance(action, dict):
        rest += said(action, opaque)
        return
    found = cast("dict[str, Any]", action)
    commands = found.get("commands")
    if isinstance(commands, list):
        for position, command in enumerate(cast("list[object]", commands)):
            if text := "".join(said(command, opaque)):
                yield f"{base}.command[{position}]", text
        found = {name: value for name, value in found.items() if name != "commands"}
    rest += said(found, opaque)


def shell_texts(base: str, first: int, output: object, opaque: list[str]) -> Iterator[tuple[str, str]]:
    """What commands printed: one channel for each output of each command, from number `first`."""
    entries = cast("list[object]", output) if isinstance(output, list) else [output]
    for position, entry in enumerate(entries, start=first):
        found = cast("dict[str, Any]", entry) if isinstance(entry, dict) else {"stdout": entry}
        for name in ("stdout", "stderr"):
            if text := "".join(said(found.get(name), opaque)):
                yield f"{base}.{name}[{position}]", text
        others = {name: value for name, value in found.items() if name not in ("stdout", "stderr")}
        if text := "\n".join(said(others, opaque)):
            yield f"{base}.other[{position}]", text


def response_texts(response: Mapping[str, Any], opaque: list[str]) -> Iterator[tuple[str, str]]:
    """(channel, text) of a response object, whole or so far."""
    for index, item in enumerate(objects(response.get("output"), "`output`")):
        yield from item_texts(item, index, opaque)
    if text := "".join(said(response.get("output_text"), opaque)):
        yield "output_text", text
    for name, value in response.items():
        if name not in RESPONSE and (text := "\n".join(_unknown(name, value, opaque, 0))):
            yield f"field {name}", text  # which no place of an item is named like


def gathered(response: Mapping[str, Any]) -> Choice:
    """All of a whole response as its one choice."""
    opaque: list[str] = []
    texts = dict(response_texts(response, opaque))
    if texts.get("output_text") == "".join(text for channel, text in texts.items() if ".content[" in channel):
        del texts["output_text"]  # a copy that some servers add
    return Choice(0, texts, tuple(dict.fromkeys(opaque)))


def kept_of(response: Mapping[str, Any]) -> Kept | None:
    """The handles of a response: its id, its items' ids, and what stands for a compacted history."""
    own, before = response.get("id"), response.get("previous_response_id")
    if not isinstance(own, str) or not own:
        return None
    found = [own]
    for item in objects(response.get("output"), "`output`"):
        names = ("id", "encrypted_content") if item.get("type") == "compaction" else ("id",)
        found += [handle for name in names if isinstance(handle := item.get(name), str)]
    within = response.get("conversation")
    if isinstance(within, dict):
        within = cast("dict[str, Any]", within).get("id")
    return Kept(
        tuple(found),
        before if isinstance(before, str) else None,
        within if isinstance(within, str) else None,
    )
