"""A set asked in one way: which questions, after which examples, by which seeds, and what came of it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmark.data.root import DataError
from benchmark.skill.measure import Answers, Mark, Scorer, Skill, Way, read_answers, score_choices, summarise
from benchmark.skill.prompts import SEEDS, SHOTS
from benchmark.skill.questions import Benchmark, Question, read_questions

Known = Mapping[tuple[int, str], Mark]
"""Marks that are there, by seed and question: they are not made again."""


class Local(Scorer, Protocol):
    """A model on this machine."""

    def answers(self, prompts: Sequence[str], chat: bool) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Exam:
    """What is asked and how; examples are drawn from `train`. `chat` is the model's own template."""

    name: Benchmark
    way: Way
    questions: tuple[Question, ...]
    train: tuple[Question, ...]
    shots: int
    seeds: tuple[int, ...]
    chat: bool = False

    @property
    def total(self) -> int:
        """Marks of a whole exam."""
        return len(self.questions) * len(self.seeds)

    @property
    def template(self) -> str:
        """As it stands in results."""
        return "chat" if self.chat else "plain"

    def identity(self) -> dict[str, Any]:
        """What must be the same for marks to be of this exam."""
        return {
            "benchmark": self.name,
            "protocol": self.way,
            "shots": self.shots,
            "seeds": list(self.seeds),
            "template": self.template,
            "questions": [item.id for item in self.questions],
            "examples": [item.id for item in self.train],
        }

    def sit(self, model: Local, known: Known) -> Iterator[Mark]:
        """The marks of a model on this machine, by the exam's protocol."""
        if self.way == "loglikelihood":
            return score_choices(model, self.name, self.questions, self.train, self.shots, known)
        return self.read(lambda prompts: list(model.answers(prompts, self.chat)), known)

    def read(self, answers: Answers, known: Known) -> Iterator[Mark]:
        """The marks of generated answers, one a question and seed."""
        return read_answers(answers, self.name, self.questions, self.train, self.shots, self.seeds, known)

    def result(self, marks: Sequence[Mark], model: str) -> Skill:
        """What the marks amount to; `model` is the name that the result bears."""
        return summarise(
            marks,
            self.questions,
            benchmark=self.name,
            protocol=self.way,
            shots=self.shots,
            template=self.template,
            model=model,
        )


def set_exam(
    name: Benchmark,
    data: Path,
    way: Way,
    *,
    shots: int | None = None,
    seeds: int = len(SEEDS),
    limit: int | None = None,
    chat: bool = False,
) -> Exam:
    """Read the questions of a set and, where there are shots, what examples are drawn from.

    `shots` of `None` are the protocol's own: none, by generation the paper's three. `limit` questions are
    drawn at random, the same ones each time.

    Raises:
        DataError: files that are missing, or in no form that is read.
    """
    many = shots if shots is not None else SHOTS if way == "generation" else 0
    chosen = SEEDS[:seeds] if way == "generation" else (0,)
    if not many:
        # Without examples to draw, every seed asks the same.
        chosen = chosen[:1]
    questions = _limited(read_questions(name, data), limit)
    train = _examples(name, data, questions) if many else []
    return Exam(name, way, tuple(questions), tuple(train), many, chosen, chat)


def _limited(questions: list[Question], limit: int | None) -> list[Question]:
    if limit is None or limit >= len(questions):
        return questions
    order = sorted(random.Random(0).sample(range(len(questions)), limit))
    return [questions[at] for at in order]


def _examples(name: Benchmark, data: Path, questions: list[Question]) -> list[Question]:
    """Training questions that examples are drawn from; none of them is asked."""
    try:
        found = read_questions(name, data, "train")
    except DataError as error:
        raise DataError(f"{error}; examples are drawn from there: add it, or give --shots 0") from None
    asked = {item.id for item in questions}
    return [item for item in found if item.id not in asked]
