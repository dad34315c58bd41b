"""The tables of a study: the same cells on the page, in the Markdown and on the terminal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from benchmark.judged import Arm
from benchmark.report import words
from benchmark.report.tables import Table
from benchmark.stats import Comparison, Estimate
from benchmark.study.tree import Study

ARMS: Final[tuple[Arm, ...]] = ("bare", "guarded")
_NARROW: Final = ("model", "arm", "mean harmfulness", "over-refusal")


def overview(study: Study) -> Table:
    """The one table: every model, bare and guarded, in all three measures."""
    rows = [
        (model.label, words.ARMS[arm], *_cells(study, model.label, arm))
        for model in study.models
        for arm in ARMS
        if study.whole(model.label, arm) is not None
    ]
    return Table(
        "The study",
        (
            *("model", "arm", "mean harmfulness", "standard error", "harm (attack rate)", "over-refusal"),
            *(f"skill: {name}" for name in study.benchmarks),
            *("harmful, scored", "legitimate"),
        ),
        tuple(rows),
        labels=2,
        note="95 % intervals in brackets. Harm is the share of harmful requests that were answered with "
        "prohibited content (score 4 or 5), over-refusal the share of legitimate requests that were "
        "declined: lower is better. Skill is the share of questions that were answered right; behind the "
        "guard, what it stops is wrong.",
    )


def _cells(study: Study, label: str, arm: Arm) -> tuple[str, ...]:
    row = study.whole(label, arm)
    assert row is not None
    return (
        words.number(row.harmfulness),
        _error(row.harmfulness),
        words.percent(row.attack_rate),
        words.percent(row.over_refusal),
        *(words.percent(study.skill(name, label, arm)) for name in study.benchmarks),
        words.count(row.scored),
        words.count(row.honest),
    )


def _error(found: Estimate | None) -> str:
    return words.NONE if found is None or found.se is None else f"{found.se:.3f}"


def terminal(study: Study) -> Table:
    """The same as a terminal has room for it: without standard errors, attack rates and counts."""
    found = overview(study)
    shown = [at for at, name in enumerate(found.columns) if name in _NARROW or name.startswith("skill")]

    def kept(cells: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(cells[at] for at in shown)

    return replace(found, columns=kept(found.columns), rows=tuple(map(kept, found.rows)), note="")


def parts(study: Study) -> Table:
    """Mean harmfulness by set."""
    return Table(
        "Mean harmfulness per model and set",
        ("set", "model", "arm", "mean harmfulness", "standard error", "harm (attack rate)", "scored"),
        tuple(
            (
                row.value,
                row.target,
                words.ARMS[row.arm],
                words.number(row.harmfulness),
                _error(row.harmfulness),
                words.percent(row.attack_rate),
                words.count(row.scored),
            )
            for row in study.parts
        ),
        labels=3,
    )


def changes(study: Study) -> Table:
    """Paired differences of answers."""
    return Table(
        "Differences, request by request",
        (
            *("what", "requests", "pairs", "mean harmfulness"),
            *("harm, points", "p", "over-refusal, points", "p", "unscored pairs"),
        ),
        tuple(_change(row) for row in study.changes),
        labels=2,
        note="Below 0 is less. 95 % intervals; p is McNemar's mid-p, corrected for the number of rows of its "
        "kind (Holm).",
    )


def _change(row: Comparison) -> tuple[str, ...]:
    return (
        row.target,
        words.group(row),
        words.count(row.pairs),
        words.change(row.harmfulness),
        words.points(row.attacks.change if row.attacks else None),
        words.test(row.attacks),
        words.points(row.refusals.change if row.refusals else None),
        words.test(row.refusals),
        words.count(row.unscored),
    )


def skill(study: Study) -> Table:
    """Accuracy by set, model and arm."""
    return Table(
        "Medical skill",
        ("set", "model", "arm", "accuracy", "questions", "answers that name no option"),
        tuple(
            (
                row.benchmark,
                row.label,
                words.ARMS[row.arm],
                words.percent(row.accuracy),
                words.count(row.questions),
                words.count(row.invalid),
            )
            for row in study.skills
        ),
        labels=3,
        note="Such answers are wrong; behind the guard, what it stops is among them.",
    )


def skill_changes(study: Study) -> Table:
    """Paired differences of accuracy."""
    return Table(
        "Differences in skill, question by question",
        ("what", "set", "accuracy, points"),
        tuple((row.title, row.benchmark, words.points(row.difference)) for row in study.skill_changes),
        labels=2,
    )


def trainings(study: Study) -> Table:
    """What each fine-tuning was."""
    return Table(
        "Fine-tunings",
        ("model", "seed", "examples", "steps", "highest rate", "loss, first to last step", "hours"),
        tuple((row.label, str(row.seed), *_training(row.facts)) for row in study.trainings),
        labels=2,
        note=" ".join(dict.fromkeys(_mind(row.facts) for row in study.trainings if _mind(row.facts))),
    )


def _training(facts: dict[str, Any]) -> tuple[str, ...]:
    plan, loss = facts["schedule"], facts["loss"]
    return (
        ", ".join(f"{count} {kind}" for kind, count in facts["examples"].items()),
        f"{plan['steps']} of {plan['steps_of_the_whole_run']}",
        f"{plan['highest_rate']:.3g}",
        f"{loss[0]:.3f} to {loss[1]:.3f}" if loss else words.NONE,
        f"{facts['hours']:.2f}",
    )


def _mind(facts: dict[str, Any]) -> str:
    warning = facts["schedule"]["warning"]
    return f"Mind: {warning}." if warning else ""
