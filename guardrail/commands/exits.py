"""Exit codes, one meaning each, for every command."""

from __future__ import annotations

from typing import Final

from guardrail.errors import BundleError, GuardrailError, PolicyError

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
SETUP: Final = 3
INTERRUPTED: Final = 130

LEGEND: Final = (
    "Exit codes: 0 done; 1 the input, or a part of it, could not be handled; "
    "2 wrong usage; 3 the policy or the classifier bundle can't be used; 130 interrupted."
)


def exit_code(error: GuardrailError) -> int:
    """The exit code that stands for an error of this package."""
    return SETUP if isinstance(error, PolicyError | BundleError) else FAILED
