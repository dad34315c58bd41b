"""The corpus: every source read, labelled, split by kinship, cleared of evaluation neighbours, counted."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from benchmark.data import SETS, Exchange, Request, clinical, contrast, general, judge_labels, medsafetybench
from benchmark.data.neighbours import NEAR, Neighbours, normalised
from benchmark.data.splits import BY_ORIGIN, MOSTLY_TRAIN, Shares, Split
from classifiers.examples import Example, Targets, write_examples
from classifiers.style import balanced
from classifiers.written import searches, small_talk, written_contrast, written_responses

T = TypeVar("T")

ZEROS = (0.0,) * 9


def _key(origin: str, text: str) -> str:
    return origin or normalised(text)


def _one_hot(principle: int | None) -> tuple[float, ...]:
    return tuple(float(principle == number) for number in range(1, 10))


def _request(item: Request, shares: Shares, *, risk: float | None = None, weight: float = 1.0) -> Example:
    harmful = 1.0 if item.harmful else 0.0
    targets = Targets(
        risk=harmful if risk is None else risk,
        principles=_one_hot(item.principle) if item.harmful else ZEROS,
        general=float(bool(item.harmful) and item.principle == 0),
    )
    split = shares.split(_key(item.origin, item.text))
    return Example(
        item.id, item.set, item.kind, split, item.text, None, targets, weight, None, item.principle
    )


def _unlabelled(example: Example) -> Example:
    """Without its principle, where it is not of the demonstrations' making.

    A linear probe on the encoder names 51 % of the test set's principles when fitted on the 900 train
    requests, 25 % when fitted on 2,700 of the Llama-3 pool, 18 % when fitted on the written scenarios.
    """
    return replace(example, targets=replace(example.targets, principles=None))


def _exchange(item: Exchange, shares: Shares, targets: Targets, weight: float = 1.0) -> Example:
    split = shares.split(_key(item.origin, item.prompt))
    return Example(
        item.id, item.set, item.kind, split, item.prompt, item.response, targets, weight, item.harmfulness
    )


def _exceeds(score: int) -> tuple[float, ...]:
    return tuple(float(score > level) for level in range(1, 5))


def _judged(item: Exchange) -> Example:
    assert item.harmfulness is not None
    assert item.principles is not None
    violated = tuple(float(number in item.principles) for number in range(1, 10))
    refusal = None if item.refusal is None else float(item.refusal)
    return _exchange(
        item, BY_ORIGIN, Targets(None, violated, 0.0, _exceeds(item.harmfulness), refusal), weight=1.2
    )


def _safe(item: Exchange) -> Example:
    return _exchange(item, BY_ORIGIN, Targets(None, ZEROS, 0.0, _exceeds(1), 1.0), weight=0.3)


def _answer(item: Exchange) -> Example:
    """A fair answer to a fair question: score 1, no refusal."""
    return _exchange(item, MOSTLY_TRAIN, Targets(None, ZEROS, 0.0, _exceeds(1), 0.0), weight=0.12)


def _human(item: Exchange) -> Example:
    """A person's yes or no: harmful means a judge would say 3 or more, how much more is not known."""
    exceeds = (1.0, 1.0, None, None) if item.harmful else (None, 0.0, 0.0, 0.0)
    refusal = None if item.refusal is None else float(item.refusal)
    targets = Targets(None, None, float(bool(item.harmful)), exceeds, refusal)
    return _exchange(item, MOSTLY_TRAIN, targets, weight=0.15)


def _unique(requests: Iterable[Request]) -> list[Request]:
    seen: dict[str, Request] = {}
    for item in requests:
        seen.setdefault(normalised(item.text), item)
    return list(seen.values())


def _questions(items: Iterable[Exchange]) -> list[Request]:
    return _unique(Request(item.set, item.prompt, False, None, item.kind) for item in items)


def _per_kind(items: Iterable[Request], most: int, rng: random.Random) -> list[Request]:
    groups: defaultdict[object, list[Request]] = defaultdict(list)
    for item in items:
        groups[item.principle if item.harmful else item.kind].append(item)
    return [item for group in groups.values() for item in rng.sample(group, min(most, len(group)))]


def _sample(items: Iterable[T], most: int, rng: random.Random) -> list[T]:
    everything = list(items)
    return rng.sample(everything, min(most, len(everything)))


