"""Where the stages of a study lie."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from benchmark.judged import Arm
from benchmark.study.settings import Subject

RESULTS: Final[dict[Arm, str]] = {"bare": "bare.json", "guarded": "guarded.json"}
"""Files of a skill stage, as `guardrail bench skill --out` writes them."""


def start_folder(out: Path, subject: Subject) -> Path:
    """A GGUF file, as a model folder below it."""
    return out / "start" / subject.folder


def tuned_folder(out: Path, subject: Subject) -> Path:
    """A fine-tuning; the model is in `model/`."""
    return out / "tuned" / subject.folder


def asked_folder(out: Path, subject: Subject) -> Path:
    """A model's run."""
    return out / "asked" / subject.folder


def skill_folder(out: Path, name: str, subject: Subject) -> Path:
    """A model's marks in a set of questions."""
    return out / "skill" / name / subject.folder
