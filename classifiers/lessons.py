"""What a teacher said of the corpus, and what the student loses by saying something else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

TAUGHT: Final = 11
"""Logits that a teacher gives: prompt risk, the nine principles, general."""
LIKENESS: Final = 3.0
"""Weight of pooling texts as the teacher does, against that of giving its probabilities."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """A teacher's answers: `logits` [texts, 11] and `pooled` texts [texts, width], by example id.

    A logit is NaN where the teacher was not taught that head.
    """

    ids: list[str]
    logits: NDArray[np.float32]
    pooled: NDArray[np.float16]

    def save(self, path: Path) -> None:
        """Write one .npz file, through a temporary one."""
        temporary = path.with_name(f".{path.name}.tmp.npz")
        np.savez(temporary, ids=np.array(self.ids), logits=self.logits, pooled=self.pooled)
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> Lessons:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            return cls([str(key) for key in stored["ids"]], stored["logits"], stored["pooled"])


class Pupil(nn.Module):
    """The student's side of the lessons; it is used in training only and leaves nothing in the network.

    A linear map takes the student's pooled text to the teacher's width. Texts are alike as the cosine of
    what each pools, the mean over all texts taken off: what every text shares would hide the rest.
    """

    def __init__(self, lessons: Lessons, width: int) -> None:
        super().__init__()
        self._at = {key: at for at, key in enumerate(lessons.ids)}
        logits = torch.from_numpy(lessons.logits)
        self._known = ~torch.isnan(logits)
        self._probabilities = torch.sigmoid(logits.nan_to_num())
        pooled = torch.from_numpy(lessons.pooled).float()
        self._pooled = (pooled - pooled.mean(0)).half()
        self.map = nn.Linear(width, pooled.shape[1])

    def lesson(self, example: str) -> int | None:
        """The number of an example's lesson, if it has one."""
        return self._at.get(example)

    def forward(self, logits: Tensor, pooled: Tensor, lessons: Tensor) -> Tensor:
        """The loss of the rows that have a lesson (`lessons` int64 [batch], -1 for none); a scalar."""
        rows = lessons >= 0
        if not bool(rows.any()):
            return logits.new_zeros(())
        chosen = lessons[rows]
        said = nn.functional.binary_cross_entropy_with_logits(
            logits[rows, :TAUGHT], self._probabilities[chosen], reduction="none"
        )
        alike = nn.functional.cosine_similarity(self.map(pooled[rows]), self._pooled[chosen].float())
        return (said * self._known[chosen]).sum(1).mean() + LIKENESS * (1.0 - alike).mean()
