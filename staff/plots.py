"""Columns over days, laid out for the SVG that `templates/staff/plot.html` draws.

pygal and the like write styles and scripts into their SVG, which the admin's policy forbids; and
text inside a picture shrinks with it on a phone. So the SVG holds the columns alone, stretched to
any width; its axes are text of the page.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.formats import number_format

# The units of the drawing: it is stretched to the page.
WIDTH, HEIGHT = 600, 100
# Of the space of a day, so much is its column.
_FILLED = 0.75


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a column; `series` is the place of its series among the plot's."""

    series: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """A day's column, and what it shows in words."""

    label: str
    texts: Sequence[str]
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot with its table; `texts` of a column are in the order of `series`."""

    name: str
    title: Any
    series: Sequence[Any]
    columns: Sequence[Column]
    # Of the largest value downwards.
    ticks: Sequence[str]
    lines: Sequence[float] = field(default=(0, HEIGHT / 2, HEIGHT))

    @property
    def first(self) -> str:
        return self.columns[0].label

    @property
    def last(self) -> str:
        return self.columns[-1].label

    @property
    def is_empty(self) -> bool:
        return not any(column.blocks for column in self.columns)


def draw_columns(
    name: str,
    title: Any,
    series: Sequence[Any],
    values: Sequence[tuple[str, Sequence[int] | None]],
    *,
    show: Callable[[int], str] | None = None,
    base: int = 10,
) -> Plot:
    """Lay out a column for each label, its values on top of each other; None where nobody counted.

    `base` is 1,024 for bytes, so that the axis ends at a round amount.
    """
    show = show or show_count
    top = round_up(max((sum(each) for _, each in values if each), default=0), base)
    step = WIDTH / max(1, len(values))
    columns = [
        Column(
            label=label,
            texts=["–"] * len(series) if amounts is None else [show(each) for each in amounts],
            blocks=_stack(amounts or (), top, number * step, step * _FILLED),
        )
        for number, (label, amounts) in enumerate(values)
    ]
    return Plot(name, title, series, columns, [show(top), show(top // 2), show(0)])


def _stack(amounts: Sequence[int], top: int, x: float, width: float) -> list[Block]:
    blocks, below = [], 0.0
    for series, amount in enumerate(amounts):
        if amount > 0:
            height = HEIGHT * amount / top
            below += height
            blocks.append(
                Block(
                    series, round(x, 2), round(HEIGHT - below, 2), round(width, 2), round(height, 2)
                )
            )
    return blocks


def round_up(amount: int, base: int = 10) -> int:
    """Return the next amount that reads well and can be halved: 2, 4, 10, 20, 40 and so on."""
    unit = 1
    while amount > unit * base:
        unit *= base
    factors = (2, 4, 10, 20, 40, 100, 200, 400)
    return next((each * unit for each in factors if amount <= each * unit), base * unit)


def show_count(count: int) -> str:
    """Return a number with its thousands set apart, as the language has it."""
    return number_format(count, use_l10n=True, force_grouping=True)
