"""The model a fine-tuning starts from: a Hugging Face folder, or a GGUF file. Needs the extra `finetune`.

transformers reads a GGUF file but neither trains nor saves what it has read, since that still counts as
quantized. The weights, plain numbers by then, are put into a model made anew from the configuration.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from benchmark.finetune.settings import FinetuneError

TRAINED: Final = "training.json"
_WEIGHTS: Final = (".safetensors", ".gguf", ".bin")


@dataclass(frozen=True, slots=True)
class Start:
    """A model to be tuned. `files` are the sha256 of its weights and configuration by file name."""

    name: str
    model: Any
    tokenizer: Any
    files: dict[str, str]
    gguf: bool


def load_start(path: Path, dtype: torch.dtype = torch.float32) -> Start:
    """Load a folder or a `.gguf` file; nothing is fetched.

    Raises:
        FinetuneError: there is no model, or transformers can't read it.
    """
    path = path.expanduser()
    # A bar for every file would stand between the lines of progress.
    logging.disable_progress_bar()
    gguf = is_gguf(path)
    try:
        model, tokenizer = _from_gguf(path, dtype) if gguf else _from_folder(path, dtype)
    except (OSError, ValueError, KeyError, RuntimeError, struct.error, SafetensorError) as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise FinetuneError(f"{path} can't be loaded: {said[0]}") from None
    return Start(path.stem if gguf else path.resolve().name, model, tokenizer, files_of(path), gguf)


def is_gguf(path: Path) -> bool:
    """Whether the model is a GGUF file, rather than a folder. Raises `FinetuneError` where it is neither."""
    gguf = path.suffix == ".gguf"
    if not (path.is_file() if gguf else (path / "config.json").is_file()):
        raise FinetuneError(
            f"{path} is no model: give a folder with config.json, weights and tokenizer, or a .gguf file"
        )
    return gguf


def _from_folder(path: Path, dtype: torch.dtype) -> tuple[Any, Any]:
    model = AutoModelForCausalLM.from_pretrained(path, dtype=dtype, local_files_only=True)
    return model, AutoTokenizer.from_pretrained(path, local_files_only=True)


def _from_gguf(path: Path, dtype: torch.dtype) -> tuple[Any, Any]:
    place = {"pretrained_model_name_or_path": path.parent, "gguf_file": path.name}
    read: Any = AutoModelForCausalLM.from_pretrained(**place, dtype=torch.float32, local_files_only=True)
    settings = {key: value for key, value in read.config.to_dict().items() if key != "quantization_config"}
    config = AutoConfig.for_model(**settings)
    model: Any = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    # Strict: a weight that does not fit would leave a random one in its place.
    model.load_state_dict(read.state_dict())
    if read.generation_config is not None:
        model.generation_config = read.generation_config
    return model.to(dtype), AutoTokenizer.from_pretrained(**place, local_files_only=True)


def files_of(path: Path) -> dict[str, str]:
    """sha256 of what determines a model (weights, configuration, tokenizer), by file name."""
    if path.is_file():
        files = [path]
    else:
        files = [file for file in path.iterdir() if file.suffix in (*_WEIGHTS, ".json", ".jinja", ".model")]
    return {file.name: _sha256(file) for file in sorted(files)}


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def trained_template(path: Path) -> str | None:
    """The template that a model was fine-tuned with, as its card says; `None` where there is no card."""
    card = path / TRAINED
    if not card.is_file():
        return None
    try:
        found = json.loads(card.read_text("utf-8"))
    except ValueError:
        raise FinetuneError(f"{card} is not JSON") from None
    return str(found.get("template")) if isinstance(found, dict) else None
