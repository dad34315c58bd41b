"""A bundle of a few kilobytes whose network is real ONNX and whose judgement can be foreseen.

Each logit is the maximum over the tokens of a window: `falsify` raises prompt risk and principle 2,
`overdose` harmfulness, `sorry` refusal, `bomb` general harm. Every other token is harmless.
"""

from __future__ import annotations

import hashlib
import json
import string
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from guardrail.scoring import windows
from guardrail.scoring.bundle import HEADS

WORDS = ("falsify", "overdose", "sorry", "bomb", "the", "record", "patient", "how", "to", "of", "a", "dose")
LOUD = {"falsify": (0, 2), "overdose": (11, 12, 13, 14), "sorry": (15,), "bomb": (10, 0)}
"""Logits that a word raises."""


def tokenizer() -> Tokenizer:
    """BERT's pipeline with letters, digits, punctuation and a few words as its vocabulary."""
    letters = string.ascii_lowercase + string.digits
    pieces = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        *WORDS,
        *letters,
        *(f"##{c}" for c in letters),
        *string.punctuation,
    ]
    vocabulary = {piece: at for at, piece in enumerate(dict.fromkeys(pieces))}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return made


def write_bundle(folder: Path) -> Path:
    """Write the bundle and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    words = tokenizer()
    words.save(str(folder / "tokenizer.json"))
    table = np.full((words.get_vocab_size(), 16), -5.0, dtype=np.float32)
    for word, columns in LOUD.items():
        table[words.token_to_id(word), list(columns)] = 5.0
    onnx.save(_network(table), folder / "model.onnx")
    write_manifest(folder)
    return folder


def write_manifest(folder: Path, **changes: Any) -> None:
    """Write a manifest that fits the files; `changes` are top-level keys."""
    curve = {"rates": [0.01, 0.1], "thresholds": [0.9, 0.5]}
    manifest = {
        "format": 1,
        "name": "tiny",
        "version": "0",
        "created": "2026-01-01",
        "licence": "Apache-2.0",
        "base_model": "none",
        "data_revision": "none",
        "seed": 0,
        "files": {name: _file(folder / name) for name in ("model.onnx", "tokenizer.json")},
        "input": {
            "prompt_window": windows.PROMPT_WINDOW,
            "response_window": windows.RESPONSE_WINDOW,
            "overlap": windows.OVERLAP,
            "context": windows.CONTEXT,
        },
        "heads": {head: list(columns) for head, columns in HEADS.items()},
        "calibration": {
            head: [{"scale": 1.0, "bias": 0.0}] * (last - first) for head, (first, last) in HEADS.items()
        },
        "curves": {
            "prompt": curve,
            "response": {"rates": [0.01, 0.1], "thresholds": [3.5, 2.0]},
            "prompt_principles": [curve] * 9,
            "response_principles": [curve] * 9,
            "population": "nothing",
            "n": {"prompt": 0, "response": 0},
        },
        "metrics": {},
    }
    (folder / "manifest.json").write_text(json.dumps({**manifest, **changes}), encoding="utf-8")


def _file(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def _network(table: np.ndarray) -> onnx.ModelProto:
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
        for name in ("input_ids", "attention_mask", "token_type_ids")
    ]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 16])
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
        # Only the response's own tokens count in a response: the context is told apart by its type id.
        helper.make_node("ReduceMax", ["token_type_ids"], ["kind"], axes=[1], keepdims=1),
        helper.make_node("Equal", ["token_type_ids", "kind"], ["counted"]),
        helper.make_node("Unsqueeze", ["counted", "axis"], ["wide"]),
        helper.make_node("Where", ["wide", "rows", "low"], ["masked"]),
        helper.make_node("ReduceMax", ["masked"], ["logits"], axes=[1], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        inputs,
        [output],
        [
            numpy_helper.from_array(table, "table"),
            numpy_helper.from_array(np.array([2], dtype=np.int64), "axis"),
            numpy_helper.from_array(np.array(-5.0, dtype=np.float32), "low"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model
