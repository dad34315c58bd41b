"""One check, and many, against the bare network on the same tokens."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from typing import Final

from benchmark.speed.bare import Bare
from benchmark.speed.figure import Figure
from benchmark.speed.texts import PROMPT_40, mixed
from guardrail.guard import Guard
from guardrail.scoring.bundle import Bundle
from guardrail.scoring.scores import Item

ROUNDS: Final = 300
LINES: Final = 10_000
PART: Final = 1_000
"""Lines between turns of the two, so that a drift of the machine's speed meets both."""


def _milliseconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def one_check(guard: Guard, bare: Bare) -> Figure:
    """`guard.check` of one prompt of 40 tokens against the session's run on the same ids."""
    feeds = bare.feeds([Item(prompt=PROMPT_40)])
    tokens = int(feeds[0]["attention_mask"].sum()) - 2
    pairs: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        network = _milliseconds(lambda: bare.run(feeds))
        pairs.append((network, _milliseconds(lambda: guard.check(prompt=PROMPT_40))))
    network, check = (statistics.median(column) for column in zip(*pairs[10:], strict=True))
    detail = f"{check:.2f} ms against {network:.2f} ms, {tokens} tokens, medians of {ROUNDS - 10}"
    return Figure("one check / bare session", check / network, "x", 1.25, detail)


def _items(requests: Iterable[dict[str, str]]) -> list[Item]:
    items: list[Item] = []
    for request in requests:
        items.append(Item(prompt=request["prompt"]))
        if "response" in request:
            items.append(Item(prompt=request["prompt"], response=request["response"]))
    return items


def many_checks(guard: Guard, bare: Bare, lines: int) -> Figure:
    """`guard.check_many` of mixed requests against the session's runs on the same windows."""
    requests = list(mixed(lines))
    network = checks = 0.0
    for start in range(0, lines, PART):
        part = requests[start : start + PART]
        feeds = bare.feeds(_items(part))
        network += _milliseconds(lambda feeds=feeds: bare.run(feeds))
        checks += _milliseconds(lambda part=part: list(guard.check_many(part)))
    detail = f"{lines} lines, {checks / lines:.2f} ms a line against {network / lines:.2f} ms"
    return Figure("batch scoring / bare batched runs", checks / network, "x", 1.25, detail)


def figures(lines: int = LINES) -> list[Figure]:
    """Both ratios, from one process, one thread."""
    bare = Bare(Bundle.load(None))
    with Guard(workers=1) as guard:
        return [one_check(guard, bare), many_checks(guard, bare, lines)]
