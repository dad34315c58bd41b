"""The guard as an httpx (or httpx2) transport around another one.

Everything a client sends passes here once a try, whatever method of the client made it, so this is the one
place to guard. The request is decided before the inner transport sees it; the answer before the caller does.
The verdicts of an exchange are in `response.extensions["guardrail"]` (`guardrail.exchange.Record`).

    POST .../chat/completions        guarded
    GET  .../models, .../models/ID   passes: no text
    anything else                    by `policy.unscannable`: 400 `unsupported_by_guardrail`, or recorded

Errors and redirects of the upstream pass unchanged. Guarded answers are asked for uncompressed, and unpacked
when they come compressed all the same.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from guardrail.clients.httpx_family import Family
from guardrail.errors import BlockedError
from guardrail.exchange import Answer, Exchange, Forward, Outcome, ResponseStream, adrive, codes, drive
from guardrail.wire.routes import CHAT, has_no_text, wire_for

if TYPE_CHECKING:
    import httpx

    from guardrail.guard import Guard

logger = logging.getLogger("guardrail")

EXTENSION = "guardrail"
_REWRITTEN = frozenset({b"content-length", b"content-encoding", b"transfer-encoding"})


class GuardedTransport:
    """Sync. `origin` is kept alive: the client that the inner transport was taken from, if any."""

    def __init__(
        self, guard: Guard, family: Family, inner: httpx.BaseTransport, origin: object = None
    ) -> None:
        self.guard = guard
        self.family = family
        self.inner = inner
        self.origin = origin

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Guard one request and its answer."""
        wire = wire_for(request.method, request.url.path)
        if wire is None:
            return _unguarded(self, request) or self.inner.handle_request(request)
        exchange = Exchange(self.guard, wire)
        outcome = drive(exchange.request(request.read()), self.guard.score)
        if isinstance(outcome, Answer):
            return _answer(self.family, outcome, exchange)
        response = self.inner.handle_request(_forwarded(self.family, request, outcome))
        if (kind := _kind(response, exchange)) is None:
            return _unchanged(response, exchange)
        if kind == "stream":
            stream = _sync_stream(self.family)(self.guard, exchange, response)
            return _like(self.family, response, exchange, stream=stream)
        try:
            body = response.read()
        except self.family.DecodingError:
            body = None
        finally:
            response.close()
        outcome = _unreadable(exchange, kind, body)
        if outcome is None:
            outcome = drive(exchange.response(body or b""), self.guard.score)
        return _whole(self.family, response, exchange, outcome, body)

    def close(self) -> None:
        """Close the inner transport."""
        self.inner.close()

    def __enter__(self) -> GuardedTransport:
        self.inner.__enter__()
        return self

    def __exit__(self, *exc: Any) -> None:
        self.inner.__exit__(*exc)


