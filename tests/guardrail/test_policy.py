"""A policy file is read strictly; what is wrong with it is said, and where."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.errors import PolicyError
from guardrail.policy import Policy
from guardrail.policy_files import PRESETS, preset_text
from guardrail.scoring.curves import threshold_at
from guardrail.scoring.scores import Curve, Curves
from guardrail.verdict import Action

FULL: dict[str, Any] = {
    "name": "full",
    "description": "every key",
    "prompt": {
        "action": "refuse",
        "threshold": 0.5,
        "principles": {4: {"action": "block", "false_positive_rate": 0.01}},
        "on_failure": "closed",
    },
    "response": {"action": "observe", "false_positive_rate": 0.02, "on_failure": "open"},
    "refusal": "error",
    "reply": {"prompt": "No.", "response": "Not this."},
    "unscannable": "record",
    "stream": {"mode": "buffer", "window_chars": 100, "overlap_chars": 50, "buffer_bytes": 4096},
    "timeout_s": 1.5,
}
CURVE = Curve((0.01, 0.1), (0.9, 0.5))
CURVES = Curves(CURVE, Curve((0.01, 0.1), (4.0, 2.0)), (CURVE,) * 9, (CURVE,) * 9)


def minimal(**changes: Any) -> dict[str, Any]:
    sides = {"action": "block", "false_positive_rate": 0.01}
    return {"prompt": sides, "response": sides, **changes}


@pytest.mark.parametrize("name", PRESETS)
def test_presets_load(name: str) -> None:
    policy = Policy.load(name)
    assert policy.name == name
    assert policy.description
    assert Policy.presets() == PRESETS
    assert f"name: {name}" in preset_text(name)


def test_none_is_the_patient_preset_and_a_policy_is_itself() -> None:
    policy = Policy.load(None)
    assert policy.name == "patient"
    assert Policy.load(policy) is policy


def test_every_format_says_the_same(tmp_path: Path) -> None:
    expected = Policy.load(FULL)
    (tmp_path / "p.json").write_text(json.dumps(FULL))
    (tmp_path / "p.yaml").write_text("\ufeff" + json.dumps(FULL))  # JSON is YAML
    (tmp_path / "p.toml").write_text(
        """
        name = "full"
        description = "every key"
        refusal = "error"
        unscannable = "record"
        timeout_s = 1.5
        [prompt]
        action = "refuse"
        threshold = 0.5
        on_failure = "closed"
        [prompt.principles.4]
        action = "block"
        false_positive_rate = 0.01
        [response]
        action = "observe"
        false_positive_rate = 0.02
        on_failure = "open"
        [reply]
        prompt = "No."
        response = "Not this."
        [stream]
        mode = "buffer"
        window_chars = 100
        overlap_chars = 50
        buffer_bytes = 4096
        """
    )
    for suffix in ("json", "yaml", "toml"):
        assert Policy.load(tmp_path / f"p.{suffix}") == expected
        assert Policy.load(str(tmp_path / f"p.{suffix}")) == expected


def test_a_preset_is_extended() -> None:
    policy = Policy.load({"extends": "patient", "name": "ward", "prompt": {"threshold": 0.3}})
    assert policy.name == "ward"
    assert policy.prompt.threshold == 0.3
    assert policy.prompt.false_positive_rate is None
    assert policy.prompt.action is Action.REFUSE
    assert policy.response == Policy.load("patient").response


def _paths(data: dict[Any, Any], at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for key, value in data.items():
        if isinstance(key, str):
            found.append((*at, key))
        if isinstance(value, dict):
            found += _paths(value, (*at, key))
    return found


@given(st.sampled_from(_paths(FULL)), st.integers(0, 10_000))
def test_any_mistyped_key_is_refused_with_the_right_one(path: tuple[Any, ...], seed: int) -> None:
    data = copy.deepcopy(FULL)
    parent = data
    for key in path[:-1]:
        parent = parent[key]
    right = path[-1]
    at = random.Random(seed).randrange(len(right) - 1)
    typo = right[:at] + right[at + 1] + right[at] + right[at + 2 :]
    if typo == right:
        typo = right + right[-1]
    parent[typo] = parent.pop(right)
    with pytest.raises(PolicyError) as error:
        Policy.load(data)
    assert f"{'.'.join(map(str, (*path[:-1], typo)))}: unknown key; did you mean '{right}'?" in str(
        error.value
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prompt": {"action": "blok", "threshold": 0.5}}, r"prompt\.action: .*'block'.*got 'blok'"),
        ({"prompt": {"action": True, "threshold": 0.5}}, r"prompt\.action: .*YAML reads on, off, yes and no"),
        ({"prompt": {"action": "block"}}, r"prompt: set exactly one of threshold and false_positive_rate"),
        ({"prompt": {"action": "block", "threshold": 0.5, "false_positive_rate": 0.1}}, "exactly one"),
        ({"prompt": {"action": "block", "threshold": 1.5}}, r"prompt\.threshold: .*less than or equal to 1"),
        ({"prompt": {"action": "block", "threshold": "0.5"}}, r"prompt\.threshold: .*number, got '0.5'"),
        ({"prompt": {"action": "block", "threshold": True}}, r"prompt\.threshold"),
        ({"prompt": {"action": "block", "threshold": float("nan")}}, r"prompt\.threshold"),
        ({"prompt": {"action": "block", "false_positive_rate": 0.0}}, r"prompt\.false_positive_rate"),
        (
            {"response": {"action": "block", "threshold": 0.5}},
            r"response\.threshold: .*greater than or equal to 1",
        ),
        ({"response": {"action": "block", "threshold": 5.1}}, r"response\.threshold"),
        ({"prompt": {**FULL["prompt"], "principles": {10: {}}}}, r"prompt\.principles\.10"),
        ({"prompt": {**FULL["prompt"], "principles": {"four": {}}}}, r"prompt\.principles\.four"),
        (
            {"prompt": {**FULL["prompt"], "principles": {4: {"threshold": 0.1, "false_positive_rate": 0.1}}}},
            r"prompt\.principles\.4: set threshold or false_positive_rate, not both",
        ),
        ({"timeout_s": 0}, "timeout_s"),
        ({"stream": {"window_chars": 1}}, r"stream\.window_chars"),
        ({"reply": {"prompt": ""}}, r"reply\.prompt"),
        ({"name": "a\nb"}, "name"),
        ({"extends": "patint"}, r"extends: no preset 'patint': did you mean 'patient'\?"),
        ({"extends": ["patient"]}, "extends: no preset"),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        Policy.load(minimal(**changes))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("p.yaml", "name: a\nname: b\n", "line 2: duplicate key 'name'"),
        ("p.yaml", "prompt:\n  action: a\n  action: b\n", "line 3: duplicate key 'action'"),
        ("p.yaml", "prompt: [", "line 1: not valid YAML"),
        ("p.yaml", "prompt: !!python/object/apply:os.getcwd []", "not valid YAML"),
        ("p.yaml", "- a", "a policy is a mapping"),
        ("p.yaml", "", "a policy is a mapping"),
        ("p.yaml", "[" * 5000, "p.yaml: "),
        ("p.json", '{"name": "a", "name": "b"}', "duplicate key 'name'"),
        ("p.json", "{", "p.json: "),
        ("p.toml", "name = 1\nname = 2", "p.toml: "),
        ("p.txt", "name: a", "a policy file ends in"),
    ],
)
def test_files_that_are_none_are_refused(tmp_path: Path, name: str, content: str, words: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(PolicyError, match=words):
        Policy.load(tmp_path / name)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_bytes(b"name: \xff")
    with pytest.raises(PolicyError, match="not UTF-8"):
        Policy.load(tmp_path / "p.yaml")


def test_a_missing_file_and_an_unknown_preset_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"none\.yaml: can't be read"):
        Policy.load(tmp_path / "none.yaml")
    with pytest.raises(PolicyError, match="did you mean 'clinician'"):
        Policy.load("clinican")


def test_an_error_never_echoes_the_file() -> None:
    secret = "s3cret " * 50
    with pytest.raises(PolicyError) as error:
        Policy.load(minimal(refusal=secret, prompt={"action": secret}))
    assert secret not in str(error.value)
    assert len(str(error.value)) < 600


def test_rates_become_thresholds() -> None:
    resolved = Policy.load(minimal()).resolve(CURVES)
    assert resolved.prompt.threshold == 0.9
    assert resolved.response.threshold == 4.0
    own = Policy.load(FULL).resolve(CURVES)
    assert own.prompt.threshold == 0.5
    assert own.prompt.rules[3].action is Action.BLOCK
    assert own.prompt.rules[3].threshold == 0.9
    assert own.prompt.rules[2].action is None


@given(st.floats(1e-6, 0.99), st.floats(1e-6, 0.99))
def test_a_higher_rate_never_raises_the_threshold(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert threshold_at(CURVE, low) >= threshold_at(CURVE, high)
    assert 0.5 <= threshold_at(CURVE, low) <= 0.9


def test_rates_are_interpolated_on_a_logarithmic_scale() -> None:
    assert threshold_at(CURVE, 10**-1.5) == pytest.approx(0.7)
