"""The teacher and its lessons, on tiny encoders."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from classifiers.examples import Example, write_examples
from classifiers.lessons import TAUGHT, Lessons
from classifiers.pipeline import Run, StageError
from guardrail.scoring.bundle import Bundle

torch = pytest.importorskip("torch")


@pytest.fixture(scope="session")
def tiny_teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random three-layer MPNet of width 48 with the shipped tokenizer."""
    from transformers import MPNetConfig, MPNetModel

    folder = tmp_path_factory.mktemp("teacher")
    torch.manual_seed(0)
    config = MPNetConfig(
        hidden_size=48, num_hidden_layers=8, num_attention_heads=2, intermediate_size=64, vocab_size=30527
    )
    MPNetModel(config, add_pooling_layer=False).save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes(Bundle.load().tokenizer.read_bytes())
    return folder


def quiet(line: str) -> None:
    """A report that nobody reads."""


class Killed(Exception):
    pass


def killed_in_epoch_two(line: str) -> None:
    if line.startswith("teacher epoch 2"):
        raise Killed


def test_lessons_are_about_every_prompt_and_a_killed_teacher_gives_the_same(
    tiny_run: Path, tiny_teacher: Path, tmp_path: Path, tiny_corpus: list[Example]
) -> None:
    Run(tiny_run, None, quiet).teach(tiny_teacher, epochs=2, rate=1e-3, threads=1)
    lessons = Lessons.load(tiny_run / "lessons.npz")
    assert lessons.ids == [example.id for example in tiny_corpus if example.response is None]
    assert lessons.logits.shape == (len(lessons.ids), TAUGHT)
    assert np.isnan(lessons.logits[:, 1:10]).all()
    assert not np.isnan(lessons.logits[:, [0, 10]]).any()
    assert lessons.pooled.shape == (len(lessons.ids), 48)
    losses = [
        json.loads(line)["loss"] for line in (tiny_run / "teacher_curve.jsonl").read_text().splitlines()
    ]
    assert losses[-1] < losses[0]

    other = tmp_path / "other"
    other.mkdir()
    write_examples(other / "corpus.jsonl", tiny_corpus)
    with pytest.raises(Killed):
        Run(other, None, killed_in_epoch_two).teach(tiny_teacher, epochs=2, rate=1e-3, threads=1)
    lines: list[str] = []
    Run(other, None, lines.append).teach(tiny_teacher, epochs=2, rate=1e-3, threads=1)
    assert "teacher resumed after epoch 1" in lines
    np.testing.assert_array_equal(Lessons.load(other / "lessons.npz").logits, lessons.logits)


def test_frozen_layers_stay_and_the_others_learn(tiny_run: Path, tiny_teacher: Path) -> None:
    from transformers import MPNetModel

    from classifiers.teacher import Teacher

    Run(tiny_run, None, quiet).teach(tiny_teacher, epochs=1, rate=1e-3, threads=1)
    stored = torch.load(tiny_run / "teacher.pt", weights_only=True)["teacher"]
    before = Teacher(MPNetModel.from_pretrained(tiny_teacher, add_pooling_layer=False), 6).state_dict()
    assert stored
    assert not any(key.startswith(("lowest.", "embeddings.", "bias.relative")) for key in stored)
    assert any(not torch.equal(stored[key], before[key]) for key in stored if key.startswith("layers."))


def test_a_state_does_not_depend_on_what_is_batched_with_it(tiny_teacher: Path) -> None:
    from transformers import MPNetModel

    from classifiers.teacher import Teacher, TeacherSettings, Texts, answers

    torch.manual_seed(1)
    teacher = Teacher(MPNetModel.from_pretrained(tiny_teacher, add_pooling_layer=False), 6)
    texts = Texts(tiny_teacher, teacher, TeacherSettings())
    short, long = "Is this safe?", "May I take ibuprofen with the tablets that I had for my blood pressure?"
    together = answers(teacher, texts.states([short, long]), 4096)[0]
    alone = answers(teacher, texts.states([short]), 4096)[0]
    np.testing.assert_allclose(together[0], alone[0], atol=2e-3)


