"""Memory of a process that checks, size of the wheel, size of an environment with nothing but the core."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Final

from benchmark.speed.figure import Figure

MB: Final = 1e6
ROOT: Final = Path(__file__).parent.parent.parent
# On Linux not `ru_maxrss`: a new process inherits there what its parent had reached.
_CHECK: Final = """
import pathlib, re, resource, sys
from guardrail import Guard
Guard().check(prompt="What dose of morphine is too much for my father?")
if sys.platform == "linux":
    print(int(re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1]) * 1024)
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def memory() -> Figure:
    """Highest resident memory of a fresh process that has checked one prompt."""
    run = subprocess.run([sys.executable, "-c", _CHECK], capture_output=True, text=True, check=True)
    return Figure("memory after one check", int(run.stdout) / MB, "MB", 250, "highest resident set")


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def wheel_and_environment() -> list[Figure]:
    """Builds the wheel and installs it, without extras, into a new environment (needs the package index)."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        build = [sys.executable, "-m", "build", "--wheel", "--outdir", scratch, str(ROOT)]
        subprocess.run(build, check=True, capture_output=True)
        wheel = next(folder.glob("*.whl"))
        environment = folder / "environment"
        venv.create(environment, with_pip=False)
        constraints = str(ROOT / "constraints.txt")
        python = environment / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        install = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "-c", constraints]
        subprocess.run([*install, str(wheel)], check=True, capture_output=True)
        return [
            Figure("wheel", wheel.stat().st_size / MB, "MB", 30, wheel.name),
            Figure(
                "core environment", _bytes(environment) / MB, "MB", 250, "a new venv with the wheel alone"
            ),
        ]
