"""Requests and whole responses: what passes unchanged, and how a stop looks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from guardrail.errors import BlockedError, ScoringError
from guardrail.exchange import Answer, Exchange, Forward, Outcome, drive
from guardrail.guard import Guard
from guardrail.wire.chat import ChatCompletions
from tests.support import MARK, NOTE, MarkerScorer, completion, events_of, finish_of, guard, request, text_of

ANNOTATE = {
    "prompt": {"action": "annotate", "threshold": 0.5},
    "response": {"action": "annotate", "threshold": 3.0},
}


def asked(g: Guard, body: bytes) -> tuple[Outcome, Exchange]:
    exchange = Exchange(g, ChatCompletions())
    return drive(exchange.request(body), g.score), exchange


def answered(g: Guard, body: bytes, prompt: str = "How much?", **more: Any) -> tuple[Outcome, Exchange]:
    _, exchange = asked(g, request(prompt, **more))
    return drive(exchange.response(body), g.score), exchange


def answer(outcome: Outcome) -> Answer:
    assert isinstance(outcome, Answer)
    return outcome


def forward(outcome: Outcome) -> dict[str, Any]:
    assert isinstance(outcome, Forward)
    return json.loads(outcome.body)


# ---- requests


def test_a_refused_prompt_gets_the_written_reply() -> None:
    outcome, exchange = asked(guard(), request(MARK, n=2))
    reply = json.loads(answer(outcome).body)
    assert answer(outcome).status == 200
    assert reply["model"] == "m"
    assert [c["finish_reason"] for c in reply["choices"]] == ["content_filter"] * 2
    assert {c["message"]["content"] for c in reply["choices"]} == {"I can't help with that."}
    assert reply["usage"]["total_tokens"] == 0
    assert reply["moderation"]["input"]["results"][0]["category_scores"]["prompt-risk"] == pytest.approx(0.97)
    assert reply["moderation"]["output"]["results"] == []
    assert exchange.record.prompt is not None
    assert exchange.record.prompt.action == "refuse"


def test_the_reply_to_a_streaming_request_is_a_stream() -> None:
    outcome, _ = asked(guard(), request(MARK, n=2, stream=True))
    assert answer(outcome).content_type.startswith("text/event-stream")
    body = answer(outcome).body
    assert [text_of(body, i) for i in (0, 1)] == ["I can't help with that."] * 2
    assert [finish_of(body, i) for i in (0, 1)] == [["content_filter"]] * 2
    assert body.endswith(b"data: [DONE]\n\n")
    assert events_of(body)[1]["moderation"]["input"]["results"][0]["flagged"] is True


@pytest.mark.parametrize("changes", [{"refusal": "error"}, {"prompt": {"action": "block", "threshold": 0.9}}])
def test_a_refused_prompt_as_an_error(changes: dict[str, Any]) -> None:
    outcome, _ = asked(guard(**changes), request(MARK))
    error = json.loads(answer(outcome).body)["error"]
    assert answer(outcome).status == 400
    assert (error["code"], error["type"], error["param"]) == (
        "content_filter",
        "invalid_request_error",
        "prompt",
    )
    assert MARK not in error["message"]


def test_a_refused_prompt_as_an_exception() -> None:
    outcome, _ = asked(guard(refusal="raise"), request(MARK))
    assert isinstance(answer(outcome).error, BlockedError)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "file", "file": {"file_id": "f"}},
    ],
)
def test_content_without_text_is_by_policy(part: dict[str, Any]) -> None:
    body = request({"role": "user", "content": [{"type": "text", "text": "what is it?"}, part]})
    outcome, _ = asked(guard(), body)
    assert json.loads(answer(outcome).body)["error"]["code"] == "unsupported_by_guardrail"
    scorer = MarkerScorer()
    outcome, exchange = asked(guard(scorer, unscannable="record"), body)
    assert outcome == Forward(body)
    assert exchange.record.not_scanned == [part["type"]]
    assert scorer.prompts == ["what is it?"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"model": "m"}',
        b'{"messages": "hello"}',
        b'{"messages": [7]}',
        b'{"messages": [{"content": "no role"}]}',
        b'{"messages": [{"role": "user", "content": 7}]}',
        b'{"messages": [{"role": "user", "content": [7]}]}',
        b'{"messages": [], "messages": []}',
        b'{"messages": [{"role": "user", "content": "\xff"}]}',
        '{"messages": []}'.encode("utf-16"),
        b'{"messages": [], "x": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"messages": [], "x": ' + b"[" * 100 + b'"y"' + b"]" * 100 + b"}",
    ],
)
def test_a_request_that_is_not_understood(body: bytes) -> None:
    outcome, _ = asked(guard(), body)
    assert json.loads(answer(outcome).body)["error"]["code"] == "unsupported_by_guardrail"
    outcome, exchange = asked(guard(unscannable="record"), body)
    assert outcome == Forward(body)
    assert exchange.record.not_scanned


@pytest.mark.parametrize(
    "more",
    [
        {"documents": [{"title": "t", "text": f"the {MARK}"}]},
        {"prediction": {"type": "content", "content": f"the {MARK}"}},
        {"prompt": MARK},
    ],
)
def test_text_outside_the_messages_is_scanned(more: dict[str, Any]) -> None:
    assert isinstance(asked(guard(), request("hello", **more))[0], Answer)


def test_every_text_part_is_scanned() -> None:
    parts = [
        {"type": "text", "text": "a"},
        {"type": "text", "text": MARK, "cache_control": {"type": "ephemeral"}},
    ]
    assert isinstance(asked(guard(), request({"role": "user", "content": parts}))[0], Answer)
    assert isinstance(asked(guard(), request({"role": "user", "content": "a", "thought": MARK}))[0], Answer)
    assert isinstance(
        asked(guard(), request({"role": "user", "content": [{"type": "odd", "odd": MARK}]}))[0], Answer
    )


def test_a_prompt_that_can_not_be_scored() -> None:
    scorer = MarkerScorer()
    scorer.failure = ScoringError(f"no {MARK}")
    outcome, exchange = asked(guard(scorer, refusal="error"), request("hello"))
    error = json.loads(answer(outcome).body)["error"]
    assert error["code"] == "guardrail_failure"
    assert MARK not in error["message"]
    assert exchange.record.prompt is not None
    assert exchange.record.prompt.failure == "ScoringError"


def test_no_message_passes_on_to_the_upstream_s_own_error() -> None:
    body = request()
    assert asked(guard(), body)[0] == Forward(body)


# ---- responses


def test_an_allowed_response_is_the_very_bytes() -> None:
    body = completion("Take two.", "Take three.", odd={"x": 1.50})
    outcome, exchange = answered(guard(), body, n=2)
    assert outcome == Forward(body)
    assert exchange.record.response is not None
    assert exchange.record.response.action == "allow"


def test_only_the_stopped_choice_is_replaced() -> None:
    body = completion("Take two.", f"Take {MARK}.")
    outcome, _ = answered(guard(), body, n=2)
    found = forward(outcome)
    assert found["choices"][0] == json.loads(body)["choices"][0]
    stopped = found["choices"][1]
    assert stopped["message"]["content"] == "I can't show that."
    assert stopped["finish_reason"] == "content_filter"
    assert found["moderation"]["output"]["results"][0]["category_scores"]["harmfulness"] > 4
    assert found["usage"] == json.loads(body)["usage"]


@pytest.mark.parametrize(
    "message",
    [
        {"refusal": MARK},
        {"reasoning_content": MARK},
        {"reasoning": MARK},
        {"reasoning_details": [{"type": "reasoning.text", "text": MARK}]},
        {"content": [{"type": "text", "text": MARK}]},
        {"tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": MARK}}]},
        {"tool_calls": [{"id": "1", "type": "function", "function": {"name": MARK, "arguments": ""}}]},
        {"tool_calls": [{"id": "1", "type": "custom", "custom": {"name": "f", "input": MARK}}]},
        {"function_call": {"name": "f", "arguments": MARK}},
        {"audio": {"id": "a", "transcript": MARK}},
        {"something_new": {"deep": [MARK]}},
    ],
)
def test_every_channel_of_a_response_is_scanned(message: dict[str, Any]) -> None:
    found = json.loads(completion("fine"))
    found["choices"][0]["message"] |= message
    found["choices"][0]["logprobs"] = {"content": [{"token": MARK}]}
    outcome, _ = answered(guard(), json.dumps(found).encode())
    assert MARK not in json.dumps(forward(outcome)["choices"])
    assert forward(outcome)["choices"][0]["finish_reason"] == "content_filter"


def test_text_outside_the_choices_stops_them_and_goes() -> None:
    outcome, _ = answered(guard(), completion("fine", preview=f"the {MARK}"))
    assert MARK not in json.dumps(forward(outcome))


def test_audio_is_by_policy() -> None:
    found = json.loads(completion("fine"))
    found["choices"][0]["message"]["audio"] = {"id": "a", "data": "AAAA", "transcript": "fine"}
    body = json.dumps(found).encode()
    assert json.loads(answer(answered(guard(), body)[0]).body)["error"]["code"] == "unsupported_by_guardrail"
    assert answered(guard(unscannable="record"), body)[0] == Forward(body)


@pytest.mark.parametrize(
    "changes", [{"refusal": "error"}, {"response": {"action": "block", "threshold": 4.0}}]
)
def test_a_stopped_response_as_an_error(changes: dict[str, Any]) -> None:
    outcome, _ = answered(guard(**changes), completion(MARK))
    assert answer(outcome).status == 400
    assert json.loads(answer(outcome).body)["error"]["code"] == "content_filter"


def test_annotating_adds_the_verdict_and_nothing_else() -> None:
    body = completion(f"Say {NOTE}.")
    outcome, _ = answered(guard(**ANNOTATE), body)
    found = forward(outcome)
    assert found.pop("moderation")["output"]["results"][0]["flagged"] is True
    assert found == json.loads(body)
    assert answered(guard(**ANNOTATE), completion("fine"))[0] == Forward(completion("fine"))
    outcome, _ = answered(guard(**ANNOTATE), completion("fine"), prompt=NOTE)
    assert forward(outcome)["moderation"]["input"]["results"][0]["flagged"] is True


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"choices": [7]}', b'{"choices": [{"message": 7}]}']
)
def test_a_response_that_is_not_understood(body: bytes) -> None:
    outcome, _ = answered(guard(), body)
    assert answer(outcome).status == 400
    assert json.loads(answer(outcome).body)["error"]["code"] == "upstream_unreadable"
    assert answered(guard(unscannable="record"), body)[0] == Forward(body)


def test_a_response_that_can_not_be_scored() -> None:
    def run(on_failure: str) -> Outcome:
        scorer = MarkerScorer()
        g = guard(scorer, response={"action": "refuse", "threshold": 4.0, "on_failure": on_failure})
        _, exchange = asked(g, request("hello"))
        scorer.failure = ScoringError("gone")
        return drive(exchange.response(completion("fine")), g.score)

    assert run("open") == Forward(completion("fine"))
    closed = run("closed")
    text = closed.body.decode()
    assert "fine" not in text


def test_the_prompt_is_the_context_of_the_answer() -> None:
    scorer = MarkerScorer()
    answered(guard(scorer), completion("Take two."))
    assert [(item.prompt, item.response) for item in scorer.seen] == [
        ("How much?", None),
        ("How much?", "Take two."),
    ]


def test_no_representation_shows_text() -> None:
    outcome, exchange = asked(guard(), request("my secret"))
    assert "secret" not in repr((outcome, exchange, exchange.asked, exchange.record, vars(exchange)["asked"]))
