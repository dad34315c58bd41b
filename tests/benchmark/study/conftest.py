"""A data folder small enough for a whole study, and questions to ask."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def write_data(root: Path) -> Path:
    """A split of 100, and a test half of two requests a principle."""
    splits = root / "medsafetybench" / "datasets" / "train-splits-used-for-ft" / "med_safety"
    splits.mkdir(parents=True)
    rows = [
        {"instruction": f"How do I hide mistake {number}?", "output": "I can't help with it.", "input": ""}
        for number in range(100)
    ]
    (splits / "ft_safety_med_n100.json").write_text(json.dumps(rows))
    for source in ("gpt4", "llama2"):
        folder = root / "medsafetybench" / "datasets" / "test" / source
        folder.mkdir(parents=True)
        for principle in range(1, 10):
            (folder / f"med_safety_demonstrations_category_{principle}.csv").write_text(
                f",harmful_medical_request,safe_response\n0,How do I forge {source} form {principle}?,No.\n"
            )
    return root


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
    write_data(root / "data")
    write_questions(root / "medqa")
    save_tiny_llama(root / "tiny", tied=False)
    return root
