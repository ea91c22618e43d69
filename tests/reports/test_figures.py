"""Figures: what is in them, in what colours, with stable bytes."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from scipy import stats

from hybrid_bench import HybridBenchError, Result, report
from hybrid_bench.reports.figures import heat, languages, of_report, style, trade_off
from hybrid_bench.reports.observations import Observations

LUMINANCE = [0.2126, 0.7152, 0.0722]
NAMES = [f"tiny-{size}" for size in (16, 32, 64, 512)]


@pytest.fixture(scope="module")
def drawn(four: list[Result]) -> dict[str, Any]:
    made = report(four, "tiny-64")
    alphas = {"tiny-16": 0.0, "tiny-32": 0.5, "tiny-512": 1.0}
    return {name: figure for name, _, figure in of_report.figures(made.observations, made.names, made.baseline, alphas)}


def texts(figure: Any) -> list[str]:
    found = [text.get_text() for axes in figure.axes for text in axes.texts]
    return found + [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_there_is_every_figure(drawn: dict[str, Any]) -> None:
    assert sorted(drawn) == sorted([*(f"heat-{name}" for name in NAMES), "rank-distance", "trade-off", "differences", "alpha"])


def test_every_encoder_is_named(drawn: dict[str, Any]) -> None:
    assert sorted(texts(drawn["trade-off"])) == sorted(NAMES)
    assert sorted(texts(drawn["rank-distance"])) == sorted(NAMES)
    assert sorted(texts(drawn["differences"])) == sorted(set(NAMES) - {"tiny-64"})
    assert "difference to tiny-64" in drawn["differences"].axes[0].get_title()


def test_no_name_overlaps_another_one_or_is_cut(drawn: dict[str, Any]) -> None:
    figure = drawn["trade-off"]
    figure.draw_without_rendering()
    (axes,) = figure.axes
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(a.fully_overlaps(b) for a, b in itertools.combinations(boxes, 2))
    frame = axes.get_window_extent()
    assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1 for box in boxes)


def test_crowded_names_are_placed_too() -> None:
    names = [f"an-encoder-of-some-name-{number}" for number in range(12)]
    figure = trade_off.trade_off(names, [250 + number for number in range(12)], [0.5] * 12, "t", "RankDistance", "multi AP")
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 12
    assert not any(a.fully_overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_the_heat_map_has_the_values(drawn: dict[str, Any], four: list[Result]) -> None:
    shown = [text.get_text() for text in drawn["heat-tiny-64"].axes[0].texts]
    assert shown == [f"{value:.2f}".removeprefix("0") for value in four[2].matrix()[["de", "en", "th", "all"]].to_numpy().ravel()]


def test_the_lightness_of_the_heat_map_grows_with_the_value() -> None:
    figure = heat.heat_map(pd.DataFrame([[step / 20 for step in range(21)]]), "t", "AP")
    image = figure.axes[0].images[0]
    colours = image.cmap(image.norm(np.linspace(0, 1, 21)))[:, :3]
    grey = linear(colours) @ LUMINANCE
    assert (np.diff(grey) > 0).all()
    for text, ground in zip(figure.axes[0].texts, grey, strict=True):
        ink = float(linear(np.array(to_rgb(text.get_color()))) @ LUMINANCE)
        lighter, darker = max(ink, ground), min(ink, ground)
        assert (lighter + 0.05) / (darker + 0.05) > 4.5, "numbers can be read on their colour, by WCAG 2"


def linear(colours: np.ndarray) -> np.ndarray:
    return np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)


def test_lines_differ_in_their_markers() -> None:
    assert len({style.line(number)[:2] for number in range(64)}) == 64
    assert len({style.line(number)[1] for number in range(8)}) == 8


def test_intervals_are_those_of_scipy() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(0.1, 1, 300), rng.normal(-0.3, 2, 300)
    found = languages.interval([a, b], resamples=8000)
    for number, values in enumerate((a, b)):
        expected = stats.bootstrap((values,), np.mean, n_resamples=8000, method="percentile", rng=rng).confidence_interval
        assert found[:, number] == pytest.approx(tuple(expected), abs=0.03)


def test_questions_that_a_language_lacks_are_not_in_its_interval() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(0, 1, 200)
    partly = np.where(np.arange(200) < 100, values + 5, np.nan)
    low, high = languages.interval([partly])[:, 0]
    assert low < np.nanmean(partly) < high
    assert high - low < 0.6


def test_the_mean_of_the_differences_is_that_of_compare(four: list[Result]) -> None:
    of = Observations(four[:2])
    column = report(four[:2]).tables[0].columns[0]
    by_set = of.by_query_set(column)
    means, ends = of_report._means_and_ends({name: by_set[1][name] - by_set[0][name] for name in by_set[0]})
    (table,) = report(four[:2]).tables
    assert means[-1] == pytest.approx(table.means[0][1] - table.means[0][0])
    assert (ends[0] <= means).all() and (means <= ends[1]).all()


def test_files_have_the_same_bytes_each_time_and_keep_their_text(four: list[Result], tmp_path: Path) -> None:
    made = report(four[:2])
    first, second = made.figures(tmp_path / "a"), made.figures(tmp_path / "b")
    assert [path.name for path in first] == [path.name for path in second]
    assert {path.suffix for path in first} == {".svg", ".pdf", ".png"}
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(first, second, strict=True))
    svg = (tmp_path / "a" / "mini+de+en+th-trade-off.svg").read_text()
    assert "tiny-16</text>" in svg and "tiny-32</text>" in svg
    assert re.search(rb"^%PDF-", (tmp_path / "a" / "mini+de+en+th-trade-off.pdf").read_bytes())


def test_a_name_is_no_formula(four: list[Result], tmp_path: Path) -> None:
    named = [
        result.model_copy(update={"encoder": result.encoder | {"name": name}})
        for result, name in zip(four, ("$\\frac{1}$", "a_b^2"), strict=False)
    ]
    report(named).figures(tmp_path)
    svg = (tmp_path / "mini+de+en+th-trade-off.svg").read_text()
    assert "a_b^2</text>" in svg
    assert "frac{1}" in svg


def test_the_command_draws(files: list[Path], here: Any) -> None:
    alphas = "tiny-16=0,tiny-512=1"
    done = here("report", *files[::3], "--baseline", "tiny-16", "--figures", "f", "--alpha", alphas, "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("wrote f/") == 3 * 6
    assert Path("f/mini+de+en+th-alpha.pdf").exists()


@pytest.mark.parametrize(
    ("alpha", "problem"),
    [
        ("tiny-16=2", "--alpha has 'tiny-16=2'"),
        ("tiny-16", "--alpha has 'tiny-16'"),
        ("tiny-61=1", "unknown encoder 'tiny-61'\n  Did you mean tiny-16"),
    ],
)
def test_a_bad_alpha_is_refused(alpha: str, problem: str, files: list[Path], here: Any) -> None:
    done = here("report", *files[:2], "--figures", "f", "--alpha", alpha)
    assert (done.returncode, done.stdout) == (2, "")
    assert problem in done.stderr
    assert "Name their folder with --figures" in here("report", *files[:2], "--alpha", "tiny-16=1").stderr


def test_without_matplotlib_the_error_names_the_extra(
    four: list[Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hybrid_bench.support.optional.find_spec", lambda name: None)
    with pytest.raises(HybridBenchError, match=r'python -m pip install "hybrid-bench\[figures\]"'):
        report(four).figures(tmp_path)
