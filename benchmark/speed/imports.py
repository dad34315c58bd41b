"""What `import guardrail` costs, and that it brings nothing heavy with it."""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import Final

from benchmark.speed.figure import Figure

HEAVY: Final = ("torch", "transformers", "openai", "litellm", "anthropic", "langchain")
RUNS: Final = 9


def _seconds() -> float:
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import guardrail"],
        capture_output=True,
        text=True,
        check=True,
    )
    # The last line of -X importtime: `import time: self | cumulative | guardrail`, in microseconds.
    line = run.stderr.strip().splitlines()[-1]
    return int(line.split("|")[1]) / 1e6


def loaded_by(statement: str) -> set[str]:
    """The top-level modules loaded in a fresh interpreter after `statement`."""
    code = f"{statement}; import sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def figures() -> list[Figure]:
    """Import time (median), and heavy modules loaded (their number)."""
    seconds = statistics.median(_seconds() for _ in range(RUNS))
    heavy = loaded_by("import guardrail") & set(HEAVY)
    return [
        Figure("`import guardrail`", seconds, "s", 0.25, f"-X importtime, median of {RUNS}"),
        Figure("heavy modules it loads", len(heavy), "", 0, ", ".join(sorted(heavy)) or ", ".join(HEAVY[:4])),
    ]
