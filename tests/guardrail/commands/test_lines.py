"""What one line may be; no text of it in any error."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.commands import lines
from guardrail.commands.lines import Line, answer, read_lines
from guardrail.errors import InputError
from tests.support import guard

SECRET = "Mrs Miller of 12 Elm Street"


def read(raw: bytes) -> list[Line]:
    return list(read_lines(io.BytesIO(raw)))


def error_of(raw: bytes) -> str:
    (line,) = read(raw)
    assert isinstance(line.request, InputError)
    return str(line.request)


def test_a_line_is_read() -> None:
    (line,) = read(b'{"id": [1], "prompt": "p", "response": null, "source": "x"}\n')
    assert line == Line(1, [1], {"prompt": "p"})


def test_blank_lines_are_skipped_but_counted() -> None:
    assert [line.number for line in read(b'\n{"prompt": "a"}\n  \r\n{"prompt": "b"}')] == [2, 4]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'{"prompt": "%s", }' % SECRET.encode(), "not valid JSON"),
        (b'{"id": 1, "prompt": NaN}', "not valid JSON"),
        (b"[" * 200_000, "not valid JSON"),
        (b'"%s"' % SECRET.encode(), "not a JSON object"),
        (b'{"prompt": "\xff%s"}' % SECRET.encode(), "not valid UTF-8"),
        (b'{"prmpt": "%s"}' % SECRET.encode(), "has none of the keys prompt, response, messages"),
        (b'{"prompt": null}', "has none of the keys"),
        (b'{"prompt": ' + b"9" * 5000 + b"}", "not valid JSON"),
    ],
)
def test_a_bad_line_says_what_is_wrong_without_its_text(raw: bytes, message: str) -> None:
    error = error_of(raw)
    assert message in error
    assert "Miller" not in error


def test_the_id_of_a_bad_line_is_kept_where_it_can_be_read() -> None:
    assert read(b'{"id": "a7"}')[0].id == "a7"


def test_a_huge_line_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE", 64)
    found = read(b'{"prompt": "' + b"x" * 1000 + b'"}\n{"prompt": "after"}\n')
    assert isinstance(found[0].request, InputError)
    assert [line.number for line in found] == [1, 2]
    assert found[1].request == {"prompt": "after"}


def test_a_line_of_exactly_the_limit_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = b'{"prompt": "x"}'
    monkeypatch.setattr(lines, "MAX_LINE", len(raw))
    assert [line.request for line in read(raw + b"\n" + raw)] == [{"prompt": "x"}] * 2


@given(st.binary(max_size=60))
def test_no_bytes_stop_the_reading(raw: bytes) -> None:
    found = read(raw + b'\n{"prompt": "last"}')
    assert found[-1].request == {"prompt": "last"}


def test_an_answer_has_the_keys_of_the_contract() -> None:
    verdict = guard().check(prompt="How much?", response="Ask your doctor.")
    row = json.loads(json.dumps(answer(Line(1, "x", {}), verdict)))
    assert list(row) == [
        "id",
        "action",
        "prompt_risk",
        "harmfulness",
        "refusal",
        "principles",
        "flagged",
        "latency_ms",
    ]
    assert list(row["principles"]) == [str(number) for number in range(1, 10)]
    assert row["action"] == "allow"


def test_what_was_not_scored_is_an_error() -> None:
    from tests.support import MarkerScorer

    scorer = MarkerScorer()
    scorer.failure = RuntimeError(SECRET)
    row = answer(Line(1, 5, {}), guard(scorer).check(prompt=SECRET))
    assert row["error"] == "not scored: ScoringError"
    assert row["id"] == 5
    assert "Miller" not in json.dumps(row)
