"""One measured figure and the bound it is held to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` in `unit`; good when at most `bound`."""

    name: str
    value: float
    unit: str
    bound: float
    detail: str = ""

    @property
    def good(self) -> bool:
        """Whether the bound is kept."""
        return self.value <= self.bound

    def row(self) -> str:
        """As a row of `table`."""
        value = f"{self.value:.3g} {self.unit}".strip()
        bound = f"{self.bound:g} {self.unit}".strip()
        return f"| {self.name} | {value} | {bound} | {'yes' if self.good else '**no**'} | {self.detail} |"


def table(figures: Iterable[Figure]) -> str:
    """A Markdown table."""
    head = ("| measure | value | at most | kept | how |", "| --- | --- | --- | --- | --- |")
    return "\n".join((*head, *(figure.row() for figure in figures)))
