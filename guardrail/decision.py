"""Scores to an action, by thresholds; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from guardrail.scoring.scores import ItemScores
from guardrail.verdict import Action, Direction


@dataclass(frozen=True, slots=True)
class Signal:
    """What one text scored: the maximum over its windows."""

    direction: Direction
    score: float
    """Risk 0-1 of a prompt, harmfulness 1-5 of a response."""
    principles: tuple[float, ...]
    """Nine probabilities, principle 1 first."""
    general: float

    @classmethod
    def of(cls, direction: Direction, item: ItemScores) -> Signal:
        """The signal of an item of this direction."""
        windows = item.windows
        if direction == "prompt":
            score = max(window.risk for window in windows)
        else:
            score = max(window.harmfulness or 1.0 for window in windows)
        if len(windows) == 1:
            return cls(direction, score, windows[0].principles, windows[0].general)
        columns = zip(*(window.principles for window in windows), strict=True)
        return cls(direction, score, tuple(map(max, columns)), max(window.general for window in windows))


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done, which side caused it (`None` when allowed), and for which principles."""

    action: Action
    direction: Direction | None
    flagged: tuple[int, ...]
    """Most probable first; empty when allowed, or when the harm is of no medical kind."""


ALLOWED = Decision(Action.ALLOW, None, ())


@dataclass(frozen=True, slots=True)
class Rule:
    """A principle's threshold; `action` is set where the policy has a rule for it, and triggers by itself."""

    threshold: float
    action: Action | None


@dataclass(frozen=True, slots=True)
class Limits:
    """Thresholds of one direction: the overall score's with its action, and nine rules, principle 1 first."""

    threshold: float
    action: Action
    rules: tuple[Rule, ...]

    def decide(self, signal: Signal) -> Decision:
        """The decision for one text."""
        over = signal.score >= self.threshold
        action = self.action if over else Action.ALLOW
        hits: list[tuple[float, int]] = []
        for number, (probability, rule) in enumerate(
            zip(signal.principles, self.rules, strict=True), start=1
        ):
            if probability < rule.threshold:
                continue
            if rule.action is not None and rule.action.severity > action.severity:
                action = rule.action
            if over or rule.action not in (None, Action.ALLOW):
                hits.append((-probability, number))
        if action is Action.ALLOW:
            return ALLOWED
        if not hits:
            best = max(range(9), key=lambda at: signal.principles[at])
            if signal.general <= signal.principles[best]:
                hits.append((-signal.principles[best], best + 1))
        return Decision(action, signal.direction, tuple(number for _, number in sorted(hits)))


@dataclass(frozen=True, slots=True)
class Thresholds:
    """A resolved policy."""

    prompt: Limits
    response: Limits

    def decide(self, signals: Iterable[Signal]) -> Decision:
        """The most severe decision over several texts; the prompt's, then the earlier one's, where equal."""
        worst = ALLOWED
        for signal in signals:
            limits = self.prompt if signal.direction == "prompt" else self.response
            decision = limits.decide(signal)
            if decision.action.severity > worst.action.severity:
                worst = decision
        return worst
