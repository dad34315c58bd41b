"""`guardrail bench finetune` as it is called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from benchmark.cli import app as bench_app
from guardrail.cli import CommandGroup

app = typer.Typer(cls=CommandGroup)
app.add_typer(bench_app, name="bench")


def bench(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["bench", "finetune", *arguments], env={"COLUMNS": "200"})


def test_wrong_values_are_told_before_anything_is_loaded(tmp_path: Path) -> None:
    base = ["--model", str(tmp_path), "--out", str(tmp_path / "out")]
    for option, value in (("--safety", "medical"), ("--mode", "papr"), ("--method", "qlora")):
        done = bench(*base, option, value)
        assert (done.exit_code, f"not '{value}'" in done.output) == (2, True), done.output
    done = bench(*base, "--batch", "6")
    assert (done.exit_code, "no multiple of --micro-batch" in done.output) == (1, True)
    done = bench(*base, "--twins", "0.5")
    assert (done.exit_code, "need --mode modern" in done.output) == (1, True)


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.finetune.needs.find_spec", lambda name: None if name == "trl" else name)
    done = bench("--model", str(tmp_path), "--out", str(tmp_path / "out"))
    assert done.exit_code == 1
    assert (
        'fine-tuning needs trl, which is not installed: pip install "ama-guardrail[finetune]"' in done.output
    )


@pytest.mark.usefixtures("small_data")
def test_a_trial_from_the_command_line(tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip("trl")
    pytest.importorskip("peft")
    out = tmp_path / "out"
    arguments = ["--model", str(tiny), "--out", str(out), "--n", "100", "--max-steps", "1", "--batch", "4"]
    done = bench(*arguments, "--safety", "med", "--epochs", "1")
    assert done.exit_code == 0, done.output
    assert "mind: 1 of 18 requests of medsafety-eval have a near copy" in done.output
    assert "steps: 1 of 25" in done.output
    card = json.loads((out / "training.json").read_text())
    assert card["data"]["examples"] == {"med": 100}
    assert "| medsafety-eval | 18 | 0 | 1 |" in (out / "README.md").read_text()
    assert "mistake" not in done.output
    again = bench(*arguments, "--safety", "med", "--epochs", "1")
    assert (again.exit_code, "is done already" in again.output) == (0, True)
    other = bench(*arguments, "--safety", "med", "--epochs", "2")
    assert (other.exit_code, "differs in epochs 1 (now 2)" in other.output) == (1, True)
