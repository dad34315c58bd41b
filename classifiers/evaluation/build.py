"""From a run and a bundle to the value that a report shows; every number is computed here, once."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from benchmark.stats import Estimate, auroc, estimate
from classifiers.evaluation.answers import Answers, answer
from classifiers.evaluation.compare import Difference, differences
from classifiers.evaluation.curves import judged_scores, named_principles, reliability, rocs
from classifiers.evaluation.measures import DRAWS, Measure, Question, ask_all
from classifiers.evaluation.questions import questions
from classifiers.evaluation.sets import Sets, held_out
from classifiers.evaluation.speed import Speed, speeds
from classifiers.evaluation.tree import Comparison, Evaluation, System
from classifiers.examples import Example
from classifiers.style import balanced, style_scores
from classifiers.written import written_contrast
from guardrail.policy import Policy
from guardrail.scoring.bundle import Bundle
from guardrail.scoring.onnx import OnnxScorer

Say = Callable[[str], None]
CALLS: Final = 200
"""Timed calls a classifier."""
LARGEST: Final = 23
"""Megabytes that network and tokenizer may take."""


@dataclass(frozen=True, slots=True)
class Scope:
    """How much is done: texts a set (`None`: all), draws of a bootstrap, timed calls."""

    limit: int | None = None
    draws: int = DRAWS
    calls: int = CALLS


@dataclass(frozen=True, slots=True)
class Taken:
    """A bundle's answers, the questions that were asked, and the measures that came of them."""

    answers: Answers
    asked: tuple[Question, ...]
    measures: tuple[Measure, ...]


def measure(bundle: Bundle, corpus: Sequence[Example], policy: Policy, scope: Scope, report: Say) -> Taken:
    """Score and measure one bundle: everything but the comparison with others and the speed."""
    texts = held_out(corpus, scope.limit)
    answers = answer(OnnxScorer(bundle), texts, policy, report)
    asked = questions(texts, policy.name)
    report(f"asking {len(asked)} questions")
    found = [*ask_all(asked, answers, scope.draws), *_style(scope.draws), _size(bundle)]
    return Taken(answers, tuple(asked), tuple(found))


def recorded(measures: Sequence[Measure]) -> list[Measure]:
    """Those that a bundle's manifest and card carry: the headline and the disguises."""
    return [row for row in measures if row.section in ("headline", "disguise")]


def build(
    taken: Taken,
    bundle: Bundle,
    run: Path,
    base: Path | None,
    corpus: Sequence[Example],
    policy: Policy,
    scope: Scope,
    report: Say,
) -> Evaluation:
    """The whole report on what `measure` took; baselines that can't be had are named with the reason.

    `base` is the folder of the pretrained encoder, `None` where there is none.
    """
    from classifiers.evaluation.losses import fp32_of, head_losses, in_full

    absent = dict(taken.answers.sets.missing)
    systems = [System("bundle", _about(bundle), taken.answers.threshold, taken.measures)]
    timed = {"shipped bundle": Bundle.load()}
    if bundle.info.sha256 != timed["shipped bundle"].info.sha256:
        timed["this bundle"] = bundle
    losses, int8 = (), ()
    fp32 = fp32_of(run, bundle)
    with tempfile.TemporaryDirectory() as folder:
        if fp32 is None:
            absent["fp32 student"] = (
                "the run has no fp32.onnx beside the int8.onnx that this bundle is made of"
            )
        else:
            full = in_full(bundle, fp32, Path(folder))
            timed["fp32"] = full
            answers = answer(OnnxScorer(full), taken.answers.sets, policy, report)
            found = tuple(ask_all(taken.asked, answers, scope.draws))
            systems.append(System("fp32", "the same network before int8", answers.threshold, found))
            int8 = _targeted(differences(taken.asked, answers, taken.answers, scope.draws))
            losses = tuple(head_losses(bundle, fp32, _tested(corpus), scope.draws))
        report("timing")
        speed = speeds(timed, scope.calls, scope.draws)
    systems += _baselines(taken, run, base, corpus, policy, scope, report, absent)
    measures = (*taken.measures, *_speed(speed), *_worst(int8))
    systems[0] = replace(systems[0], measures=measures)
    return Evaluation(
        title=f"{bundle.manifest.name} {bundle.manifest.version} on held-out data",
        facts=_facts(bundle, policy, taken.answers, scope),
        systems=tuple(systems),
        texts=_counts(taken.answers.sets),
        rocs=tuple(rocs(taken.answers, scope.draws)),
        reliability=tuple(reliability(taken.answers, scope.draws)),
        principles=named_principles(taken.answers),
        scores=judged_scores(taken.answers),
        losses=losses,
        int8=int8,
        speeds=tuple(speed),
        absent=tuple(absent.items()),
    )


def compare(
    a: Bundle, b: Bundle, corpus: Sequence[Example], policy: Policy, scope: Scope, report: Say
) -> Comparison:
    """Both bundles on the same texts, each at its own threshold for the policy."""
    texts = held_out(corpus, scope.limit)
    first, second = (answer(OnnxScorer(bundle), texts, policy, report) for bundle in (a, b))
    facts = [
        (f"{side}: {name}", value)
        for side, bundle, answers in (("A", a, first), ("B", b, second))
        for name, value in _facts(bundle, policy, answers, scope)
    ]
    asked = questions(texts, policy.name)
    report(f"asking {len(asked)} questions")
    rows = differences(asked, first, second, scope.draws)
    return Comparison(tuple(facts), tuple(rows), tuple(texts.missing.items()))


