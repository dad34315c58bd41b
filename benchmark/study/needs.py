"""What a study needs beside the package, asked for before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Final

from benchmark.study.settings import StudyError
from benchmark.study.stages import Stage
from guardrail.commands.extras import DISTRIBUTION

_FINETUNE: Final = ("torch", "transformers", "peft", "trl")


def require_finetune() -> None:
    """Raise `StudyError` where the packages of the extra `finetune` are not installed."""
    _require("a study", [name for name in _FINETUNE if find_spec(name) is None])


def require_engine(stages: Iterable[Stage]) -> None:
    """Raise `StudyError` where something is to be asked yet, and the extra `bench` is not installed."""
    if any(stage.kind == "asked" and not stage.finished() for stage in stages):
        _require("asking the models", [name for name in ("inspect_ai",) if find_spec(name) is None])


def _require(what: str, missing: list[str]) -> None:
    if missing:
        raise StudyError(
            f"{what} needs {', '.join(missing)}, which is not installed: "
            f'pip install "{DISTRIBUTION}[bench,finetune]"'
        )
