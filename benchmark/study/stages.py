"""A stage of a study: a folder with a manifest, which says what it is of and whether it came to its end."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

from benchmark.output import write_json
from benchmark.runs.settings import differences
from benchmark.study.settings import StudyError, Subject

MANIFEST: Final = "stage.json"
FORMAT: Final = 1

Kind = Literal["start", "tuned", "asked", "skill"]
"""A GGUF file as a folder; fine-tuned; asked and judged, bare and guarded; medical skill."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step for one model. `identity` is what its result depends on, as far as it is known beforehand."""

    subject: Subject
    kind: Kind
    folder: Path
    identity: Mapping[str, Any]

    @property
    def name(self) -> str:
        """As it is told: its folder's path in the study."""
        return "/".join(self.folder.parts[-3 if self.kind == "skill" else -2 :])

    @property
    def manifest(self) -> Path:
        """Its manifest."""
        return self.folder / MANIFEST

    def told(self) -> dict[str, Any] | None:
        """The manifest that is there; `None` where the stage was not begun.

        Raises:
            StudyError: it is damaged, or of other settings, with what differs.
        """
        found = read_manifest(self.manifest)
        if found is None:
            return None
        # As it is read again: lists for tuples.
        wanted: dict[str, Any] = json.loads(json.dumps(self.identity))
        if different := differences(found["identity"], wanted):
            raise StudyError(
                f"{self.folder} is of other settings ({'; '.join(map(_short, different))}): "
                "name another --out, or remove that folder to have it made again"
            )
        return found

    def finished(self) -> bool:
        """Whether it came to its end; raises as `told` does."""
        found = self.told()
        return found is not None and found["finished"] is not None

    def begin(self) -> None:
        """Write the manifest, unless there is one."""
        if self.told() is None:
            self._write(None, {})

    def end(self, **facts: Any) -> None:
        """Say that it came to its end, with what came of it."""
        self._write(_now(), facts)

    def _write(self, finished: str | None, facts: Mapping[str, Any]) -> None:
        before = read_manifest(self.manifest) or {}
        told = {
            "format": FORMAT,
            "stage": self.name,
            "identity": self.identity,
            "started": before.get("started") or _now(),
            "finished": finished,
            **facts,
        }
        write_json(self.manifest, told)


def read_manifest(path: Path) -> dict[str, Any] | None:
    """A manifest; `None` where there is none. Raises `StudyError` where it is damaged."""
    try:
        found: object = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StudyError(f"{path} can't be read ({error.strerror})") from None
    except ValueError:
        found = None
    told = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    if told.get("format") != FORMAT or not isinstance(told.get("identity"), dict):
        raise StudyError(
            f"{path} is no manifest of format {FORMAT}: remove {path.parent}, or name another --out"
        )
    return told


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _short(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:157]}..."
