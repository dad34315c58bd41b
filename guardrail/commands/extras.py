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
    found = (_EXTRA.match(requirement) for requirement in requirements)
    extras = {match[2] for match in found if match and match[1].lower() == wanted} - {"dev"}
    if not extras:
        return None
    # An extra that contains others lists their modules too: the one of the module's own name asks for least.
    extra = wanted if wanted in extras else min(extras)
    return f'pip install "{DISTRIBUTION}[{extra}]"'


def missing_message(error: ModuleNotFoundError) -> str | None:
    """What to tell a user whose command needs a module that is not there; `None` when it is no extra's."""
    line = install_line(error.name or "")
    return f"this needs {error.name}, which is not installed: {line}" if line else None
