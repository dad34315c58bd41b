"""A baseline that sees only style: length, person, punctuation, case, function words; no content words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from benchmark.data import Request
from benchmark.stats import Floats

FUNCTION_WORDS = tuple(
    re.findall(
        r"\w+",
        """
        a an the and or but so if of to in on at for from with without by
        as is are was were be been do does did have has had can could should would will
        may might must i me my we our us you your he she they them their it this
        that these those what how why who when where which not no please help
        """,
    )
)


def features(text: str) -> Floats:
    """Style of a text: log length, mean word length, shares of punctuation, case and function words."""
    words = re.findall(r"[a-z']+", text.lower())
    count = max(len(words), 1)
    marks = [text.count(mark) for mark in "?!.,;:'\"-\n"]
    shape = [
        np.log1p(len(words)),
        sum(map(len, words)) / count,
        float(text[:1].islower()),
        float(text.rstrip().endswith("?")),
        sum(c.isupper() for c in text) / max(len(text), 1),
        sum(c.isdigit() for c in text) / max(len(text), 1),
    ]
    used = [words.count(word) / count for word in FUNCTION_WORDS]
    return np.array([*shape, *(mark / count for mark in marks), *used])


def style_scores(items: Sequence[Request], seed: int, folds: int = 5) -> tuple[Floats, Floats]:
    """Cross-validated scores of a ridge-regularised logistic model on `features`, and the labels (1 harmful).

    Folds keep a scenario (`origin`) whole.
    """
    x = np.stack([features(item.text) for item in items])
    x = (x - x.mean(0)) / (x.std(0) + 1e-9)
    x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    y = np.array([float(bool(item.harmful)) for item in items])
    fold = np.array(
        [int(hashlib.sha256(f"{seed}{item.origin}".encode()).hexdigest()[:8], 16) % folds for item in items]
    )
    scores = np.zeros(len(items))
    for number in range(folds):
        held = fold == number
        scores[held] = x[held] @ _logistic(x[~held], y[~held])
    return scores, y


MOST: Final = 3.0
"""How many times as often, or as seldom, an example may be drawn so that style says nothing of its label."""


def balanced(items: Sequence[Request], seed: int) -> Floats:
    """How often to draw each item so that style does not tell the label: P(label) / P(label | style).

    The probability is that of the cross-validated style model. Within a label the mean is one.
    """
    scores, y = style_scores(items, seed)
    given = 1.0 / (1.0 + np.exp(-np.where(y == 1.0, scores, -scores)))
    weights = np.clip(np.where(y == 1.0, y.mean(), 1.0 - y.mean()) / given, 1.0 / MOST, MOST)
    for label in (0.0, 1.0):
        weights[y == label] /= max(float(weights[y == label].mean()), 1e-9)
    return weights


def _logistic(x: Floats, y: Floats, ridge: float = 10.0) -> Floats:
    theta = np.zeros(x.shape[1])
    for _ in range(25):
        p = 1.0 / (1.0 + np.exp(-(x @ theta)))
        gradient = x.T @ (p - y) + ridge * theta
        curvature = (x * (p * (1 - p))[:, None]).T @ x + ridge * np.eye(x.shape[1])
        theta = theta - np.linalg.solve(curvature, gradient)
    return theta
