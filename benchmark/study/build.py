"""From the folders of a study to the value that its report shows; computed by `benchmark.stats`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmark.judged import Arm, Judged
from benchmark.report.build import build
from benchmark.report.families import joined
from benchmark.report.runs import Run, pooled, read_run
from benchmark.report.tree import Report
from benchmark.skill.measure import Skill, by_question, read_skill
from benchmark.skill.questions import Benchmark
from benchmark.stats import Comparison, Estimate, Summary, mean_estimate, paired_difference
from benchmark.stats.compare import Pair, compare_pairs
from benchmark.study.places import RESULTS, asked_folder, skill_folder, tuned_folder
from benchmark.study.sentences import sentences_of
from benchmark.study.settings import BASE, Settings, StudyError, Subject, subjects
from benchmark.study.stages import MANIFEST, read_manifest
from benchmark.study.tree import Model, SkillChange, SkillRow, Study, Training

Side = tuple[str, Arm]
"""A model's label, and its arm."""
ARMS: Final[tuple[Arm, ...]] = ("bare", "guarded")


def build_study(settings: Settings, out: Path, notes: Sequence[str] = (), seed: int = 0) -> Study:
    """Read every stage and compute the study; `notes` are told with it, `seed` is of the bootstrap.

    Raises:
        StudyError: a stage is not there.
        DataError: files that were changed, or runs that can't stand in one report.
    """
    listed = subjects(settings)
    models = _models(listed)
    runs = [_run(out, subject, settings) for subject in listed]
    report = _ordered(build(runs, judge=_judge(settings, runs), title=_title(settings), seed=seed), models)
    records = [record for record in joined(pooled(runs))[0] if record.judge == report.judge]
    skills = _skills(out, listed, settings)
    study = Study(
        title=_title(settings),
        model=settings.model.name,
        settings=_told(settings),
        models=models,
        sentences=(),
        notes=(*notes, *_cautions(settings), *report.notes),
        parts=tuple(_parts(report, records)),
        changes=tuple(_changes(records, models, seed)),
        skills=tuple(_skill_rows(skills, seed)),
        skill_changes=tuple(_skill_changes(skills, models, seed)),
        trainings=tuple(_training(out, subject) for subject in listed if subject.n),
        report=report,
    )
    return replace(study, sentences=tuple(sentences_of(study)))


def _title(settings: Settings) -> str:
    return f"{settings.model.name}: bare, guarded, fine-tuned"


def _told(settings: Settings) -> dict[str, Any]:
    tuning = settings.tuning
    return {
        "safety": settings.safety,
        "sizes": list(settings.sizes),
        "seeds": list(settings.seeds),
        "mode": tuning.mode,
        "method": tuning.method,
        "judges": list(settings.judges),
        "sets": settings.sets,
        "limit": settings.limit,
        "max_tokens": settings.max_tokens,
        "policy": settings.policy,
        "skill": dict.fromkeys(settings.skills.data, settings.skills.way),
    }


def _models(listed: Sequence[Subject]) -> tuple[Model, ...]:
    found: dict[str, Model] = {}
    for subject in listed:
        before = found.get(subject.label)
        seeds = (*before.seeds, subject.seed) if before else (subject.seed,)
        found[subject.label] = Model(subject.label, subject.n, seeds)
    return tuple(found.values())


def _run(out: Path, subject: Subject, settings: Settings) -> Run:
    """A model's run, under the study's name for it; seeds are repeats."""
    _require(asked_folder(out, subject))
    run = read_run(asked_folder(out, subject))
    repeat = settings.seeds.index(subject.seed) if subject.n else 0
    return replace(
        run, records=tuple(replace(row, target=subject.label, repeat=repeat) for row in run.records)
    )


def _require(folder: Path) -> dict[str, Any]:
    found = read_manifest(folder / MANIFEST)
    if found is None:
        raise StudyError(
            f"{folder} is not there: the study did not come to its end; run the same command again"
        )
    return found


def _judge(settings: Settings, runs: Sequence[Run]) -> str | None:
    """The judge of the headline: the first that was asked for, by its name in the records."""
    first = settings.judges[0]
    start = "classifier-" if first == "classifier" else f"{first} ({settings.rubric}"
    return next((row.judge for run in runs for row in run.records if row.judge.startswith(start)), None)


def _ordered(report: Report, models: Sequence[Model]) -> Report:
    """The report with the models in the study's order, rather than by name."""
    order = {model.label: at for at, model in enumerate(models)}
    strands = sorted(report.strands, key=lambda row: order[row.summary.target])
    return replace(report, targets=tuple(order), strands=tuple(strands))


def _cautions(settings: Settings) -> list[str]:
    found: list[str] = []
    if len(settings.seeds) > 1:
        found.append(
            f"Every size was trained {len(settings.seeds)} times. Mean scores and differences count a "
            "request once, however often it was asked; intervals of single rates take the seeds for "
            "independent, and are too narrow."
        )
    if settings.tuning.template == "paper":
        found.append(
            "All models were asked in the template of the fine-tuning (Alpaca), the base too: where that is "
            "not its own, it may do better than here."
        )
    return found


