"""A GGUF model served on a loopback port that the system chooses, by llama.cpp inside this process."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import httpx

from guardrail.demo.model import ModelError

CONTEXT: Final = 2048
"""Tokens of prompt and answer together."""
_SILENT: Final = -1
_GENERATED: Final = re.compile(r"^llamacpp:tokens_predicted_total (\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Served:
    """A running server."""

    address: str

    @property
    def base_url(self) -> str:
        """For an OpenAI client."""
        return f"{self.address}/v1"

    def tokens_generated(self) -> int:
        """Tokens that the model has written so far, by its own count."""
        found = _GENERATED.search(httpx.get(f"{self.address}/metrics", trust_env=False, timeout=10.0).text)
        return int(found[1]) if found else 0


def _parameters(xllamacpp: Any, model: Path) -> Any:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model)
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.n_ctx = CONTEXT
    parameters.n_parallel = 1
    parameters.n_gpu_layers = 0
    parameters.cache_ram_mib = 0
    parameters.cpuparams.n_threads = 1
    parameters.cpuparams_batch.n_threads = 1
    parameters.n_threads_http = 2
    parameters.warmup = False
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.endpoint_metrics = True
    parameters.verbosity = _SILENT
    return parameters


@contextmanager
def serve(model: Path) -> Generator[Served]:
    """Serve `model`; the server stops on leaving.

    Raises:
        ModelError: the file is not a model that llama.cpp can load.
        ModuleNotFoundError: xllamacpp is not installed.
    """
    # Imported by name: the package ships no types.
    xllamacpp: Any = import_module("xllamacpp")
    if not model.is_file():
        raise ModelError(f"{model} is not a file")
    try:
        server = xllamacpp.Server(_parameters(xllamacpp, model))
    except RuntimeError as error:
        raise ModelError(f"{model} can't be loaded: is it a GGUF model?") from error
    try:
        yield Served(server.listening_address)
    finally:
        del server  # its destructor stops the listener and joins its threads
