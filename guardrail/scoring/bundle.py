"""A classifier bundle: a folder of manifest.json, model.onnx, tokenizer.json, MODEL_CARD.md; verified."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from guardrail.errors import BundleError
from guardrail.scoring import scores, windows
from guardrail.verdict import ClassifierInfo

BUNDLED: Final = Path(__file__).parent / "bundled"
"""The classifier that ships in the package."""
FORMAT: Final = 1
HEADS: Final[dict[str, tuple[int, int]]] = {
    "prompt_risk": (0, 1),
    "principles": (1, 10),
    "general": (10, 11),
    "harmfulness": (11, 15),
    "refusal": (15, 16),
}
"""Columns of the logits, first and last-plus-one."""

_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class File(_Part):
    """What a file must be."""

    sha256: _Digest
    bytes: int


class Input(_Part):
    """How texts were cut in training, in tokens."""

    prompt_window: int
    response_window: int
    overlap: int
    context: int


class Platt(_Part):
    """Calibration of one logit: p = sigmoid(scale * logit + bias)."""

    scale: _Finite
    bias: _Finite


class Curve(_Part):
    """Operating points: rates ascend, thresholds do not rise."""

    rates: Annotated[tuple[Annotated[float, Field(gt=0.0, lt=1.0)], ...], Field(min_length=1)]
    thresholds: Annotated[tuple[_Finite, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if len(self.rates) != len(self.thresholds):
            raise ValueError("as many thresholds as rates are needed")
        if list(self.rates) != sorted(set(self.rates)):
            raise ValueError("rates must ascend")
        if list(self.thresholds) != sorted(self.thresholds, reverse=True):
            raise ValueError("thresholds must not rise with the rate")
        return self

    def value(self) -> scores.Curve:
        """As the policy takes it."""
        return scores.Curve(self.rates, self.thresholds)


_Nine = Field(min_length=9, max_length=9)


class Counts(_Part):
    """How many texts the curves were measured on."""

    prompt: int
    response: int


class CurvesPart(_Part):
    """All operating points, and what their false-positive rates were measured on."""

    prompt: Curve
    response: Curve
    prompt_principles: Annotated[tuple[Curve, ...], _Nine]
    response_principles: Annotated[tuple[Curve, ...], _Nine]
    population: str
    n: Counts


class Manifest(_Part):
    """manifest.json; nothing unknown, nothing missing."""

    format: Literal[1]
    name: str
    version: str
    created: str
    licence: str
    base_model: str
    data_revision: str
    seed: int
    files: dict[str, File]
    input: Input
    heads: dict[str, tuple[int, int]]
    calibration: dict[str, tuple[Platt, ...]]
    curves: CurvesPart
    metrics: dict[str, Any]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.heads != HEADS:
            raise ValueError(f"heads: this version of the package reads {HEADS}")
        if {name: len(parts) for name, parts in self.calibration.items()} != {
            name: last - first for name, (first, last) in HEADS.items()
        }:
            raise ValueError("calibration: one scale and bias per logit of each head is needed")
        if missing := {"model.onnx", "tokenizer.json"} - self.files.keys():
            raise ValueError(f"files: {', '.join(sorted(missing))} missing")
        if any("/" in name or "\\" in name or name.startswith(".") for name in self.files):
            raise ValueError("files: plain file names only")
        expected = Input(
            prompt_window=windows.PROMPT_WINDOW,
            response_window=windows.RESPONSE_WINDOW,
            overlap=windows.OVERLAP,
            context=windows.CONTEXT,
        )
        if self.input != expected:
            raise ValueError("input: trained with other windows than this version of the package uses")
        return self


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle."""

    folder: Path
    manifest: Manifest
    info: ClassifierInfo
    curves: scores.Curves

    @property
    def model(self) -> Path:
        """The ONNX network."""
        return self.folder / "model.onnx"

    @property
    def tokenizer(self) -> Path:
        """The tokenizer."""
        return self.folder / "tokenizer.json"

    @classmethod
    def load(cls, path: str | Path | None = None) -> Bundle:
        """Read and verify a bundle folder; `None` is the bundled one.

        Raises:
            BundleError: naming the file, what is wrong with it, and what to do.
        """
        folder = BUNDLED if path is None else Path(path)
        remedy = "reinstall ama-guardrail" if path is None else "export the bundle again"
        if not folder.is_dir():
            what = "the bundled classifier is not in this installation" if path is None else "no such folder"
            raise BundleError(f"{folder}: {what}; {remedy}, or give the folder of a bundle")
        content = _read(folder / "manifest.json", remedy)
        try:
            manifest = Manifest.model_validate_json(content)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise BundleError(
                f"{folder / 'manifest.json'}: {where + ': ' if where else ''}"
                f"{first['msg'].removeprefix('Value error, ')}; {remedy} with this version of the package"
            ) from None
        for name, expected in manifest.files.items():
            _verify(folder / name, expected, remedy)
        parts = manifest.curves
        return cls(
            folder,
            manifest,
            ClassifierInfo(
                name=manifest.name, version=manifest.version, sha256=hashlib.sha256(content).hexdigest()
            ),
            scores.Curves(
                parts.prompt.value(),
                parts.response.value(),
                tuple(curve.value() for curve in parts.prompt_principles),
                tuple(curve.value() for curve in parts.response_principles),
            ),
        )


def _read(path: Path, remedy: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: can't be read ({error.strerror}); {remedy}") from None


_verified: dict[tuple[str, int, int], str] = {}
_lock = Lock()


def _verify(path: Path, expected: File, remedy: str) -> None:
    """Compare size and sha256; the digest is computed once per process for a file that has not changed."""
    try:
        stat = path.stat()
    except OSError as error:
        raise BundleError(f"{path}: can't be read ({error.strerror}); {remedy}") from None
    if stat.st_size != expected.bytes:
        raise BundleError(f"{path}: {stat.st_size} bytes, the manifest says {expected.bytes}; {remedy}")
    key = (str(path.resolve()), stat.st_mtime_ns, stat.st_size)
    with _lock:
        digest = _verified.get(key)
        if digest is None:
            digest = hashlib.sha256(_read(path, remedy)).hexdigest()
            _verified[key] = digest
    if digest != expected.sha256:
        raise BundleError(
            f"{path}: its sha256 is {digest[:12]}..., the manifest says {expected.sha256[:12]}...; {remedy}"
        )
