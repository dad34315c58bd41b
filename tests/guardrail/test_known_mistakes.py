"""Mistakes that other guardrails made, each as a test of this one."""

from __future__ import annotations

import json
import logging
import traceback
from typing import Any

import pytest

from guardrail.exchange import Answer, Exchange, Forward, Outcome, drive
from guardrail.guard import Guard
from guardrail.scoring.scores import Item
from guardrail.wire.chat import ChatCompletions
from tests.support import (
    DONE,
    MARK,
    MarkerScorer,
    chunk,
    completion,
    finish_of,
    guard,
    policy,
    request,
    streamed,
    text_of,
)


def asked(g: Guard, body: bytes) -> tuple[Outcome, Exchange]:
    exchange = Exchange(g, ChatCompletions())
    return drive(exchange.request(body), g.score), exchange


def played(g: Guard, reads: list[bytes], exchange: Exchange | None = None) -> bytes:
    if exchange is None:
        _, exchange = asked(g, request("How much?", stream=True))
    stream = exchange.stream()
    out = b"".join(drive(stream.feed(data), g.score) for data in reads)
    return out + drive(stream.finish(), g.score)


def test_released_before_checked() -> None:
    """openai-guardrails (99 chunks), NeMo (`stream_first`), LiteLLM (every fifth chunk)."""
    scorer = MarkerScorer()
    g = guard(scorer)
    _, exchange = asked(g, request("How much?", stream=True))
    stream = exchange.stream()
    for data in streamed("one two three")[:-1]:
        assert text_of(drive(stream.feed(data), g.score)) == ""
        assert scorer.responses == []


def test_a_passage_split_over_two_chunks() -> None:
    """litellm#41611."""
    out = played(guard(), [chunk(content=MARK[:4]), chunk(content=MARK[4:]), chunk(0, "stop"), DONE])
    assert text_of(out) == ""
    assert finish_of(out) == ["content_filter"]


def test_the_end_mark_split_over_two_reads() -> None:
    out = played(guard(), [chunk(content=MARK), b"data: [D", b"ONE]\n", b"\n"])
    assert text_of(out) == ""


def test_state_on_a_shared_object() -> None:
    """guardrails-ai#1255: two streams of one guard, read in turns."""
    g = guard()
    texts = ["Take two tablets, please. " * 5, "Drink a glass of water. " * 5, f"Now the {MARK}. " * 5]
    streams = [asked(g, request(f"q{i}", stream=True))[1].stream() for i in range(3)]
    outs = [b""] * 3
    for reads in zip(*(streamed(text) for text in texts), strict=False):
        for i, data in enumerate(reads):
            if not streams[i].closed:
                outs[i] += drive(streams[i].feed(data), g.score)
    for i, text in enumerate(texts):
        assert text.startswith(text_of(outs[i]))
    assert text_of(outs[0])
    assert finish_of(outs[2]) == ["content_filter"]


def test_two_user_turns_in_a_row() -> None:
    """NeMo#1413."""
    assert isinstance(asked(guard(), request(MARK, "thanks"))[0], Answer)


def test_one_bad_turn_blocks_for_ever() -> None:
    """openai-agents#2294."""
    g = guard()
    asked(g, request(MARK))
    outcome, _ = asked(
        g, request(MARK, {"role": "assistant", "content": "I can't help with that."}, "aspirin?")
    )
    assert isinstance(outcome, Forward)
    assert MARK.encode() not in outcome.body


def test_open_by_default() -> None:
    scorer = MarkerScorer()
    scorer.failure = OSError("down")
    outcome, _ = asked(guard(scorer), request("hello"))
    assert isinstance(outcome, Answer)
    assert policy().unscannable == "block"


def test_tool_descriptions_are_not_the_user_s() -> None:
    """litellm PR#39281."""
    tools = [{"type": "function", "function": {"name": "f", "description": MARK}}]
    assert isinstance(asked(guard(), request("hello", tools=tools))[0], Forward)


def test_tool_arguments_are_the_model_s() -> None:
    """aisix#204."""
    found = json.loads(completion("fine"))
    found["choices"][0]["message"]["tool_calls"] = [{"function": {"name": "f", "arguments": MARK}}]
    g = guard()
    _, exchange = asked(g, request("hello"))
    outcome = drive(exchange.response(json.dumps(found).encode()), g.score)
    assert isinstance(outcome, Forward)
    assert MARK.encode() not in outcome.body


@pytest.mark.parametrize("refusal", ["error", "raise"])
def test_standard_status_codes(refusal: str) -> None:
    outcome, _ = asked(guard(refusal=refusal), request(MARK))
    assert isinstance(outcome, Answer)
    assert outcome.status == 400


SECRET = "Mrs Quimby"


@pytest.mark.parametrize(
    "changes", [{}, {"refusal": "raise"}, {"refusal": "error"}, {"unscannable": "record"}]
)
@pytest.mark.parametrize("fails", [False, True])
def test_text_in_logs_and_errors(
    changes: dict[str, Any], fails: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """litellm#12152, PR#39702."""
    caplog.set_level(logging.DEBUG)
    scorer = MarkerScorer()
    if fails:
        scorer.failure = ValueError(f"can't score {SECRET}")
    g = guard(scorer, **changes)
    image = {"type": "image_url", "image_url": {"url": SECRET}}
    shown: list[str] = []
    bodies = [
        request(f"{SECRET} {MARK}"),
        request({"role": "user", "content": [{"type": "text", "text": SECRET}, image]}),
        request({"role": "user", "content": {SECRET: SECRET}}),
        request({"role": SECRET, "content": 7}),
        f'{{"{SECRET}"'.encode(),
    ]
    for body in bodies:
        outcome, exchange = asked(g, body)
        shown += [repr(outcome), repr(exchange), repr(exchange.asked), repr(exchange.record)]
        if isinstance(outcome, Answer):
            shown.append(outcome.body.decode())
            if outcome.error is not None:
                shown += [repr(outcome.error), str(outcome.error), outcome.error.verdict.model_dump_json()]
                shown += traceback.format_exception(outcome.error)
    for answer in (
        completion(f"{SECRET} {MARK}"),
        f"<{SECRET}>".encode(),
        b'{"choices": [{"message": "%s"}]}' % SECRET.encode(),
    ):
        _, exchange = asked(g, request("hello"))
        outcome = drive(exchange.response(answer), g.score)
        shown += [repr(outcome), repr(exchange.record)]
    out = played(g, [f"data: {{{SECRET}\n\n".encode(), DONE])
    if changes != {"unscannable": "record"}:
        shown.append(out.decode())
    shown += [record.getMessage() for record in caplog.records]
    shown += [repr(Item(SECRET)), repr(Item(SECRET, SECRET))]
    assert not [line for line in shown if "Quimby" in line]
