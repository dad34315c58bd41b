"""The wheel carries the three packages, the model and the presets, and stays small."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from benchmark.documents import ROOT


def test_the_wheel_is_whole_and_small(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(tmp_path),
        str(ROOT),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.stat().st_size < 30e6
    names = set(zipfile.ZipFile(wheel).namelist())
    assert names >= {
        "guardrail/py.typed",
        "guardrail/presets/patient.yaml",
        "guardrail/scoring/bundled/manifest.json",
        "guardrail/scoring/bundled/model.onnx",
        "guardrail/scoring/bundled/tokenizer.json",
        "guardrail/scoring/bundled/MODEL_CARD.md",
        "classifiers/__init__.py",
        "benchmark/__init__.py",
    }
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "guardrail",
        "classifiers",
        "benchmark",
    }
    assert {name.rpartition("/")[2] for name in names} >= {"LICENSE", "NOTICE"}
