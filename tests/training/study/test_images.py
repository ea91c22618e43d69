"""The study of images: its figures against NumPy alone, and words that follow from them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import EvaluationOptions, HybridBenchError, Image, evaluate
from hybrid_bench.datasets import captioned
from hybrid_bench.datasets.sources import captions
from hybrid_bench.plugin import SilentProgress
from hybrid_bench.training.study import images_answers, images_report
from hybrid_bench.training.study.images import BETWEEN, STUDIED, Arm, Difference, Measured, difference, measure, placements
from tests.embeddings.encoders import ForImages

pytestmark = pytest.mark.usefixtures("shared")
SUITE = "multi30k-flickr8k"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Iterator[dict[str, Measured]]:
    patch = pytest.MonkeyPatch()
    patch.setenv("HYBRID_BENCH_HOME", str(tmp_path_factory.mktemp("home")))
    captioned.add_images(SUITE, shared / "image-text")
    arms = [Arm("a", [_Hashed(16), _Hashed(24)]), Arm("b", [_Hashed(40), _Hashed(48)])]
    yield measure(arms, [SUITE], SilentProgress())
    patch.undo()


class _Hashed(ForImages):
    """Reads the first bytes of an image, of the dimension that is asked for."""

    def __init__(self, dimension: int) -> None:
        super().__init__({"dimension": dimension})
        self.fingerprint = f"hashed-{dimension}"

    def encode(self, texts: list[str | Image], role: str) -> np.ndarray:
        short = [item.read()[600:680].hex() if isinstance(item, Image) else item for item in texts]
        return super().encode(short, role)  # type: ignore[arg-type]


def test_figures_are_those_of_numpy_alone(found: dict[str, Measured], shared: Path) -> None:
    """Every caption by itself: images are sorted by exact inner products, of equal ones the later id first."""
    encoder = _Hashed(16)
    ids = sorted(captioned.datasets()[SUITE].image_ids())
    files = {one.file.partition("_")[0]: shared / "image-text" / "images" / one.file for one in captions.flickr8k()}
    images = encoder.encode([Image.from_path(files[image]) for image in ids], "passage").astype(float)
    own = [one for one in captions.load("multi30k/test_2016", "de") if one.image in ids]
    texts = encoder.encode([one.text for one in own], "query").astype(float)

    def found_by(queries: np.ndarray, passages: np.ndarray) -> list[bool]:
        first = []
        for caption, query in zip(own, queries, strict=True):
            scores = np.array([np.float32(np.sum(query * image)) for image in passages])
            order = sorted(range(len(ids)), key=lambda image: (scores[image], ids[image]), reverse=True)
            first.append(caption.image in [ids[image] for image in order[:10]])
        return first

    def centred(vectors: np.ndarray) -> np.ndarray:
        moved = vectors - vectors.mean(axis=0)
        return moved / np.linalg.norm(moved, axis=1)[:, None]

    one, key = found["a"], (SUITE, "de")
    assert one.hits[key].shape == (2, 243)
    by_id = np.argsort([ids.index(caption.image) for caption in own])
    np.testing.assert_array_equal(one.hits[key][0], np.array(found_by(texts, images))[by_id])
    np.testing.assert_array_equal(one.centred[key][0], np.array(found_by(centred(texts), centred(images)))[by_id])
    rows = [ids.index(caption.image) for caption in own]
    cosines = np.array([[np.sum(text * images[row]) for text in texts] for row in rows]).astype(np.float32)
    same = np.eye(len(own), dtype=bool)
    pairs = np.diagonal(cosines)[:, None] - cosines[~same][None]
    assert one.auc[key][0].mean() == pytest.approx((pairs > 0).mean() + (pairs == 0).mean() / 2, abs=1e-12)
    assert one.clip[key].mean() == pytest.approx(np.maximum(2.5 * np.diagonal(cosines), 0).mean(), abs=1e-6)
    firsts = [value for name, value in one.pool[SUITE].items() if name.startswith("First(")]
    assert sum(firsts) == pytest.approx(1)


def test_figures_are_those_of_an_evaluation(found: dict[str, Measured]) -> None:
    result = evaluate(_Hashed(16), SUITE, options=EvaluationOptions(measures=("R@1", "R@10")))
    rows = {(row.setting, row.query_set, row.pool, row.measure): row.value for row in result.rows}
    for (_, name), hits in found["a"].hits.items():
        assert hits[0].mean() == pytest.approx(rows["text-to-image", name, "images", "R@10"], abs=1e-9)
    between = [value for (kind, _, _, measure), value in rows.items() if (kind, measure) == ("cross-lingual", "R@1")]
    assert found["a"].pool[SUITE][BETWEEN] == pytest.approx(np.mean(between))


def test_pairs_with_captions_of_the_same_image_are_no_mismatch() -> None:
    rng = np.random.default_rng(4)
    images, own = rng.normal(size=(6, 5)).astype(np.float32), np.array([0, 0, 1, 2, 2, 3])
    texts = (images + rng.normal(size=(6, 5))).astype(np.float32)
    cosines = (images.astype(float) @ texts.astype(float).T).astype(np.float32)
    others = [cosines[one, two] for one in range(6) for two in range(6) if own[one] != own[two]]
    expected = [np.mean([cosines[one, one] > other for other in others]) for one in range(6)]
    np.testing.assert_allclose(placements(images, texts, own), expected, atol=1e-12)


def test_encoders_with_unequal_fits_are_refused() -> None:
    arms = [Arm("a", [_Hashed(16), _Hashed(24)]), Arm("b", [_Hashed(40)])]
    with pytest.raises(HybridBenchError, match="unequal numbers of fits: a 2, b 1"):
        measure(arms, [SUITE], SilentProgress())
    with pytest.raises(HybridBenchError, match="there is no suite"):
        measure(arms[1:], [], SilentProgress())


def test_the_bootstrap_interval_holds_the_difference_and_narrows_with_images() -> None:
    rng = np.random.default_rng(5)
    few = [{("s", "de"): (rng.random((2, 50)) < share).astype(float)} for share in (0.6, 0.4)]
    many = [{key: np.tile(value, 16) for key, value in side.items()} for side in few]
    wide, narrow = (difference(*sides, [("s", "de")]) for sides in (few, many))
    assert wide.value == pytest.approx(few[0]["s", "de"][0].mean() - few[1]["s", "de"][0].mean())
    assert wide.fits == pytest.approx((few[0]["s", "de"] - few[1]["s", "de"]).mean(axis=1))
    assert wide.low < wide.value < wide.high
    assert (wide.high - wide.low) / (narrow.high - narrow.low) == pytest.approx(4, rel=0.15)
    same = difference(few[0], few[0], [("s", "de")])
    assert (same.value, same.low, same.high, same.clear) == (0, 0, 0, False)


def test_a_difference_counts_if_every_fit_agrees() -> None:
    assert Difference(0.1, 0.05, 0.15, (0.1, 0.02)).clear
    assert not Difference(0.1, 0.05, 0.15, (0.1, -0.02)).clear
    assert not Difference(0.1, -0.05, 0.25, (0.1, 0.02)).clear
    assert Difference(-0.1, -0.15, -0.05, (-0.1, -0.02)).clear


def test_the_report_says_what_the_figures_say(found: dict[str, Measured], tmp_path: Path) -> None:
    files = images_report.write(found, "a", tmp_path / "out", "hybrid-bench study images a b")
    assert [file.name for file in files] == ["images.md", "images.json", f"{SUITE}-mono-cross.svg"]
    text = files[0].read_text()
    unseen = images_answers.unseen(list(found["a"].hits))
    assert len(unseen) == 6
    gap = images_answers.compare(found, "b", "a", unseen)
    words = f"{images_answers.verdict(gap)}, {images_answers.points(gap)} points of R@10"
    assert f"- {SUITE}: b against a in unseen languages: {words}" in text
    assert f"of a pool of 243 ({SUITE})" in text
    assert f"| {found['a'].hits[SUITE, 'de'][0].mean():.3f} |" in text
    assert "fitted 2 times" in text
    assert "These pools are small subsets" in text
    assert "*Unseen* is the mean over all languages but `en`, whether or not" in text
    assert "Not answered here" not in text
    again = images_report.write(found, "a", tmp_path / "again", "hybrid-bench study images a b")
    assert [file.read_bytes() for file in again] == [file.read_bytes() for file in files]


def test_what_is_not_at_hand_is_said_of_the_published_study_alone(
    found: dict[str, Measured], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = images_report.markdown(dict(zip(STUDIED, found.values(), strict=False)), STUDIED[0], "hybrid-bench study images")
    assert text.count("Not answered here") == 2
    assert "with English captions alone: every language but `en` is zero-shot" in text
    whole = dataclasses.replace(captioned.datasets()[SUITE], kept=None)
    monkeypatch.setattr(images_report, "datasets", lambda: {SUITE: whole})
    assert "small subsets" not in images_report.markdown(found, "a", "hybrid-bench study images a b")
