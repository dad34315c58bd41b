"""Requests and responses of httpx and httpx2 for the outcomes of an exchange."""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from guardrail.clients.httpx_family import Family
from guardrail.errors import BlockedError
from guardrail.exchange import Answer, Exchange, Forward, Outcome, codes
from guardrail.wire.routes import has_no_text, spoken_to

if TYPE_CHECKING:
    import httpx

    from guardrail.policy import Policy

logger = logging.getLogger("guardrail")

EXTENSION = "guardrail"
"""Key under which a response's extensions hold the exchange's `Record`."""
_REWRITTEN = frozenset({b"content-length", b"content-encoding", b"transfer-encoding"})
_ASKED_ANEW = _REWRITTEN | {b"accept-encoding"}


def unguarded(family: Family, policy: Policy, request: httpx.Request) -> httpx.Response | None:
    """What to answer on an endpoint that is not guarded; `None` to let it pass."""
    method, path = request.method, request.url.path
    if has_no_text(method, path):
        return None
    if policy.unscannable == "record":
        logger.warning("not scanned: %s to an endpoint that the guard does not understand", method)
        return None
    message = (
        "The guard does not understand this endpoint and the policy lets nothing pass unread. Use chat "
        "completions, completions, responses or Messages, a client without the guard for this call, or "
        "`unscannable: record` in the policy."
    )
    return family.Response(
        400,
        headers={"content-type": "application/json"},
        content=spoken_to(request.headers).error(message, codes.UNSUPPORTED, None),
    )


def forwarded(family: Family, request: httpx.Request, outcome: Forward) -> httpx.Request:
    """The request with the body that may go on, asked for uncompressed."""
    headers = [(name, value) for name, value in request.headers.raw if name.lower() not in _ASKED_ANEW]
    headers.append((b"accept-encoding", b"identity"))
    if outcome.body or request.method != "GET":
        headers.append((b"content-length", b"%d" % len(outcome.body)))
    # As a stream, since content would be searched for the headers that are all here already.
    stream = family.ByteStream(outcome.body)
    return family.Request(
        request.method, request.url, headers=headers, stream=stream, extensions=request.extensions
    )


def kind(response: httpx.Response, exchange: Exchange) -> str | None:
    """`whole`, `stream`, the content type of what is neither, or `None` for what passes unchanged."""
    if response.status_code >= 300:
        return None
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not kind:
        return "stream" if exchange.asked.stream else "whole"
    if kind == "text/event-stream":
        return "stream"
    return "whole" if kind == "application/json" or kind.endswith("+json") else kind


def unreadable(exchange: Exchange, kind: str, body: bytes | None) -> Outcome | None:
    """The outcome for a body that is not even worth parsing."""
    if kind != "whole":
        return exchange.unreadable("an unexpected content type") or Forward(body or b"")
    if body is None:
        return exchange.unreadable("a content encoding that does not unpack") or Forward(b"")
    return None


def whole(
    family: Family, response: httpx.Response, exchange: Exchange, outcome: Outcome, body: bytes | None
) -> httpx.Response:
    """A whole answer after its exchange."""
    if isinstance(outcome, Answer):
        return answer(family, outcome, exchange)
    return like(family, response, exchange, family.ByteStream(outcome.body), len(outcome.body))


def like(
    family: Family, response: httpx.Response, exchange: Exchange, stream: Any, length: int | None = None
) -> httpx.Response:
    """A response with the same status and headers and another body; `length` where it is known."""
    headers = [(name, value) for name, value in response.headers.raw if name.lower() not in _REWRITTEN]
    if length is not None:
        headers.append((b"content-length", b"%d" % length))
    extensions = {**response.extensions, EXTENSION: exchange.record}
    return family.Response(response.status_code, headers=headers, extensions=extensions, stream=stream)


def unchanged(response: httpx.Response, exchange: Exchange) -> httpx.Response:
    """The upstream's response itself, with the record beside it."""
    response.extensions = {**response.extensions, EXTENSION: exchange.record}
    return response


def answer(family: Family, given: Answer, exchange: Exchange) -> httpx.Response:
    """The guard's own answer; one that raises `BlockedError` where the policy says so."""
    kind = family.Response if given.error is None else _blocked_response(family)
    response = cast("type[httpx.Response]", kind)(
        given.status,
        headers={"content-type": given.content_type},
        content=given.body,
        extensions={EXTENSION: exchange.record},
    )
    if given.error is not None:
        cast("Any", response).blocked = given.error
    return response


@cache
def _blocked_response(family: Family) -> Any:
    return type("BlockedResponse", (_Raises, family.Response), {})


class _Raises:
    """A response whose error is the guard's own. Clients call `raise_for_status` or read `is_success` outside
    the code that retries and translates transport errors, so `BlockedError` arrives at once and as itself."""

    blocked: BlockedError

    @property
    def is_success(self) -> bool:
        """Raise the `BlockedError`."""
        raise self.blocked

    def raise_for_status(self) -> Any:
        """Raise the `BlockedError`."""
        raise self.blocked
