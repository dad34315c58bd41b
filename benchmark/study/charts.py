"""The figures of the paper, redrawn; each is drawn for a width, and says in words what it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Final

from benchmark.judged import Arm
from benchmark.report import words
from benchmark.report.drawing import Canvas, nice_top, text_width
from benchmark.report.markup import Html
from benchmark.stats import Estimate

_ROOMY: Final = 600
"""From this width on, names stand beside what they name rather than above."""
_NAMES: Final = 250.0
"""Room for names beside bars."""
LOWEST, HIGHEST = 1.0, 5.0
"""Ends of the scale of harmfulness."""

Bar = tuple[str, Arm, Estimate]
"""A model, its arm, and its mean."""
Point = tuple[int, Estimate]
"""A number of demonstrations, and what was measured there."""


@dataclass(frozen=True, slots=True)
class Scale:
    """An upright axis: its ends, its title, and how a value is written on it."""

    low: float
    high: float
    title: str
    shares: bool

    def tick(self, value: float) -> str:
        """A value on the axis."""
        return f"{value * 100:.3g} %" if self.shares else f"{value:.3g}"

    def said(self, found: Estimate) -> str:
        """A value with its interval, in words."""
        return words.percent(found) if self.shares else words.number(found)


HARM: Final = Scale(LOWEST, HIGHEST, "mean harmfulness (1 to 5)", False)


def shares(title: str, values: Sequence[Estimate]) -> Scale:
    """An axis of shares that holds all the intervals."""
    return Scale(0.0, nice_top(max((value.high for value in values), default=1.0)), title, True)


def means(width: float, groups: Mapping[str, Sequence[Bar]]) -> Html | None:
    """Mean harmfulness per model and set; thin lines are a standard error either way."""
    if not any(groups.values()):
        return None
    beside = width >= _ROOMY
    left, right = (_NAMES if beside else 4.0), width - 46
    canvas = Canvas(width)

    def at(value: float) -> float:
        return left + (value - LOWEST) / (HIGHEST - LOWEST) * (right - left)

    y = 26.0
    top = y - 6
    for name, bars in groups.items():
        canvas.text(0, y + 12, name, style="mark")
        y += 22
        for model, arm, found in bars:
            label = f"{model}, {words.ARMS[arm]}"
            if not beside:
                canvas.text(left, y + 10, label, style="small")
                y += 14
            else:
                canvas.text(left - 10, y + 11, label, anchor="end", style="small")
            canvas.rect(left, y, at(found.value) - left, 13, arm)
            error = found.se or 0.0
            ends = (max(LOWEST, found.value - error), min(HIGHEST, found.value + error))
            canvas.whisker(at(ends[0]), at(ends[1]), y + 6.5)
            canvas.text(at(ends[1]) + 6, y + 11, f"{found.value:.2f}", style="small")
            y += 19
        y += 12
    for score in range(1, 6):
        x = at(score)
        canvas.line(x, top, x, y - 8, "grid under")
        canvas.text(x, 14, str(score), anchor="middle" if score > 1 else "start", style="faint")
    said = "; ".join(
        f"{name}: "
        + ", ".join(
            f"{model} {words.ARMS[arm]} {found.value:.2f} (standard error {_error(found)})"
            for model, arm, found in bars
        )
        for name, bars in groups.items()
    )
    return canvas.picture(y, "Mean harmfulness per model and set", said, "chart")


def _error(found: Estimate) -> str:
    return words.NONE if found.se is None else f"{found.se:.2f}"


def curves(width: float, title: str, scale: Scale, lines: Mapping[Arm, Sequence[Point]]) -> Html | None:
    """A measure against the number of demonstrations, a line an arm; bars are 95 % intervals.

    `None` where there are fewer than two numbers of demonstrations.
    """
    numbers = sorted({n for points in lines.values() for n, _ in points})
    if len(numbers) < 2:
        return None
    left, right, top, bottom = 58.0, width - 22, 34.0, min(310.0, width * 0.8)
    canvas = Canvas(width)

    def across(n: float, arm: Arm) -> float:
        # A little apart, so that one interval does not hide the other.
        return left + 12 + n / numbers[-1] * (right - left - 24) + (3 if arm == "guarded" else -3)

    def up(value: float) -> float:
        return bottom - (value - scale.low) / (scale.high - scale.low) * (bottom - top)

    for step in range(5):
        value = scale.low + step / 4 * (scale.high - scale.low)
        canvas.line(left, up(value), right, up(value), "grid")
        canvas.text(left - 7, up(value) + 4, scale.tick(value), anchor="end", style="faint")
    free = float("-inf")
    for n in numbers:
        x = left + 12 + n / numbers[-1] * (right - left - 24)
        half = text_width(str(n)) / 2
        if x - half > free:
            canvas.text(x, bottom + 17, str(n), anchor="middle", style="faint")
            free = x + half + 6
    canvas.text((left + right) / 2, bottom + 38, "demonstrations (0: the base)", anchor="middle")
    canvas.text(0, top - 14, scale.title)
    for arm, points in lines.items():
        canvas.path([(across(n, arm), up(found.value)) for n, found in points], f"{arm}-curve")
        for n, found in points:
            x = across(n, arm)
            canvas.line(x, up(found.low), x, up(found.high), f"{arm}-line")
            canvas.dot(x, up(found.value), 4.5, arm)
    said = "; ".join(
        f"{words.ARMS[arm]}: " + ", ".join(f"n {n} {scale.said(found)}" for n, found in points)
        for arm, points in lines.items()
    )
    return canvas.picture(bottom + 48, title, said, "chart")


def differences(
    width: float, title: str, rows: Sequence[tuple[str, Estimate]], *, points: bool
) -> Html | None:
    """Paired differences with their 95 % intervals around a line of no difference; `None` of none."""
    if not rows:
        return None
    beside = width >= _ROOMY
    left, right = (_NAMES + 90 if beside else 12.0), width - 12
    factor = 100.0 if points else 1.0
    reach = max(max(abs(found.low), abs(found.high)) for _, found in rows) * factor
    step = _step(reach)
    least = min(0.0, *(found.low * factor for _, found in rows))
    most = max(0.0, *(found.high * factor for _, found in rows))
    first, last = floor(least / step), ceil(most / step)
    last = max(last, first + 1)
    canvas = Canvas(width)

    def at(value: float) -> float:
        return left + (value / step - first) / (last - first) * (right - left)

    y = 30.0
    for name, found in rows:
        if beside:
            canvas.text(left - 14, y + 4, name, anchor="end", style="small")
        else:
            canvas.text(0, y, name, style="small")
            y += 14
        canvas.whisker(at(found.low * factor), at(found.high * factor), y)
        canvas.dot(at(found.value * factor), y, 4.5, "guarded")
        y += 22
    for mark in range(first, last + 1):
        x = at(mark * step)
        canvas.line(x, 20, x, y - 8, "whisker" if mark == 0 else "grid under")
        anchor = "end" if mark == last else "start" if mark == first and not beside else "middle"
        canvas.text(x, 13, words.decimal(mark * step, 1), anchor=anchor, style="faint")
    told = words.points if points else words.change
    said = "; ".join(f"{name}: {told(found)}" for name, found in rows)
    return canvas.picture(y, title, said, "chart")


def _step(reach: float) -> float:
    """The distance of two marks on an axis that is `reach` long on its longer side: some four of them."""
    return next((step for step in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0) if reach / step <= 4), 50.0)
