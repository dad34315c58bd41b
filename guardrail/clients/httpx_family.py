"""httpx and httpx2 are two packages with one interface; a client of either is guarded with its own types."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    import httpx


class Family(Protocol):
    """What the transport needs of the package that a client comes from."""

    Client: type[httpx.Client]
    AsyncClient: type[httpx.AsyncClient]
    Request: type[httpx.Request]
    Response: type[httpx.Response]
    BaseTransport: type[httpx.BaseTransport]
    AsyncBaseTransport: type[httpx.AsyncBaseTransport]
    SyncByteStream: type[httpx.SyncByteStream]
    AsyncByteStream: type[httpx.AsyncByteStream]
    ByteStream: type[httpx.ByteStream]
    DecodingError: type[httpx.DecodingError]


def family_of(client: object) -> tuple[Family, bool] | None:
    """The package of an httpx client and whether it is async; `None` for another object. Imports nothing."""
    for name in ("httpx2", "httpx"):
        module = sys.modules.get(name)
        if module is not None:
            family = cast("Family", module)
            if isinstance(client, family.Client):
                return family, False
            if isinstance(client, family.AsyncClient):
                return family, True
    return None
