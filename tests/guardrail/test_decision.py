"""Deciding is pure, monotone, and says for which principles."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from guardrail.decision import ALLOWED, Limits, Rule, Signal, Thresholds
from guardrail.verdict import Action

NO_RULES = (Rule(0.5, None),) * 9
LIMITS = Limits(0.5, Action.REFUSE, NO_RULES)


def signal(score: float = 0.1, general: float = 0.0, **principles: float) -> Signal:
    """`p4=0.9` sets principle 4."""
    return Signal("prompt", score, tuple(principles.get(f"p{n}", 0.01) for n in range(1, 10)), general)


def with_rule(number: int, action: Action) -> Limits:
    rules = list(NO_RULES)
    rules[number - 1] = Rule(0.5, action)
    return Limits(0.5, Action.REFUSE, tuple(rules))


def test_below_every_threshold_is_allowed() -> None:
    assert LIMITS.decide(signal(0.49)) == ALLOWED


def test_a_threshold_is_reached_when_equalled() -> None:
    assert LIMITS.decide(signal(0.5)).action is Action.REFUSE


def test_flagged_are_the_principles_over_their_threshold_most_probable_first() -> None:
    assert LIMITS.decide(signal(0.9, p2=0.6, p8=0.8, p5=0.4)).flagged == (8, 2)


def test_with_none_over_its_threshold_the_most_probable_is_named_unless_harm_is_general() -> None:
    assert LIMITS.decide(signal(0.9, general=0.2, p3=0.3)).flagged == (3,)
    assert LIMITS.decide(signal(0.9, general=0.4, p3=0.3)).flagged == ()


def test_a_principle_triggers_by_itself_only_by_a_written_rule() -> None:
    assert LIMITS.decide(signal(p4=0.9)) == ALLOWED
    decision = with_rule(4, Action.BLOCK).decide(signal(p4=0.9, p5=0.9))
    assert (decision.action, decision.flagged) == (Action.BLOCK, (4,))


def test_the_most_severe_rule_wins_and_a_mild_one_does_not_soften() -> None:
    assert with_rule(4, Action.BLOCK).decide(signal(0.9, p4=0.9)).action is Action.BLOCK
    assert with_rule(4, Action.OBSERVE).decide(signal(0.9, p4=0.9)).action is Action.REFUSE
    assert with_rule(4, Action.OBSERVE).decide(signal(p4=0.9)).action is Action.OBSERVE
    assert with_rule(4, Action.ALLOW).decide(signal(p4=0.9)) == ALLOWED


def test_the_most_severe_of_several_texts_decides() -> None:
    thresholds = Thresholds(LIMITS, Limits(3.0, Action.BLOCK, NO_RULES))
    bad = replace(signal(4.0, p1=0.9), direction="response")
    decision = thresholds.decide([signal(0.9, p2=0.9), bad])
    assert (decision.action, decision.direction, decision.flagged) == (Action.BLOCK, "response", (1,))
    assert thresholds.decide([signal(0.9), replace(bad, score=1.0)]).direction == "prompt"
    assert thresholds.decide([]) == ALLOWED


ACTIONS = st.sampled_from([None, *Action])
UNIT = st.floats(0.0, 1.0)


@given(
    st.tuples(*[st.builds(Rule, UNIT, ACTIONS)] * 9),
    UNIT,
    st.sampled_from(Action),
    st.tuples(*[UNIT] * 11),
    st.tuples(*[UNIT] * 11),
)
def test_severity_never_falls_when_a_score_rises(
    rules: tuple[Rule, ...],
    threshold: float,
    action: Action,
    one: tuple[float, ...],
    other: tuple[float, ...],
) -> None:
    limits = Limits(threshold, action, rules)
    low = [min(pair) for pair in zip(one, other, strict=True)]
    high = [max(pair) for pair in zip(one, other, strict=True)]
    before, after = (limits.decide(Signal("prompt", s[0], tuple(s[1:10]), s[10])) for s in (low, high))
    assert after.action.severity >= before.action.severity
