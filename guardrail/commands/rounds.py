"""Gathering a stream into rounds, without keeping a slow producer's last items waiting."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Final, TypeVar

T = TypeVar("T")

PATIENCE: Final = 0.25
"""Seconds to wait for more before a round that is not full is handed on."""


class _End:
    """Follows the last item; carries what the stream raised."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def rounds(items: Iterator[T], most: int, patience: float = PATIENCE) -> Iterator[list[T]]:
    """Lists of up to `most` items, in order; a shorter one when nothing came for `patience` seconds.

    A thread reads ahead by at most `most` items. Input that never pauses is always cut at the same places.
    """
    ahead: queue.Queue[T | _End] = queue.Queue(maxsize=most)

    def read() -> None:
        try:
            for item in items:
                ahead.put(item)
        except BaseException as error:  # noqa: BLE001 - handed to the consumer, which raises it
            ahead.put(_End(error))
        else:
            ahead.put(_End())

    threading.Thread(target=read, name="guardrail-reader", daemon=True).start()
    while True:
        gathered: list[T] = []
        end = None
        while len(gathered) < most and end is None:
            try:
                item = ahead.get(timeout=patience if gathered else None)
            except queue.Empty:
                break
            if isinstance(item, _End):
                end = item
            else:
                gathered.append(item)
        if gathered:
            yield gathered
        if end is not None:
            if end.error is not None:
                raise end.error
            return
