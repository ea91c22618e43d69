"""Labels of points neither overlap nor vanish."""

from __future__ import annotations

import itertools
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid_bench.reports.figures.labels import Box, place

BOUNDS = Box(56, 0, 718, 352)
POINTS = st.lists(st.tuples(st.floats(60, 690), st.floats(10, 340)), min_size=1, max_size=16)


def around(point: tuple[float, float]) -> Box:
    return Box(point[0] - 6, point[1] - 6, point[0] + 6, point[1] + 6)


@settings(max_examples=150)
@given(POINTS, st.integers(2, 24))
def test_no_label_overlaps_another_one_or_a_point(points: list[tuple[float, float]], letters: int) -> None:
    labels = place(points, [(letters * 6.6, 14.0)] * len(points), BOUNDS)
    assert len(labels) == len(points)
    assert all(label.box.inside(BOUNDS) for label in labels)
    assert not any(a.box.overlaps(b.box) for a, b in itertools.combinations(labels, 2))
    assert not any(label.box.overlaps(around(point)) for label in labels for point in points)


def test_points_at_one_place_are_all_named() -> None:
    labels = place([(300.0, 100.0)] * 20, [(120.0, 14.0)] * 20, BOUNDS)
    assert not any(a.box.overlaps(b.box) for a, b in itertools.combinations(labels, 2))
    assert all(label.leader for label in labels), "without a line no one could tell whose they are"


@settings(max_examples=150)
@given(POINTS, st.integers(2, 24))
def test_a_label_without_a_line_is_nearest_to_its_point(points: list[tuple[float, float]], letters: int) -> None:
    for at, (box, leader) in enumerate(place(points, [(letters * 6.6, 14.0)] * len(points), BOUNDS)):
        distances = [math.dist(point, box.nearest(*point)) for point in points]
        assert leader or distances[at] == min(distances)


def test_a_lone_label_is_on_the_right_of_its_point_and_in_a_corner_on_the_left() -> None:
    (label,) = place([(300.0, 100.0)], [(60.0, 14.0)], BOUNDS)
    assert label == (Box(309, 93, 369, 107), None)
    (label,) = place([(710.0, 100.0)], [(60.0, 14.0)], BOUNDS)
    assert label.box.right == 701


def test_more_labels_than_fit_are_placed_nevertheless() -> None:
    small = Box(0, 0, 80, 40)
    labels = place([(40.0, 20.0)] * 9, [(60.0, 14.0)] * 9, small)
    assert len(labels) == 9
    assert all(label.box.inside(small) for label in labels)
