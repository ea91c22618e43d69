"""Suites of images with captions: their sizes, their settings, missing images, subsets, and damaged files."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import EvaluationOptions, HybridBenchError, Image, evaluate, load_suite
from hybrid_bench.datasets import captioned, image_files
from hybrid_bench.datasets.judged import judged_queries
from hybrid_bench.datasets.sources import captions
from hybrid_bench.plugin import SUITES
from tests.conftest import Cli
from tests.embeddings.encoders import ForImages
from tests.mutations import mutated

pytestmark = pytest.mark.usefixtures("shared", "cache")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of the test's own, in which no images are noted."""
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(tmp_path / "home"))
    captioned._crossmodal.cache_clear()
    yield tmp_path / "home"
    captioned._crossmodal.cache_clear()


def files(folder: Path, ids: list[str]) -> Path:
    """Files that are named as images; what is in them differs."""
    folder.mkdir(parents=True, exist_ok=True)
    for image in ids:
        (folder / f"{image}.jpg").write_bytes(image.encode())
    return folder


@pytest.mark.parametrize(
    ("name", "images", "languages"),
    [
        ("multi30k", 1000, 7),
        ("multi30k/test_2017", 1000, 6),
        ("multi30k/test_2018", 1071, 7),
        ("multi30k/mscoco", 461, 6),
        ("multi30k-flickr8k", 243, 7),
        ("multi30k-flickr8k/val", 242, 7),
        ("xflickrco", 2000, 8),
        ("xflickrco-flickr8k", 243, 8),
        ("xtd10", 1000, 11),
    ],
)
def test_every_image_has_a_caption_in_every_language(name: str, images: int, languages: int) -> None:
    suite = load_suite(name)
    of = captioned.datasets()[name]
    assert len(set(of.image_ids())) == images
    texts = [collection for collection in suite.collections if collection.modality == "text"]
    assert len(texts) == languages
    for collection in texts:
        assert [record.doc_id for record in collection.passages()] == of.image_ids()
    kinds = {kind: sum(setting.kind == kind for setting in suite.settings) for kind in ("text-to-image", "image-to-text")}
    assert kinds == {"text-to-image": languages, "image-to-text": languages + 1}
    assert sum(setting.kind == "cross-lingual" for setting in suite.settings) == languages * (languages - 1)


def test_captions_lie_beside_those_of_the_same_image() -> None:
    """xFlickr&CO's Flickr half is Multi30k test_2016; both files of English begin with captions of the same image."""
    ids = captioned.datasets()["multi30k"].image_ids()
    assert captioned.datasets()["xflickrco"].image_ids()[:1000] == ids
    english = captions.load("multi30k/test_2016", "en")
    assert len(english[0].text.split()) == 9
    assert english[0].image == "1007129816" == english[0].id


def test_machine_translations_are_labelled() -> None:
    suite = load_suite("multi30k")
    assert [of.name for of in suite.query_sets] == ["en", "de", "fr", "cs", "ar-mt", "es-mt", "zh-mt", "images"]
    assert suite.query_set("ar-mt").language == "ar"
    assert "machine translations" in suite.note


def test_an_empty_caption_is_a_query_that_counts() -> None:
    suite = load_suite("xflickrco-flickr8k/captions")
    assert len(judged_queries(suite)["de"].queries) == 243


def test_the_pool_of_all_captions_has_every_caption_of_an_image() -> None:
    suite = load_suite("multi30k-flickr8k")
    judgements = [one for one in suite.query_set("images").judgements() if one.query_id == "1007129816"]
    assert [one.collection for one in judgements] == list(suite.pool("all"))


def test_texts_alone_need_no_image() -> None:
    suite = load_suite("multi30k/captions")
    assert suite.modalities == {"text"}
    assert {setting.kind for setting in suite.settings} == {"cross-lingual"}
    assert suite.available is None


def test_they_are_listed() -> None:
    assert {"multi30k", "multi30k-flickr8k", "xflickrco", "xtd10", "xm3600"} <= set(SUITES)
    assert load_suite("multi30k/test_2016").name == "multi30k/test_2016"
    with pytest.raises(HybridBenchError, match="unknown suite 'multi30k/test_2015'"):
        load_suite("multi30k/test_2015")


def test_missing_images_are_named_with_their_number_and_source(tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match=r"needs 243 images, and 243 are missing: \d+, .*\n  Get them from Flickr8k"):
        evaluate(ForImages(), "multi30k-flickr8k")
    ids = captioned.datasets()["multi30k-flickr8k"].image_ids()
    added = captioned.add_images("multi30k-flickr8k", files(tmp_path / "some", ids[:5]))
    assert (list(added.found), len(added.missing), list(added.differing)) == (ids[:5], 480, ids[:5])
    with pytest.raises(HybridBenchError, match=r"(?s)238 are missing: .*images add multi30k-flickr8k.*--available"):
        evaluate(ForImages(), "multi30k-flickr8k")


