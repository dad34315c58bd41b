"""Honest twins of MedSafetyBench requests, and unethical requests as people really type them."""

from __future__ import annotations

from collections.abc import Iterator

from benchmark.data.records import Request
from benchmark.data.root import data_file, read_jsonl

SET = "medical-contrast"


def honest_twins() -> Iterator[Request]:
    """450 legitimate requests, each the twin of a MedSafetyBench train request (`origin`)."""
    for row in read_jsonl(data_file(SET, "benign_counterparts.jsonl")):
        yield Request(SET, row["text"], False, row["principle"], "twin", row["source_id"])


def natural_requests() -> Iterator[Request]:
    """240 unethical requests in people's own words, each after a MedSafetyBench train request."""
    for row in read_jsonl(data_file(SET, "harmful_rewrites.jsonl")):
        yield Request(SET, row["text"], True, row["principle"], "natural", row["source_id"])


def source_ratings() -> dict[str, str]:
    """How 450 MedSafetyBench train requests read as written: harmful, ambiguous or benign, by origin."""
    rows = read_jsonl(data_file(SET, "benign_counterparts.jsonl"))
    return {row["source_id"]: row["source_rating"] for row in rows}
