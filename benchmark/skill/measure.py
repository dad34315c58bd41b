"""Accuracy of a model on a set, by protocol, and the difference between two models on the same questions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import stdev
from typing import Any, Final, Literal, Protocol

import numpy as np

from benchmark.data.root import DataError
from benchmark.skill.prompts import choices, draw_shots, generation_prompt, harness_prompt, lettered
from benchmark.skill.questions import Benchmark, Question
from benchmark.skill.reader import letter_choice, paper_choice, word_choice
from benchmark.stats import Estimate, McNemar, mcnemar, mean_estimate, paired_difference, wilson

Way = Literal["loglikelihood", "generation"]
"""The protocol that a figure was had by."""
AT_ONCE: Final = 32
"""Questions between two writes of the journal."""


class Scorer(Protocol):
    """A model that tells how probable continuations are."""

    def loglikelihoods(
        self, prompts: Sequence[str], continuations: Sequence[Sequence[str]]
    ) -> list[list[float]]: ...


Answers = Callable[[Sequence[str]], list[str | None]]
"""Prompts to what a model said; `None` where it said nothing."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One question under one seed: the option that was chosen (`None`: none could be read), and whether it is
    right. `paper` is whether the repository's reader would have called it right; `None` by log-likelihood."""

    question: str
    seed: int
    choice: int | None
    right: bool
    paper: bool | None = None


@dataclass(frozen=True, slots=True)
class Skill:
    """A model on a set. Intervals: Wilson's of one pass, a bootstrap over questions of several.

    `by_seed` are the accuracies of the passes and `seed_sd` their standard deviation; `invalid` counts
    answers that name no option (wrong, as in the paper); `paper_reader` is the accuracy that the repository's
    reader would have told. `questions_sha256` stands for the very questions.
    """

    benchmark: Benchmark
    protocol: Way
    shots: int
    template: str
    model: str
    n: int
    questions_sha256: str
    accuracy: Estimate | None
    by_subject: dict[str, Estimate]
    by_seed: dict[int, float]
    seed_sd: float | None
    invalid: int
    paper_reader: float | None
    marks: tuple[Mark, ...]


def prompt_of(
    benchmark: Benchmark, way: Way, item: Question, train: Sequence[Question], shots: int, seed: int
) -> str:
    """What a model reads before it answers: examples that the seed draws, and the question."""
    examples = draw_shots(train, item, shots, seed) if shots else []
    if way == "generation":
        return generation_prompt(benchmark, item, examples)
    told = [f"{harness_prompt(benchmark, one)} {choices(benchmark, one)[one.gold]}" for one in examples]
    return "\n\n".join([*told, harness_prompt(benchmark, item)])


def score_choices(
    model: Scorer,
    benchmark: Benchmark,
    questions: Sequence[Question],
    train: Sequence[Question],
    shots: int,
    known: Mapping[tuple[int, str], Mark],
) -> Iterator[Mark]:
    """By log-likelihood: the option whose letter (or word) the model holds most probable after the question.

    `known` marks are not made again.
    """

    def prompt(item: Question) -> str:
        return prompt_of(benchmark, "loglikelihood", item, train, shots, 0)

    for start in range(0, len(questions), AT_ONCE):
        batch = questions[start : start + AT_ONCE]
        asked = [item for item in batch if (0, item.id) not in known]
        found = model.loglikelihoods([prompt(item) for item in asked], [choices(benchmark, i) for i in asked])
        best = {item.id: int(np.argmax(values)) for item, values in zip(asked, found, strict=True)}
        for item in batch:
            yield known.get((0, item.id)) or Mark(item.id, 0, best[item.id], best[item.id] == item.gold)


def read_answers(
    answers: Answers,
    benchmark: Benchmark,
    questions: Sequence[Question],
    train: Sequence[Question],
    shots: int,
    seeds: Sequence[int],
    known: Mapping[tuple[int, str], Mark],
) -> Iterator[Mark]:
    """By generation: what the model says after examples of each seed. `known` ones are not asked again."""
    for seed in seeds:
        for start in range(0, len(questions), AT_ONCE):
            batch = questions[start : start + AT_ONCE]
            asked = [item for item in batch if (seed, item.id) not in known]
            prompts = [prompt_of(benchmark, "generation", item, train, shots, seed) for item in asked]
            said = dict(zip((item.id for item in asked), answers(prompts) if prompts else [], strict=True))
            for item in batch:
                yield known.get((seed, item.id)) or _mark(benchmark, item, seed, said[item.id] or "")


