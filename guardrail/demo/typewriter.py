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
        self._space = ""

    def type(self, piece: str) -> None:
        """Print the next piece."""
        for part in _PARTS.findall(piece):
            if part == "\n":
                self._new_line()
            elif part.isspace():
                self._space = " " if self._column else ""
            else:
                if self._column + len(self._space + part) >= self._console.width:
                    self._new_line()
                self._emit(self._space + part)
                self._column += len(self._space + part)
                self._space = ""

    def _new_line(self) -> None:
        """End the line that was begun; empty lines are left out."""
        if self._column:
            self._emit("\n")
        self._column, self._space = 0, ""

    def _emit(self, text: str) -> None:
        self._console.print(Text(text, style=self._style), end="", soft_wrap=True)
