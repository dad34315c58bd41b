"""Plain httpx and httpx2 clients, guarded: the same transport, their own types."""

from __future__ import annotations

import asyncio
import json
from types import ModuleType
from typing import Any

import pytest

from guardrail.clients import unwrap
from guardrail.errors import BlockedError
from tests.support import DONE, MARK, MarkerScorer, Upstream, events_of, finish_of, guard, request, streamed

STOPPED = f"Well, this is what you take. First the {MARK} and then the rest of it, slowly and with water."


@pytest.fixture(params=["httpx", "httpx2"])
def module(request: pytest.FixtureRequest) -> ModuleType:
    return pytest.importorskip(request.param)


def test_whole(upstream: Upstream, module: Any) -> None:
    upstream.says("Two tablets.")
    g = guard()
    with module.Client(base_url=upstream.url) as bare:
        guarded = g.wrap(bare)
        assert isinstance(guarded, module.Client)
        assert g.wrap(guarded) is guarded
        assert unwrap(guarded) is bare
        answer = guarded.post("/chat/completions", content=request("How much?"))
        assert type(answer) is module.Response
        assert answer.content == upstream.body
        assert answer.extensions["guardrail"].prompt.action == "allow"
        refused = guarded.post("/chat/completions", content=request(MARK)).json()
        assert refused["choices"][0]["finish_reason"] == "content_filter"
        assert (
            guarded.post("/embeddings", content=b"{}").json()["error"]["code"] == "unsupported_by_guardrail"
        )
        assert len(upstream.requests) == 1


def test_stream(upstream: Upstream, module: Any) -> None:
    upstream.streams([*streamed(STOPPED), DONE])
    with (
        module.Client(base_url=upstream.url) as bare,
        guard().wrap(bare).stream("POST", "/chat/completions", content=request("x", stream=True)) as answer,
    ):
        data = answer.read()
    assert finish_of(data) == ["content_filter"]
    assert MARK.encode() not in data


def test_async(upstream: Upstream, module: Any) -> None:
    async def main() -> None:
        async with module.AsyncClient(base_url=upstream.url) as bare:
            guarded = guard().wrap(bare)
            upstream.says("Two tablets.")
            answer = await guarded.post("/chat/completions", content=request("How much?"))
            assert answer.content == upstream.body
            upstream.streams([*streamed(STOPPED), DONE])
            async with guarded.stream(
                "POST", "/chat/completions", content=request("x", stream=True)
            ) as answer:
                data = await answer.aread()
            assert finish_of(data) == ["content_filter"]
            assert MARK.encode() not in data

    asyncio.run(main())


def test_raise_is_told_by_raise_for_status(upstream: Upstream, module: Any) -> None:
    with module.Client(base_url=upstream.url) as bare:
        answer = guard(refusal="raise").wrap(bare).post("/chat/completions", content=request(MARK))
        assert answer.status_code == 400
        with pytest.raises(BlockedError):
            answer.raise_for_status()


def test_a_redirect_is_followed_under_guard(upstream: Upstream, module: Any) -> None:
    upstream.status, upstream.headers, upstream.body = 307, {"location": f"{upstream.url}/elsewhere"}, b""
    with module.Client(base_url=upstream.url, follow_redirects=True) as bare:
        answer = guard().wrap(bare).post("/chat/completions", content=request("x"))
    assert answer.json()["error"]["code"] == "unsupported_by_guardrail"
    assert len(upstream.requests) == 1


def test_a_message_withheld_is_sent_so(upstream: Upstream, module: Any) -> None:
    upstream.says("Two tablets.")
    with module.Client(base_url=upstream.url) as bare:
        guarded = guard().wrap(bare)
        guarded.post("/chat/completions", content=request(MARK))
        guarded.post("/chat/completions", content=request(MARK, "and aspirin?"))
    _, _, headers, body = upstream.requests[0]
    assert MARK.encode() not in body
    assert int(headers["content-length"]) == len(body)
    assert json.loads(body)["messages"][1]["content"] == "and aspirin?"


def test_annotated_streams_have_the_verdict_on_their_last_chunk(upstream: Upstream, module: Any) -> None:
    events = [*streamed("Open sesame, said the man."), DONE]
    upstream.streams(events)
    with module.Client(base_url=upstream.url) as bare:
        guarded = guard(response={"action": "annotate", "threshold": 3.0}).wrap(bare)
        data = guarded.post("/chat/completions", content=request("x", stream=True)).content
    *others, last = events_of(data)
    assert others == events_of(b"".join(events))[:-1]
    assert last.pop("moderation")["output"]["results"][0]["flagged"] is True
    assert last == events_of(b"".join(events))[-1]


def test_closing_the_guarded_closes_the_inner_transport(upstream: Upstream, module: Any) -> None:
    closed: list[str] = []

    class Inner(module.HTTPTransport):
        def close(self) -> None:
            closed.append("inner")
            super().close()

    bare = module.Client(transport=Inner())
    guard(MarkerScorer()).wrap(bare).close()
    assert closed == ["inner"]