class AsyncGuardedTransport:
    """Async; scoring is awaited, so the event loop is never blocked."""

    def __init__(
        self, guard: Guard, family: Family, inner: httpx.AsyncBaseTransport, origin: object = None
    ) -> None:
        self.guard = guard
        self.family = family
        self.inner = inner
        self.origin = origin

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Guard one request and its answer."""
        wire = wire_for(request.method, request.url.path)
        if wire is None:
            return _unguarded(self, request) or await self.inner.handle_async_request(request)
        exchange = Exchange(self.guard, wire)
        outcome = await adrive(exchange.request(await request.aread()), self.guard.ascore)
        if isinstance(outcome, Answer):
            return _answer(self.family, outcome, exchange)
        response = await self.inner.handle_async_request(_forwarded(self.family, request, outcome))
        if (kind := _kind(response, exchange)) is None:
            return _unchanged(response, exchange)
        if kind == "stream":
            stream = _async_stream(self.family)(self.guard, exchange, response)
            return _like(self.family, response, exchange, stream=stream)
        try:
            body = await response.aread()
        except self.family.DecodingError:
            body = None
        finally:
            await response.aclose()
        outcome = _unreadable(exchange, kind, body)
        if outcome is None:
            outcome = await adrive(exchange.response(body or b""), self.guard.ascore)
        return _whole(self.family, response, exchange, outcome, body)

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self.inner.aclose()

    async def __aenter__(self) -> AsyncGuardedTransport:
        await self.inner.__aenter__()
        return self

    async def __aexit__(self, *exc: Any) -> None:
        await self.inner.__aexit__(*exc)


class _SyncBody:
    """The guarded bytes of an event stream."""

    def __init__(self, guard: Guard, exchange: Exchange, response: httpx.Response) -> None:
        self._guard = guard
        self._response = response
        self._stream = exchange.stream()

    def __iter__(self) -> Iterator[bytes]:
        stream, score = self._stream, self._guard.score
        packed = "content-encoding" in self._response.headers
        reads = self._response.iter_bytes() if packed else cast("Iterable[bytes]", self._response.stream)
        for data in reads:
            out = drive(stream.feed(data), score)
            if stream.closed:
                self._response.close()
            if out:
                yield out
            if stream.closed:
                break
        else:
            if out := drive(stream.finish(), score):
                yield out
        _raise(stream)

    def close(self) -> None:
        self._response.close()


class _AsyncBody:
    """The same for async. An object rather than a generator, so that closing early leaves none behind."""

    def __init__(self, guard: Guard, exchange: Exchange, response: httpx.Response) -> None:
        self._guard = guard
        self._response = response
        self._stream = exchange.stream()
        self._reads = cast("AsyncGenerator[bytes]", response.aiter_bytes())
        self._over = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        stream, score = self._stream, self._guard.ascore
        while not self._over:
            try:
                data = await anext(self._reads)
            except StopAsyncIteration:
                self._over = True
                out = await adrive(stream.finish(), score)
            else:
                out = await adrive(stream.feed(data), score)
            if stream.closed:
                self._over = True
                await self.aclose()
            if out:
                return out
        _raise(stream)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self._over = True
        await self._reads.aclose()
        await self._response.aclose()


def _raise(stream: ResponseStream) -> None:
    error, stream.error = stream.error, None
    if error is not None:
        raise error


# ---- classes that need the family's own as base


@cache
def _sync_stream(family: Family) -> Any:
    return type("GuardedStream", (_SyncBody, family.SyncByteStream), {})


@cache
def _async_stream(family: Family) -> Any:
    return type("AsyncGuardedStream", (_AsyncBody, family.AsyncByteStream), {})


@cache
def _blocked_response(family: Family) -> Any:
    return type("BlockedResponse", (_Raises, family.Response), {})


class _Raises:
    """A response whose error is the guard's own. Clients call `raise_for_status` outside the code that
    retries and translates transport errors, so `BlockedError` arrives at once and as itself."""

    blocked: BlockedError

    def raise_for_status(self) -> Any:
        """Raise the `BlockedError`."""
        raise self.blocked


# ---- requests and responses


def _unguarded(
    transport: GuardedTransport | AsyncGuardedTransport, request: httpx.Request
) -> httpx.Response | None:
    """What to answer on an endpoint that is not guarded; `None` to let it pass."""
    method, path = request.method, request.url.path
    if has_no_text(method, path):
        return None
    if transport.guard.policy.unscannable == "record":
        logger.warning("not scanned: %s to an endpoint that the guard does not understand", method)
        return None
    message = (
        "The guard does not understand this endpoint and the policy lets nothing pass unread. Use chat "
        "completions, a client without the guard for this call, or `unscannable: record` in the policy."
    )
    return transport.family.Response(
        400,
        headers={"content-type": "application/json"},
        content=CHAT.error(message, codes.UNSUPPORTED, None),
    )


def _forwarded(family: Family, request: httpx.Request, outcome: Forward) -> httpx.Request:
    headers = [(name, value) for name, value in request.headers.raw if name.lower() not in _REWRITTEN]
    headers = [(name, value) for name, value in headers if name.lower() != b"accept-encoding"]
    headers += [(b"accept-encoding", b"identity"), (b"content-length", b"%d" % len(outcome.body))]
    return family.Request(
        request.method, request.url, headers=headers, content=outcome.body, extensions=request.extensions
    )


def _kind(response: httpx.Response, exchange: Exchange) -> str | None:
    """`whole`, `stream`, the content type of what is neither, or `None` for what passes unchanged."""
    if response.status_code >= 300:
        return None
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not kind:
        return "stream" if exchange.asked.stream else "whole"
    if kind == "text/event-stream":
        return "stream"
    return "whole" if kind == "application/json" or kind.endswith("+json") else kind


def _unreadable(exchange: Exchange, kind: str, body: bytes | None) -> Outcome | None:
    """The outcome for a body that is not even worth parsing."""
    if kind != "whole":
        return exchange.unreadable("an unexpected content type") or Forward(body or b"")
    if body is None:
        return exchange.unreadable("a content encoding that does not unpack") or Forward(b"")
    return None


def _whole(
    family: Family, response: httpx.Response, exchange: Exchange, outcome: Outcome, body: bytes | None
) -> httpx.Response:
    if isinstance(outcome, Answer):
        return _answer(family, outcome, exchange)
    return _like(family, response, exchange, content=outcome.body)


def _like(family: Family, response: httpx.Response, exchange: Exchange, **body: Any) -> httpx.Response:
    """A response with the same status and headers and another body."""
    headers = [(name, value) for name, value in response.headers.raw if name.lower() not in _REWRITTEN]
    extensions = {**response.extensions, EXTENSION: exchange.record}
    return family.Response(response.status_code, headers=headers, extensions=extensions, **body)


def _unchanged(response: httpx.Response, exchange: Exchange) -> httpx.Response:
    response.extensions = {**response.extensions, EXTENSION: exchange.record}
    return response


def _answer(family: Family, answer: Answer, exchange: Exchange) -> httpx.Response:
    kind = family.Response if answer.error is None else _blocked_response(family)
    response = cast("type[httpx.Response]", kind)(
        answer.status,
        headers={"content-type": answer.content_type},
        content=answer.body,
        extensions={EXTENSION: exchange.record},
    )
    if answer.error is not None:
        cast("Any", response).blocked = answer.error
    return response


# ---- what users and clients build


def sync_transport(guard: Guard, family: Family, inner: httpx.BaseTransport, origin: object = None) -> Any:
    """`inner` with the guard around it, as a transport of its family."""
    return _sync_class(family)(guard, family, inner, origin)


def async_transport(
    guard: Guard, family: Family, inner: httpx.AsyncBaseTransport, origin: object = None
) -> Any:
    """The same for async."""
    return _async_class(family)(guard, family, inner, origin)


@cache
def _sync_class(family: Family) -> Any:
    return type("GuardedTransport", (GuardedTransport, family.BaseTransport), {})


@cache
def _async_class(family: Family) -> Any:
    return type("AsyncGuardedTransport", (AsyncGuardedTransport, family.AsyncBaseTransport), {})
