"""The study of images: its figures against NumPy alone, and words that follow from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import Image
from hybrid_bench.datasets import captioned
from hybrid_bench.datasets.sources import captions
from hybrid_bench.plugin import SilentProgress
from hybrid_bench.training.study import images_report
from hybrid_bench.training.study.images import Arm, Measured, clip_and_auc, difference, measure
from tests.embeddings.encoders import ForImages

pytestmark = pytest.mark.usefixtures("shared")
SUITE = "multi30k-flickr8k"


@pytest.fixture
def found(tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Measured]:
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(tmp_path / "home"))
    captioned.add_images(SUITE, shared / "image-text")
    return measure([Arm("a", [_Hashed(16), _Hashed(24)]), Arm("b", [_Hashed(40)])], [SUITE], SilentProgress())


class _Hashed(ForImages):
    """Reads the first bytes of an image, of the dimension that is asked for."""

    def __init__(self, dimension: int) -> None:
        super().__init__({"dimension": dimension})
        self.fingerprint = f"hashed-{dimension}"

    def encode(self, texts: list[str | Image], role: str) -> np.ndarray:
        short = [item.read()[600:680].hex() if isinstance(item, Image) else item for item in texts]
        return super().encode(short, role)  # type: ignore[arg-type]


def test_figures_are_those_of_numpy_alone(found: dict[str, Measured], shared: Path) -> None:
    encoder = _Hashed(16)
    pinned = [one for one in captions.flickr8k() if one.split == "test_2016"]
    order = captioned.datasets()[SUITE].image_ids()
    files = {one.file.partition("_")[0]: shared / "image-text" / "images" / one.file for one in pinned}
    images = encoder.encode([Image.from_path(files[image]) for image in order], "passage").astype(float)
    texts = encoder.encode([one.text for one in captions.load("multi30k/test_2016", "de") if one.image in files], "query").astype(
        float
    )

    def recall(queries: np.ndarray, passages: np.ndarray) -> float:
        scores = (queries / np.linalg.norm(queries, axis=1)[:, None]) @ (passages / np.linalg.norm(passages, axis=1)[:, None]).T
        own = np.diag(scores)[:, None]
        return float(((scores > own + 1e-7).sum(axis=1) < 10).mean())

    de = found["a"].hits[SUITE, "de"]
    assert de.shape == (2, 243)
    assert de[0].mean() == pytest.approx(recall(texts, images), abs=1 / 243 + 1e-6)
    centred = found["a"].centred[SUITE, "de"][0].mean()
    assert centred == pytest.approx(recall(texts - texts.mean(axis=0), images - images.mean(axis=0)), abs=1 / 243 + 1e-6)
    assert found["a"].clip[SUITE, "de"][0] == pytest.approx(2.5 * np.einsum("ij,ij->i", texts, images).mean(), abs=1e-6)
    firsts = [value for name, value in found["a"].pool[SUITE].items() if name.startswith("First(")]
    assert sum(firsts) == pytest.approx(1)


def test_auc_is_the_share_of_pairs_in_order() -> None:
    rng = np.random.default_rng(4)
    images = rng.normal(size=(30, 5)).astype(np.float32)
    texts = images + rng.normal(size=(30, 5)).astype(np.float32)
    match = np.einsum("ij,ij->i", images.astype(float), texts)
    others = np.concatenate([np.einsum("ij,ij->i", images.astype(float), np.roll(texts, -by, axis=0)) for by in range(1, 21)])
    expected = (match[:, None] > others[None]).mean()
    assert clip_and_auc(images, texts)[1] == pytest.approx(expected, abs=1e-9)


def test_the_bootstrap_interval_holds_the_difference_and_narrows_with_images() -> None:
    rng = np.random.default_rng(5)
    few = {("s", "de"): rng.random((1, 50)) < 0.6}, {("s", "de"): rng.random((1, 50)) < 0.4}
    many = tuple({key: np.tile(value, 16) for key, value in side.items()} for side in few)
    wide, narrow = difference(*few, [("s", "de")]), difference(*many, [("s", "de")])
    assert wide.value == pytest.approx(few[0]["s", "de"].mean() - few[1]["s", "de"].mean())
    assert wide.low < wide.value < wide.high
    assert (wide.high - wide.low) / (narrow.high - narrow.low) == pytest.approx(4, rel=0.15)
    same = difference(few[0], few[0], [("s", "de")])
    assert (same.value, same.low, same.high, same.clear) == (0, 0, 0, False)


def test_the_report_says_what_the_figures_say(found: dict[str, Measured], tmp_path: Path) -> None:
    files = images_report.write(found, "a", tmp_path / "out", "hybrid-bench study images a b")
    text = files[0].read_text()
    keys = list(found["a"].hits)
    unseen = images_report.unseen(keys, SUITE)
    assert len(unseen) == 6
    gap = images_report.compare(found, "b", "a", unseen)
    verdict = "no clear difference" if not gap.clear else "better" if gap.value > 0 else "worse"
    assert f"- b against a in unseen languages of {SUITE}: {verdict}, {100 * gap.value:+.1f} (" in text
    assert f"of a pool of 243 ({SUITE})" in text
    assert f"| {found['a'].hits[SUITE, 'de'][0].mean():.3f} |" in text
    assert "(2)" in text
    assert "Not answered here" in text
