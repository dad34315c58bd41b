"""Which extra brings a module that is not installed."""

from __future__ import annotations

import re
from importlib import metadata
from typing import Final

DISTRIBUTION: Final = "ama-guardrail"
_EXTRA: Final = re.compile(r"^([A-Za-z0-9._-]+).*;\s*extra\s*==\s*['\"]([a-z]+)['\"]")


def install_line(module: str) -> str | None:
    """The command that installs `module`; `None` when no extra of this package names it."""
    try:
        requirements = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return None
    wanted = module.partition(".")[0].replace("_", "-").lower()
    for requirement in requirements:
        found = _EXTRA.match(requirement)
        if found and found[1].lower() == wanted:
            return f'pip install "{DISTRIBUTION}[{found[2]}]"'
    return None


def missing_message(error: ModuleNotFoundError) -> str | None:
    """What to tell a user whose command needs a module that is not there; `None` when it is no extra's."""
    line = install_line(error.name or "")
    return f"this needs {error.name}, which is not installed: {line}" if line else None
