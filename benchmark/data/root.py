"""Where the data lies: a local folder named by `GUARDRAIL_DATA`."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from guardrail.errors import GuardrailError

ENVIRONMENT = "GUARDRAIL_DATA"


class DataError(GuardrailError):
    """A data set that is missing or not in the expected form; the message says where it was looked for."""


def data_root() -> Path:
    """The folder that holds the data sets.

    Raises:
        DataError: `GUARDRAIL_DATA` is unset or names no folder.
    """
    value = os.environ.get(ENVIRONMENT)
    if not value:
        raise DataError(f"set {ENVIRONMENT} to the folder that holds the data sets (docs/data.md lists them)")
    root = Path(value).expanduser()
    if not root.is_dir():
        raise DataError(f"{ENVIRONMENT}={value} is not a folder")
    return root


def data_file(*parts: str) -> Path:
    """A file below the data root. Raises `DataError` when it is missing."""
    path = data_root().joinpath(*parts)
    if not path.is_file():
        raise DataError(f"{path} is missing: is {ENVIRONMENT} the right folder and complete?")
    return path


def read_csv(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a CSV file with a header."""
    csv.field_size_limit(1 << 24)
    with path.open(encoding="utf-8", newline="") as handle:
        yield from csv.DictReader(handle)


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """Objects of a JSON-lines file, gzipped or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as handle:
        for line in handle:
            if line.strip():
                yield json.loads(line)


def read_json(path: Path) -> Any:
    """The value of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))
