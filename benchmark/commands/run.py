"""`guardrail bench run` and `rejudge`: a model asked, bare and guarded, and its answers judged."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, cast, get_args

import typer

from benchmark.commands.options import JudgeOption, LimitOption, RubricOption
from guardrail.commands import exits
from guardrail.commands.options import BundleOption, PolicyOption

if TYPE_CHECKING:
    from rich.table import Table

    from benchmark.runs.settings import Settings
    from benchmark.stats import Summary
    from benchmark.targets import Price

DRAWS: Final = 2000
"""Of the bootstrap, for the table; a report draws more."""

SetsOption = Annotated[
    str | None,
    typer.Option(
        help="Sets, with commas: NAME, NAME:honest or NAME:harmful for one side, NAME@N for N drawn at "
        "random. Default: medsafety-eval,contrast,xstest:honest,healthsearchqa@200, as far as they are there."
    ),
]
JudgeUrlOption = Annotated[str | None, typer.Option(help="Endpoint of the judges; default: --base-url.")]
CostOption = Annotated[
    float | None, typer.Option(min=0, help="Stop before what is spent exceeds this; needs the prices.")
]
PriceOption = Annotated[
    str | None, typer.Option(help="Of a million prompt, completion tokens of the model: 2.5,10.")
]
JudgePriceOption = Annotated[str | None, typer.Option(help="The same of the judges.")]


def run(
    model: Annotated[
        str, typer.Option(help="openai:MODEL, litellm:MODEL, hf:FOLDER, gguf:FILE, demo, recorded:FILE.")
    ],
    guarded: Annotated[
        str, typer.Option(help="no, yes, or both: the same requests bare and guarded.")
    ] = "both",
    judge: JudgeOption = ["classifier"],  # noqa: B006 - typer reads the default, nobody changes it
    rubric: RubricOption = "paper",
    sets: SetsOption = None,
    limit: LimitOption = None,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="The folder of the run; default: runs/ and the model's name.")
    ] = None,
    mode: Annotated[str, typer.Option(help="native or paper: the template of a local model.")] = "native",
    max_tokens: Annotated[int, typer.Option(min=1, help="Of an answer.")] = 512,
    temperature: Annotated[float, typer.Option(min=0, help="Of the model.")] = 0.0,
    base_url: Annotated[
        str | None, typer.Option(help="Endpoint of openai:MODEL; default: OPENAI_BASE_URL.")
    ] = None,
    judge_url: JudgeUrlOption = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Requests in flight.")] = None,
    policy: PolicyOption = "patient",
    bundle: BundleOption = None,
    cost_limit: CostOption = None,
    price: PriceOption = None,
    judge_price: JudgePriceOption = None,
    no_texts: Annotated[
        bool, typer.Option("--no-texts", help="Keep no request and no answer on disk.")
    ] = False,
) -> None:
    """Ask a model the benchmark's requests, bare and guarded, and have its answers judged.

    Kill it whenever you like: the same command goes on where it stopped, and asks nothing twice that was
    answered. A finished run started again makes no call.
    """
    from benchmark.runs.settings import Guarded, Mode, Rubric, Settings

    settings = Settings(
        model=model,
        guarded=cast(Guarded, _one_of("--guarded", guarded, get_args(Guarded))),
        judges=tuple(judge),
        rubric=cast(Rubric, _one_of("--rubric", rubric, get_args(Rubric))),
        sets=sets,
        limit=limit,
        seed=seed,
        mode=cast(Mode, _one_of("--mode", mode, get_args(Mode))),
        max_tokens=max_tokens,
        temperature=temperature,
        base_url=base_url,
        judge_url=judge_url,
        policy=policy,
        bundle=bundle,
        texts=not no_texts,
        concurrency=concurrency,
        cost_limit=cost_limit,
        price=_price("--price", price),
        judge_price=_price("--judge-price", judge_price),
    )
    _run(settings, out or Path("runs") / _slug(model))


def _run(settings: Settings, out: Path) -> None:
    import asyncio

    from benchmark.runs.execute import execute

    with _progress() as report:
        done = asyncio.run(execute(settings, out, report))
    for name, reason in done.plan.skipped.items():
        typer.echo(f"not asked: {name}: {reason}", err=True)
    for name, count in done.plan.repeated.items():
        typer.echo(f"{count} requests of {name} are in a set before it, and count there", err=True)
    _tell(done.told, out)


def rejudge(
    folder: Annotated[Path, typer.Argument(help="The folder of a run.", metavar="RUN")],
    judge: JudgeOption,
    rubric: RubricOption = "paper",
    judge_url: Annotated[
        str | None, typer.Option(help="Endpoint of the judges; default: OPENAI_BASE_URL.")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Requests in flight.")] = None,
    cost_limit: CostOption = None,
    judge_price: JudgePriceOption = None,
) -> None:
    """Have other judges judge the answers of a run: the model is not asked again.

    What the run's other judges said stays beside it.
    """
    import asyncio

    from benchmark.runs.rejudge import rejudge as judge_again
    from benchmark.runs.settings import Rubric, Settings

    settings = Settings(
        model="",
        judges=tuple(judge),
        rubric=cast(Rubric, _one_of("--rubric", rubric, get_args(Rubric))),
        judge_url=judge_url,
        concurrency=concurrency,
        cost_limit=cost_limit,
        judge_price=_price("--judge-price", judge_price),
    )
    with _progress() as report:
        told = asyncio.run(judge_again(folder, settings, report))
    _tell(told, folder)


def _one_of(option: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise typer.BadParameter(f"{option} is {', '.join(known[:-1])} or {known[-1]}")
    return value


def _price(option: str, text: str | None) -> Price | None:
    from benchmark.targets.usage import Price

    if text is None:
        return None
    try:
        prompt, completion = (float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{option} is two numbers with a comma: 2.5,10") from None
    return Price(prompt, completion)


def _slug(model: str) -> str:
    """A folder's name."""
    kind, _, name = model.partition(":")
    last = name.rstrip("/").rpartition("/")[2]
    return "".join(
        letter if letter.isalnum() or letter in ".-_" else "-" for letter in f"{kind}-{last}"
    ).strip("-")


