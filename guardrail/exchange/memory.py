"""What a guard remembers of messages it has decided: keyed hashes, never text, and a bounded number."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock


class Memory:
    """A least-recently-used map from a text's keyed hash to whether it was refused. Thread-safe.

    The key is random and lives as long as the guard, so the hashes mean nothing to anyone else.
    """

    def __init__(self, size: int = 65_536) -> None:
        self._size = size
        self._key = secrets.token_bytes(32)
        self._lock = Lock()
        self._refused: OrderedDict[bytes, bool] = OrderedDict()

    def digest(self, texts: Sequence[str]) -> bytes:
        """The hash under which a text, or several joined ones, are remembered."""
        return self.digests(texts)[-1]

    def digests(self, texts: Sequence[str]) -> list[bytes]:
        """The hash of each beginning of `texts`: the first, the first two, ..."""
        state = hashlib.blake2b(key=self._key, digest_size=16)
        found: list[bytes] = []
        for text in texts:
            data = text.encode("utf-8", "surrogatepass")
            state.update(len(data).to_bytes(8, "big"))
            state.update(data)
            found.append(state.digest())
        return found

    def refused(self, digest: bytes) -> bool | None:
        """Whether it was refused; `None` when it was never decided (or is forgotten)."""
        with self._lock:
            found = self._refused.get(digest)
            if found is not None:
                self._refused.move_to_end(digest)
            return found

    def remember(self, digest: bytes, *, refused: bool) -> None:
        """Keep a decision; the oldest goes when there is no room."""
        with self._lock:
            self._refused[digest] = refused
            self._refused.move_to_end(digest)
            if len(self._refused) > self._size:
                self._refused.popitem(last=False)
