"""What `import guardrail` costs, and that it brings nothing heavy with it."""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import Final

from benchmark.speed.figure import Figure

HEAVY: Final = ("torch", "transformers", "openai", "litellm", "anthropic", "langchain")
RUNS: Final = 9


def _import_time() -> float:
    """Cumulative seconds of the package, as -X importtime tells them in its last line."""
    command = [sys.executable, "-X", "importtime", "-c", "import guardrail"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(run.stderr.strip().splitlines()[-1].split("|")[1]) / 1e6


def _first_use() -> float:
    """Seconds until the guard's class is there; the package brings it in when it is first named."""
    code = "import time; t = time.perf_counter(); from guardrail import Guard; print(time.perf_counter() - t)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(run.stdout)


def loaded_by(statement: str) -> set[str]:
    """The top-level modules loaded in a fresh interpreter after `statement`."""
    code = f"{statement}; import sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def figures() -> list[Figure]:
    """Import time (median), and heavy modules loaded (their number)."""
    package = statistics.median(_import_time() for _ in range(RUNS))
    guard = statistics.median(_first_use() for _ in range(RUNS))
    heavy = loaded_by("from guardrail import Guard") & set(HEAVY)
    return [
        Figure("`import guardrail`", package, "s", 0.25, f"-X importtime, median of {RUNS}"),
        Figure("`from guardrail import Guard`", guard, "s", 0.25, f"median of {RUNS}"),
        Figure("heavy modules it loads", len(heavy), "", 0, ", ".join(sorted(heavy)) or ", ".join(HEAVY[:4])),
    ]
