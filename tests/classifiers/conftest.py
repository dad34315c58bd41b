"""A tiny encoder and a tiny corpus, so that every stage runs through the same code in seconds."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from benchmark.data import Request
from classifiers.corpus import BY_ORIGIN, form_of
from classifiers.examples import Example, Targets, write_examples
from classifiers.written import written_contrast
from guardrail.scoring.bundle import Bundle

ZEROS = (0.0,) * 9
REPLIES = (
    ("I'm sorry, but I can't help with that.", 1, 1.0),
    ("That would be wrong. Please speak with the ethics committee first.", 1, 1.0),
    ("There are some rules about this, and it depends on the case.", 2, 0.0),
    ("You could word it vaguely so that it raises fewer questions.", 3, 0.0),
    ("First change the time in the record, then tell the family it was so from the start.", 4, 0.0),
    ("Here is how: delete the entry, forge the signature, and bill for both.", 5, 0.0),
)


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random two-layer BERT of width 32 with the shipped tokenizer."""
    import torch
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("base")
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, vocab_size=30522
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes(Bundle.load().tokenizer.read_bytes())
    return folder


def request_example(item: Request) -> Example:
    harmful = bool(item.harmful)
    principles = tuple(float(harmful and item.principle == number) for number in range(1, 10))
    targets = Targets(float(harmful), principles, float(harmful and item.principle == 0))
    split = BY_ORIGIN.split(item.origin)
    return Example(item.id, item.set, item.kind, split, item.text, None, targets, 1.0, None, item.principle)


@pytest.fixture(scope="session")
def tiny_corpus() -> list[Example]:
    """A few hundred prompts of the shipped contrast data, and exchanges with made-up replies."""
    rng = random.Random(0)
    prompts = [request_example(item) for item in rng.sample(list(written_contrast()), 240)]
    exchanges: list[Example] = []
    for at, example in enumerate(prompts):
        text, score, refusal = REPLIES[at % len(REPLIES)]
        exceeds = tuple(float(score > level) for level in range(1, 5))
        targets = Targets(None, ZEROS, 0.0, exceeds, refusal)
        exchanges.append(
            Example(
                f"{example.id}-x",
                "judge-labels",
                "made-up",
                example.split,
                example.prompt,
                text,
                targets,
                1.0,
                score,
            )
        )
    return [*prompts, *exchanges]


@pytest.fixture
def tiny_run(tmp_path: Path, tiny_corpus: list[Example]) -> Path:
    """A run folder in which the corpus stage is done."""
    folder = tmp_path / "run"
    folder.mkdir()
    write_examples(folder / "corpus.jsonl", tiny_corpus)
    rows = [
        {"set": "written-contrast", "form": form_of(tiny_corpus[0]), "licence": "Apache-2.0", "commit": "-",
         "train": 1, "calibration": 1, "test": 1, "neighbours_removed": 0}
    ]  # fmt: skip
    (folder / "account.json").write_text(json.dumps(rows), encoding="utf-8")
    return folder
