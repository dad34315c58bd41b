"""A medical-safety guardrail for any language model.

    from guardrail import Guard

    guard = Guard()                       # the bundled classifier, the `patient` policy
    verdict = guard.check(prompt="...")   # scores, principles, action
    client = guard.wrap(OpenAI())         # the same client, guarded

Names are imported when they are first used, so that `import guardrail` costs a program nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from guardrail.errors import (
        BlockedError,
        BundleError,
        GuardrailError,
        InputError,
        PolicyError,
        ScoringError,
        UnsupportedError,
        UpstreamError,
    )
    from guardrail.guard import Guard
    from guardrail.policy import Policy
    from guardrail.principles import PRINCIPLES, Principle
    from guardrail.scoring.scores import Item, ItemScores, Scorer
    from guardrail.verdict import Action, ClassifierInfo, Scores, Verdict, Window

__all__ = [
    "PRINCIPLES",
    "Action",
    "BlockedError",
    "BundleError",
    "ClassifierInfo",
    "Guard",
    "GuardrailError",
    "InputError",
    "Item",
    "ItemScores",
    "Policy",
    "PolicyError",
    "Principle",
    "Scorer",
    "Scores",
    "ScoringError",
    "UnsupportedError",
    "UpstreamError",
    "Verdict",
    "Window",
]

_HOMES = {
    "errors": (
        "BlockedError",
        "BundleError",
        "GuardrailError",
        "InputError",
        "PolicyError",
        "ScoringError",
        "UnsupportedError",
        "UpstreamError",
    ),
    "guard": ("Guard",),
    "policy": ("Policy",),
    "principles": ("PRINCIPLES", "Principle"),
    "scoring.scores": ("Item", "ItemScores", "Scorer"),
    "verdict": ("Action", "ClassifierInfo", "Scores", "Verdict", "Window"),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            value = getattr(import_module(f"guardrail.{home}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'guardrail' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
