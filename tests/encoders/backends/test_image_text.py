"""Dual encoders: a tiny CLIP and a tiny SigLIP against the plain model, sentence-transformers, and brute force on real images."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
import transformers
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

from hybrid_bench import Encoder, EvaluationOptions, HybridBenchError, Image, evaluate, load_encoder, load_suite
from hybrid_bench.datasets import captioned
from hybrid_bench.encoders.backends.image_text import _with_pillow
from hybrid_bench.testing import EncoderConformance
from hybrid_bench.testing.pictures import pictures
from tests.encoders.dual_models import LENGTH, save_dual
from tests.encoders.models import TEXTS, save_transformer

KINDS = ("CLIP", "Siglip")


def load(folder: Path, **options: Any) -> Encoder:
    return load_encoder(str(folder), **({"dtype": "fp32", "device": "cpu"} | options))


@pytest.fixture(scope="module", params=KINDS)
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    return save_dual(tmp_path_factory.mktemp("dual") / request.param.lower(), request.param), request.param


@pytest.fixture
def saved_st(saved: tuple[Path, str], tmp_path: Path) -> Path:
    """The same saved by sentence-transformers."""
    SentenceTransformer(str(saved[0]), device="cpu").save(str(tmp_path / "st"))
    return tmp_path / "st"


def plain(folder: Path, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors of TEXTS and pictures by transformers alone, one at a time."""
    model = transformers.AutoModel.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    processor = transformers.AutoImageProcessor.from_pretrained(folder, **_with_pillow())
    padding = {"padding": "max_length", "max_length": LENGTH} if kind == "Siglip" else {}
    texts, images = [], []
    with torch.no_grad():
        for text in TEXTS:
            inputs = dict(tokenizer(text, return_tensors="pt", **padding))
            inputs.pop("token_type_ids", None)
            texts.append(model.get_text_features(**inputs).pooler_output[0])
        for image in pictures():
            inputs = processor(images=[image.open().convert("RGB")], return_tensors="pt")
            images.append(model.get_image_features(**inputs).pooler_output[0])
    return (
        torch.nn.functional.normalize(torch.stack(texts), dim=-1).numpy(),
        torch.nn.functional.normalize(torch.stack(images), dim=-1).numpy(),
    )


def test_vectors_are_those_of_the_plain_model(saved: tuple[Path, str]) -> None:
    folder, kind = saved
    encoder = load(folder)
    texts, images = plain(folder, kind)
    np.testing.assert_allclose(encoder.encode(TEXTS, "query"), texts, atol=1e-6)
    np.testing.assert_allclose(encoder.encode(list(pictures()), "passage"), images, atol=1e-6)
    assert encoder.card.modalities == ("text", "image")
    assert (encoder.card.dimension, encoder.card.max_length) == (16, LENGTH)


def test_sentence_transformers_has_the_same_vectors(saved: tuple[Path, str], saved_st: Path) -> None:
    """Also of SigLIP, whose texts it would pad to the longest of a batch by itself."""
    one, other = load(saved[0]), load(saved_st)
    assert "image" in other.card.modalities
    assert other.card.preprocessing == one.card.preprocessing
    for role in ("query", "passage"):
        np.testing.assert_allclose(other.encode(TEXTS, role), one.encode(TEXTS, role), atol=1e-6)
        np.testing.assert_allclose(other.encode(list(pictures()), role), one.encode(list(pictures()), role), atol=1e-6)


class TestCLIP(EncoderConformance):
    @pytest.fixture(scope="class")
    def encoder(self, tmp_path_factory: pytest.TempPathFactory) -> Encoder:
        return load(save_dual(tmp_path_factory.mktemp("conformance") / "clip"))

    # Random weights know no meaning.
    test_a_query_is_nearer_to_its_answer_than_to_others = None  # type: ignore[assignment]
    test_a_changed_image_is_nearer_to_its_original_than_to_others = None  # type: ignore[assignment]


def test_the_image_processor_decides_the_fingerprint(tmp_path: Path) -> None:
    folder = save_dual(tmp_path / "clip")
    before = load(folder)
    assert before.fingerprint == load(folder).fingerprint
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps(settings | {"resample": 2}))
    after = load(folder)
    assert after.fingerprint != before.fingerprint
    assert after.card.preprocessing != before.card.preprocessing
    assert after.card.preprocessing.startswith("first frame, rotated as by its EXIF data, 8-bit RGB; CLIPImageProcessor")


def test_files_that_are_missing_are_errors(tmp_path: Path) -> None:
    folder = save_dual(tmp_path / "clip")
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(HybridBenchError, match="cannot load"):
        load(folder)


def test_a_model_without_features_of_both_kinds_is_refused(tmp_path: Path) -> None:
    bert = save_transformer(tmp_path / "bert")
    shutil.copy(save_dual(tmp_path / "clip") / "preprocessor_config.json", bert)
    with pytest.raises(HybridBenchError, match="its model \\(BertModel\\) has no get_text_features"):
        load(bert, backend="image-text")


