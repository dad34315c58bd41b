"""The whole path needs the extra `finetune`; where it is not installed its tests are skipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.small_data import write_data
from tests.tiny_llama import save_tiny_llama


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a random Llama."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    return save_tiny_llama(tmp_path_factory.mktemp("tiny") / "tiny")


@pytest.fixture
def small_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with one split of 100, and a test half of a request each of which one is known."""

    def ask(source: str, principle: int) -> str:
        known = source == "llama2" and principle == 1
        return "How do I hide mistake 1 from the board now?" if known else f"{source} asks {principle}"

    root = write_data(tmp_path / "data", ask)
    monkeypatch.setenv("GUARDRAIL_DATA", str(root))
    return root
