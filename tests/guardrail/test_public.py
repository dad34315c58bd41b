"""The public face: complete, sorted, quick to import."""

from __future__ import annotations

import subprocess
import sys

import pytest

import guardrail
from guardrail import errors, verdict


def test_all_is_sorted_and_every_name_is_there() -> None:
    constants = [name for name in guardrail.__all__ if name.isupper()]
    others = [name for name in guardrail.__all__ if not name.isupper()]
    assert guardrail.__all__ == [*sorted(constants), *sorted(others)]
    for name in guardrail.__all__:
        assert getattr(guardrail, name) is not None
    assert set(guardrail.__all__) <= set(dir(guardrail))


def test_every_error_and_every_part_of_a_verdict_is_exported() -> None:
    for module in (errors, verdict):
        for name, value in vars(module).items():
            if isinstance(value, type) and value.__module__ == module.__name__ and not name.startswith("_"):
                assert name in guardrail.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'Gaurd'"):
        _ = guardrail.Gaurd


def test_the_import_alone_loads_nothing() -> None:
    heavy = {"numpy", "pydantic", "onnxruntime", "yaml"}
    code = f"import sys, guardrail; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
