"""What `import guardrail` costs, and that it brings nothing heavy with it."""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import Final

from benchmark.speed.figure import Figure

HEAVY: Final = ("torch", "transformers", "openai", "litellm", "anthropic", "langchain")
RUNS: Final = 9


def _seconds(statement: str, module: str) -> float:
    """Cumulative time of `module`, as -X importtime tells it."""
    command = [sys.executable, "-X", "importtime", "-c", statement]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = (line.split("|") for line in run.stderr.splitlines() if line.startswith("import time:"))
    return max(int(row[1]) for row in rows if row[2].strip() == module) / 1e6


def loaded_by(statement: str) -> set[str]:
    """The top-level modules loaded in a fresh interpreter after `statement`."""
    code = f"{statement}; import sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def figures() -> list[Figure]:
    """Import time (median), and heavy modules loaded (their number)."""
    package = statistics.median(_seconds("import guardrail", "guardrail") for _ in range(RUNS))
    guard = statistics.median(_seconds("from guardrail import Guard", "guardrail.guard") for _ in range(RUNS))
    heavy = loaded_by("from guardrail import Guard") & set(HEAVY)
    detail = f"-X importtime, median of {RUNS}"
    return [
        Figure("`import guardrail`", package, "s", 0.25, detail),
        Figure("`from guardrail import Guard`", guard, "s", 0.25, detail),
        Figure("heavy modules it loads", len(heavy), "", 0, ", ".join(sorted(heavy)) or ", ".join(HEAVY[:4])),
    ]
