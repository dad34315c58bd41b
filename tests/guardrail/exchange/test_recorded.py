"""Recorded exchanges of every format: byte for byte the same where nothing is flagged, and no side door."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrail.exchange import Answer, Exchange, Forward, drive
from guardrail.guard import Guard
from tests.guardrail.exchange.play import cut
from tests.guardrail.exchange.recorded import RECORDED, Recorded
from tests.support import Upstream, guard

every = pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: recorded.name)
STREAMS = [one for one in RECORDED if one.streamed and one.answered]
MODES = ["window", "buffer", "observe"]


def heard(g: Guard, exchange: Exchange, reads: list[bytes]) -> bytes:
    """What leaves of a stream."""
    stream = exchange.stream()
    out = b""
    for data in reads:
        assert not stream.closed or data.strip() in (b"", b"[DONE]")
        out += drive(stream.feed(data), g.score)
    return out + drive(stream.finish(), g.score)


@every
def test_nothing_flagged_nothing_changed(recorded: Recorded) -> None:
    g = guard(unscannable="record")
    exchange = Exchange(g, recorded.wire)
    assert drive(exchange.request(recorded.request), g.score) == Forward(recorded.request)
    if recorded.streamed:
        assert heard(g, exchange, [recorded.response]) == recorded.response
    elif recorded.answered:
        assert drive(exchange.response(recorded.response), g.score) == Forward(recorded.response)
    assert tuple(exchange.record.not_scanned) == recorded.unread


@every
def test_what_can_not_be_read_is_stopped_by_default(recorded: Recorded) -> None:
    g = guard()
    exchange = Exchange(g, recorded.wire)
    asked = drive(exchange.request(recorded.request), g.score)
    if not recorded.answered or isinstance(asked, Answer):
        assert isinstance(asked, Answer) == bool(recorded.unread)
    elif recorded.streamed:
        assert (heard(g, exchange, [recorded.response]) != recorded.response) == bool(recorded.unread)
    else:
        told = drive(exchange.response(recorded.response), g.score)
        assert (told != Forward(recorded.response)) == bool(recorded.unread)


@settings(max_examples=150)
@given(st.sampled_from(STREAMS), st.lists(st.integers(0, 100_000), max_size=15), st.sampled_from(MODES))
def test_any_cutting_leaves_the_bytes(recorded: Recorded, cuts: list[int], mode: str) -> None:
    stream = {"mode": mode, "window_chars": 20, "overlap_chars": 10}
    g = guard(unscannable="record", stream=stream)
    exchange = Exchange(g, recorded.wire)
    drive(exchange.request(recorded.request), g.score)
    assert heard(g, exchange, cut(recorded.response, cuts)) == recorded.response


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    server = Upstream()
    yield server
    server.close()


@pytest.fixture(scope="module")
def client(upstream: Upstream) -> Iterator[Any]:
    httpx = pytest.importorskip("httpx")
    with httpx.Client(base_url=upstream.url.removesuffix("/v1")) as bare:
        yield guard(unscannable="record").wrap(bare)


@every
def test_over_loopback(upstream: Upstream, client: Any, recorded: Recorded) -> None:
    if recorded.streamed:
        upstream.streams(cut(recorded.response, [len(recorded.response) // 3, len(recorded.response) // 2]))
    else:
        upstream.body, upstream.stream = recorded.response, ()
    upstream.status, upstream.content_type = recorded.status, None
    upstream.headers = recorded.headers
    headers = {"content-type": "application/json", **recorded.request_headers}
    answer = client.request(recorded.method, recorded.target, content=recorded.request, headers=headers)
    method, target, sent, body = upstream.requests[-1]
    assert (method, target, body) == (recorded.method, recorded.target, recorded.request)
    assert headers.items() <= sent.items()
    assert (answer.status_code, answer.content) == (recorded.status, recorded.response)
    assert recorded.headers.items() <= dict(answer.headers).items()


def test_there_are_enough_of_each_format() -> None:
    found = Counter((one.wire.name, one.streamed) for one in RECORDED)
    for name, least in {"chat.completions": 30, "responses": 30, "completions": 12}.items():
        assert min(found[f"openai.{name}", True], found[f"openai.{name}", False]) >= least
    assert min(found["anthropic.messages", True], found["anthropic.messages", False]) >= 30
    assert len({one.name for one in RECORDED}) == len(RECORDED) > 200
