"""Places for the labels of a scatter plot: none overlaps another one or a point, and none is left out.

Libraries that move labels (adjustText, textalloc) measure fonts and iterate, so that their result depends on versions and may
still overlap. The pages of boards are compared byte for byte, so labels are placed by rules here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

#: Distance between the middle of a point and its label, half of a point's height, and the least length of a line.
_NEAR, _POINT, _LINE = 9.0, 6.0, 14.0
#: By how much a label without a line is nearer to its own point than to any other.
_NEARER = 3.0


class Box(NamedTuple):
    """A rectangle, in pixels."""

    left: float
    low: float
    right: float
    high: float

    def overlaps(self, other: Box) -> bool:
        """Whether they have an area in common."""
        return self.left < other.right and other.left < self.right and self.low < other.high and other.low < self.high

    def inside(self, other: Box) -> bool:
        """Whether it does not reach beyond another one."""
        edges = (self.left >= other.left, self.low >= other.low, self.right <= other.right, self.high <= other.high)
        return all(edges)

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """Its point that is nearest to another one."""
        return min(max(x, self.left), self.right), min(max(y, self.low), self.high)


class Label(NamedTuple):
    """A place for a label.

    Attributes:
        box: where its text is.
        leader: where the line from the point ends, if the label is too far from it to need none.
    """

    box: Box
    leader: tuple[float, float] | None = None


def place(points: Sequence[tuple[float, float]], sizes: Sequence[tuple[float, float]], bounds: Box) -> list[Label]:
    """Place the label of every point.

    Labels that fit beside their point are placed first, then the others at growing distances, with a line to their point. Only
    where the bounds have no free place left labels overlap, as little as possible.

    Args:
        points: (x, y) in pixels.
        sizes: (width, height) of the labels, in pixels.
        bounds: that labels keep inside.

    Returns:
        One label a point.
    """
    obstacles = [Box(x - _POINT, y - _POINT, x + _POINT, y + _POINT) for x, y in points]
    placed: dict[int, Label] = {}
    for at, (point, size) in enumerate(zip(points, sizes, strict=True)):
        others = [other for number, other in enumerate(points) if number != at]
        for box in _close(point, size):
            if box.inside(bounds) and _is_of(box, point, others) and not any(map(box.overlaps, obstacles)):
                placed[at] = Label(box)
                obstacles.append(box)
                break
    rest = [at for at in range(len(points)) if at not in placed]
    # Which label is placed first decides what is left for the others.
    orders = [rest, rest[::-1]]
    orders += [sorted(rest, key=lambda at: sign * points[at][axis]) for axis in (0, 1) for sign in (1, -1)]
    attempts: list[tuple[int, dict[int, Label]]] = []
    for order in orders:
        attempts.append(_with_lines(order, points, sizes, bounds, obstacles))
        if not attempts[-1][0]:
            break
    placed |= min(attempts, key=lambda attempt: attempt[0])[1]
    return [placed[at] for at in range(len(points))]


def _with_lines(
    order: Sequence[int],
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    bounds: Box,
    taken: Sequence[Box],
) -> tuple[int, dict[int, Label]]:
    """The number of overlaps and crossings, and the labels of some points, placed one after the other."""
    obstacles = list(taken)
    lines: list[tuple[tuple[float, float], tuple[float, float]]] = []
    placed: dict[int, Label] = {}
    faults = 0
    for at in order:
        others = [other for number, other in enumerate(points) if number != at]
        found, box = _free(points[at], others, sizes[at], bounds, obstacles, lines)
        faults += found
        placed[at] = Label(box, box.nearest(*points[at]))
        obstacles.append(box)
        lines.append((points[at], box.nearest(*points[at])))
    return faults, placed


def _is_of(box: Box, point: tuple[float, float], others: Sequence[tuple[float, float]]) -> bool:
    """Whether readers take a label for that of its point: no other one is as near."""
    own = math.dist(point, box.nearest(*point))
    return all(own + _NEARER <= math.dist(other, box.nearest(*other)) for other in others)


def _close(point: tuple[float, float], size: tuple[float, float]) -> Iterator[Box]:
    """The places beside a point: right, left, above, below, and between these."""
    (x, y), (wide, high) = point, size
    for across, up in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)):
        middle_x = x + across * (_NEAR + wide / 2) if not up else x + across * (_NEAR * 0.75 + wide / 2)
        middle_y = y + up * (_NEAR + high / 2)
        yield Box(middle_x - wide / 2, middle_y - high / 2, middle_x + wide / 2, middle_y + high / 2)


def _free(
    point: tuple[float, float],
    others: Sequence[tuple[float, float]],
    size: tuple[float, float],
    bounds: Box,
    obstacles: Sequence[Box],
    lines: Sequence[tuple[tuple[float, float], tuple[float, float]]],
) -> tuple[int, Box]:
    """The nearest free place, of which neither the text nor the line to the point meets another text, point or line.

    If there is none it is the one with the fewest faults, whose number comes with it; an overlap counts as ten.
    """
    x, y = point
    own = Box(x - _POINT, y - _POINT, x + _POINT, y + _POINT)
    beside = [other for other in others if math.dist(other, point) < 2 * _POINT]
    best = (10 * len(obstacles) + 1, Box(bounds.left, bounds.low, bounds.left + size[0], bounds.low + size[1]))
    for box in sorted(_grid(size, bounds), key=lambda box: (math.dist(point, box.nearest(*point)), box)):
        end = box.nearest(*point)
        length = math.dist(point, end)
        if length < _LINE:
            continue
        faults = 10 * sum(map(box.overlaps, obstacles))
        faults += sum(math.dist(other, end) < length for other in beside)  # the line leads over a point that lies on this one
        faults += sum(_meets(one, point, end) for one in obstacles if not one.overlaps(own))
        faults += sum(_meets(box, *other) for other in lines) + sum(_cross((point, end), other) for other in lines)
        if not faults:
            return 0, box
        if faults < best[0]:
            best = (faults, box)
    return best


def _cross(a: tuple[tuple[float, float], tuple[float, float]], b: tuple[tuple[float, float], tuple[float, float]]) -> bool:
    """Whether two lines cross."""

    def side(start: tuple[float, float], end: tuple[float, float], at: tuple[float, float]) -> float:
        return (end[0] - start[0]) * (at[1] - start[1]) - (end[1] - start[1]) * (at[0] - start[0])

    return side(*a, b[0]) * side(*a, b[1]) < 0 and side(*b, a[0]) * side(*b, a[1]) < 0


def _grid(size: tuple[float, float], bounds: Box) -> Iterator[Box]:
    """Places all over the bounds."""
    (wide, high), across, up = size, 8.0, size[1] / 2
    for column in range(int((bounds.right - bounds.left - wide) // across) + 1):
        for row in range(int((bounds.high - bounds.low - high) // up) + 1):
            left, low = bounds.left + column * across, bounds.low + row * up
            yield Box(left, low, left + wide, low + high)


def _meets(box: Box, start: tuple[float, float], end: tuple[float, float]) -> bool:
    """Whether a line crosses a box: the part of it that is inside, by Liang and Barsky."""
    first, last = 0.0, 1.0
    for origin, to, low, high in ((start[0], end[0], box.left, box.right), (start[1], end[1], box.low, box.high)):
        step = to - origin
        if not step:
            if not low < origin < high:
                return False
            continue
        near, far = sorted(((low - origin) / step, (high - origin) / step))
        first, last = max(first, near), min(last, far)
    return first < last
