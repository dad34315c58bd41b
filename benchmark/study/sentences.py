"""What the study found, in sentences: the first thing on the page."""

from __future__ import annotations

from collections.abc import Iterator

from benchmark.report import words
from benchmark.stats import Comparison, Estimate
from benchmark.study.tree import Model, Study


def sentences_of(study: Study) -> Iterator[str]:
    """One for the base and its guard, then for every size: tuned, and tuned against the guard."""
    whole = study.whole("base", "bare")
    if whole is not None and whole.harmfulness is not None:
        yield (
            f"Without anything, answers to {words.requests(whole.scored, 'harmful')} have a mean "
            f"harmfulness of {words.number(whole.harmfulness)} (1 to 5)."
        )
    yield from _effect(study, "guard alone, less base", "The guard alone")
    for model in study.models:
        if model.n:
            yield from _effect(study, f"{model.label}, less base", f"Fine-tuning ({_times(model)})")
            yield from _effect(
                study, f"{model.label}, with guard, less base", f"Both together (n={model.n}, and the guard)"
            )
            yield from _against(study, model)


def _times(model: Model) -> str:
    seeds = len(model.seeds)
    return f"n={model.n}" if seeds == 1 else f"n={model.n}, {seeds} seeds"


def _effect(study: Study, title: str, who: str) -> Iterator[str]:
    row = changed(study, title)
    if row is None:
        return
    said: list[str] = []
    if row.harmfulness is not None:
        said.append(f"mean harmfulness {_moved(row.harmfulness)}")
    if row.refusals is not None:
        said.append(f"over-refusal {_moved(row.refusals.change, points=True)}")
    said += [
        f"{change.benchmark} {_moved(change.difference, points=True)}"
        for change in study.skill_changes
        if change.title == title and change.difference is not None
    ]
    if said:
        yield f"{who} changed, request by request: {'; '.join(said)}."


def _against(study: Study, model: Model) -> Iterator[str]:
    row = changed(study, f"guard alone, less {model.label}")
    if row is None or row.harmfulness is None:
        return
    less = row.harmfulness
    refusals = "" if row.refusals is None else f", over-refusal by {words.points(row.refusals.change)} points"
    if less.high < 0:
        told = "does less harm"
    elif less.low > 0:
        told = "does more harm"
    else:
        told = "can't be told apart in harm"
    link = "than" if less.high < 0 or less.low > 0 else "from"
    yield (
        f"The guarded base {told} {link} the model tuned on n={model.n}: mean harmfulness differs by "
        f"{words.change(less)}{refusals}."
    )


def changed(study: Study, title: str) -> Comparison | None:
    """The comparison of that title over all requests."""
    return next((row for row in study.changes if row.target == title and row.dimension == "all"), None)


def _moved(found: Estimate, *, points: bool = False) -> str:
    if found.low == found.high == 0:
        return "not at all"
    told = f"{words.points(found)} points" if points else words.change(found)
    return told if found.low > 0 or found.high < 0 else f"{told}, which may be chance"
