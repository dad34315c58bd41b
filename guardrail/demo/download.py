"""A wheel from the package index, by pip itself: its mirrors, proxies and certificates are honoured."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from guardrail.errors import GuardrailError

Progress = Callable[[int, int], None]
"""Called with the bytes that have arrived and the bytes expected."""
_OPTIONS: Final = (
    "--no-deps",
    "--only-binary=:all:",
    "--no-cache-dir",
    "--disable-pip-version-check",
    "--no-input",
    "--progress-bar=off",
    "--retries=2",
)


class DownloadError(GuardrailError):
    """The package index could not be reached, or does not have the wheel."""


def _pip() -> list[str]:
    if find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    # Environments made by uv have no pip; uv runs one of its own.
    if uv := shutil.which("uv"):
        return [uv, "tool", "run", "--quiet", "pip"]
    raise DownloadError("neither pip nor uv is there to fetch it")


def _arrived(folder: Path) -> int:
    """Bytes of the largest wheel below `folder`; pip moves and removes things there meanwhile."""
    most = 0
    for where, _, names in os.walk(folder):  # passes over folders that are gone
        for name in names:
            with suppress(FileNotFoundError):
                most = max(most, os.stat(os.path.join(where, name)).st_size if name.endswith(".whl") else 0)
    return most


def _reason(stderr: str) -> str:
    if "connection broken" in stderr:
        return "the package index could not be reached"
    lines = [line.removeprefix("ERROR: ") for line in stderr.splitlines() if line.startswith("ERROR: ")]
    return lines[-1] if lines else (stderr.strip().splitlines() or ["pip gave no reason"])[-1]


def download_wheel(requirement: str, size: int, folder: Path, progress: Progress) -> Path:
    """Download the wheel of `requirement` (about `size` bytes) into `folder`.

    pip reports no progress that can be read by a program, so its temporary files are watched grow.

    Raises:
        DownloadError: with pip's own reason.
    """
    command = [*_pip(), "download", *_OPTIONS, "--dest", str(folder / "wheel"), requirement]
    environment = {**os.environ, "TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}
    with (folder / "stderr.txt").open("w+", encoding="utf-8", errors="replace") as stderr:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr, env=environment
        )
        try:
            while process.poll() is None:
                progress(min(_arrived(folder), size), size)
                time.sleep(0.1)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        if process.returncode:
            stderr.seek(0)
            raise DownloadError(_reason(stderr.read()))
    wheels = list((folder / "wheel").glob("*.whl"))
    if len(wheels) != 1:
        raise DownloadError(f"pip brought {len(wheels)} files for {requirement}, expected one")
    progress(size, size)
    return wheels[0]
