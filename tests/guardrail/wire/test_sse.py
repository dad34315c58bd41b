"""Event streams come apart into the same events however they are cut, and their bytes are kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.wire.sse import Event, Parser, serialise

LIMIT = 1 << 20

fields = st.sampled_from(
    [
        b"data: a",
        b"data:b",
        b"data: \xc3\xa9\xe2\x82\xac",
        b"data",
        b": keep-alive",
        b"event: x",
        b"id: 1",
        b"",
        b"junk",
    ]
)
ends = st.sampled_from([b"\n", b"\r\n", b"\r"])
streams = st.lists(st.tuples(fields, ends).map(b"".join), max_size=24).map(b"".join)


def parse(data: bytes, cuts: list[int]) -> list[Event]:
    parser = Parser(LIMIT)
    found: list[Event] = []
    last = 0
    for cut in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
        found += parser.feed(data[last:cut])
        last = cut
    rest = parser.finish()
    return found + ([rest] if rest else [])


@given(streams, st.lists(st.integers(0, 10_000), max_size=12))
def test_any_cutting_gives_the_same_events_and_all_bytes(data: bytes, cuts: list[int]) -> None:
    whole = parse(data, [])
    assert parse(data, cuts) == whole
    assert parse(data, list(range(len(data)))) == whole
    assert b"".join(event.raw for event in whole) == data


@pytest.mark.parametrize(
    ("raw", "data"),
    [
        (b"data: x\n\n", b"x"),
        (b"data:x\r\n\r\n", b"x"),
        (b"data: a\ndata: b\n\n", b"a\nb"),
        (b"event: e\nid: 7\ndata: x\n\n", b"x"),
        (b"\xef\xbb\xbfdata: x\n\n", b"x"),
        (b"data\n\n", b""),
        (b": ping\n\n", None),
        (b"retry: 5\n\n", None),
        (b"data: [DO", b"[DO"),
    ],
)
def test_what_an_event_says(raw: bytes, data: bytes | None) -> None:
    assert [event.data for event in parse(raw, [])] == [data]


def test_serialised_data_is_read_back() -> None:
    assert [event.data for event in parse(serialise(b"a\nb") + serialise(b"c"), [])] == [b"a\nb", b"c"]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_endless_event_is_not_kept(size: int) -> None:
    parser = Parser(100)
    found: list[Event] = []
    data = b"data: ok\n\n" + b"data: " + b"x" * 300
    for start in range(0, len(data), size):
        found += parser.feed(data[start : start + size])
    assert [event.data for event in found] == [b"ok"]
    assert parser.overflowed


def test_a_representation_shows_no_text() -> None:
    assert "secret" not in repr(parse(b"data: secret\n\n", []))
