"""What a study needs beside the package, asked for before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Final

from benchmark.finetune import needs
from benchmark.study.settings import StudyError
from benchmark.study.stages import Stage
from guardrail.commands.extras import DISTRIBUTION

EXTRAS: Final = "bench,finetune"


def require_finetune() -> None:
    """Raise `FinetuneError` where the packages of the extra `finetune` are not installed."""
    needs.require_finetune("a study", EXTRAS)


def require_engine(stages: Iterable[Stage]) -> None:
    """Raise `StudyError` where something is to be asked yet, and the extra `bench` is not installed."""
    unasked = any(stage.kind == "asked" and not stage.finished() for stage in stages)
    if unasked and find_spec("inspect_ai") is None:
        raise StudyError(
            "asking the models needs inspect_ai, which is not installed: "
            f'pip install "{DISTRIBUTION}[{EXTRAS}]"'
        )
