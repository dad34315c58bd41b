"""Thresholds for stated false-positive rates."""

from __future__ import annotations

from bisect import bisect_left
from math import log

from guardrail.scoring.scores import Curve


def threshold_at(curve: Curve, rate: float) -> float:
    """The threshold at a false-positive rate: linear in log(rate), clamped to the ends."""
    rates, thresholds = curve.rates, curve.thresholds
    if rate <= rates[0]:
        return thresholds[0]
    if rate >= rates[-1]:
        return thresholds[-1]
    right = bisect_left(rates, rate)
    low, high = rates[right - 1], rates[right]
    share = (log(rate) - log(low)) / (log(high) - log(low))
    return thresholds[right - 1] + share * (thresholds[right] - thresholds[right - 1])
