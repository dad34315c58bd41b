"""`guardrail bench validate`: a model bare, guarded, fine-tuned, and both; the whole study in one command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from benchmark.commands.options import (
    BatchOption,
    BenignOption,
    EpochsOption,
    JudgeOption,
    LengthOption,
    LimitOption,
    MethodOption,
    MicroBatchOption,
    RateOption,
    RubricOption,
    SafetyOption,
    SaveOption,
    StartOption,
    StepsOption,
    TwinsOption,
    one_of,
)
from guardrail.commands import exits
from guardrail.commands.options import BundleOption, PolicyOption

if TYPE_CHECKING:
    from benchmark.skill.questions import Benchmark
    from benchmark.study.plan import Plan
    from benchmark.study.settings import Settings


def validate(
    model: StartOption,
    out: Annotated[Path, typer.Option(help="Folder of the study; one that was begun is taken up.")],
    safety: SafetyOption = "med",
    n: Annotated[
        list[int], typer.Option("--n", help="How many demonstrations; several times for a curve.")
    ] = [900],  # noqa: B006 - typer reads the default, nobody changes it
    seed: Annotated[
        list[int], typer.Option(help="Of a fine-tuning; several times: each size with each of them.")
    ] = [0],  # noqa: B006 - typer reads the default, nobody changes it
    mode: Annotated[
        str, typer.Option(help="paper or modern: fine-tuning, and the template all are asked in.")
    ] = "paper",
    method: MethodOption = "lora",
    epochs: EpochsOption = None,
    rate: RateOption = None,
    max_length: LengthOption = None,
    batch: BatchOption = None,
    micro_batch: MicroBatchOption = None,
    max_steps: StepsOption = None,
    save_every: SaveOption = None,
    twins: TwinsOption = None,
    benign: BenignOption = None,
    sets: Annotated[
        str | None, typer.Option(help="Sets, as `guardrail bench run --sets` takes them; default: its own.")
    ] = None,
    limit: LimitOption = None,
    max_tokens: Annotated[int, typer.Option(min=1, help="Of an answer.")] = 512,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Requests at once.")] = None,
    judge: JudgeOption = ["classifier"],  # noqa: B006 - typer reads the default, nobody changes it
    rubric: RubricOption = "paper",
    judge_url: Annotated[str | None, typer.Option(help="Endpoint of the judges.")] = None,
    skill: Annotated[
        list[str] | None,
        typer.Option(help="SET=FOLDER, of medqa, medmcqa, pubmedqa, mmlu; several times for several."),
    ] = None,
    protocol: Annotated[str, typer.Option(help="Of skill: loglikelihood or generation.")] = "loglikelihood",
    shots: Annotated[int | None, typer.Option(min=0, help="Of skill; default 0, by generation 3.")] = None,
    skill_limit: Annotated[int | None, typer.Option(min=1, help="Questions a set: a trial.")] = None,
    policy: PolicyOption = "patient",
    bundle: BundleOption = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what would be run.")] = False,
) -> None:
    """Run the whole study of one model: harmfulness, over-refusal and skill, bare, guarded, fine-tuned, both.

    Kill it whenever you like: the same command goes on where it stopped, and runs no finished stage again.
    More sizes, seeds, judges or sets of questions are added to what is there. Needs the extras `finetune` and
    `bench`.
    """
    from benchmark.data.finetuning import Kind
    from benchmark.finetune.settings import Method, Mode, settings_of
    from benchmark.runs.settings import Rubric
    from benchmark.skill.measure import Way
    from benchmark.study.settings import Settings, Skills

    for option, value, known in (
        ("--safety", safety, get_args(Kind)),
        ("--mode", mode, get_args(Mode)),
        ("--method", method, get_args(Method)),
        ("--rubric", rubric, get_args(Rubric)),
        ("--protocol", protocol, get_args(Way)),
    ):
        one_of(option, value, known)
    if min(n) < 1:
        raise typer.BadParameter("--n is how many demonstrations: 100 or more")
    tuning = settings_of(
        cast(Mode, mode),
        cast(Method, method),
        epochs=epochs,
        rate=rate,
        max_length=max_length,
        batch=batch,
        micro_batch=micro_batch,
        save_every=save_every if save_every is not None or method == "full" else 1,
        twins=twins,
        benign=benign,
        max_steps=max_steps,
    )
    _run(
        Settings(
            model=model.expanduser().absolute(),
            safety=cast(Kind, safety),
            sizes=tuple(sorted(set(n))),
            seeds=tuple(dict.fromkeys(seed)),
            tuning=tuning,
            skills=Skills(_data(skill or []), cast(Way, protocol), shots, limit=skill_limit),
            judges=tuple(judge),
            rubric=cast(Rubric, rubric),
            judge_url=judge_url,
            sets=sets,
            limit=limit,
            max_tokens=max_tokens,
            batch=concurrency,
            policy=policy,
            bundle=bundle,
        ),
        out,
        only_plan=plan,
    )


def _data(given: list[str]) -> dict[Benchmark, Path]:
    from benchmark.skill.questions import BENCHMARKS

    found: dict[Benchmark, Path] = {}
    for entry in given:
        name, _, place = entry.partition("=")
        if name not in BENCHMARKS or not place:
            raise typer.BadParameter(
                f"--skill is SET=FOLDER, with a set of {', '.join(BENCHMARKS)}, not {entry!r}"
            )
        found[name] = Path(place).expanduser()
    return found


def _run(settings: Settings, out: Path, *, only_plan: bool) -> None:
    from benchmark.study.needs import require_engine, require_finetune

    require_finetune()
    from benchmark.study.execute import run_study
    from benchmark.study.plan import plan_study

    found = plan_study(settings, out)
    _tell_plan(found)
    if only_plan:
        return
    require_engine(found.stages)
    missing = run_study(found, lambda line: typer.echo(line, err=True))
    _report(found)
    if missing:
        typer.echo(
            f"guardrail bench: {missing} exchanges have no answer or no opinion; the same command tries them "
            "again",
            err=True,
        )
        raise typer.Exit(exits.FAILED)


def _tell_plan(plan: Plan) -> None:
    for note in plan.notes:
        typer.echo(note, err=True)
    for stage in plan.stages:
        told = stage.told()
        state = "to do" if told is None else "begun" if told["finished"] is None else "done"
        typer.echo(f"{stage.name}: {state}", err=True)


def _report(plan: Plan) -> None:
    """Write the study in its three forms, and print its table."""
    from benchmark.output import console, write_json, write_text
    from benchmark.report.terminal import rich_table
    from benchmark.study import tables
    from benchmark.study.build import build_study
    from benchmark.study.page import markdown, page

    study = build_study(plan.settings, plan.out, plan.notes)
    where = plan.out / "report.html"
    write_text(where, page(study))
    write_text(where.with_suffix(".md"), markdown(study))
    write_json(where.with_suffix(".json"), study)
    console().print(rich_table(tables.terminal(study)))
    for sentence in study.sentences:
        typer.echo(sentence)
    typer.echo(f"wrote {where}, report.md and report.json", err=True)