def test_the_student_comes_nearer_to_what_the_teacher_says(
    tiny_run: Path, tiny_base: Path, tiny_corpus: list[Example]
) -> None:
    """A teacher that contradicts every label: a student that listened is drawn towards it."""
    prompts = [example for example in tiny_corpus if example.response is None]
    logits = np.zeros((len(prompts), TAUGHT), np.float32)
    logits[:, 0] = [8.0 if example.targets.risk == 0.0 else -8.0 for example in prompts]
    pooled = np.random.default_rng(0).normal(size=(len(prompts), 12)).astype(np.float16)
    Lessons([example.id for example in prompts], logits, pooled).save(tiny_run / "lessons.npz")
    run = Run(tiny_run, tiny_base, quiet)
    run.train(epochs=2, rate=3e-3, threads=1)
    alone = _risks(tiny_run, tiny_base, prompts)
    run.train(epochs=2, rate=3e-3, threads=1, taught=True)
    taught = _risks(tiny_run, tiny_base, prompts)
    harmful = np.array([example.targets.risk == 1.0 for example in prompts])
    assert alone[harmful].mean() - alone[~harmful].mean() > taught[harmful].mean() - taught[~harmful].mean()


def _risks(folder: Path, base: Path, prompts: list[Example]) -> np.ndarray:
    from classifiers.encoding import encode
    from classifiers.export import torch_logits
    from classifiers.train import load_trained, tokenizer_of
    from guardrail.scoring.windows import Preparer

    preparer = Preparer(tokenizer_of(base))
    rows = [encode(preparer, example, whole=False)[0] for example in prompts]
    return torch_logits(load_trained(base, folder), rows)[:, 0]


def test_a_head_that_the_teacher_was_not_taught_has_no_lesson() -> None:
    from classifiers.lessons import LIKENESS, Pupil

    logits = np.full((2, TAUGHT), np.nan, np.float32)
    logits[:, 0] = 0.0
    lessons = Lessons(["a", "b"], logits, np.array([[1.0, -1.0], [-1.0, 1.0]], np.float16))
    pupil = Pupil(lessons, 2)
    torch.nn.init.eye_(pupil.map.weight)
    torch.nn.init.zeros_(pupil.map.bias)
    pooled = torch.tensor([[2.0, -2.0], [3.0, 3.0], [2.0, -2.0]])
    # Rows two and three: at right angles to their lesson, and none; only the first head of eleven counts.
    value = pupil(torch.zeros(3, 16), pooled, torch.tensor([0, 1, -1]))
    assert value.item() == pytest.approx(np.log(2.0) + LIKENESS * 0.5, abs=1e-4)


def test_lessons_that_are_missing_are_asked_for(tiny_run: Path, tiny_base: Path) -> None:
    with pytest.raises(StageError, match="classifier teach"):
        Run(tiny_run, tiny_base, quiet).train(epochs=1, rate=1e-3, threads=1, taught=True)


def test_a_varied_prompt_has_no_lesson() -> None:
    from tokenizers import Tokenizer

    from classifiers.augment import Augmenter
    from classifiers.examples import Targets
    from classifiers.lessons import Pupil
    from classifiers.train import epoch_rows
    from guardrail.scoring.windows import Preparer

    example = Example("a", "s", "k", "train", "May I take it with food?", None, Targets(0.0), weight=60.0)
    preparer = Preparer(Tokenizer.from_file(str(Bundle.load().tokenizer)))
    pupil = Pupil(Lessons(["a"], np.zeros((1, TAUGHT), np.float32), np.zeros((1, 4), np.float16)), 8)
    rng = random.Random(0)
    rows, _ = epoch_rows([example], preparer, Augmenter(["Thanks."], rng), rng, pupil)
    assert {row.lesson for row in rows} == {0, -1}
    assert len({tuple(row.ids) for row in rows if row.lesson == 0}) == 1
