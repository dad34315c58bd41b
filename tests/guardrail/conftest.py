"""Parts that several test modules share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guardrail.scoring.tiny import write_bundle


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tiny bundle; read only."""
    return write_bundle(tmp_path_factory.mktemp("tiny"))
