"""The contrast data written for this classifier, and small talk; both ship with the package."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files

from benchmark.data import Request

SET = "written-contrast"


def written_contrast() -> Iterator[Request]:
    """Scenarios of `classifiers/data/contrast_*.jsonl`: unethical requests and their honest twins.

    Both sides of a scenario share speaker, register and vocabulary; `origin` is the scenario,
    `kind` is `natural` or `twin`. Principle 0 is harm outside medicine.
    """
    folder = files("classifiers") / "data"
    for path in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not path.name.startswith("contrast_"):
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            for kind, harmful in (("harmful", True), ("honest", False)):
                for text in row[kind]:
                    name = "natural" if harmful else "twin"
                    yield Request(SET, text, harmful, row["principle"], name, f"{SET}-{row['id']}")


def small_talk() -> Iterator[Request]:
    """Greetings, thanks, follow-ups and everyday requests without any risk."""
    text = (files("classifiers") / "data" / "small_talk.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.strip():
            yield Request(SET, line.strip(), False, None, "small-talk")
