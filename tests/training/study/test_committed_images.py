"""The committed study of images: its words and tables follow from its figures, and these are counts of images."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SIZES = {"multi30k-flickr8k": 243, "multi30k-flickr8k/val": 242, "xflickrco-flickr8k": 243}
ARMS = [f"{name}+lite0" for name in ("me5-small", "mono-me5-small", "cross-me5-small", "hybrid-me5-small")]
BASE = ARMS[0]
#: A difference in points: its interval, and the least and the largest of the fits.
_POINTS = r"([+-][\d.]+) \(([+-][\d.]+) to ([+-][\d.]+); ([+-][\d.]+) to ([+-][\d.]+)\)"


@pytest.fixture(scope="module")
def folder(root: Path) -> Path:
    return root / "leaderboards" / "studies" / "images"


@pytest.fixture(scope="module")
def figures(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "images.json").read_text())
    return found


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return (folder / "images.md").read_text()


def unseen(figures: dict[str, Any], arm: str, of: str, values: str = "R@10") -> np.ndarray:
    """(fits,) the mean over the languages but English, in points."""
    kept = [one for key, one in figures[arm][values].items() if key.startswith(f"{of} ") and not key.endswith(" en")]
    assert len(kept) in (6, 7)
    found: np.ndarray = 100 * np.mean(kept, axis=0)
    return found


def test_every_encoder_has_six_fits_and_recalls_are_counts_of_images(figures: dict[str, Any]) -> None:
    assert list(figures) == ARMS
    fits = [fit for arm in figures.values() for fit in arm["fits"]]
    assert len(set(fits)) == len(fits) == 6 * len(ARMS)
    for arm in figures.values():
        for values in ("R@10", "R@10 centred"):
            assert len(arm[values]) == 7 + 7 + 8
            for key, recalls in arm[values].items():
                counts = np.array(recalls) * SIZES[key.rpartition(" ")[0]]
                assert len(recalls) == 6
                np.testing.assert_allclose(counts, np.round(counts), atol=1e-3)


def test_tables_show_the_figures(figures: dict[str, Any], text: str) -> None:
    for suite, size in SIZES.items():
        assert f"{size} ({suite})" in text
        table = text.partition(f"## {suite}: captions to images, R@10\n")[2].partition("Differences")[0]
        languages = [key.rpartition(" ")[2] for key in figures[BASE]["R@10"] if key.startswith(f"{suite} ")]
        for arm in ARMS:
            for label, values in ((arm, "R@10"), (f"{arm}, centred", "R@10 centred")):
                cells = [f"{figures[arm][values][f'{suite} {of}'][0]:.3f}" for of in languages]
                mean = unseen(figures, arm, suite, values) / 100
                row = [label, *cells, f"{mean[0]:.3f}", f"{mean.min():.3f} to {mean.max():.3f}"]
                assert f"| {' | '.join(row)} |" in table
    assert "485 images" in text
    assert "all 234,740 pairs" in text
    for arm in ARMS:
        shown = [f"{one[0]:.3f}" for key, one in figures[arm]["AUC"].items() if key.startswith("multi30k-flickr8k ")]
        assert f"| {arm}, AUC | {' | '.join(shown)} |" in text


def test_claims_follow_from_the_figures(figures: dict[str, Any], text: str) -> None:
    claims = re.findall(rf"^- (\S+): (\S+) against (\S+) in unseen languages: ([a-z ]+), {_POINTS} points", text, re.MULTILINE)
    assert len(claims) == len(SIZES) * (3 + 2)
    clear = {}
    for suite, one, other, verdict, *points in claims:
        value, low, high, least, most = map(float, points)
        fits = unseen(figures, one, suite) - unseen(figures, other, suite)
        assert (value, least, most) == pytest.approx((fits[0], fits.min(), fits.max()), abs=0.051)
        assert low <= value <= high
        better, worse = low > 0 and fits.min() > 0, high < 0 and fits.max() < 0
        if min(abs(low), abs(high)) > 0.05:  # an interval that ends at 0 to its last digit may be either
            assert verdict == ("better" if better else "worse" if worse else "no clear difference")
        clear[suite, one, other] = verdict
    hybrid = ARMS[-1]
    for beginning in ("multi30k", "xflickrco"):
        suites = [suite for suite in SIZES if suite.startswith(beginning)]
        count = {other: sum(clear[suite, hybrid, other] == "better" for suite in suites) for other in ARMS[:-1]}
        assert f"is better than {BASE} on {count[BASE]} of {len(suites)} suites" in text
        others = " and ".join(f"than {other} on {count[other]} of {len(suites)}" for other in ARMS[1:-1])
        assert f"It is better {others}." in text


def test_the_control_leaves_less_than_a_third(figures: dict[str, Any]) -> None:
    """The answer of the study: most of the gain is an offset of languages, which subtracting means removes too."""
    for suite in SIZES:
        for arm in ARMS[1:]:
            gain = unseen(figures, arm, suite)[0] - unseen(figures, BASE, suite)[0]
            left = unseen(figures, arm, suite, "R@10 centred")[0] - unseen(figures, BASE, suite, "R@10 centred")[0]
            assert gain > 4
            assert left < gain / 3


def test_the_figures_are_drawn(folder: Path, text: str) -> None:
    for suite in SIZES:
        name = f"{suite.replace('/', '-')}-mono-cross.svg"
        drawn = (folder / name).read_text()
        assert f"]({name})" in text
        assert all(arm in drawn and f"{arm}, centred" in drawn for arm in ARMS)
    assert text.count("Not answered here") == 3