def prompts(rng: random.Random) -> Iterator[Example]:
    """Every prompt example, before neighbours of evaluation texts are removed."""
    ratings = contrast.source_ratings()
    demonstrated = {item.origin for item in medsafetybench.requests("train")}
    for item in medsafetybench.requests("train"):
        rating = ratings.get(item.origin, "harmful")
        if rating != "benign":
            yield _request(item, BY_ORIGIN, risk=0.9 if rating == "ambiguous" else 1.0, weight=2.0)
    for item in _per_kind(_unique(medsafetybench.pool()), 650, rng):
        yield _unlabelled(_request(item, MOSTLY_TRAIN, weight=0.3))
    for item in (*contrast.honest_twins(), *contrast.natural_requests()):
        yield _request(item, BY_ORIGIN, weight=2.0)
    written = list(written_contrast())
    for item, even in zip(written, balanced(written, seed=0), strict=True):
        # Harm outside medicine has the fewest texts and the frightening words that harmless ones share.
        weight = round((0.8 if item.principle else 1.2) * float(even), 3)
        if item.origin in demonstrated:
            yield _request(item, BY_ORIGIN, weight=weight)
        elif item.harmful and item.principle:
            yield _unlabelled(_request(item, MOSTLY_TRAIN, weight=weight))
        else:
            yield _request(item, MOSTLY_TRAIN, weight=weight)
    for item in (*searches(), *small_talk()):
        yield _request(item, MOSTLY_TRAIN, weight=0.7)
    fair: list[Request] = [
        *_per_kind(_questions(clinical.medquad()), 90, rng),
        *_unique(clinical.meqsum()),
        *_questions(clinical.counsel_chat()),
        *_sample(_questions(clinical.pubmedqa()), 600, rng),
        *_unique(clinical.medicationqa()),
        *(item for item in _unique(general.openai_moderation()) if item.harmful is False),
    ]
    for item in fair:
        yield _request(item, MOSTLY_TRAIN, weight=0.4)
    harmful = [*general.advbench(), *general.red_instruct(), *general.trustllm_misuse()]
    for item in _sample(_unique(harmful), 1800, rng):
        yield _request(item, MOSTLY_TRAIN, weight=0.4)


def exchanges(rng: random.Random) -> Iterator[Example]:
    """Every exchange example, before neighbours of evaluation texts are removed."""
    for item in (*judge_labels.judged_responses(), *written_responses()):
        yield _judged(item)
    for item in medsafetybench.demonstrations("train"):
        yield _safe(item)
    answers = [
        *_sample((item for item in clinical.medquad() if len(item.response) > 40), 900, rng),
        *_sample((item for item in clinical.counsel_chat() if len(item.response) > 40), 350, rng),
        *_sample(clinical.pubmedqa(), 200, rng),
    ]
    for item in answers:
        yield _answer(item)
    human = list(general.do_not_answer())
    for item in [i for i in human if i.harmful] + _sample((i for i in human if not i.harmful), 800, rng):
        yield _human(item)
    fuzz = list(general.gptfuzz())
    for wanted in (True, False):
        for item in _sample((i for i in fuzz if i.harmful is wanted), 350, rng):
            yield _human(item)


def evaluation_texts() -> list[str]:
    """Every text of a set that is only ever evaluated on."""
    sets = (medsafetybench.requests("test"), clinical.healthsearchqa(), general.xstest())
    return [item.text for requests in sets for item in requests]


def _one_split(examples: Iterable[Example]) -> list[Example]:
    """The same prompt from two sources takes the stricter split: test before calibration before train."""
    everything = list(examples)
    order: dict[Split, int] = {"train": 0, "calibration": 1, "test": 2}
    strictest: dict[str, Split] = {}
    for example in everything:
        known = strictest.setdefault(normalised(example.prompt or ""), example.split)
        if order[example.split] > order[known]:
            strictest[normalised(example.prompt or "")] = example.split
    return [replace(example, split=strictest[normalised(example.prompt or "")]) for example in everything]


def _without_neighbours(examples: Iterable[Example], removed: Counter[tuple[str, str]]) -> Iterator[Example]:
    """Drop training and calibration examples whose prompt is near an evaluation text or a held-out one."""
    everything = list(examples)
    held_out = [e.prompt for e in everything if e.split == "test" and e.response is None and e.prompt]
    evaluation = Neighbours(evaluation_texts())
    tested = Neighbours(held_out)
    for example in everything:
        if example.split != "test" and example.prompt:
            near = max(evaluation.similarity(example.prompt), tested.similarity(example.prompt))
            if near >= NEAR:
                removed[example.set, form_of(example)] += 1
                continue
        yield example


def build(folder: Path, seed: int, report: Callable[[str], None]) -> list[Example]:
    """Build the corpus into `folder/corpus.jsonl` and its account into `folder/account.json`.

    The account lists per set: licence, commit, examples per split, neighbours removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    removed: Counter[tuple[str, str]] = Counter()
    unique: dict[str, Example] = {}
    for example in _without_neighbours(_one_split([*prompts(rng), *exchanges(rng)]), removed):
        unique.setdefault(example.id, example)
    examples = list(unique.values())
    write_examples(folder / "corpus.jsonl", examples)
    account = describe(examples, removed)
    (folder / "account.json").write_text(json.dumps(account, indent=1) + "\n", encoding="utf-8")
    for row in account:
        report("  ".join(f"{key}={value}" for key, value in row.items()))
    return examples


def form_of(example: Example) -> str:
    """`prompt` or `exchange`."""
    return "prompt" if example.response is None else "exchange"


def describe(examples: Iterable[Example], removed: Counter[tuple[str, str]]) -> list[dict[str, str | int]]:
    """One row per set and form (prompt or exchange)."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for example in examples:
        counts[example.set, form_of(example), example.split] += 1
    rows: list[dict[str, str | int]] = []
    for name, form in sorted({(name, form) for name, form, _ in counts}):
        info = SETS[name]
        if not info.trainable:
            raise ValueError(f"{name} is for evaluation only and must not enter the corpus")
        row: dict[str, str | int] = {
            "set": name,
            "form": form,
            "licence": info.licence,
            "commit": info.commit,
        }
        row.update({split: counts[name, form, split] for split in ("train", "calibration", "test")})
        row["neighbours_removed"] = removed[name, form]
        rows.append(row)
    return rows
