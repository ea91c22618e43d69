"""Layout of the scatter plot of quality against language bias; the template draws it as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hybrid_bench.leaderboard.board import Board

WIDTH, HEIGHT = 720, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 24, 16, 48
_CHARACTER = 6.6  #: approximate width of a character of a label in pixels
_LINE = 14  #: height of a label


@dataclass(frozen=True)
class Point:
    """A row in the plot, in pixels; ``label_x`` is None if the label would overlap another one."""

    name: str
    detail: str
    page: str
    published: bool
    x: float
    y: float
    label_x: float | None = None
    label_y: float = 0
    anchor: str = "start"
    leader_y: float | None = None  #: end of the line from the point to a distant label; None for a close label


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
    """Place each label at the first position next to its point without overlaps; without such a position it is omitted."""
    taken = [(p.x - 6, p.y - 6, p.x + 6, p.y + 6) for p in points]
    placed = []
    for point in points:
        wide = len(point.name) * _CHARACTER
        choices = (
            (point.x + 9, point.y + 4, "start", point.x + 9),
            (point.x - 9, point.y + 4, "end", point.x - 9 - wide),
            (point.x, point.y - 10, "middle", point.x - wide / 2),
            (point.x, point.y + 19, "middle", point.x - wide / 2),
            (point.x + 7, point.y - 9, "start", point.x + 7),
            (point.x + 7, point.y + 17, "start", point.x + 7),
            (point.x - 7, point.y - 9, "end", point.x - 7 - wide),
            (point.x - 7, point.y + 17, "end", point.x - 7 - wide),
            (point.x, point.y - 27, "middle", point.x - wide / 2),
            (point.x, point.y + 36, "middle", point.x - wide / 2),
        )
        for at, base, anchor, start in choices:
            box = (start, base - _LINE + 3, start + wide, base + 3)
            inside = box[0] >= _LEFT and box[2] <= WIDTH - 2 and box[1] >= 0 and box[3] <= HEIGHT - _BOTTOM
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                away = round(base - _LINE if base > point.y + 20 else base + 4, 1) if abs(base - point.y) > 20 else None
                point = replace(point, label_x=round(at, 1), label_y=round(base, 1), anchor=anchor, leader_y=away)
                break
        placed.append(point)
    return placed


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
