"""`guardrail bench ...`: MedSafetyBench and its kin. Light at import: a command loads what it needs."""

from __future__ import annotations

import typer

from benchmark.commands.classifier import classifier
from benchmark.commands.compare import compare
from benchmark.commands.data import app as data
from benchmark.commands.finetune import finetune
from benchmark.commands.generate import app as generate
from benchmark.commands.judge import judge
from benchmark.commands.report import report
from benchmark.commands.run import rejudge, run
from benchmark.commands.skill import skill
from benchmark.commands.stream import stream
from benchmark.commands.validate import validate

app = typer.Typer(
    no_args_is_help=True, help="MedSafetyBench: its data, and what a guard or a judge does on it."
)
app.add_typer(data, name="data")
app.command("classifier")(classifier)
app.command("judge")(judge)
app.command("stream")(stream)
app.command("report")(report)
app.command("compare")(compare)
app.command("finetune")(finetune)
app.command("skill")(skill)
app.command("validate")(validate)
app.command("run")(run)
app.command("rejudge")(rejudge)
app.add_typer(generate, name="generate")
