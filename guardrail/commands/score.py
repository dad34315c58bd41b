"""`guardrail score`: prompts, responses and conversations, scored in order and in constant memory."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Annotated, Final, Protocol

import typer

from guardrail.commands import exits
from guardrail.commands.options import BundleOption, PolicyOption
from guardrail.errors import InputError

if TYPE_CHECKING:
    from guardrail.commands.lines import Line
    from guardrail.guard import Guard
    from guardrail.verdict import Verdict

REPORTED: Final = 20
"""Bad lines named on stderr one by one; of the rest only the number is told."""
ROUND: Final = 16
"""Batches handed to the guard at once, so that it can put texts of like length together."""


class Progress(Protocol):
    """Called after each round with the lines answered so far."""

    def __call__(self, lines: int) -> None: ...


def _outcomes(guard: Guard, lines: list[Line], batch_size: int) -> Iterator[Verdict | Exception]:
    requests = [line.request for line in lines if not isinstance(line.request, InputError)]
    verdicts = guard.check_many(requests, batch_size=batch_size, errors="return")
    for line in lines:
        yield line.request if isinstance(line.request, InputError) else next(verdicts)


def score_stream(
    guard: Guard,
    source: IO[bytes],
    target: IO[str],
    report: IO[str],
    progress: Progress,
    batch_size: int = 32,
) -> int:
    """Score `source` into `target`, a line each, flushed after every round.

    Returns the number of lines that could not be scored; `report` is told of them, without their text.
    """
    from guardrail.commands.lines import answer, read_lines
    from guardrail.commands.rounds import rounds

    answered = failed = 0
    for chunk in rounds(read_lines(source), batch_size * ROUND):
        for line, outcome in zip(chunk, _outcomes(guard, chunk, batch_size), strict=True):
            result = answer(line, outcome)
            target.write(json.dumps(result, allow_nan=False) + "\n")
            if "error" in result:
                failed += 1
                if failed <= REPORTED:
                    report.write(f"guardrail score: line {line.number}: {result['error']}\n")
        target.flush()
        answered += len(chunk)
        progress(answered)
    if failed:
        report.write(f"guardrail score: {failed} of {answered} lines could not be scored\n")
    return failed


@contextmanager
def _progress(source: IO[bytes]) -> Generator[Progress]:
    """Progress on a terminal's stderr: by bytes where the input is a file, else by lines alone."""
    if not sys.stderr.isatty():
        yield lambda lines: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    seekable = source.seekable()
    columns = (
        TextColumn("scoring"),
        BarColumn(),
        TextColumn("{task.fields[lines]:,} lines"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as bars:
        task = bars.add_task("", total=os.fstat(source.fileno()).st_size if seekable else None, lines=0)

        def advance(lines: int) -> None:
            bars.update(task, completed=source.tell() if seekable else lines, lines=lines)

        yield advance


def score(
    policy: PolicyOption = "patient",
    bundle: BundleOption = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Texts scored at once.")] = 32,
) -> None:
    """Score JSON lines from stdin to stdout.

    In: {"id"?, "prompt"?, "response"?, "messages"?}. Out, in order: {"id", "action", "prompt_risk",
    "harmfulness", "refusal", "principles", "flagged", "latency_ms"}, or {"id", "error"} for a line that
    can't be scored; then the exit code is 1. Blank lines are skipped, other keys ignored.
    """
    from guardrail.guard import Guard

    # A reader of its own: when interrupted, the thread that reads ahead may hold the lock of `sys.stdin`,
    # which the interpreter needs to end. Closed by hand, since closing would wait for that thread.
    source = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    try:
        with Guard(policy, bundle=bundle) as guard, _progress(source) as progress:
            failed = score_stream(guard, source, sys.stdout, sys.stderr, progress, batch_size)
        source.close()
    except BrokenPipeError:
        # The reader has gone; stdout is pointed elsewhere so that the interpreter's last flush is quiet too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(exits.FAILED) from None
    except KeyboardInterrupt:
        sys.stdout.flush()
        raise typer.Exit(exits.INTERRUPTED) from None
    if failed:
        raise typer.Exit(exits.FAILED)
