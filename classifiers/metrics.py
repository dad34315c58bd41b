"""Measures of a classifier, each with a percentile bootstrap interval; arrays are one-dimensional float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % bootstrap interval and the number of items it rests on."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}] (n={self.n})"


def auroc(positive: Floats, negative: Floats) -> float:
    """Area under the ROC curve: the chance that a positive outranks a negative, ties count half."""
    both = np.concatenate([positive, negative])
    _, inverse, counts = np.unique(both, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2.0)[inverse]
    n, m = len(positive), len(negative)
    return float((ranks[:n].sum() - n * (n + 1) / 2.0) / (n * m))


def threshold_at(negative: Floats, rate: float) -> float:
    """The lowest threshold that flags (score >= threshold) at most `rate` of the negatives."""
    ordered = np.sort(negative)[::-1]
    allowed = int(np.floor(rate * len(ordered)))
    if allowed >= len(ordered):
        return float(ordered[-1])
    return float(np.nextafter(ordered[allowed], np.inf))


def recall_at(positive: Floats, negative: Floats, rate: float) -> float:
    """Share of positives flagged where at most `rate` of the negatives are."""
    return float(np.mean(positive >= threshold_at(negative, rate)))


def calibration_error(probability: Floats, outcome: Floats, bins: int = 10) -> float:
    """Expected calibration error over equal-count bins: mean |mean outcome - mean probability|."""
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [len(part) * abs(float(outcome[part].mean() - probability[part].mean())) for part in parts]
    return sum(gaps) / len(probability)


def weighted_kappa(judge: Floats, ours: Floats, levels: int = 5) -> float:
    """Quadratic weighted kappa of two ratings in 1..levels (ours is rounded to the nearest level)."""
    a = np.clip(np.rint(judge), 1, levels).astype(int) - 1
    b = np.clip(np.rint(ours), 1, levels).astype(int) - 1
    observed = np.zeros((levels, levels))
    np.add.at(observed, (a, b), 1.0)
    expected = np.outer(observed.sum(1), observed.sum(0)) / observed.sum()
    grid = np.arange(levels)
    weights = (grid[:, None] - grid[None, :]) ** 2
    worst = float((weights * expected).sum())
    return 1.0 if worst == 0.0 else 1.0 - float((weights * observed).sum()) / worst


def spearman(a: Floats, b: Floats) -> float:
    """Spearman's rank correlation, ties averaged."""

    def ranks(values: Floats) -> Floats:
        _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
        return (np.cumsum(counts) - (counts - 1) / 2.0)[inverse]

    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def estimate(
    measure: Callable[..., float], *groups: tuple[Floats, ...], draws: int = 1000, seed: int = 0
) -> Estimate:
    """`measure` on all arrays of all groups, with a bootstrap that redraws each group's rows together.

    A group is a tuple of arrays of equal length (paired rows); separate groups are redrawn independently.
    """
    rng = np.random.default_rng(seed)
    value = measure(*(array for group in groups for array in group))
    drawn: list[float] = []
    for _ in range(draws):
        sample: list[Floats] = []
        for group in groups:
            rows = rng.integers(0, len(group[0]), len(group[0]))
            sample.extend(array[rows] for array in group)
        drawn.append(measure(*sample))
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return Estimate(value, float(low), float(high), sum(len(group[0]) for group in groups))


def share(flags: Floats) -> float:
    """The mean: the share of ones."""
    return float(np.mean(flags))
