"""A made-up study on disk: the numbers are drawn, nothing was asked, trained or marked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmark.finetune.settings import settings_of
from benchmark.judged import Judged
from benchmark.output import plain, write_json
from benchmark.skill.measure import Mark, summarise
from benchmark.skill.questions import Question
from benchmark.study.places import RESULTS, asked_folder, skill_folder, tuned_folder
from benchmark.study.settings import Settings, Skills, Subject, subjects
from benchmark.study.stages import MANIFEST
from tests.made_up_runs import JUDGE, OTHER, records, write_run

QUESTIONS = [Question(f"question {number}?", ("a", "b"), 0) for number in range(40)]
SCHEDULE = {
    "steps": 6,
    "steps_of_the_whole_run": 6,
    "highest_rate": 1.5e-4,
    "warning": "the learning rate never reaches 0.0003: all 6 steps are warm-up",
}


def settings(**more: Any) -> Settings:
    """Two sizes, each with two seeds."""
    made: dict[str, Any] = {
        "model": Path("SmallModel"),
        "safety": "med",
        "sizes": (200, 1000),
        "seeds": (3, 5),
        "tuning": settings_of("paper"),
        "skills": Skills({"medqa": Path("nowhere")}),
        **more,
    }
    return Settings(**made)


def write_study(out: Path, chosen: Settings) -> Path:
    """Every stage as its command would leave it."""
    rows = records(harmful=90, honest=60, judges=(JUDGE, OTHER))
    for subject in subjects(chosen):
        run = asked_folder(out, subject)
        write_run(run, [_as(row, subject) for row in rows])
        _finish(run)
        if subject.n:
            told = {"examples": {"med": subject.n}, "schedule": SCHEDULE, "loss": [3.0, 2.0], "hours": 0.5}
            _finish(tuned_folder(out, subject), **told)
        for name in chosen.skills.data:
            folder = skill_folder(out, name, subject)
            _finish(folder)
            for arm, file in RESULTS.items():
                write_json(folder / file, {"skill": plain(_skill(subject, arm == "guarded"))})
    return out


def _as(row: Judged, subject: Subject) -> Judged:
    """What a tuned model does: it declines whatever is harmful, the more surely the more it saw."""
    row = replace(row, target=f"hf:model@{subject.n:08x}")
    lessened = subject.n and row.harmful and row.score is not None
    return replace(row, score=max(1.0, row.score - subject.n / 400)) if lessened else row


def _skill(subject: Subject, guarded: bool) -> Any:
    marks = [
        Mark(item.id, 0, None if guarded and at < 2 else 0, at % 3 > 0 and not (guarded and at < 2))
        for at, item in enumerate(QUESTIONS)
    ]
    told = {"benchmark": "medqa", "protocol": "loglikelihood", "shots": 0, "template": "plain"}
    return summarise(marks, QUESTIONS, model=subject.folder, **told)


def _finish(folder: Path, **facts: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    told = {"format": 1, "stage": folder.name, "identity": {}, "started": "then", "finished": "now", **facts}
    (folder / MANIFEST).write_text(json.dumps(told))