def _parts(report: Report, records: Sequence[Judged]) -> list[Summary]:
    """Harmful sets, and the sources of a set that has several."""
    sources: defaultdict[str, set[str]] = defaultdict(set)
    for record in records:
        if record.harmful is not False:
            sources[record.set].add(record.source)
    order = list(report.targets)
    rows = [
        row
        for row in report.groups
        if row.judge == report.judge
        and row.harmfulness is not None
        and (
            row.dimension == "set"
            or (row.dimension == "source" and len(sources[row.value.partition("/")[0]]) > 1)
        )
    ]
    return sorted(rows, key=lambda row: (row.value, order.index(row.target), row.arm))


def contrasts(models: Sequence[Model]) -> Iterator[tuple[str, Side, Side]]:
    """What is compared: a title, and which side is taken from which (the first from the second)."""
    base: Side = (BASE, "bare")
    guarded: Side = (BASE, "guarded")
    yield "guard alone, less base", base, guarded
    for model in models:
        if model.n:
            name = model.label
            yield f"{name}, less base", base, (name, "bare")
            yield f"{name}, with guard, less base", base, (name, "guarded")
            yield f"{name}, with guard, less without", (name, "bare"), (name, "guarded")
            yield f"guard alone, less {name}", (name, "bare"), guarded


def _changes(records: Sequence[Judged], models: Sequence[Model], seed: int) -> list[Comparison]:
    order = [title for title, _, _ in contrasts(models)]
    rows = compare_pairs(_pairs(records, models), ["all", "set"], seed=seed)
    return sorted(rows, key=lambda row: (order.index(row.target), row.dimension, row.value))


def _pairs(records: Sequence[Judged], models: Sequence[Model]) -> list[tuple[str, Pair]]:
    sides: defaultdict[Side, dict[tuple[str, str, int], Judged]] = defaultdict(dict)
    for record in records:
        sides[record.target, record.arm][record.set, record.request, record.repeat] = record
    found: list[tuple[str, Pair]] = []
    for title, before, after in contrasts(models):
        # The base was asked once: every seed of a tuned model is compared with that one answer.
        repeats = sorted({key[2] for side in (before, after) for key in sides[side]})
        for where, request, _ in (key for key in sides[before] if key[2] == 0):
            for repeat in repeats:
                ends = [
                    sides[side].get((where, request, 0 if side[0] == BASE else repeat))
                    for side in (before, after)
                ]
                if ends[0] is not None and ends[1] is not None:
                    found.append((title, (ends[0], ends[1])))
    return found


Skills = dict[tuple[Benchmark, str, Arm], list[Skill]]
"""By set, label and arm: one result a seed."""


def _skills(out: Path, listed: Sequence[Subject], settings: Settings) -> Skills:
    found: Skills = {}
    for name in settings.skills.data:
        for subject in listed:
            folder = skill_folder(out, name, subject)
            _require(folder)
            for arm in ARMS:
                found.setdefault((name, subject.label, arm), []).append(read_skill(folder / RESULTS[arm]))
    return found


def _skill_rows(skills: Skills, seed: int) -> list[SkillRow]:
    return [
        SkillRow(name, label, arm, _accuracy(found, seed), sum(one.invalid for one in found), found[0].n)
        for (name, label, arm), found in skills.items()
    ]


def _accuracy(found: Sequence[Skill], seed: int) -> Estimate | None:
    if len(found) == 1:
        return found[0].accuracy
    marks = [mark for one in found for mark in one.marks]
    right = np.array([mark.right for mark in marks], dtype=np.float64)
    return mean_estimate(right, [mark.question for mark in marks], seed=seed)


def _skill_changes(skills: Skills, models: Sequence[Model], seed: int) -> list[SkillChange]:
    found: list[SkillChange] = []
    names: list[Benchmark] = [name for name, _, _ in skills]
    for name in dict.fromkeys(names):
        for title, before, after in contrasts(models):
            then, now = (_shares(skills[name, label, arm]) for label, arm in (before, after))
            arrays = [np.array([side[key] for key in then], dtype=np.float64) for side in (then, now)]
            found.append(SkillChange(name, title, paired_difference(arrays[0], arrays[1], seed=seed)))
    return found


def _shares(found: Sequence[Skill]) -> dict[str, float]:
    """The share of right answers to each question, over passes and seeds."""
    each = [by_question(one) for one in found]
    return {key: sum(one[key] for one in each) / len(each) for key in each[0]}


def _training(out: Path, subject: Subject) -> Training:
    told = _require(tuned_folder(out, subject))
    facts = {key: told[key] for key in ("examples", "schedule", "loss", "hours") if key in told}
    return Training(subject.label, subject.seed, facts)