def test_the_result_of_the_available_images_names_the_subset(tmp_path: Path) -> None:
    ids = captioned.datasets()["multi30k"].image_ids()
    captioned.add_images("multi30k", files(tmp_path / "some", ids[3:23]))
    result = evaluate(ForImages(), "multi30k", options=EvaluationOptions(available=True))
    assert result.suite == "multi30k+20-of-1000"
    assert result.provenance.command.endswith("--suite multi30k --dtype fp32 --device cpu --available")
    assert {row.suite for row in result.rows} == {"multi30k+20-of-1000"}
    assert {row.queries for row in result.rows} == {20}
    restricted = evaluate(ForImages(), "multi30k", options=EvaluationOptions(available=True, languages=("de", "en")))
    assert restricted.suite == "multi30k+20-of-1000+en+de"
    with pytest.raises(HybridBenchError, match="available has no effect"):
        evaluate(ForImages(), "mini", options=EvaluationOptions(available=True))


@pytest.mark.parametrize(
    ("suite", "options", "message"),
    [
        ("multi30k-flickr8k", {}, "the option features has no effect on tiny: it takes no precomputed features"),
        ("mini", {}, "the option features has no effect: mini needs no images of the user's own"),
        ("multi30k-flickr8k", {"names": None}, "features need the names of their images"),
        ("multi30k-flickr8k", {"available": True}, "available has no effect on precomputed features"),
    ],
)
def test_features_without_effect_are_errors(suite: str, options: dict[str, object], message: str) -> None:
    given = {"features": "f.npy", "names": "n.txt"} | options
    with pytest.raises(HybridBenchError, match=message):
        evaluate(ForImages(), suite, options=EvaluationOptions(**given))  # type: ignore[arg-type]


def test_all_images_available_is_the_suite_itself(tmp_path: Path) -> None:
    ids = captioned.datasets()["multi30k-flickr8k"].image_ids()
    captioned.add_images("multi30k-flickr8k", files(tmp_path / "all", ids))
    suite = load_suite("multi30k-flickr8k")
    assert suite.available is not None
    assert suite.available().name == "multi30k-flickr8k"


def test_scores_are_those_of_brute_force(tmp_path: Path) -> None:
    """The settings of images on captions, and which language's captions are first."""
    ids = captioned.datasets()["multi30k"].image_ids()[:30]
    captioned.add_images("multi30k", files(tmp_path / "some", ids))
    options = EvaluationOptions(available=True, languages=("en", "de", "fr"), measures=("R@10", "Success@1"))
    encoder = ForImages()
    result = evaluate(encoder, "multi30k", options=options)
    values = {(row.query_set, row.pool, row.measure): row.value for row in result.rows}
    images = [Image.from_path(tmp_path / "some" / f"{image}.jpg") for image in ids]
    texts = {of: [one.text for one in captions.load("multi30k/test_2016", of)[:30]] for of in ("en", "de", "fr")}
    queries = {of: encoder.encode(texts[of], "query") for of in texts}
    passages = {of: encoder.encode(texts[of], "passage") for of in texts}

    def ranks(asked: np.ndarray, found: np.ndarray, names: list[str]) -> np.ndarray:
        """(queries, passages) ranks; equal scores rank by descending id."""
        scores = asked @ found.T
        last = np.broadcast_to(np.argsort(np.argsort(names)), scores.shape)
        return np.argsort(np.lexsort((last, scores), axis=1)[:, ::-1], axis=1) + 1

    own = np.diagonal(ranks(queries["de"], encoder.encode(images, "passage"), ids))
    assert values["de", "images", "R@10"] == pytest.approx((own <= 10).mean())
    own = np.diagonal(ranks(encoder.encode(images, "query"), passages["fr"], ids))
    assert values["images", "fr", "Success@1"] == pytest.approx((own <= 1).mean())
    own = np.diagonal(ranks(queries["en"], passages["de"], ids))
    assert values["en", "de", "R@10"] == pytest.approx((own <= 10).mean())
    stacked = np.concatenate([passages[of] for of in ("en", "de", "fr")])
    names = [f"{of}-{image}" for of in ("en", "de", "fr") for image in ids]
    found = ranks(encoder.encode(images, "query"), stacked, names).reshape(30, 3, 30)
    of_image = np.array([found[number, :, number] for number in range(30)])
    assert values["images", "all", "RankDistance"] == pytest.approx((of_image.max(axis=1) - of_image.min(axis=1)).mean())
    for number, of in enumerate(("en", "de", "fr")):
        assert values["images", "all", f"First({of})"] == pytest.approx((of_image.argmin(axis=1) == number).mean())
    assert values["images", "all", "R@10"] == pytest.approx((of_image <= 10).mean())


