"""The teacher: a larger encoder learns the prompts' risk, and its answers become the student's lessons.

all-mpnet-base-v2 (768 wide, 12 layers) tells intent from vocabulary far better than the student can
learn to from the labels alone. Its lower layers stay as they were pretrained, so that what they make of each
text is computed once and kept; an epoch then costs half.

It is not taught the nine principles: few prompts have one that is sure, and after an epoch it named fewer of
them than the student does.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import MPNetModel

from classifiers.encoding import target_row
from classifiers.examples import Example
from classifiers.lessons import TAUGHT, Lessons
from classifiers.progress import Curve, save, saved
from guardrail.scoring.normalize import normalize

NOTHING: Final = -1e9
"""Added to the attention of padding."""
GENERAL: Final = 0.5
"""Weight of telling harm outside medicine, against finding the risk."""


@dataclass(frozen=True, slots=True)
class TeacherSettings:
    """Everything that, with the corpus and the base model, determines the teacher.

    `frozen` lower layers are not trained. `tokens` bounds a batch (padded tokens), `longest` a text. `init`
    says that the weights of an earlier run were the start.
    """

    seed: int = 20261124
    epochs: int = 2
    rate: float = 8e-5
    head_rate: float = 1e-3
    warmup: float = 0.06
    weight_decay: float = 0.01
    frozen: int = 6
    tokens: int = 1024
    longest: int = 96
    threads: int = 2
    init: str | None = None


class Teacher(nn.Module):
    """`lower` gives states [batch, tokens, width]; the rest gives logits [batch, 11] and the pooled text.

    The logits are the first eleven of the student's: prompt risk, nine principles (not taught), general.
    """

    def __init__(self, encoder: MPNetModel, frozen: int) -> None:
        super().__init__()
        self.embeddings = encoder.embeddings
        self.bias = encoder.encoder
        self.lowest = encoder.encoder.layer[:frozen]
        self.layers = encoder.encoder.layer[frozen:]
        self.dropout = nn.Dropout(0.1)
        self.heads = nn.Linear(int(encoder.config.hidden_size), TAUGHT)
        for module in (self.embeddings, self.lowest, self.bias.relative_attention_bias):
            module.requires_grad_(False)

    def lower(self, ids: Tensor, mask: Tensor) -> Tensor:
        """What the frozen layers make of token ids, int64 [batch, tokens]; `mask` is float, 1 for text."""
        return self._pass(self.lowest, self.embeddings(input_ids=ids), mask)

    def forward(self, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        states = self._pass(self.layers, states, mask)
        pooled = (states * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
        return self.heads(self.dropout(pooled)), pooled

    def _pass(self, layers: nn.ModuleList, states: Tensor, mask: Tensor) -> Tensor:
        bias = self.bias.compute_position_bias(states)
        attention = (1.0 - mask)[:, None, None, :] * NOTHING
        for layer in layers:
            states = layer(states, attention, bias)[0]
        return states

    def trained(self) -> dict[str, Tensor]:
        """The weights that training changes."""
        known = ("layers.", "heads.")
        return {key: value for key, value in self.state_dict().items() if key.startswith(known)}


class Texts:
    """Prompts as the frozen layers see them: float16 states [tokens, width] a text, computed once."""

    def __init__(self, base: Path, teacher: Teacher, settings: TeacherSettings) -> None:
        self._tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(settings.longest)
        self._teacher = teacher
        self._budget = settings.tokens * 4

    def states(self, texts: Sequence[str]) -> list[NDArray[np.float16]]:
        """One array a text, in order."""
        ids = [self._tokenizer.encode(normalize(text).text).ids for text in texts]
        found: list[NDArray[np.float16]] = [np.empty((0, 0), np.float16)] * len(ids)
        self._teacher.eval()
        with torch.inference_mode():
            for group in by_length([len(row) for row in ids], self._budget, None):
                longest = max(len(ids[at]) for at in group)
                # MPNet counts positions from its padding token, so padding must be that very token.
                padded = torch.full((len(group), longest), 1, dtype=torch.int64)
                mask = torch.zeros((len(group), longest))
                for row, at in enumerate(group):
                    padded[row, : len(ids[at])] = torch.tensor(ids[at])
                    mask[row, : len(ids[at])] = 1.0
                states = self._teacher.lower(padded, mask).half().numpy()
                for row, at in enumerate(group):
                    found[at] = states[row, : len(ids[at])].copy()
        return found


def by_length(lengths: Sequence[int], budget: int, rng: random.Random | None) -> Iterator[list[int]]:
    """Groups of indices of about equal length, at most `budget` padded tokens each; shuffled with `rng`."""
    noise = [0.0] * len(lengths) if rng is None else [rng.random() * 4 for _ in lengths]
    order = sorted(range(len(lengths)), key=lambda at: lengths[at] + noise[at])
    groups: list[list[int]] = []
    group: list[int] = []
    longest = 0
    for at in order:
        longest = max(longest, lengths[at])
        if group and (len(group) + 1) * longest > budget:
            groups.append(group)
            group, longest = [], lengths[at]
        group.append(at)
    if group:
        groups.append(group)
    if rng is not None:
        rng.shuffle(groups)
    yield from groups


def _stack(states: Sequence[NDArray[np.float16]]) -> tuple[Tensor, Tensor]:
    longest, width = max(len(state) for state in states), states[0].shape[1]
    out = torch.zeros((len(states), longest, width))
    mask = torch.zeros((len(states), longest))
    for row, state in enumerate(states):
        out[row, : len(state)] = torch.from_numpy(state).float()
        mask[row, : len(state)] = 1.0
    return out, mask


def loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of the risk and of general harm where they are known (not NaN); both are [batch, 11]."""
    known = ~torch.isnan(targets)
    raw = nn.functional.binary_cross_entropy_with_logits(logits, targets.nan_to_num(), reduction="none")
    mean = (raw * known).sum(0) / known.sum(0).clamp(min=1)
    return mean[0] + GENERAL * mean[-1]


