"""Layout of the scatter plot of quality against language bias; the template draws it as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hybrid_bench.leaderboard.board import Board
from hybrid_bench.reports.figures.labels import Box, Label, place

WIDTH, HEIGHT = 720, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 24, 16, 48
_CHARACTER = 6.6  #: approximate width of a character of a label in pixels
_LINE, _DESCENT = 14, 3  #: height of a label, and of its part below the line


@dataclass(frozen=True)
class Point:
    """A row in the plot, in pixels, and where its label is."""

    name: str
    detail: str
    page: str
    published: bool
    x: float
    y: float
    label_x: float = 0
    label_y: float = 0
    anchor: str = "start"
    leader: tuple[float, float] | None = None  #: end of the line from the point to a distant label; None for a close label


@dataclass(frozen=True)
class Tick:
    """A tick of an axis, in pixels."""

    at: float
    label: str


@dataclass(frozen=True)
class Plot:
    """Everything that the template draws."""

    x_label: str
    y_label: str
    points: tuple[Point, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM


def trade_off(board: Board) -> Plot | None:
    """Plot the column that orders the board against RankDistance.

    None if the board has no column of RankDistance or is ordered by something else than a share, or fewer than two rows have
    both figures.
    """
    quality, bias = board.spec.column(board.spec.sorted_by), board.spec.bias
    if bias is None or not quality.higher_is_better:
        return None
    rows = [row for row in (*board.rows, *board.published) if {quality.key, bias.key} <= row.values.keys()]
    rows = [row for row in rows if row.values[bias.key] > 0]
    if len(rows) < 2 or max(row.values[quality.key] for row in rows) > 1:
        return None
    distances = [row.values[bias.key] for row in rows]
    low, high = math.log10(min(distances)) - 0.08, math.log10(max(distances)) + 0.08
    top = max(0.1, math.ceil(max(row.values[quality.key] for row in rows) * 10 + 0.2) / 10)

    def x(distance: float) -> float:
        return round(_LEFT + (math.log10(distance) - low) / (high - low) * (WIDTH - _LEFT - _RIGHT), 1)

    def y(share: float) -> float:
        return round(HEIGHT - _BOTTOM - share / top * (HEIGHT - _TOP - _BOTTOM), 1)

    points = [
        Point(
            name=row.name,
            detail=", ".join(
                [*(f"{column.label} {column.format(row.values[column.key])}" for column in (quality, bias)), row.level]
            ),
            page=row.page,
            published=row.published,
            x=x(row.values[bias.key]),
            y=y(row.values[quality.key]),
        )
        for row in rows
    ]
    steps = [m * 10**e for e in range(-1, 6) for m in (1, 2, 5) if low <= math.log10(m * 10**e) <= high]
    shares = [number / 10 for number in range(round(top * 10) + 1)]
    return Plot(
        bias.label,
        quality.label,
        tuple(_labelled(points)),
        tuple(Tick(x(step), f"{step:,.0f}" if step >= 1 else f"{step:g}") for step in steps),
        tuple(Tick(y(share), f"{share:.1f}") for share in shares),
    )


def _labelled(points: Sequence[Point]) -> list[Point]:
    """Place the labels as those of the figures of a report are placed; their widths are estimated."""
    bounds = Box(_LEFT, 0, WIDTH - 2, HEIGHT - _BOTTOM)
    found = place([(point.x, point.y) for point in points], [(len(point.name) * _CHARACTER, _LINE) for point in points], bounds)
    return [_with_label(*pair) for pair in zip(points, found, strict=True)]


def _with_label(point: Point, label: Label) -> Point:
    """A label beside its point ends or begins there, however wide its text turns out to be."""
    box = label.box
    if box.left >= point.x:
        at, anchor = box.left, "start"
    elif box.right <= point.x:
        at, anchor = box.right, "end"
    else:
        at, anchor = (box.left + box.right) / 2, "middle"
    leader = None if label.leader is None else (round(label.leader[0], 1), round(label.leader[1], 1))
    return replace(point, label_x=round(at, 1), label_y=round(box.high - _DESCENT, 1), anchor=anchor, leader=leader)
