"""The command as a whole: help, version, commands of other packages, missing extras, exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from guardrail.commands import exits, extras
from guardrail.errors import BundleError, InputError, PolicyError, ScoringError

PLUGIN = """
import typer
app = typer.Typer(help="Grows things.")

@app.command()
def plant(): print("planted")

@app.command()
def deep():
    import torch_that_is_not_there
"""


def run(*arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "120", "NO_COLOR": "1"}
    if path is not None:
        environment["PYTHONPATH"] = os.pathsep.join([str(path), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "guardrail", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=120,
    )


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    """A distribution with three commands: one good, one whose module is missing, one broken."""
    (tmp_path / "garden_plugin.py").write_text(PLUGIN)
    (tmp_path / "broken_plugin.py").write_text("from garden_plugin import nothing\n")
    info = tmp_path / "garden-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: garden\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[guardrail.commands]\ngarden = garden_plugin:app\nabsent = xllamacpp_absent:app\n"
        "broken = broken_plugin:app\n"
    )
    return tmp_path


def test_help_is_fast_and_names_commands_and_exit_codes() -> None:
    started = time.monotonic()
    done = run("--help")
    assert time.monotonic() - started < 5  # about 0.5 s on an idle machine; benchmark/speed has the figure
    assert done.returncode == 0
    for name in ("demo", "check", "score", "policy"):
        assert name in done.stdout
    assert "Exit codes: 0 done" in done.stdout


def test_without_a_command_the_help_is_shown() -> None:
    assert "Usage" in run().stdout


def test_wrong_usage_exits_with_2() -> None:
    assert run("grow").returncode == exits.USAGE
    assert run("check").returncode == exits.USAGE


def test_commands_of_other_packages_are_there(plugins: Path) -> None:
    assert "garden" in run("--help", path=plugins).stdout
    done = run("garden", "plant", path=plugins)
    assert (done.returncode, done.stdout) == (0, "planted\n")


def test_a_command_that_cannot_be_loaded_says_why(plugins: Path) -> None:
    done = run("absent", "plant", "--rows", "3", path=plugins)
    assert done.returncode == exits.FAILED
    assert "no module named xllamacpp_absent" in done.stderr
    done = run("broken", path=plugins)
    assert done.returncode == exits.FAILED
    assert "broken_plugin:app can't be loaded" in done.stderr


def test_a_built_in_command_loads_no_other(plugins: Path) -> None:
    (plugins / "garden_plugin.py").write_text("raise SystemExit('loaded')")
    assert run("policy", "show", "patient", path=plugins).returncode == 0


def test_scoring_never_imports_a_training_framework() -> None:
    code = (
        "import sys; from guardrail.cli import app\n"
        "try: app(['check', '--prompt', 'How is warfarin monitored?', '--json'], prog_name='guardrail')\n"
        "except SystemExit: pass\n"
        "print(sorted({'torch', 'transformers', 'openai', 'classifiers', 'benchmark'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_extra_of_a_missing_module_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = [
        'torch>=2.5; extra == "dev"',
        'torch>=2.5; extra == "train"',
        "openai>=2.0 ; extra == 'demo'",
        "openai>=2.0 ; extra == 'openai'",
        "numpy>=1.26",
    ]
    monkeypatch.setattr(extras.metadata, "requires", lambda _: needed)
    assert extras.install_line("torch.nn") == 'pip install "ama-guardrail[train]"'
    assert extras.install_line("openai") == 'pip install "ama-guardrail[openai]"'
    assert extras.install_line("numpy") is None
    message = extras.missing_message(ModuleNotFoundError("No module named 'torch'", name="torch"))
    assert message == 'this needs torch, which is not installed: pip install "ama-guardrail[train]"'


def test_exit_codes_by_error() -> None:
    assert exits.exit_code(PolicyError("x")) == 3
    assert exits.exit_code(BundleError("x")) == 3
    assert exits.exit_code(InputError("x")) == 1
    assert exits.exit_code(ScoringError("x")) == 1
