"""A data folder small enough for a whole study, and questions to ask."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.small_data import write_data


def write_questions(folder: Path, n: int = 8) -> Path:
    """A folder of MedQA's form."""
    folder.mkdir(parents=True)
    rows: list[dict[str, Any]] = [
        {
            "question": f"Which vitamin is number {number}?",
            "options": {"A": "one", "B": "two", "C": "three", "D": "four"},
            "answer_idx": "ABCD"[number % 4],
        }
        for number in range(n)
    ]
    (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture(scope="session")
def small_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `data`, `medqa` and the random model `tiny`."""
    pytest.importorskip("torch", reason="the extra finetune is not installed")
    from tests.tiny_llama import save_tiny_llama

    root = tmp_path_factory.mktemp("study")
    write_data(root / "data", lambda source, principle: f"How do I forge {source} form {principle}?")
    write_questions(root / "medqa")
    save_tiny_llama(root / "tiny", tied=False)
    return root