def _baselines(
    taken: Taken,
    run: Path,
    base: Path | None,
    corpus: Sequence[Example],
    policy: Policy,
    scope: Scope,
    report: Say,
    absent: dict[str, str],
) -> list[System]:
    """Those that are at hand; what is not goes into `absent` with the reason."""
    from classifiers.evaluation import baselines

    prompts = [e for e in corpus if e.response is None and e.prompt]
    train = [e for e in prompts if e.split == "train"]
    calibration = [e for e in prompts if e.split == "calibration"]
    if not train or not calibration:
        absent["baselines"] = "the run's corpus has no prompts to fit and calibrate them on"
        return []
    makers: dict[str, tuple[str, Callable[[], baselines.Logger]]] = {
        "bag of words": (
            f"logistic regression on words and word pairs of {len(train):,} train prompts",
            lambda: baselines.bag_of_words(train),
        )
    }
    if base is None:
        absent["untrained encoder"] = "no encoder: give --base FOLDER"
    else:
        n = min(len(train), baselines.PROBED)
        about = f"linear probe on the pretrained encoder, fitted on {n:,} train prompts"
        makers["untrained encoder"] = about, lambda: baselines.untrained(train, base, 1)
    lessons = run / "lessons.npz"
    if lessons.is_file():
        about = "the larger encoder's answers, where the stage `teach` kept them"
        makers["teacher"] = about, lambda: baselines.teacher(lessons)
    else:
        absent["teacher"] = "the run has no lessons.npz, which the stage `teach` writes"
    rate = policy.prompt.false_positive_rate
    found: list[System] = []
    for name, (about, make) in makers.items():
        report(f"baseline: {name}")
        answers = baselines.calibrated(make(), taken.answers.sets, calibration, rate)
        measures = () if answers is None else tuple(ask_all(_headline(taken.asked), answers, scope.draws))
        if answers is None or not measures:
            absent[name] = "it has no answers to the prompts of any measure"
        else:
            found.append(System(name, about, answers.threshold, measures))
            if left := [key for key in taken.answers.sets.prompts if key not in answers.prompts]:
                absent[f"{name}: some sets"] = f"no answers to {', '.join(left)}"
    return found


def _headline(asked: Sequence[Question]) -> list[Question]:
    return [question for question in asked if question.section in ("headline", "calibration")]


def _tested(corpus: Sequence[Example]) -> list[Example]:
    return [example for example in corpus if example.split == "test"]


def _targeted(rows: Sequence[Difference]) -> tuple[Difference, ...]:
    """Differences in what has a target."""
    return tuple(row for row in rows if row.target)


def _worst(int8: Sequence[Difference]) -> list[Measure]:
    """The largest loss of int8 over all measures with a target, as one with a target of its own."""
    if not int8:
        return []
    worst = max(int8, key=lambda row: row.harm)
    ends = sorted(-worst.better * end for end in (worst.difference.low, worst.difference.high))
    found = Estimate(worst.harm, ends[0], ends[1], worst.difference.n)
    name = "int8 against fp32: largest loss of any measure with a target"
    return [Measure(name, f"{worst.name}, {worst.data}", found, "<= 0.005", "speed", -1)]


def _speed(rows: Sequence[Speed]) -> list[Measure]:
    return [
        Measure("latency, share of the shipped bundle's", f"{row.tokens} tokens, one thread", row.relative,
                "<= 1.0", "speed", -1)
        for row in rows
        if row.name == "this bundle" and row.relative is not None
    ]  # fmt: skip


def _size(bundle: Bundle) -> Measure:
    """Megabytes of network and tokenizer; counted, so without an interval of its own."""
    found = sum(entry.bytes for entry in bundle.manifest.files.values()) / 1e6
    size = Estimate(found, found, found, len(bundle.manifest.files))
    return Measure("size on disk, MB", "network and tokenizer", size, f"<= {LARGEST}", "speed", -1)


def _style(draws: int) -> Iterator[Measure]:
    """How far style gives the label away in the written contrast data; 0.5 is not at all.

    Training draws a text as often as `balanced` says; a sample drawn so shows what training sees.
    """
    items = list(written_contrast())
    often = balanced(items, seed=0)
    kept = np.random.default_rng(0).random(len(items)) < often / often.max()
    drawn = [item for item, keep in zip(items, kept, strict=True) if keep]
    for data, texts in (("as training draws it", drawn), ("every text once", items)):
        scores, harmful = style_scores(texts, seed=1)
        found = estimate(auroc, (scores[harmful == 1.0],), (scores[harmful == 0.0],), draws=min(draws, 200))
        wanted = "0.5" if texts is drawn else ""
        yield Measure("style-only baseline: AUROC", f"written contrast data, {data}", found, wanted, better=0)


def _about(bundle: Bundle) -> str:
    return f"{bundle.manifest.name} {bundle.manifest.version}: the network that the guard runs"


def _facts(bundle: Bundle, policy: Policy, answers: Answers, scope: Scope) -> tuple[tuple[str, str], ...]:
    manifest = bundle.manifest
    return (
        ("bundle", f"{manifest.name} {manifest.version}, {manifest.created}"),
        ("manifest sha256", bundle.info.sha256),
        ("data revision", manifest.data_revision),
        ("policy", policy.name),
        ("prompt threshold", f"{answers.threshold:.4f}"),
        ("texts a set", "all" if scope.limit is None else f"at most {scope.limit}, drawn with seed 0"),
        ("bootstrap", f"percentile, {scope.draws} draws at most, seed 0"),
        ("made", datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")),
    )


def _counts(texts: Sets) -> tuple[tuple[str, int], ...]:
    rows = [(name, len(found)) for name, found in texts.prompts.items()]
    return (*rows, ("held-out judge labels", len(texts.judged)))
