"""A wrapped OpenAI client against the bare one, on an endpoint that answers at once."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from openai import OpenAI

from benchmark.speed.figure import Figure
from benchmark.speed.texts import PROMPT_40
from guardrail.demo.watch import Watch
from guardrail.guard import Guard
from guardrail.scoring.bundle import Bundle
from guardrail.scoring.onnx import OnnxScorer

ROUNDS: Final = 200


@contextmanager
def _endpoint() -> Generator[str]:
    command = [sys.executable, "-m", "benchmark.speed.endpoint"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
        process.stdin.close()


def _milliseconds(client: OpenAI, text: str) -> float:
    started = time.perf_counter()
    client.chat.completions.create(model="instant", messages=[{"role": "user", "content": text}])
    return (time.perf_counter() - started) * 1000


def figures() -> list[Figure]:
    """What a call takes longer, beyond the classifier's own time in its two checks."""
    watch = Watch(OnnxScorer(Bundle.load(None), sessions=1))
    bare_ms: list[float] = []
    added: list[float] = []
    with _endpoint() as url, Guard(scorer=watch) as guard, OpenAI(base_url=url, api_key="-") as bare:
        wrapped = guard.wrap(bare)
        for number in range(ROUNDS):
            # A text of its own each time: a guard need not score again what it has scored before.
            text = f"{number}. {PROMPT_40}"
            bare_ms.append(_milliseconds(bare, text))
            watch.reset()
            added.append(_milliseconds(wrapped, text) - watch.milliseconds)
            assert watch.calls == 2
    call, wrapped_call = statistics.median(bare_ms[10:]), statistics.median(added[10:])
    detail = f"bare call {call:.2f} ms, medians of {ROUNDS - 10}, the two checks' own time taken off"
    return [Figure("wrapped OpenAI call - bare call - two checks", wrapped_call - call, "ms", 1.0, detail)]
