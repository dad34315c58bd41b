"""Medical skill of a model, bare and behind the guard: the same marks, less what the guard would stop.

The guard changes no answer of a model that it lets pass, so that nothing is asked twice: what it stops, at
the question or at the answer, is an answer that names no option, which is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.data.root import DataError
from benchmark.output import plain, write_json
from benchmark.provenance import guard_provenance, provenance, versions
from benchmark.skill.exam import Exam
from benchmark.skill.journal import Journal
from benchmark.skill.measure import Mark, prompt_of
from benchmark.skill.prompts import choices
from benchmark.study.places import RESULTS
from guardrail.guard import Guard
from guardrail.verdict import Verdict

if TYPE_CHECKING:
    from benchmark.skill.local import LocalModel


def take(
    exam: Exam,
    model: LocalModel,
    guard: Guard,
    folder: Path,
    name: str,
    report: Callable[[Iterator[Mark]], Iterator[Mark]],
) -> dict[str, Any]:
    """Have a model take an exam, and write both results; marks are kept as they come.

    `name` is what the results call the model, `report` sees the marks go by. Returns what the guard stopped.
    The journal stays: the stage is not at its end before its manifest says so.
    """
    journal = Journal(folder / "journal.jsonl", {"files": model.files, **exam.identity()})
    marks = journal.keep(report(exam.sit(model, journal.known)))
    left = behind(guard, exam, marks)
    told = provenance(exam.seeds[0])
    told["versions"] |= versions(("torch", "transformers"))
    told["model"] = {"name": model.name, "files": model.files}
    guarded = {**told, "guard": guard_provenance(guard)}
    write_json(folder / RESULTS["bare"], {"skill": plain(exam.result(marks, name)), "provenance": told})
    write_json(folder / RESULTS["guarded"], {"skill": plain(exam.result(left, name)), "provenance": guarded})
    return {"stopped": sum(mark != other for mark, other in zip(marks, left, strict=True))}


def behind(guard: Guard, exam: Exam, marks: Sequence[Mark]) -> list[Mark]:
    """The marks with the guard in front.

    Raises:
        DataError: the classifier failed on a question.
    """
    known = {item.id: item for item in exam.questions}
    requests: list[dict[str, str]] = []
    for mark in marks:
        item = known[mark.question]
        asked = {"prompt": prompt_of(exam.name, exam.way, item, exam.train, exam.shots, mark.seed)}
        said = {} if mark.choice is None else {"response": choices(exam.name, item)[mark.choice]}
        requests.append({**asked, **said})
    verdicts = guard.check_many(requests, errors="return")
    return [
        _stopped(mark) if _stops(verdict) else mark for mark, verdict in zip(marks, verdicts, strict=True)
    ]


def _stops(verdict: Verdict | Exception) -> bool:
    if isinstance(verdict, Exception) or verdict.failure:
        raise DataError("the guard could not score a question: no skill behind it can be told")
    return verdict.action.stops


def _stopped(mark: Mark) -> Mark:
    return replace(mark, choice=None, right=False, paper=None if mark.paper is None else False)
