"""Tokens beside a text: which of them must be read."""

from __future__ import annotations

from typing import Any

import pytest

from guardrail.wire.format import NotUnderstood
from guardrail.wire.logprobs import tokens_of_another


def token(name: Any, given: Any = None) -> dict[str, Any]:
    return {"token": name, "bytes": given, "logprob": -0.1}


@pytest.mark.parametrize(
    ("listed", "text", "read"),
    [
        (None, "yes", []),
        ([token("y"), token("es", [101, 115])], "yes", []),
        ([token("caf"), token("\\xc3", [195]), token("\\xa9", [169])], "caf\u00e9", ["\\xc3", "\\xa9"]),
        ([token("no")], "yes", ["no"]),
        ([token("no", [121, 101, 115])], "yes", ["no"]),
        ([token("yes", 10**12)], "yes", []),
        ([token("yes", [-1])], "yes", []),
        ([token(7)], "yes", []),
        ([token("yes")], None, ["yes"]),
    ],
)
def test_tokens_of_another_text_are_read(listed: Any, text: Any, read: list[str]) -> None:
    assert tokens_of_another(listed, text) == read


@pytest.mark.parametrize("listed", ["yes", {"token": "yes"}, [7], [["yes"]]])
def test_what_is_no_list_of_objects_is_not_understood(listed: Any) -> None:
    with pytest.raises(NotUnderstood):
        tokens_of_another(listed, "yes")
