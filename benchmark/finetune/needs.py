"""The packages of the extra `finetune`, asked for before any data is read."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from benchmark.finetune.settings import FinetuneError
from guardrail.commands.extras import DISTRIBUTION

_PACKAGES: Final = ("torch", "transformers", "peft", "trl")


def require_finetune(what: str, extras: str) -> None:
    """Raise `FinetuneError` that names what is missing for `what`, and the extras to install."""
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise FinetuneError(
            f"{what} needs {', '.join(missing)}, which is not installed: "
            f'pip install "{DISTRIBUTION}[{extras}]"'
        )
