"""What is judged of a conversation, and what can't be judged at all."""

from __future__ import annotations

from typing import Any

import pytest

from guardrail.errors import InputError
from guardrail.request import read_mapping, read_request
from guardrail.scoring.scores import Item


def say(role: str, content: Any = "text", **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def test_prompt_and_response() -> None:
    assert read_request("a", None, None).items == (Item("a"),)
    assert read_request(None, "b", None).items == (Item(None, "b"),)
    assert read_request("a", "b", None).items == (Item("a"), Item("a", "b"))
    assert read_request("", None, None).items == (Item(""),)


def test_everything_since_the_last_answer_is_the_prompt_alone_and_joined() -> None:
    request = read_request(
        None,
        None,
        [say("system", "s"), say("user", "old"), say("assistant", "x"), say("user", "a"), say("tool", "b")],
    )
    assert request.items == (Item("a"), Item("b"), Item("a\n\nb"))
    assert request.messages == (3, 4, None)


def test_an_operators_word_between_two_turns_does_not_part_them() -> None:
    request = read_request(None, None, [say("user", "a"), say("system", "s"), say("user", "b")])
    assert request.items == (Item("a"), Item("b"), Item("a\n\nb"))


def test_an_assistant_at_the_end_is_the_response() -> None:
    request = read_request(None, None, [say("user", "a"), say("assistant", "b")])
    assert request.items == (Item("a"), Item("a", "b"))
    assert request.messages == (0, 1)
    assert read_request(None, "b", [say("user", "a")]).items == (Item("a"), Item("a", "b"))


def test_calls_of_tools_are_part_of_a_response() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "order", "arguments": '{"drug": "x"}'}}
    request = read_request(None, None, [say("user", "a"), say("assistant", None, tool_calls=[call])])
    response = request.items[1].response
    assert response is not None
    assert "order" in response
    assert '{"drug": "x"}' in response


def test_parts_are_read_and_what_has_no_text_is_named() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "data:"}}]
    request = read_request(None, None, [say("user", parts)])
    assert request.items == (Item("a"),)
    assert request.not_scanned == (("image_url",), ())
    assert read_request(None, None, [say("user", parts[1:])]).items == ()


def test_an_empty_message_is_still_judged() -> None:
    assert read_request(None, None, [say("user", "")]).items == (Item(""),)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "nothing to check: give prompt, response or messages"),
        ({"messages": []}, "messages: the list is empty"),
        ({"messages": "hello"}, "messages: a list of messages is needed"),
        ({"messages": {"role": "user"}}, "messages: a list of messages is needed"),
        ({"messages": ["hello"]}, r"messages\[0\]: a message is a dict"),
        ({"messages": [say("user"), say("usr")]}, r"messages\[1\].role: 'usr' is unknown; known: .*user"),
        ({"messages": [{"content": "x"}]}, r"messages\[0\].role: missing"),
        ({"messages": [say("user", 5)]}, r"messages\[0\]: .*content"),
        ({"messages": [say("system")]}, "nothing to check"),
        ({"messages": [say("user")], "prompt": "x"}, "prompt or messages, not both"),
        ({"messages": [say("user"), say("assistant")], "response": "x"}, "leave response out"),
        ({"prompt": b"x"}, "prompt: a string is needed, not bytes"),
        ({"prompt": 5}, "prompt: a string is needed, not int"),
        ({"promt": "x"}, "unknown key in a request; did you mean 'prompt'?"),
    ],
)
def test_what_cannot_be_judged_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_mapping(arguments)


def test_a_role_that_might_be_text_is_not_repeated() -> None:
    with pytest.raises(InputError) as error:
        read_request(None, None, [say("my father takes morphine")])
    assert "morphine" not in str(error.value)
