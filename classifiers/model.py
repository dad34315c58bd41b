"""The network: one encoder, mean and first-token pooling, one linear layer for all heads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig

from guardrail.scoring.bundle import HEADS

LOGITS: Final = 16
IMPORTANCE: Final = {"principles": 4.0, "harmfulness": 2.0}
"""Heads whose mean is over several columns, most of them near zero, would otherwise hardly be learnt."""


class Classifier(nn.Module):
    """Takes input_ids, attention_mask, token_type_ids, int64 [batch, tokens]; gives logits [batch, 16]."""

    def __init__(self, encoder: nn.Module, hidden: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.Linear(2 * hidden, LOGITS)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        states: Tensor = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(states.dtype)
        mean = (states * mask).sum(1) / mask.sum(1).clamp(min=1.0)
        logits: Tensor = self.heads(self.dropout(torch.cat([states[:, 0], mean], dim=1)))
        return logits


def from_pretrained(folder: Path) -> Classifier:
    """A classifier on a pretrained encoder's folder (config.json, model.safetensors); heads are new."""
    encoder: Any = AutoModel.from_pretrained(folder, attn_implementation="sdpa", add_pooling_layer=False)
    return Classifier(encoder, encoder.config.hidden_size)


def from_config(folder: Path) -> Classifier:
    """The same network without weights, for a state dict to be loaded into."""
    config: PreTrainedConfig = AutoConfig.from_pretrained(folder)
    encoder: Any = AutoModel.from_config(config, attn_implementation="sdpa", add_pooling_layer=False)
    return Classifier(encoder, encoder.config.hidden_size)


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded int64 inputs [batch, tokens] with float targets and their mask, both [batch, 16]."""

    input_ids: Tensor
    attention_mask: Tensor
    token_type_ids: Tensor
    targets: Tensor
    mask: Tensor


def loss(logits: Tensor, batch: Batch) -> Tensor:
    """Binary cross-entropy of every known target; heads weigh by `IMPORTANCE`."""
    raw = nn.functional.binary_cross_entropy_with_logits(logits, batch.targets, reduction="none")
    total = logits.new_zeros(())
    for head, (first, last) in HEADS.items():
        weights = batch.mask[:, first:last]
        if bool(weights.sum() > 0):
            mean = (raw[:, first:last] * weights).sum() / weights.sum()
            total = total + IMPORTANCE.get(head, 1.0) * mean
    return total