def teach(
    examples: Sequence[Example],
    base: Path,
    folder: Path,
    settings: TeacherSettings,
    report: Callable[[str], None],
    init: Path | None = None,
) -> Lessons:
    """Train on the prompts of the `train` split and return its answers to every prompt of the corpus.

    The nine principles' logits are NaN.

    `folder/teacher.pt` is written after each epoch and taken up where it ended, `folder/teacher_curve.jsonl`
    gets a line every 25 steps.
    """
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    teacher = Teacher(MPNetModel.from_pretrained(base, add_pooling_layer=False), settings.frozen)
    if init is not None:
        teacher.load_state_dict(torch.load(init, weights_only=True)["teacher"], strict=False)
    texts = Texts(base, teacher, settings)
    prompts = [example for example in examples if example.response is None and example.prompt]
    states = texts.states([example.prompt or "" for example in prompts])
    report(f"{len(prompts)} prompts through {settings.frozen} frozen layers")
    learnt = [at for at, example in enumerate(prompts) if example.split == "train"]
    _learn(teacher, [prompts[at] for at in learnt], [states[at] for at in learnt], folder, settings, report)
    logits, pooled = answers(teacher, states, settings.tokens * 4)
    logits[:, 1:-1] = np.nan
    return Lessons([example.id for example in prompts], logits, pooled)


def answers(
    teacher: Teacher, states: Sequence[NDArray[np.float16]], budget: int
) -> tuple[NDArray[np.float32], NDArray[np.float16]]:
    """Logits [texts, 11] and pooled texts [texts, width]."""
    teacher.eval()
    logits = np.empty((len(states), TAUGHT), np.float32)
    pooled = np.empty((len(states), int(teacher.heads.in_features)), np.float16)
    with torch.inference_mode():
        for group in by_length([len(state) for state in states], budget, None):
            said, text = teacher(*_stack([states[at] for at in group]))
            logits[group], pooled[group] = said.numpy(), text.half().numpy()
    return logits, pooled


def _optimizer(teacher: Teacher, settings: TeacherSettings) -> torch.optim.AdamW:
    groups: list[dict[str, Any]] = [
        {
            "params": list(teacher.layers.parameters()),
            "rate": settings.rate,
            "weight_decay": settings.weight_decay,
        },
        {"params": list(teacher.heads.parameters()), "rate": settings.head_rate, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.rate, fused=True)


def _learn(
    teacher: Teacher,
    examples: Sequence[Example],
    states: Sequence[NDArray[np.float16]],
    folder: Path,
    settings: TeacherSettings,
    report: Callable[[str], None],
) -> None:
    optimizer = _optimizer(teacher, settings)
    checkpoint = folder / "teacher.pt"
    curve = Curve(folder / "teacher_curve.jsonl", report, "teacher epoch")
    state = saved(checkpoint, settings, len(examples))
    if state is not None:
        teacher.load_state_dict(state["teacher"], strict=False)
        optimizer.load_state_dict(state["optimizer"])
        report(f"teacher resumed after epoch {state['epoch']}")
    else:
        curve.clear()
    first = 0 if state is None else int(state["epoch"])
    targets = torch.from_numpy(np.stack([target_row(example.targets)[:TAUGHT] for example in examples]))
    for epoch in range(first, settings.epochs):
        rng = random.Random(f"{settings.seed}-{epoch}")
        torch.manual_seed(settings.seed + epoch)
        drawn = [at for at, e in enumerate(examples) for _ in range(int(e.weight + rng.random()))]
        plan = [
            [drawn[i] for i in group]
            for group in by_length([len(states[at]) for at in drawn], settings.tokens, rng)
        ]
        teacher.train()
        curve.begin(epoch, len(plan))
        for at, group in enumerate(plan):
            done = (epoch * len(plan) + at + 1) / (len(plan) * settings.epochs)
            for kind in optimizer.param_groups:
                kind["lr"] = kind["rate"] * min(done / settings.warmup, max(0.02, 1.0 - done))
            said, _ = teacher(*_stack([states[i] for i in group]))
            value = loss(said, targets[group])
            value.backward()  # pyright: ignore[reportUnknownMemberType]  (torch leaves it untyped)
            torch.nn.utils.clip_grad_norm_(teacher.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            curve.add(value.item())
        weights = {"teacher": teacher.trained(), "optimizer": optimizer.state_dict()}
        save(checkpoint, settings, len(examples), epoch + 1, weights)
