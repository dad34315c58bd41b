"""Run a bundle's network with ONNX Runtime: a bounded pool of sessions, one window a run, calibration.

Each window runs alone. The int8 network scales its activations over everything in a run, so in a batch a
text's scores would depend on its neighbours and on padding. And on one thread a batch is no faster: it gains
a tenth on the shortest texts and loses as much on long ones.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any, Final, Protocol, cast

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs] - it ships no types
from numpy.typing import NDArray
from tokenizers import Tokenizer

from guardrail.errors import BundleError, ScoringError
from guardrail.scoring import deadline
from guardrail.scoring.bundle import HEADS, Bundle
from guardrail.scoring.scores import Curves, Item, ItemScores, WindowScores
from guardrail.scoring.windows import PreparedWindow, Preparer
from guardrail.verdict import ClassifierInfo

ort: Any = onnxruntime

_OUTPUTS: Final = ["logits"]

Floats = NDArray[np.float32]


class Session(Protocol):
    """The part of `onnxruntime.InferenceSession` that is used."""

    def run(self, output_names: list[str], input_feed: dict[str, NDArray[np.int64]]) -> list[Any]:
        """Outputs by name."""
        ...


def session_options() -> Any:
    """One thread that never spins: a guard shares its cores with the service it guards."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


class Sessions:
    """A pool of sessions that grows, up to `limit`, only when all are in use; then callers wait."""

    def __init__(self, bundle: Bundle, limit: int) -> None:
        self._bundle = bundle
        self._limit = limit
        self._free: SimpleQueue[Session] = SimpleQueue()
        self._lock = Lock()
        self._made = 1
        self._free.put(self._make())

    @contextmanager
    def one(self) -> Generator[Session]:
        """A session for the caller alone."""
        session = self._take()
        try:
            yield session
        finally:
            self._free.put(session)

    def _take(self) -> Session:
        with self._lock:
            grow = self._free.empty() and self._made < self._limit
            self._made += grow
        if not grow:
            try:
                return self._free.get(timeout=deadline.remaining())
            except Empty:
                raise ScoringError("the check ran out of time") from None
        try:
            return self._make()
        except BaseException:
            with self._lock:
                self._made -= 1
            raise

    def _make(self) -> Session:
        path = self._bundle.model
        try:
            session = ort.InferenceSession(str(path), session_options(), providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 - ONNX Runtime raises classes of its own
            raise BundleError(
                f"{path}: not a network that ONNX Runtime can load ({type(error).__name__})"
            ) from None
        names = {entry.name for entry in session.get_inputs()}
        if names != {"input_ids", "attention_mask", "token_type_ids"}:
            raise BundleError(f"{path}: its inputs are {', '.join(sorted(names))}, not those of a classifier")
        return cast(Session, session)


class OnnxScorer:
    """A `Scorer` on a bundle. Thread-safe; `score` runs in the caller's thread.

    `sessions` bounds how many callers run the network at the same time, and with it the memory (about the
    size of the network each). The default is the number of cores, at most 4.
    """

    def __init__(self, bundle: Bundle, sessions: int | None = None) -> None:
        self._bundle = bundle
        try:
            tokenizer = Tokenizer.from_file(str(bundle.tokenizer))
            self._preparer = Preparer(tokenizer)
        except Exception as error:  # noqa: BLE001 - tokenizers raises plain `Exception`
            raise BundleError(f"{bundle.tokenizer}: not a tokenizer ({type(error).__name__})") from None
        limit = sessions if sessions is not None else min(os.cpu_count() or 1, 4)
        if limit < 1:
            raise ValueError("sessions: at least 1")
        self.limit = limit
        self._sessions = Sessions(bundle, limit)
        calibration = bundle.manifest.calibration
        parts = [part for head in HEADS for part in calibration[head]]
        self._scale: Floats = np.array([part.scale for part in parts], dtype=np.float32)
        self._bias: Floats = np.array([part.bias for part in parts], dtype=np.float32)

    @property
    def info(self) -> ClassifierInfo:
        """Name, version and sha256 (of the manifest) of the classifier."""
        return self._bundle.info

    @property
    def curves(self) -> Curves:
        """The bundle's operating points."""
        return self._bundle.curves

    def score(self, items: Sequence[Item]) -> list[ItemScores]:
        """Scores of the items, in order. Raises `ScoringError`."""
        prepared = [self._preparer.prepare(item) for item in items]
        flat = [window for windows in prepared for window in windows]
        if not flat:
            return []
        rows = _calibrated(self._run(flat), self._scale, self._bias).tolist()
        results: list[ItemScores] = []
        at = 0
        for item, windows in zip(items, prepared, strict=True):
            response = item.response is not None
            scored = (_scores(window, rows[at + step], response) for step, window in enumerate(windows))
            results.append(ItemScores(tuple(scored)))
            at += len(windows)
        return results

    def _run(self, windows: list[PreparedWindow]) -> Floats:
        """Logits [windows, 16], in order."""
        logits = np.empty((len(windows), len(self._scale)), dtype=np.float32)
        with self._sessions.one() as session:
            for row, window in enumerate(windows):
                deadline.remaining()
                logits[row] = _logits(session, window)
        if not np.isfinite(logits).all():
            raise ScoringError("the network gave no finite numbers")
        return logits


def _logits(session: Session, window: PreparedWindow) -> Floats:
    ids = np.array([window.ids], dtype=np.int64)
    types = np.array([window.type_ids], dtype=np.int64)
    feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": types}
    try:
        return session.run(_OUTPUTS, feed)[0]
    except Exception as error:  # noqa: BLE001 - ONNX Runtime raises classes of its own
        failure = type(error).__name__
    raise ScoringError(f"the network failed ({failure})")


def _calibrated(logits: Floats, scale: Floats, bias: Floats) -> Floats:
    """Probabilities [windows, 16]; P(harmfulness > k) made non-increasing in k."""
    z = np.clip(logits * scale + bias, -30.0, 30.0)
    p = (1.0 / (1.0 + np.exp(-z))).astype(np.float32)
    first, last = HEADS["harmfulness"]
    p[:, first:last] = np.minimum.accumulate(p[:, first:last], axis=1)
    return p


def _scores(window: PreparedWindow, p: list[float], response: bool) -> WindowScores:
    """One window's scores from its 16 calibrated probabilities, in the order of `HEADS`."""
    return WindowScores(
        start=window.start,
        end=window.end,
        view=window.view,
        risk=p[12] if response else p[0],
        harmfulness=1.0 + p[11] + p[12] + p[13] + p[14] if response else None,
        refusal=p[15] if response else None,
        principles=tuple(p[1:10]),
        general=p[10],
    )
