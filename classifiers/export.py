"""The trained network as ONNX, fp32 and int8, and how near each comes to torch."""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn

from classifiers.encoding import Encoded, batches
from classifiers.model import Classifier
from guardrail.scoring.onnx import session_options

INPUTS = ("input_ids", "attention_mask", "token_type_ids")


@dataclass(frozen=True, slots=True)
class Parity:
    """The largest and mean absolute difference of two networks' probabilities over the same windows."""

    largest: float
    mean: float


def export_fp32(model: Classifier, path: Path) -> None:
    """Write the network with dynamic batch and token axes."""
    ids = torch.ones((2, 8), dtype=torch.int64)
    axes = {name: {0: "batch", 1: "tokens"} for name in INPUTS}
    module: nn.Module = model.eval()
    with warnings.catch_warnings():
        # The tracing exporter is on its way out but needs no further package; its shape checks are traced
        # with a batch that stands for all others, and parity with torch is measured after each export.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (ids, torch.ones_like(ids), torch.zeros_like(ids)),
            str(path),
            input_names=list(INPUTS),
            output_names=["logits"],
            dynamic_axes={**axes, "logits": {0: "batch"}},
            opset_version=17,
            dynamo=False,
        )


def quantize(source: Path, target: Path) -> None:
    """Dynamic int8 with one scale per output channel.

    Weights use seven bits (`reduce_range`): without VNNI instructions, eight would overflow the 16-bit
    sums of the int8 kernels and cost accuracy on exactly those machines.
    """
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        onnx.save(onnx.shape_inference.infer_shapes(onnx.load(source)), prepared)
        quantize_dynamic(prepared, target, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)


def torch_logits(model: Classifier, rows: list[Encoded]) -> np.ndarray:
    """Logits [rows, 16] of the torch network, in the order of `rows`."""
    out = np.empty((len(rows), model.heads.out_features), dtype=np.float32)
    with torch.inference_mode():
        for start in range(0, len(rows), 32):
            (batch,) = batches(rows[start : start + 32], 1 << 30, None)
            order = np.argsort([len(row.ids) for row in rows[start : start + 32]], kind="stable")
            got = model(batch.input_ids, batch.attention_mask, batch.token_type_ids).numpy()
            out[start + order] = got
    return out


def onnx_logits(path: Path, rows: list[Encoded]) -> np.ndarray:
    """Logits [rows, 16] of an ONNX network run as production runs it."""
    session = ort.InferenceSession(str(path), session_options(), providers=["CPUExecutionProvider"])
    out: list[np.ndarray] = []
    for row in rows:
        ids = np.array([row.ids], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        feed["token_type_ids"] = np.array([row.type_ids], dtype=np.int64)
        out.append(np.asarray(session.run(["logits"], feed)[0]))
    return np.concatenate(out)


def parity(a: np.ndarray, b: np.ndarray) -> Parity:
    """Compare two logit arrays [rows, 16] as probabilities."""
    gap = np.abs(1.0 / (1.0 + np.exp(-a)) - 1.0 / (1.0 + np.exp(-b)))
    return Parity(float(gap.max()), float(gap.mean()))
