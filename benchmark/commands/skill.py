"""`guardrail bench skill`: what a model knows of medicine, and what it knows after fine-tuning."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from guardrail.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from benchmark.skill.exam import Exam
    from benchmark.skill.journal import Journal
    from benchmark.skill.measure import Mark, Skill

Asked = tuple[str, dict[str, Any], "list[Mark]"]
"""Who was asked, what explains its answers, and the marks."""


def skill(
    model: Annotated[
        str, typer.Option(help="Hugging Face folder, .gguf file, or a target (openai:MODEL, ...).")
    ],
    benchmark: Annotated[str, typer.Option(help="medqa, medmcqa, pubmedqa or mmlu.")],
    data: Annotated[Path, typer.Option(help="Folder or file of the set (docs/finetuning.md).")],
    protocol: Annotated[
        str, typer.Option(help="loglikelihood (lm-evaluation-harness) or generation (the paper).")
    ] = "loglikelihood",
    shots: Annotated[int | None, typer.Option(min=0, help="Examples; default 0, by generation 3.")] = None,
    seeds: Annotated[int, typer.Option(min=1, max=10, help="How many of the paper's ten seeds.")] = 10,
    chat: Annotated[bool, typer.Option(help="Generation: in the local model's own chat template.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Questions, drawn at random: a trial.")] = None,
    batch: Annotated[int, typer.Option(min=1, help="Prompts at once (local models).")] = 8,
    against: Annotated[
        Path | None, typer.Option(help="An earlier --out: the difference, question by question.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write everything as JSON; a stopped run goes on.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Of an endpoint.")] = None,
) -> None:
    """Measure medical skill on local question files: accuracy with its interval, and against another model.

    The figures of the two protocols are not comparable with each other.
    """
    from benchmark.output import console, plain, write_json
    from benchmark.provenance import provenance, versions
    from benchmark.skill.exam import set_exam
    from benchmark.skill.journal import Journal
    from benchmark.skill.measure import compare, read_skill
    from benchmark.skill.questions import BENCHMARKS

    if benchmark not in BENCHMARKS:
        raise typer.BadParameter(f"--benchmark is {', '.join(BENCHMARKS)}")
    if protocol not in ("loglikelihood", "generation"):
        raise typer.BadParameter("--protocol is loglikelihood or generation")
    earlier = read_skill(against) if against is not None else None
    own = chat or not _local(model)
    exam = set_exam(benchmark, data, protocol, shots=shots, seeds=seeds, limit=limit, chat=own)
    place = out.with_name(out.name + ".journal") if out is not None else None
    journal = Journal(place, {"model": model, **exam.identity()})
    ask = _ask_local if _local(model) else _ask_target
    who, origin, marks = ask(model, exam, journal, batch=batch, base_url=base_url)
    found = exam.result(marks, who)
    difference = compare(earlier, found) if earlier is not None else None
    typer.echo(f"{found.model} on {benchmark}, {protocol}, {found.shots}-shot, n={found.n}")
    console().print(_table(found))
    if difference is not None:
        typer.echo(_difference(difference))
    if out is not None:
        told = provenance(exam.seeds[0])
        told["versions"] |= versions(("torch", "transformers"))
        result = {"skill": plain(found), "difference": difference and plain(difference)}
        write_json(out, {**result, "provenance": {**told, "model": origin}})
        journal.done()
        typer.echo(f"wrote {out}", err=True)


def _local(model: str) -> bool:
    """Whether it is a path, rather than the kind and name of a target."""
    return Path(model).expanduser().exists() or ":" not in model


def _ask_local(model: str, exam: Exam, journal: Journal, *, batch: int, base_url: str | None) -> Asked:
    from benchmark.skill.local import LocalModel

    if base_url is not None:
        raise typer.BadParameter("--base-url is for endpoints, and --model is a path")
    local = LocalModel(Path(model), batch)
    found = journal.keep(_told(exam.sit(local, journal.known), exam.total))
    return local.name, {"name": local.name, "files": local.files}, found


def _ask_target(model: str, exam: Exam, journal: Journal, *, batch: int, base_url: str | None) -> Asked:
    import asyncio

    from benchmark.skill.asked import ANSWER_TOKENS, asked_through
    from benchmark.targets import open_target

    if exam.way == "loglikelihood":
        raise InputError(
            f"{model} can't be asked how probable an answer is to it: give --protocol generation, or a folder"
        )
    target = open_target(model, max_tokens=ANSWER_TOKENS, base_url=base_url)
    with asyncio.Runner() as runner:
        try:
            answers = asked_through(runner, target)
            marks = journal.keep(_told(exam.read(answers, journal.known), exam.total))
            return target.name, target.provenance(), marks
        finally:
            runner.run(target.aclose())


def _told(marks: Any, total: int) -> Any:
    """The marks, with a word on stderr at every hundredth."""
    for number, mark in enumerate(marks, start=1):
        yield mark
        if number % 100 == 0 and number < total:
            typer.echo(f"{number} of {total}", err=True)


def _table(found: Skill) -> Table:
    from rich.table import Table

    from benchmark.output import percent

    table = Table()
    table.add_column("questions")
    table.add_column("accuracy [95 %]", justify="right", no_wrap=True)
    table.add_row("all", percent(found.accuracy))
    for subject, value in found.by_subject.items():
        table.add_row(subject, percent(value))
    if found.seed_sd is not None:
        table.add_row(f"standard deviation over {len(found.by_seed)} seeds", f"{found.seed_sd:.1%}")
    if found.paper_reader is not None:
        table.add_row("answers that name no option (wrong)", str(found.invalid))
        table.add_row("by the repository's reader", f"{found.paper_reader:.1%}")
    return table


def _difference(found: Any) -> str:
    value = found.difference
    line = f"{found.after} minus {found.before}: "
    line += "-" if value is None else f"{value.value:+.1%} [{value.low:+.1%}, {value.high:+.1%}]"
    if (test := found.mcnemar) is not None:
        line += f"; {test.gained} gained, {test.lost} lost, McNemar mid-p {test.mid:.3f}"
    return line
