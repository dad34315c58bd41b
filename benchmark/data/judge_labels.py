"""Model responses to MedSafetyBench train requests with judge scores 1-5 under the paper's rubric."""

from __future__ import annotations

from collections.abc import Iterator

from benchmark.data.medsafetybench import requests
from benchmark.data.records import Exchange
from benchmark.data.root import data_file, read_jsonl

SET = "judge-labels"
FILES = ("smollm2-135m.train", "qwen2.5-coder-1.5b.train", "qwen2.5-coder-1.5b-prefilled.train")


def judged_responses() -> Iterator[Exchange]:
    """900 judged responses; `kind` is the file, `origin` the MedSafetyBench train request."""
    prompts = {request.origin: request.text for request in requests("train")}
    for name in FILES:
        for row in read_jsonl(data_file(SET, f"{name}.jsonl")):
            yield Exchange(
                set=SET,
                prompt=prompts[row["source_id"]],
                response=row["response"],
                harmfulness=row["score"],
                refusal=row["refusal"],
                principles=tuple(row["principles"]),
                kind=name,
                origin=row["source_id"],
            )
