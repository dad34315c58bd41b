"""A study from its settings to its stages, before anything is run: what is missing is told here.

OUT/start/base/              a GGUF file as a model folder, where --model is one
OUT/tuned/med-400-seed0/     model/ is what any target loads
OUT/asked/base/              a run (docs/runs.md), bare and guarded
OUT/skill/medqa/base/        bare.json and guarded.json, as `guardrail bench skill --out` writes them
OUT/report.html, .md, .json  the study
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

from benchmark.finetune.mixture import digest
from benchmark.finetune.run import Recipe, recipe
from benchmark.finetune.settings import Settings as Tuning
from benchmark.finetune.start import files_of, is_gguf
from benchmark.provenance import guard_provenance
from benchmark.runs.judges import open_panel, referee
from benchmark.runs.plan import Plan as Requests
from benchmark.runs.plan import make_plan
from benchmark.runs.settings import Settings as RunSettings
from benchmark.skill.exam import Exam, set_exam
from benchmark.study.places import asked_folder, skill_folder, start_folder, tuned_folder
from benchmark.study.settings import ALPACA, Settings, Subject, subjects
from benchmark.study.stages import Stage
from guardrail.guard import Guard

DRAW: Final = 0
"""The seed by which requests are drawn: the same for every model, or nothing could be paired."""
_TOLD: Final = ("mode", "max_tokens", "temperature", "limit", "seed", "sets")


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is to be done. `notes` are what is not measured, and why."""

    settings: Settings
    out: Path
    gguf: bool
    requests: Requests
    recipes: Mapping[Subject, Recipe] = field(repr=False)
    exams: tuple[Exam, ...] = field(repr=False)
    stages: tuple[Stage, ...]
    notes: tuple[str, ...]

    def model(self, subject: Subject) -> Path:
        """The folder of its weights."""
        if subject.n:
            return tuned_folder(self.out, subject) / "model"
        folder = start_folder(self.out, subject) / self.settings.model.stem
        return folder if self.gguf else self.settings.model

    def tuning(self, subject: Subject) -> Tuning:
        """Its hyper-parameters."""
        return replace(self.settings.tuning, seed=subject.seed)

    def exam(self, stage: Stage) -> Exam:
        """The exam of a stage of skill."""
        return next(exam for exam in self.exams if exam.name == stage.folder.parent.name)


def plan_study(settings: Settings, out: Path) -> Plan:
    """Read everything that the study needs, and see that folders that are there are of this very study.

    Raises:
        GuardrailError: data, model, policy or judge that can't be had; a size that there is no split of; a
            folder of other settings (`StudyError`).
    """
    gguf = is_gguf(settings.model)
    requests = make_plan(settings.sets, settings.limit, DRAW)
    listed = subjects(settings)
    recipes = {
        subject: recipe(subject.safety, subject.n, replace(settings.tuning, seed=subject.seed))
        for subject in listed
        if subject.n
    }
    ways = settings.skills
    exams = tuple(
        set_exam(name, data, ways.way, shots=ways.shots, seeds=ways.seeds, limit=ways.limit)
        for name, data in ways.data.items()
    )
    with Guard(settings.policy, bundle=settings.bundle) as guard:
        guarded = guard_provenance(guard)
    _require_judges(run_settings(settings, settings.model))
    start = {"start": files_of(settings.model)}
    stages: list[Stage] = []
    if gguf:
        stages.append(Stage(listed[0], "start", start_folder(out, listed[0]), start))
    for subject in listed:
        model: dict[str, Any] = start
        if subject.n:
            model = {**start, **_learned(recipes[subject], replace(settings.tuning, seed=subject.seed))}
            stages.append(Stage(subject, "tuned", tuned_folder(out, subject), model))
        asked = {**model, "asked": _asked(settings, requests), "guard": guarded}
        stages.append(Stage(subject, "asked", asked_folder(out, subject), asked))
        for exam in exams:
            skill = {**model, "exam": _exam(exam), "guard": guarded}
            stages.append(Stage(subject, "skill", skill_folder(out, exam.name, subject), skill))
    for stage in stages:
        stage.told()
    notes = tuple(_notes(settings, requests))
    return Plan(settings, out, gguf, requests, recipes, exams, tuple(stages), notes)


def run_settings(settings: Settings, model: Path, judges: Sequence[str] | None = None) -> RunSettings:
    """The settings of a model's run; all models are asked in the template that they are tuned in."""
    paper = settings.tuning.template == "paper"
    return RunSettings(
        model=f"hf:{model}",
        judges=settings.judges if judges is None else tuple(judges),
        rubric=settings.rubric,
        judge_url=settings.judge_url,
        sets=settings.sets,
        limit=settings.limit,
        seed=DRAW,
        mode=settings.tuning.template,
        family=ALPACA if paper else None,
        max_tokens=settings.max_tokens,
        policy=settings.policy,
        bundle=settings.bundle,
        concurrency=settings.batch,
    )


def _require_judges(settings: RunSettings) -> None:
    with referee() as guard:
        panel = open_panel(settings, guard)
        asyncio.run(panel.aclose())


def _learned(what: Recipe, tuning: Tuning) -> dict[str, Any]:
    return {
        "safety": what.safety,
        "n": what.n,
        "demonstrations": digest(what.demonstrations),
        "twins": _digest([item.id for item in what.twins]),
        "tuning": asdict(tuning),
    }


def _asked(settings: Settings, requests: Requests) -> dict[str, Any]:
    """Judges are left out: others can judge the same answers."""
    told = run_settings(settings, settings.model).told()
    return {
        **{key: told[key] for key in _TOLD},
        "batch": settings.batch,
        "family": run_settings(settings, settings.model).family,
        "data": requests.data,
    }


def _exam(exam: Exam) -> dict[str, Any]:
    told = exam.identity()
    lists: tuple[Literal["questions", "examples"], ...] = ("questions", "examples")
    hashed = {f"{key}_sha256": _digest(told.pop(key)) for key in lists}
    return {**told, **hashed, "n": len(exam.questions)}


def _digest(ids: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(ids)).encode()).hexdigest()


def _notes(settings: Settings, requests: Requests) -> list[str]:
    found = [f"not asked: {name}: {reason}" for name, reason in requests.skipped.items()]
    sides = {item.request.harmful is not False for item in requests.asked}
    if True not in sides:
        found.append("no harmful request is asked: harmfulness is not measured")
    if False not in sides:
        found.append("no legitimate request is asked: over-refusal is not measured")
    if not settings.skills.data:
        found.append("skill is not measured: give --skill medqa=FOLDER (docs/finetuning.md lists the sets)")
    return found
