"""Scores, failures and unreadable content to a verdict, by a resolved policy; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from guardrail.decision import ALLOWED, Decision, Signal, Thresholds
from guardrail.policy import DirectionPolicy, Policy
from guardrail.scoring.scores import ItemScores
from guardrail.verdict import Action, ClassifierInfo, Direction, Scores, Verdict, Window


@dataclass(frozen=True, slots=True)
class Side:
    """What is known of one direction."""

    scores: Sequence[ItemScores] = ()
    messages: Sequence[int | None] = ()
    """Where each item came from; empty when no conversation was checked."""
    not_scanned: Sequence[str] = ()
    expected: bool = True
    """Whether there was a text to score; a failure concerns these sides only."""


ABSENT: Final = Side(expected=False)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A policy with its thresholds, and the classifier it judges by."""

    policy: Policy
    thresholds: Thresholds
    classifier: ClassifierInfo

    def verdict(
        self, prompt: Side, response: Side, failure: Exception | None = None, latency_ms: float = 0.0
    ) -> Verdict:
        """The verdict on an exchange, as far as it is known. With a failure there are no scores."""
        sides: dict[Direction, Side] = {"prompt": prompt, "response": response}
        signals: dict[Direction, list[Signal]] = {
            direction: [Signal.of(direction, item) for item in side.scores]
            for direction, side in sides.items()
        }
        decision = self._unreadable(sides)
        if failure is None:
            scored = self.thresholds.decide([*signals["prompt"], *signals["response"]])
            if scored.action.severity >= decision.action.severity:
                decision = scored
        else:
            failed = self._failed([direction for direction, side in sides.items() if side.expected])
            if failed.action.severity >= decision.action.severity:
                decision = failed
        return Verdict(
            action=decision.action,
            direction=decision.direction,
            flagged=decision.flagged,
            scores=None if failure else _scores(signals, response.scores),
            windows=() if failure else tuple(w for d, side in sides.items() for w in _windows(d, side)),
            failure=type(failure).__name__ if failure else None,
            not_scanned=tuple(dict.fromkeys([*prompt.not_scanned, *response.not_scanned])),
            classifier=self.classifier,
            policy=self.policy.name,
            latency_ms=latency_ms,
        )

    def _unreadable(self, sides: dict[Direction, Side]) -> Decision:
        if self.policy.unscannable == "block":
            for direction, side in sides.items():
                if side.not_scanned:
                    return Decision(_stop(self.policy.side(direction)), direction, ())
        return ALLOWED

    def _failed(self, directions: list[Direction]) -> Decision:
        """Closed sides stop; where all are open a direction is named too: the verdict says what failed."""
        closed: list[Direction] = [d for d in directions if self.policy.side(d).on_failure == "closed"]
        if not closed:
            return Decision(Action.ALLOW, directions[0], ())
        worst = max(closed, key=lambda d: _stop(self.policy.side(d)).severity)
        return Decision(_stop(self.policy.side(worst)), worst, ())


def _stop(side: DirectionPolicy) -> Action:
    """How a side stops what was not scored: its own action, or a block where that would let it pass."""
    return side.action if side.action.stops else Action.BLOCK


def _scores(signals: dict[Direction, list[Signal]], responses: Sequence[ItemScores]) -> Scores | None:
    everything = [signal for side in signals.values() for signal in side]
    if not everything:
        return None
    columns = zip(*(signal.principles for signal in everything), strict=True)
    refusals = [w.refusal for item in responses for w in item.windows if w.refusal is not None]
    return Scores(
        prompt_risk=max((signal.score for signal in signals["prompt"]), default=None),
        harmfulness=max((signal.score for signal in signals["response"]), default=None),
        refusal=max(refusals, default=None),
        principles={number: max(column) for number, column in enumerate(columns, start=1)},
        general=max(signal.general for signal in everything),
    )


def _windows(direction: Direction, side: Side) -> list[Window]:
    origins = side.messages or (None,) * len(side.scores)
    return [
        Window(
            direction=direction,
            start=window.start,
            end=window.end,
            message=origin,
            view=window.view,
            score=window.risk if window.harmfulness is None else window.harmfulness,
        )
        for item, origin in zip(side.scores, origins, strict=True)
        for window in item.windows
    ]