def _mark(benchmark: Benchmark, item: Question, seed: int, text: str) -> Mark:
    letters = lettered(benchmark)
    choice = letter_choice(text, item.options) if letters else word_choice(text, item.options)
    paper = paper_choice(text, item.options, letters)
    return Mark(item.id, seed, choice, choice == item.gold, paper == item.gold)


def summarise(
    marks: Sequence[Mark],
    questions: Sequence[Question],
    *,
    benchmark: Benchmark,
    protocol: Way,
    shots: int,
    template: str,
    model: str,
) -> Skill:
    """Marks as a result."""
    seeds = sorted({mark.seed for mark in marks})
    subject = {item.id: item.subject for item in questions}
    subjects = sorted({name for name in subject.values() if name})
    grouped = {name: [mark for mark in marks if subject[mark.question] == name] for name in subjects}
    by_seed = {seed: _mean([mark.right for mark in marks if mark.seed == seed]) for seed in seeds}
    told = [mark.paper for mark in marks if mark.paper is not None]
    return Skill(
        benchmark=benchmark,
        protocol=protocol,
        shots=shots,
        template=template,
        model=model,
        n=len(questions),
        questions_sha256=hashlib.sha256("\n".join(item.id for item in questions).encode()).hexdigest(),
        accuracy=_accuracy(marks),
        by_subject={name: found for name in subjects if (found := _accuracy(grouped[name])) is not None},
        by_seed=by_seed,
        seed_sd=stdev(by_seed.values()) if len(seeds) > 1 else None,
        invalid=sum(mark.choice is None for mark in marks),
        paper_reader=_mean(told) if told else None,
        marks=tuple(marks),
    )


def _mean(values: Sequence[bool]) -> float:
    return sum(values) / len(values)


def _accuracy(marks: Sequence[Mark]) -> Estimate | None:
    if len({mark.seed for mark in marks}) <= 1:
        return wilson(sum(mark.right for mark in marks), len(marks))
    right = np.array([mark.right for mark in marks], dtype=np.float64)
    return mean_estimate(right, [mark.question for mark in marks])


@dataclass(frozen=True, slots=True)
class Difference:
    """`after - before` in accuracy, question by question; McNemar's test where each was asked once."""

    before: str
    after: str
    difference: Estimate | None
    mcnemar: McNemar | None


def compare(before: Skill, after: Skill) -> Difference:
    """Two models on the same questions, asked in the same way.

    Raises:
        DataError: they were not; the message says what differs.
    """
    names = ("benchmark", "protocol", "shots", "template", "questions_sha256", "n")
    different = [name for name in names if getattr(before, name) != getattr(after, name)]
    if before.by_seed.keys() != after.by_seed.keys():
        different.append("seeds")
    if different:
        raise DataError(f"the two results can't be compared: they differ in {', '.join(different)}")
    then, now = by_question(before), by_question(after)
    order = list(then)
    test = None
    if len(before.by_seed) == 1:
        test = mcnemar([then[key] == 1 for key in order], [now[key] == 1 for key in order])
    arrays = [np.array([means[key] for key in order], dtype=np.float64) for means in (then, now)]
    return Difference(before.model, after.model, paired_difference(arrays[0], arrays[1]), test)


def by_question(found: Skill) -> dict[str, float]:
    """The share of right answers to each question, over the passes."""
    right: dict[str, list[bool]] = {}
    for mark in found.marks:
        right.setdefault(mark.question, []).append(mark.right)
    return {key: _mean(values) for key, values in right.items()}


def read_skill(path: Path) -> Skill:
    """A result that `guardrail bench skill --out` wrote. Raises `DataError`."""
    try:
        row: dict[str, Any] = json.loads(path.read_text("utf-8"))["skill"]
        row["marks"] = tuple(Mark(**mark) for mark in row["marks"])
        row["by_seed"] = {int(seed): value for seed, value in row["by_seed"].items()}
        row["by_subject"] = {name: Estimate(**value) for name, value in row["by_subject"].items()}
        row["accuracy"] = Estimate(**row["accuracy"]) if row["accuracy"] is not None else None
        return Skill(**row)
    except OSError as error:
        raise DataError(f"{path} can't be read ({error.strerror})") from None
    except (ValueError, TypeError, KeyError):
        raise DataError(f"{path} is no result of `guardrail bench skill`") from None
