"""A GGUF model served on a loopback port that the system chooses, by llama.cpp inside this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from guardrail.demo.model import ModelError

CONTEXT: Final = 2048
"""Tokens of prompt and answer together."""
_SILENT: Final = -1


def _parameters(model: Path) -> Any:
    import xllamacpp

    parameters: Any = xllamacpp.CommonParams()
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
    parameters.verbosity = _SILENT
    return parameters


@contextmanager
def serve(model: Path) -> Iterator[str]:
    """Serve `model` and yield the base URL for an OpenAI client; the server stops on leaving.

    Raises:
        ModelError: the file is not a model that llama.cpp can load.
    """
    import xllamacpp

    if not model.is_file():
        raise ModelError(f"{model} is not a file")
    try:
        server: Any = xllamacpp.Server(_parameters(model))
    except RuntimeError as error:
        raise ModelError(f"{model} can't be loaded: is it a GGUF model?") from error
    try:
        yield f"{server.listening_address}/v1"
    finally:
        del server  # its destructor stops the listener and joins its threads
