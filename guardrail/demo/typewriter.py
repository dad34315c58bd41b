"""Text printed as it arrives, wrapped between words at the console's width."""

from __future__ import annotations

import re
from typing import Final

from rich.console import Console
from rich.text import Text

_PARTS: Final = re.compile(r"\n|[^\S\n]+|\S+")


class Typewriter:
    """Prints pieces one after the other. A word that is still growing may be broken at the edge."""

    def __init__(self, console: Console, style: str) -> None:
        self._console = console
        self._style = style
        self._column = 0

    def type(self, piece: str) -> None:
        """Print the next piece."""
        for part in _PARTS.findall(piece):
            if part == "\n":
                if self._column:
                    self._emit("\n")
                self._column = 0
                continue
            if self._column and self._column + len(part) >= self._console.width:
                self._emit("\n")
                self._column = 0
                part = part.lstrip()
            self._emit(part)
            self._column += len(part)

    def _emit(self, text: str) -> None:
        self._console.print(Text(text, style=self._style), end="", soft_wrap=True)
