"""A copy of an httpx (or httpx2) client with the guard around its transports, proxies and mounts included."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from guardrail.clients.httpx_family import family_of
from guardrail.clients.transport import (
    AsyncGuardedTransport,
    GuardedTransport,
    async_transport,
    sync_transport,
)
from guardrail.errors import UnsupportedError

if TYPE_CHECKING:
    from guardrail.guard import Guard


def guarded_copy(client: Any, guard: Guard) -> Any:
    """A client that shares everything with `client` (pool, cookies, hooks, auth) but its transports.

    `client` is not changed; it is kept alive, and closing either closes the connections of both, as with
    copies of SDK clients.
    Raises `UnsupportedError` for what is not an httpx client or has no transport of its own.
    """
    found = family_of(client)
    if found is None or not hasattr(client, "_transport") or not hasattr(client, "_mounts"):
        raise UnsupportedError(
            f"the HTTP client {type(client).__module__}.{type(client).__qualname__} can't be guarded: "
            "it is no httpx or httpx2 client"
        )
    family, is_async = found
    make = async_transport if is_async else sync_transport
    clone = copy.copy(client)
    clone.__class__ = _quiet(cast("type[Any]", type(client)))
    clone._transport = make(guard, family, client._transport, client)
    mounts = cast("Mapping[Any, Any]", client._mounts)
    clone._mounts = {
        pattern: None if inner is None else make(guard, family, inner, client)
        for pattern, inner in mounts.items()
    }
    return clone


def guard_of(client: Any) -> Guard | None:
    """The guard around a client's transport, if any."""
    transport = getattr(client, "_transport", None)
    return transport.guard if isinstance(transport, GuardedTransport | AsyncGuardedTransport) else None


def original(client: Any) -> Any:
    """The client that a guarded copy was made of."""
    return client._transport.origin


@cache
def _quiet(kind: type[Any]) -> Any:
    """The same class, but collecting an instance as garbage closes nothing: the pool is the original's."""
    return type(kind.__name__, (kind,), {"__del__": _nothing, "__module__": kind.__module__})


def _nothing(_: object) -> None:
    """In place of a `__del__` that would close a pool in use."""
