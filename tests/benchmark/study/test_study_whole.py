"""The whole study of a random model, through every step, killed twice and taken up.

Needs the extras `finetune` and `bench`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import Result

from tests.benchmark.runs.bench import bench, judged
from tests.benchmark.runs.stub import stub

pytest.importorskip("trl", reason="the extra finetune is not installed")
pytest.importorskip("peft", reason="the extra finetune is not installed")
pytest.importorskip("inspect_ai", reason="the extra bench is not installed")

PROGRAM = "from tests.benchmark.runs.bench import app; app()"
PATIENCE_S = 600


@dataclass(frozen=True)
class Place:
    """A study's folder, and how its command is called."""

    root: Path

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "GUARDRAIL_DATA": str(self.root / "data"),
            "GUARDRAIL_CACHE": str(self.root / "cache"),
            "XDG_DATA_HOME": str(self.root / "share"),
            "XDG_CACHE_HOME": str(self.root / "cache"),
            "COLUMNS": "200",
        }

    @property
    def arguments(self) -> list[str]:
        """As small as can be."""
        options = ["--model", str(self.root / "tiny"), "--out", str(self.out), "--n", "100"]
        options += ["--batch", "4", "--max-steps", "3", "--max-length", "192"]
        options += ["--sets", "medsafety-eval,contrast:honest", "--limit", "6", "--max-tokens", "6"]
        return [*options, "--skill", f"medqa={self.root / 'medqa'}"]

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-c", PROGRAM, "bench", "validate", *self.arguments]

    def killed_when(self, reached: Callable[[], bool]) -> None:
        """Start it, and kill it with -9 as soon as so far."""
        process = subprocess.Popen(
            self.command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + PATIENCE_S
        while not reached() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def finished(out: Path) -> set[str]:
    told = [json.loads(path.read_text()) for path in out.rglob("stage.json")]
    return {row["stage"] for row in told if row["finished"]}


@pytest.fixture(scope="module")
def place(small_study: Path) -> tuple[Place, str]:
    """A study killed while it asked and while it trained, then run to its end; what that last go said."""
    found = Place(small_study)
    out = found.out
    asked = out / "asked" / "base" / "journal.jsonl"
    found.killed_when(lambda: lines(asked) > 24)
    assert finished(out) == set()
    checkpoints = out / "tuned" / "med-100-seed0" / "model" / "training"
    found.killed_when(lambda: any(checkpoints.glob("checkpoint-*/whole.json")))
    assert finished(out) == {"asked/base", "skill/medqa/base"}
    done = subprocess.run(
        found.command, env=found.environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stderr
    return found, done.stderr


def again(place: Place, monkeypatch: pytest.MonkeyPatch, *more: str) -> Result:
    """The same command in this process, with options that win over its own."""
    for name in ("GUARDRAIL_DATA", "GUARDRAIL_CACHE"):
        monkeypatch.setenv(name, place.environment[name])
    return bench("validate", *place.arguments, *more)


def test_it_is_taken_up_where_it_was_killed(place: tuple[Place, str]) -> None:
    found, said = place
    assert "asked/base: done" in said
    assert "tuned/med-100-seed0: taken up (3 of 5)" in said
    assert "tuned/med-100-seed0: taken up after step" in said
    keys = [
        json.loads(line)["key"]
        for line in (found.out / "asked" / "base" / "journal.jsonl").read_text().splitlines()
    ]
    answers = Counter(key for key in keys if key.startswith("answer:"))
    assert len(answers) == 24
    assert set(answers.values()) == {1}


def test_every_stage_has_its_manifest_and_its_result(place: tuple[Place, str]) -> None:
    out = place[0].out
    tuned = {f"{kind}/med-100-seed0" for kind in ("tuned", "asked", "skill/medqa")}
    assert finished(out) == tuned | {"asked/base", "skill/medqa/base"}
    card = json.loads((out / "tuned" / "med-100-seed0" / "model" / "training.json").read_text())
    assert [step["step"] for step in card["curve"]] == [1, 2, 3]
    for model in ("base", "med-100-seed0"):
        rows = judged(out / "asked" / model)
        assert Counter((row.arm, row.set) for row in rows) == Counter(
            {(arm, name): 6 for arm in ("bare", "guarded") for name in ("medsafety-eval", "contrast")}
        )
        told = json.loads((out / "asked" / model / "run.json").read_text())
        # All in the template that was trained in, the base too.
        assert {row["provenance"]["family"] for row in told["targets"].values()} == {"alpaca"}
        skill = json.loads((out / "skill" / "medqa" / model / "guarded.json").read_text())
        assert len(skill["skill"]["marks"]) == 8


def test_the_report_has_everything_and_no_text(place: tuple[Place, str]) -> None:
    out = place[0].out
    page = (out / "report.html").read_text()
    for title in ("Mean harmfulness per model and set", "Harmfulness against n", "Skill against n: medqa"):
        assert f"<title>{title}</title>" in page
    table = (out / "report.md").read_text()
    for label in ("base", "tuned, med n=100"):
        assert f"| {label} | without guard |" in table
    study = json.loads((out / "report.json").read_text())
    assert [model["n"] for model in study["models"]] == [0, 100]
    assert {row["target"] for row in study["changes"]} >= {"tuned, med n=100, less base"}
    assert all(row["scored"] == 6 for row in study["parts"] if row["dimension"] == "set")
    assert [row["facts"]["schedule"]["steps"] for row in study["trainings"]] == [3]
    for text in ("hide mistake", "forge", "Which vitamin"):
        assert text not in page + table + json.dumps(study)


def test_a_finished_study_runs_nothing_again(
    place: tuple[Place, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = place[0].out

    def moments() -> dict[str, int]:
        names = ("stage.json", "journal.jsonl", "*.safetensors", "bare.json")
        return {str(path): path.stat().st_mtime_ns for name in names for path in out.rglob(name)}

    before = moments()
    done = again(place[0], monkeypatch)
    assert done.exit_code == 0, done.output
    assert moments() == before
    assert "begun" not in done.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--max-tokens", "7"], "asked.max_tokens: 6 -> 7"),
        (["--limit", "5"], "asked.limit: 6 -> 5"),
        (["--epochs", "2"], "tuning.epochs: 3 -> 2"),
        (["--policy", "research"], "guard.policy.name: patient -> research"),
        (["--skill-limit", "5"], "exam.n: 8 -> 5"),
    ],
)
def test_changed_settings_are_refused_with_the_reason(
    place: tuple[Place, str], monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    done = again(place[0], monkeypatch, *options)
    assert (done.exit_code, said in done.output) == (1, True), done.output
    assert "name another --out" in done.output


def test_what_is_missing_is_told_before_anything_is_run(
    place: tuple[Place, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out = tmp_path / "other"
    base = ["--out", str(out)]
    for options, said in (
        (["--skill", f"pubmedqa={tmp_path}"], "has no test questions of pubmedqa"),
        (["--n", "900"], "ft_safety_med_n900.json is missing"),
        (["--n", "150"], "med has splits of 100 to 900 in steps of 100"),
        (["--judge", "nobody"], "nobody"),
        (["--sets", "xstest"], "xstest"),
        (["--model", str(tmp_path)], "is no model"),
    ):
        done = again(place[0], monkeypatch, *base, *options)
        assert (done.exit_code, said in done.output) == (1, True), done.output
    assert not out.exists()


def test_another_judge_is_added_without_asking_the_models(
    place: tuple[Place, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with stub() as judge:
        options = ["--judge", "classifier", "--judge", "openai:judge", "--judge-url", judge.url]
        done = again(place[0], monkeypatch, *options)
        assert done.exit_code == 0, done.output
        assert "asked/base: judged by openai:judge too" in done.output
        asked = judge.asked["judge"]
        assert asked > 0
        assert again(place[0], monkeypatch, *options).exit_code == 0
        assert judge.asked["judge"] == asked
    study = json.loads((place[0].out / "report.json").read_text())
    assert len(study["report"]["judges"]) == 2
    assert study["report"]["judge"].startswith("classifier-")
