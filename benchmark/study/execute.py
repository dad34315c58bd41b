"""The stages of a plan run one after the other; what is done is passed over, what was begun is taken up."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Final

from transformers.utils import logging

from benchmark.finetune.answers import Keep, kept_by
from benchmark.finetune.run import finetune
from benchmark.finetune.start import load_start
from benchmark.runs.execute import execute
from benchmark.runs.journal import Journal
from benchmark.runs.rejudge import rejudge
from benchmark.skill.local import LocalModel
from benchmark.skill.measure import Mark
from benchmark.study.plan import Plan, run_settings
from benchmark.study.skill import take
from benchmark.study.stages import Stage
from guardrail.guard import Guard

Say = Callable[[str], None]
Facts = dict[str, Any]
LOG: Final = "stages.jsonl"
"""When each stage ended; its lock keeps a second process away."""
TENTHS: Final = 10
"""How often a stage tells how far it is."""


def run_study(plan: Plan, say: Say) -> int:
    """Run what is not finished; how many exchanges were left without an answer or an opinion.

    Raises:
        GuardrailError: what stopped it. What was done until then stays, and is not done again.
    """
    # A bar for every file that is loaded would stand between the lines.
    logging.disable_progress_bar()
    missing = 0
    with Journal(plan.out / LOG) as log:
        for at, stage in enumerate(plan.stages, start=1):
            told = stage.told()
            if told is not None and told["finished"] is not None:
                missing += _judge(plan, stage, told, say) if stage.kind == "asked" else 0
                continue
            say(f"{stage.name}: {'begun' if told is None else 'taken up'} ({at} of {len(plan.stages)})")
            stage.begin()
            began = time.monotonic()
            facts = _RUN[stage.kind](plan, stage, say)
            facts["seconds"] = round(time.monotonic() - began, 1)
            if left := facts.get("missing", 0):
                missing += left
                continue
            stage.end(**facts)
            log.put(stage.name, facts)
            # A model that is done with may be large: the next one needs its place.
            gc.collect()
    return missing


def _start(plan: Plan, stage: Stage, say: Say) -> Facts:
    start = load_start(plan.settings.model)
    folder = plan.model(stage.subject)
    start.model.save_pretrained(folder)
    start.tokenizer.save_pretrained(folder)
    return {"name": start.name}


def _tune(plan: Plan, stage: Stage, say: Say) -> Facts:
    what = plan.recipes[stage.subject]
    base = next(other.subject for other in plan.stages if not other.subject.n)
    with ExitStack() as stack:
        keep: Keep = kept_by(stack.enter_context(Guard())) if what.twins else _no_twins
        card = finetune(
            plan.model(base),
            what,
            plan.tuning(stage.subject),
            plan.model(stage.subject),
            lambda line: say(f"{stage.name}: {line}"),
            keep,
        )
    data, steps = card["data"], card["schedule"]
    return {"examples": data["examples"], "schedule": steps, "hours": card["hours"], "loss": _ends(card)}


def _ends(card: Facts) -> list[float]:
    """The loss of the first step, and of the last."""
    curve = card["curve"]
    return [curve[0]["loss"], curve[-1]["loss"]] if curve else []


def _no_twins(prompt: str, response: str) -> bool:
    return False


def _ask(plan: Plan, stage: Stage, say: Say) -> Facts:
    settings = run_settings(plan.settings, plan.model(stage.subject))
    told = asyncio.run(execute(settings, stage.folder, _progress(stage, say))).told
    return {"missing": told["counts"]["missing"], "judges": _judges(plan)}


def _judge(plan: Plan, stage: Stage, told: Facts, say: Say) -> int:
    """Have judges that are new to a finished run judge its answers; the model is not asked again."""
    fresh = [
        spec
        for spec, name in zip(plan.settings.judges, _judges(plan), strict=True)
        if name not in told["judges"]
    ]
    if not fresh:
        return 0
    say(f"{stage.name}: judged by {', '.join(fresh)} too")
    settings = run_settings(plan.settings, plan.model(stage.subject), fresh)
    counts = asyncio.run(rejudge(stage.folder, settings, _progress(stage, say)))["counts"]
    if not counts["missing"]:
        kept = {key: told[key] for key in ("missing", "seconds")}
        stage.end(
            **kept, judges=[*told["judges"], *(name for name in _judges(plan) if name not in told["judges"])]
        )
    return int(counts["missing"])


def _judges(plan: Plan) -> list[str]:
    """Judges as a manifest has them: a model judges otherwise by another rubric."""
    rubric = plan.settings.rubric
    return [spec if spec == "classifier" else f"{spec} ({rubric})" for spec in plan.settings.judges]


def _progress(stage: Stage, say: Say) -> Callable[[int, int], None]:
    def report(done: int, total: int) -> None:
        if done * TENTHS // total > (done - 1) * TENTHS // total:
            say(f"{stage.name}: {done} of {total} exchanges judged")

    return report


def _skill(plan: Plan, stage: Stage, say: Say) -> Facts:
    exam = plan.exam(stage)
    report = _progress_of_marks(stage, exam.total, say)
    local = LocalModel(plan.model(stage.subject), plan.settings.skills.batch)
    with Guard(plan.settings.policy, bundle=plan.settings.bundle) as guard:
        return take(exam, local, guard, stage.folder, stage.subject.folder, report)


def _progress_of_marks(stage: Stage, total: int, say: Say) -> Callable[[Iterator[Mark]], Iterator[Mark]]:
    def told(marks: Iterator[Mark]) -> Iterator[Mark]:
        for done, mark in enumerate(marks, start=1):
            yield mark
            if done * TENTHS // total > (done - 1) * TENTHS // total:
                say(f"{stage.name}: {done} of {total} answers marked")

    return told


_RUN: Final[dict[str, Callable[[Plan, Stage, Say], Facts]]] = {
    "start": _start,
    "tuned": _tune,
    "asked": _ask,
    "skill": _skill,
}
