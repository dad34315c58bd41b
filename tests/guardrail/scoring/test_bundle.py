"""A bundle that is missing, damaged or foreign is refused, with the file and what to do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from guardrail.errors import BundleError
from guardrail.scoring.bundle import Bundle
from guardrail.scoring.onnx import OnnxScorer
from tests.guardrail.scoring.tiny import write_manifest


@pytest.fixture
def own(tiny: Path, tmp_path: Path) -> Path:
    """A copy of the tiny bundle that a test may damage."""
    return Path(shutil.copytree(tiny, tmp_path / "own"))


def test_a_sound_bundle_loads(tiny: Path) -> None:
    bundle = Bundle.load(tiny)
    assert bundle.info.name == "tiny"
    assert len(bundle.info.sha256) == 64
    assert bundle.curves.response.thresholds == (3.5, 2.0)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_changed_byte_is_refused(own: Path, name: str) -> None:
    content = bytearray((own / name).read_bytes())
    content[len(content) // 2] ^= 1
    (own / name).write_bytes(content)
    with pytest.raises(BundleError, match=rf"{name}.*sha256.*export the bundle again"):
        Bundle.load(own)


def test_a_file_that_changes_after_it_was_verified_is_verified_again(own: Path) -> None:
    Bundle.load(own)
    (own / "tokenizer.json").write_bytes((own / "tokenizer.json").read_bytes()[:-1] + b" ")
    with pytest.raises(BundleError, match="sha256"):
        Bundle.load(own)


def test_a_cut_file_is_refused(own: Path) -> None:
    (own / "model.onnx").write_bytes((own / "model.onnx").read_bytes()[:-10])
    with pytest.raises(BundleError, match=r"model\.onnx: \d+ bytes, the manifest says"):
        Bundle.load(own)


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx", "tokenizer.json"])
def test_a_missing_file_is_named(own: Path, name: str) -> None:
    (own / name).unlink()
    with pytest.raises(BundleError, match=rf"{name}: can't be read"):
        Bundle.load(own)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="nowhere: no such folder"):
        Bundle.load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 2}, "format"),
        ({"surprise": 1}, "surprise"),
        ({"heads": {"prompt_risk": [0, 1]}}, "heads"),
        ({"input": {"prompt_window": 64, "response_window": 256, "overlap": 32, "context": 64}}, "windows"),
        ({"calibration": {}}, "calibration"),
        ({"files": {}}, "files"),
        ({"files": {"../x": {"sha256": "0" * 64, "bytes": 1}}}, "files"),
        ({"seed": None}, "seed"),
    ],
)
def test_a_foreign_manifest_is_refused(own: Path, changes: dict[str, Any], words: str) -> None:
    write_manifest(own, **changes)
    with pytest.raises(BundleError, match=rf"manifest\.json: .*{words}"):
        Bundle.load(own)


def test_curves_that_rise_are_refused(own: Path) -> None:
    manifest = json.loads((own / "manifest.json").read_text())
    manifest["curves"]["prompt"]["thresholds"] = [0.1, 0.9]
    (own / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="thresholds must not rise"):
        Bundle.load(own)


@pytest.mark.parametrize(
    ("name", "words"), [("model.onnx", "not a network"), ("tokenizer.json", "not a tokenizer")]
)
def test_files_of_another_kind_are_refused(own: Path, name: str, words: str) -> None:
    (own / name).write_bytes(b"{}")
    write_manifest(own)
    with pytest.raises(BundleError, match=words):
        OnnxScorer(Bundle.load(own))