def test_images_of_flickr8k_are_found_by_the_first_part_of_their_names(shared: Path) -> None:
    added = captioned.add_images("multi30k-flickr8k", shared / "image-text")
    assert (len(added.found), added.missing, added.differing) == (485, [], [])
    assert len(list(load_suite("multi30k-flickr8k").collection("images").passages())) == 243


def test_the_command_adds_images_and_lists_those_that_are_missing(cli: Cli, tmp_path: Path) -> None:
    ids = captioned.datasets()["xtd10"].image_ids()
    files(tmp_path / "coco", ids[:990])
    done = cli("images", "add", "xtd10", "--from", "coco")
    assert done.returncode == 0
    assert done.stdout.split() == ids[990:]
    assert "found 990 images of xtd10" in done.stderr
    with pytest.raises(HybridBenchError, match="nowhere is not a folder"):
        captioned.add_images("xtd10", tmp_path / "nowhere")


def test_a_folder_without_the_images_and_an_unknown_dataset_are_errors(tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match="has none of the 1,000 images of xtd10"):
        captioned.add_images("xtd10", files(tmp_path / "other", ["cat"]))
    with pytest.raises(HybridBenchError, match="unknown dataset of images 'xtd1'\n  Did you mean xtd10"):
        captioned.add_images("xtd1", tmp_path)


def test_images_that_are_gone_are_missing_again(tmp_path: Path, cache: Path) -> None:
    ids = captioned.datasets()["xtd10"].image_ids()
    captioned.add_images("xtd10", files(tmp_path / "coco", ids))
    (tmp_path / "coco" / f"{ids[4]}.jpg").unlink()
    with pytest.raises(HybridBenchError, match=f"needs 1,000 images, and 1 are missing: {ids[4]}"):
        list(load_suite("xtd10").collection("images").passages())
    (cache / "images" / "xtd10.json").write_text("{")
    with pytest.raises(HybridBenchError, match="is damaged"):
        image_files.located("xtd10")


def crossmodal(path: Path, images: int = 4) -> Path:
    """A file in the format of Crossmodal-3600, of our own texts: two captions of every second image."""
    lines = []
    for number in range(images):
        texts = {of: {"caption": [f"{of} {number}", f"{of} again"][: 1 + number % 2]} for of in captions.XM3600}
        lines.append(json.dumps({"image/key": f"{number:016x}", "image/locale": "de"} | texts))
    path.write_text("\n".join(lines) + "\n")
    return path


def test_crossmodal_3600_is_read_from_the_folder_of_its_images(tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match=r"xm3600 needs its images, and captions.jsonl"):
        evaluate(ForImages(), "xm3600")
    folder = files(tmp_path / "xm" / "images", [f"{number:016x}" for number in range(4)])
    with pytest.raises(HybridBenchError, match=r"has no captions\.jsonl"):
        captioned.add_images("xm3600", folder)
    crossmodal(tmp_path / "xm" / "captions.jsonl")
    assert len(captioned.add_images("xm3600", folder).found) == 4
    suite = load_suite("xm3600")
    assert len(suite.languages) == 36
    assert [item.id for item in suite.queries("quz")] == [
        "0000000000000000", "0000000000000001", "0000000000000001-2", "0000000000000002", "0000000000000003",
        "0000000000000003-2",
    ]  # fmt: skip
    relevant = [
        one.doc_id for one in suite.query_set("images").judgements() if one.collection == "th" and one.query_id[-1] == "3"
    ]
    assert relevant == ["0000000000000003", "0000000000000003-2"]
    result = evaluate(ForImages(), suite, options=EvaluationOptions(languages=("th", "quz"), measures=("R@1", "Success@1")))
    assert {row.queries for row in result.rows if row.query_set == "images"} == {4}


def test_damaged_captions_of_crossmodal_are_errors_or_right(tmp_path: Path) -> None:
    content = crossmodal(tmp_path / "captions.jsonl", 2).read_bytes()
    rng = random.Random(24)
    for _ in range(2000):
        (tmp_path / "captions.jsonl").write_bytes(mutated(content, rng))
        try:
            found = captions.crossmodal(tmp_path / "captions.jsonl")
        except HybridBenchError:
            continue
        assert all(one.text for of in found.values() for one in of)


def test_damaged_annotations_and_lines_are_errors_or_right(tmp_path: Path) -> None:
    content = b'{"sentences": ["Ein Hund."], "id": "1", "img_path": "1.jpg"}\n{"sentences": [""], "id": 2, "img_path": "2.jpg"}\n'
    rng = random.Random(24)
    for _ in range(2000):
        (tmp_path / "test.jsonl").write_bytes(mutated(content, rng))
        try:
            found = list(captions._annotations(tmp_path / "test.jsonl"))
        except HybridBenchError:
            continue
        assert all(isinstance(text, str) for _, texts in found for text in texts)
    (tmp_path / "x.gz").write_bytes(b"\x1f\x8b no")
    with pytest.raises(HybridBenchError, match="is damaged"):
        captions._lines(tmp_path / "x.gz")
