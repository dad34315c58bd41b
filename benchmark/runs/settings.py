"""What a user asks a run for, and what must be the same for a run to be gone on with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

from benchmark.judged import Arm
from benchmark.targets.usage import Price

_TOLD: Final = (
    *("model", "base_url", "mode", "max_tokens", "temperature", "guarded"),
    *("judges", "rubric", "sets", "limit", "seed"),
)
_Facts = Mapping[str, Any]
Guarded = Literal["no", "yes", "both"]
Mode = Literal["native", "paper"]
Rubric = Literal["paper", "native"]
ARMS: Final[dict[Guarded, tuple[Arm, ...]]] = {
    "no": ("bare",),
    "yes": ("guarded",),
    "both": ("bare", "guarded"),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of `guardrail bench run`; no secret is among them.

    `sets` is `None` for the default ones; `seed` is of the draws. `cost_limit` is in the currency of the
    prices: of a million prompt and of a million completion tokens. `family` is the template of a local model
    in the mode `paper`, where the model's name does not tell it.
    """

    model: str
    guarded: Guarded = "both"
    judges: tuple[str, ...] = ("classifier",)
    rubric: Rubric = "paper"
    sets: str | None = None
    limit: int | None = None
    seed: int = 0
    mode: Mode = "native"
    family: str | None = None
    max_tokens: int = 512
    temperature: float = 0.0
    base_url: str | None = None
    judge_url: str | None = None
    policy: str = "patient"
    bundle: Path | None = None
    texts: bool = True
    concurrency: int | None = None
    cost_limit: float | None = None
    price: Price | None = None
    judge_price: Price | None = None

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The arms, in the order in which they are run."""
        return ARMS[self.guarded]

    def told(self) -> dict[str, Any]:
        """What stands in run.json: whatever a score may depend on. Guard and prices stand elsewhere."""
        return {name: getattr(self, name) for name in _TOLD} | {"judges": list(self.judges)}


def differences(before: Mapping[str, Any], now: Mapping[str, Any], path: str = "") -> list[str]:
    """Where two objects differ, as `key: before -> now`, key by key and in depth."""
    found: list[str] = []
    for key in dict.fromkeys((*before, *now)):
        old, new, name = before.get(key), now.get(key), f"{path}{key}"
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += differences(cast(_Facts, old), cast(_Facts, new), f"{name}.")
        elif old != new:
            found.append(f"{name}: {old} -> {new}")
    return found