def test_two_models_are_one_encoder(tmp_path: Path) -> None:
    """As clip-ViT-B-32-multilingual-v1 with clip-ViT-B-32."""
    folder = tmp_path / "pair"
    bert = save_transformer(tmp_path / "bert")
    SentenceTransformer(modules=[Transformer(str(bert)), Pooling(16, "mean"), Normalize()], device="cpu").save(
        str(folder / "texts")
    )
    save_dual(folder / "images")
    card = {"name": "pair", "backend": "sentence-transformers", "model": "texts", "image_model": "images"}
    card |= {"modalities": ["text", "image"]}
    (folder / "encoder.toml").write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in card.items()))
    encoder = load(folder)
    assert encoder.card.name == "pair"
    np.testing.assert_array_equal(encoder.encode(TEXTS, "query"), load(folder / "texts").encode(TEXTS, "query"))
    images = list(pictures())
    np.testing.assert_array_equal(encoder.encode(images, "passage"), load(folder / "images").encode(images, "passage"))
    assert len({encoder.fingerprint, load(folder / "texts").fingerprint, load(folder / "images").fingerprint}) == 3
    (folder / "encoder.toml").write_text((folder / "encoder.toml").read_text().replace('"images"', '"../elsewhere"'))
    with pytest.raises(HybridBenchError, match=r"image_model = '\.\./elsewhere' is outside"):
        load(folder)


def test_an_encoder_of_texts_that_says_it_reads_images_is_refused(tmp_path: Path) -> None:
    bert = save_transformer(tmp_path / "bert")
    SentenceTransformer(modules=[Transformer(str(bert)), Pooling(16, "mean")], device="cpu").save(str(tmp_path / "st"))
    card = 'name = "x"\nbackend = "sentence-transformers"\nmodel = "."\nmodalities = ["text", "image"]\n'
    (tmp_path / "st" / "encoder.toml").write_text(card)
    with pytest.raises(HybridBenchError, match="its first module reads text"):
        load(tmp_path / "st")


def test_a_damaged_image_is_named(saved: tuple[Path, str], tmp_path: Path) -> None:
    whole = pictures()[3].read()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    images = [*pictures(), Image.from_path(tmp_path / "half.png"), *pictures()]
    with pytest.raises(HybridBenchError, match=r"cannot decode the image .*half\.png"):
        load(saved[0]).encode(images, "passage")


@pytest.mark.usefixtures("shared")
def test_ranks_on_the_real_images_are_those_of_brute_force(
    saved: tuple[Path, str], shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the 243 images of test_2016 and the 242 of val: text-to-image, image-to-text, and captions in one pool."""
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(tmp_path / "home"))
    captioned.add_images("multi30k-flickr8k", shared / "image-text")
    folder = saved[0]
    encoder = load(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(folder, **_with_pillow())
    options = EvaluationOptions(languages=("en", "de"), measures=("R@1", "R@10", "RR"))
    for name, count in (("multi30k-flickr8k", 243), ("multi30k-flickr8k/val", 242)):
        result = evaluate(encoder, name, options=options)
        suite = load_suite(name)
        records = list(suite.collection("images").passages())
        assert len(records) == count
        images = encoder.encode([record.image for record in records], "passage")
        pictures_of = [PIL.Image.open(io.BytesIO(record.image.read())).convert("RGB") for record in records[:40]]
        with torch.no_grad():
            features = model.get_image_features(**processor(images=pictures_of, return_tensors="pt")).pooler_output
        np.testing.assert_allclose(images[:40], torch.nn.functional.normalize(features, dim=-1).numpy(), atol=1e-6)
        ids = [record.doc_id for record in records]
        values = {(row.query_set, row.pool, row.measure): row.value for row in result.rows}
        texts = {
            of: encoder.encode([one.default_text() for one in suite.collection(of).passages()], "query") for of in ("en", "de")
        }
        for of, vectors in texts.items():
            _assert_close(values, (of, "images"), _own_ranks(vectors, images, ids), vectors @ images.T)
            _assert_close(values, ("images", of), _own_ranks(images, vectors, ids), images @ vectors.T)


def _own_ranks(queries: np.ndarray, passages: np.ndarray, ids: list[str]) -> np.ndarray:
    scores = (queries @ passages.T).astype(np.float32)
    before = (scores > np.diagonal(scores)[:, None]) | (
        (scores == np.diagonal(scores)[:, None]) & (np.array(ids)[None, :] > np.array(ids)[:, None])
    )
    return before.sum(axis=1) + 1


def _assert_close(
    values: dict[tuple[str, str, str], float], where: tuple[str, str], ranks: np.ndarray, scores: np.ndarray
) -> None:
    """Products differ in the seventh place by their order, so that a rank may differ where two scores are as close."""
    near = (np.abs(scores - np.diagonal(scores)[:, None]) < 2e-7).sum(axis=1) > 1
    share = near.mean() + 1e-9
    assert values[(*where, "R@1")] == pytest.approx((ranks <= 1).mean(), abs=share)
    assert values[(*where, "R@10")] == pytest.approx((ranks <= 10).mean(), abs=share)
    assert values[(*where, "RR")] == pytest.approx((1 / ranks).mean(), abs=share)
    assert share < 0.05
