"""The exchanges in `recorded/`, read byte by byte: their README says how they are written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from guardrail.wire.format import Wire
from guardrail.wire.routes import wire_for

_FOLDER: Final = Path(__file__).parent / "recorded"
_LINE_ENDS: Final = {"lf": b"\n", "crlf": b"\r\n", "cr": b"\r"}
_FORM: Final = re.compile(
    rb"(?P<title>.+)\n(?P<about>(?:[a-z-]+: .+\n)*)"
    rb">>> (?P<method>[A-Z]+) (?P<target>\S+)\n(?P<asked>(?:[a-z-]+: .+\n)*)\n(?P<request>(?s:.*))\n"
    rb"<<< (?P<status>\d+)\n(?P<answered>(?:[a-z-]+: .+\n)*)\n(?P<response>(?s:.*))"
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One exchange."""

    name: str
    method: str
    target: str
    """Path and query."""
    request_headers: dict[str, str]
    request: bytes = field(repr=False)
    status: int
    headers: dict[str, str]
    """Of the answer."""
    response: bytes = field(repr=False)
    unread: tuple[str, ...]
    """Names of what passes unread, in the order in which it is noted."""

    @property
    def wire(self) -> Wire:
        """The format, as the guard finds it by the endpoint."""
        wire = wire_for(self.method, self.target.partition("?")[0])
        assert wire is not None
        return wire

    @property
    def streamed(self) -> bool:
        """Whether the answer is an event stream."""
        return self.headers["content-type"].startswith("text/event-stream")

    @property
    def answered(self) -> bool:
        """Whether the upstream answered, rather than with an error's status."""
        return self.status < 300


def _fields(lines: bytes) -> dict[str, str]:
    pairs = (line.partition(": ") for line in lines.decode().splitlines())
    return {name: value for name, _, value in pairs}


def _read(file: Path) -> list[Recorded]:
    # A checkout may have turned the line ends of these files into another system's.
    data = file.read_bytes().replace(b"\r\n", b"\n")
    found: list[Recorded] = []
    for text in data.removeprefix(b"%%% ").removesuffix(b"\n").split(b"\n\n%%% "):
        match = _FORM.fullmatch(text)
        assert match is not None, text[:80]
        about = _fields(match["about"])
        found.append(
            Recorded(
                name=f"{file.stem}: {match['title'].decode()}",
                method=match["method"].decode(),
                target=match["target"].decode(),
                request_headers=_fields(match["asked"]),
                request=match["request"],
                status=int(match["status"]),
                headers=_fields(match["answered"]),
                response=match["response"].replace(b"\n", _LINE_ENDS[about.get("line-ends", "lf")]),
                unread=tuple(filter(None, about.get("unread", "").split("; "))),
            )
        )
    return found


RECORDED: Final = [one for file in sorted(_FOLDER.glob("*.txt")) for one in _read(file)]
