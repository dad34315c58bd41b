"""The guard as an httpx (or httpx2) transport around another one.

Everything a client sends passes here once a try, whatever method of the client made it, so this is the one
place to guard. The request is decided before the inner transport sees it; the answer before the caller does.
The verdicts of an exchange are in `response.extensions["guardrail"]` (`guardrail.exchange.Record`).

    chat completions, completions, responses   guarded
    POST .../v1/messages                       guarded, and .../v1/messages/count_tokens
    GET  .../models, .../models/ID             passes: no text
    anything else                              by `policy.unscannable`: 400 `unsupported_by_guardrail`, or
                                               recorded (all of them: `guardrail.wire.endpoints`)

Errors and redirects of the upstream pass unchanged. Guarded answers are asked for uncompressed, and unpacked
when they come compressed all the same.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from guardrail.clients import http_messages
from guardrail.clients.httpx_family import Family
from guardrail.exchange import Answer, Exchange, ResponseStream, adrive, drive
from guardrail.wire.routes import wire_for

if TYPE_CHECKING:
    import httpx

    from guardrail.guard import Guard


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
            return http_messages.unguarded(
                self.family, self.guard.policy, request
            ) or self.inner.handle_request(request)
        exchange = Exchange(self.guard, wire)
        outcome = drive(exchange.request(request.read()), self.guard.score)
        if isinstance(outcome, Answer):
            return http_messages.answer(self.family, outcome, exchange)
        response = self.inner.handle_request(http_messages.forwarded(self.family, request, outcome))
        if (kind := http_messages.kind(response, exchange)) is None:
            return http_messages.unchanged(response, exchange)
        if kind == "stream":
            stream = _sync_stream(self.family)(self.guard, exchange, response)
            return http_messages.like(self.family, response, exchange, stream)
        try:
            body = response.read()
        except self.family.DecodingError:
            body = None
        finally:
            response.close()
        outcome = http_messages.unreadable(exchange, kind, body)
        if outcome is None:
            outcome = drive(exchange.response(body or b""), self.guard.score)
        return http_messages.whole(self.family, response, exchange, outcome, body)

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
            return http_messages.unguarded(
                self.family, self.guard.policy, request
            ) or await self.inner.handle_async_request(request)
        exchange = Exchange(self.guard, wire)
        outcome = await adrive(exchange.request(await request.aread()), self.guard.ascore)
        if isinstance(outcome, Answer):
            return http_messages.answer(self.family, outcome, exchange)
        response = await self.inner.handle_async_request(
            http_messages.forwarded(self.family, request, outcome)
        )
        if (kind := http_messages.kind(response, exchange)) is None:
            return http_messages.unchanged(response, exchange)
        if kind == "stream":
            stream = _async_stream(self.family)(self.guard, exchange, response)
            return http_messages.like(self.family, response, exchange, stream)
        try:
            body = await response.aread()
        except self.family.DecodingError:
            body = None
        finally:
            await response.aclose()
        outcome = http_messages.unreadable(exchange, kind, body)
        if outcome is None:
            outcome = await adrive(exchange.response(body or b""), self.guard.ascore)
        return http_messages.whole(self.family, response, exchange, outcome, body)

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