def _tell(told: dict[str, Any], out: Path) -> None:
    """The result in a table; exit code 1 where an exchange has no score."""
    from benchmark.judged import read_judged
    from benchmark.output import console
    from benchmark.stats import summarise

    console().print(_table(summarise(read_judged(out / "judged.jsonl"), ["all"], draws=DRAWS)))
    counts = told["counts"]
    typer.echo(
        f"{counts['exchanges']} exchanges: {counts['asked']} asked now, {counts['cached']} were there; "
        f"{counts['judge_calls']} opinions asked now"
    )
    typer.echo(f"wrote {out}; guardrail bench report {out} -o report.html makes a page of it", err=True)
    failed = {judge: causes for judge, causes in counts["unscored"].items() if causes}
    for judge, causes in failed.items():
        listed = ", ".join(f"{count} {cause}" for cause, count in sorted(causes.items()))
        typer.echo(f"guardrail bench: not scored by {judge}: {listed}", err=True)
    if counts["missing"]:
        typer.echo(
            f"guardrail bench: {counts['missing']} exchanges have no answer or no opinion; the same command "
            "tries them again",
            err=True,
        )
    if failed or counts["missing"]:
        raise typer.Exit(exits.FAILED)


def _table(rows: list[Summary]) -> Table:
    from rich.table import Table

    from benchmark.output import number, percent

    table = Table(title="What the answers amount to, with 95 % interval", title_justify="left")
    for name in ("arm", "judge"):
        table.add_column(name)
    for name in ("harmfulness 1-5", "attack rate", "n", "over-refusal", "n"):
        table.add_column(name, justify="right", no_wrap=name == "n")
    for row in rows:
        honest = 0 if row.over_refusal is None else row.over_refusal.n
        cells = (number(row.harmfulness, 2), percent(row.attack_rate), str(row.scored))
        table.add_row(row.arm, row.judge, *cells, percent(row.over_refusal), str(honest))
    return table


@contextmanager
def _progress() -> Generator[Callable[[int, int], None]]:
    """A bar on a terminal's stderr, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as bars:
        task = bars.add_task("asked and judged", total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)
