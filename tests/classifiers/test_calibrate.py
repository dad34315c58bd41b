from __future__ import annotations

import numpy as np
import pytest

from classifiers.calibrate import platt, sigmoid


@pytest.mark.parametrize("confidence", [0.2, 1.0, 4.0, 12.0])
def test_scaling_finds_the_slope_back_however_overconfident_the_logits(confidence: float) -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(0, 1.5, 6000)
    outcome = (rng.random(6000) < sigmoid(true)).astype(np.float64)
    scale, bias = platt(true * confidence, outcome, np.ones(6000), ridge=1e-6)
    assert scale == pytest.approx(1 / confidence, rel=0.1)
    assert abs(bias) < 0.1


def test_a_head_without_positives_stays_tame() -> None:
    scale, bias = platt(np.linspace(-30, 30, 50), np.zeros(50), np.ones(50))
    assert 0.0 < scale < 2.0
    assert -20.0 < bias < 0.0
