"""Suites, encoders and evaluations through the names of ``hybrid_bench`` and ``hybrid_bench.plugin`` only."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import io
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import PIL.Image
import pytest

import hybrid_bench
import hybrid_bench.plugin
from hybrid_bench import (
    Collection,
    EncoderCard,
    EvaluationOptions,
    HybridBenchError,
    Image,
    Judgement,
    QuerySet,
    Result,
    Suite,
    evaluate,
)
from hybrid_bench.plugin import ALL, ImagePassage, Role, domain_settings, image_settings, language_settings

#: Most lines of the code of a suite.
FEW_LINES = 40


class Text(NamedTuple):
    """A query or a passage."""

    id: str
    text: str

    @property
    def doc_id(self) -> str:
        return self.id

    @property
    def query_id(self) -> str:
        return self.id

    def default_text(self) -> str:
        return self.text


def two_domains() -> Suite:
    """Law and medicine, in English; ids occur in both."""
    law = {"1": "the court hears the case", "2": "a judge signs the order", "3": "the witness saw the doctor"}
    medicine = {"1": "the doctor hears the patient", "2": "a nurse signs the chart", "3": "surgery in the morning", "4": "rest"}
    collections = (
        Collection("law", lambda: [Text(*item) for item in law.items()], language="en", domain="law"),
        Collection("medicine", lambda: [Text(*item) for item in medicine.items()], language="en", domain="medicine"),
    )
    query_sets = (
        QuerySet(
            "law",
            lambda: [Text("a", "who hears the case"), Text("b", "who saw the doctor")],
            lambda: [Judgement("a", "law", "1", 1), Judgement("b", "law", "3", 1), Judgement("b", "medicine", "1", 1)],
            language="en",
            domain="law",
        ),
        QuerySet(
            "medicine",
            lambda: [Text("a", "who signs the chart")],
            lambda: [Judgement("a", "medicine", "2", 1), Judgement("a", "law", "2", 1)],
            language="en",
            domain="medicine",
        ),
    )
    settings = domain_settings(query_sets, collections)
    return Suite("domains", "Two domains", query_sets, collections, settings, pools={ALL: ("law", "medicine")}, primary="AP")


def two_scripts() -> Suite:
    """Chinese in simplified characters, Serbian in Latin letters, and German: tags with hyphens."""
    texts = {
        "zh-hans": ("河流发源于山区", "面包需要酵母"),
        "sr-latn": ("Reka izvire u planini", "Hleb treba kvasac"),
        "de": ("Der Fluss entspringt im Gebirge", "Brot braucht Hefe"),
    }

    def records(language: str) -> list[Text]:
        return [Text(str(number), text) for number, text in enumerate(texts[language])]

    def judgements() -> list[Judgement]:
        return [Judgement(str(number), language, str(number), 1) for number in (0, 1) for language in texts]

    collections = tuple(Collection(tag, lambda tag=tag: records(tag), language=tag) for tag in texts)
    query_sets = tuple(QuerySet(tag, lambda tag=tag: records(tag), judgements, language=tag) for tag in texts)
    settings = language_settings(query_sets, collections)
    return Suite("scripts", "Three languages", query_sets, collections, settings, pools={ALL: tuple(texts)}, primary="AP")


COLOURS = {"red": (220, 20, 30), "green": (20, 200, 40), "blue": (30, 30, 210), "yellow": (230, 220, 20), "grey": (128, 128, 128)}


def pictures() -> Suite:
    """Five pictures of noise around a colour, and captions that name it."""
    rng = np.random.default_rng(5)

    def picture(colour: str) -> Image:
        pixels = np.clip(rng.normal(COLOURS[colour], 25, (8, 8, 3)), 0, 255).astype(np.uint8)
        content = io.BytesIO()
        PIL.Image.fromarray(pixels).save(content, "PNG")
        return Image.from_bytes(content.getvalue(), f"{colour}.png")

    images = {colour: picture(colour) for colour in COLOURS}
    collection = Collection(
        "pictures", lambda: [ImagePassage(colour, image) for colour, image in images.items()], modality="image"
    )
    captions = QuerySet(
        "captions",
        lambda: [Text(colour, colour) for colour in COLOURS],
        lambda: [Judgement(colour, "pictures", colour, 1) for colour in COLOURS],
        language="en",
    )
    settings = image_settings([captions], [("pictures", "image")])
    return Suite("pictures", "Five pictures", (captions,), (collection,), settings, primary="RR")


class Letters:
    """An encoder of texts: counts of their letters; products are whole numbers."""

    card = EncoderCard(name="letters", backend="static", similarity="dot", dimension=64)
    fingerprint, dtype, device = "letters-1", "fp32", "cpu"

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        codes = [[ord(letter) % 64 for letter in text] for text in texts]
        return np.array([np.bincount(of, minlength=64) for of in codes], np.float32)


class MeanColours:
    """An encoder of images and of names of colours: the mean colour around grey, at unit length."""

    card = EncoderCard(name="mean-colours", backend="static", dimension=3, modalities=("text", "image"), preprocessing="mean")
    fingerprint, dtype, device = "mean-colours-1", "fp32", "cpu"

    def encode(self, inputs: Sequence[Any], role: Role) -> np.ndarray:
        def colour(item: Any) -> np.ndarray:
            if isinstance(item, Image):
                return np.asarray(item.open().convert("RGB"), np.float64).mean(axis=(0, 1))
            return np.array(COLOURS[item], np.float64)

        vectors = np.array([colour(item) - 100 for item in inputs]).reshape(-1, 3)
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def brute_force(encoder: Any, suite: Suite) -> dict[tuple[str, str], dict[str, dict[tuple[str, str], int]]]:
    """(query set, pool) to query to (collection, passage) to rank of its relevant passages, by sorting the pool."""
    found: dict[tuple[str, str], dict[str, dict[tuple[str, str], int]]] = {}
    for setting in suite.settings:
        passages = [(name, record) for name in suite.pool(setting.pool) for record in suite.collection(name).passages()]
        asked = suite.query_set(setting.query_set)
        contents = [getattr(record, "image", None) or record.default_text() for _, record in passages]  # type: ignore[union-attr]
        vectors = encoder.encode(contents, "passage").astype(np.float64)
        for query in asked.queries():
            scores = vectors @ encoder.encode([query.default_text()], "query")[0].astype(np.float64)  # type: ignore[union-attr]
            keys = [(score, suite.trec_id(name, record.doc_id)) for score, (name, record) in zip(scores, passages, strict=True)]
            ordered = sorted(keys, reverse=True)
            rank = {(name, record.doc_id): ordered.index(key) + 1 for key, (name, record) in zip(keys, passages, strict=True)}
            relevant = [(of.collection, of.doc_id) for of in asked.judgements() if of.query_id == query.query_id]
            if ranks := {key: rank[key] for key in relevant if key in rank}:
                found.setdefault((setting.query_set, setting.pool), {})[query.query_id] = ranks
    return found


def average_precision(ranks: dict[Any, int]) -> float:
    return float(np.mean([number / rank for number, rank in enumerate(sorted(ranks.values()), start=1)]))


def scores(result: Result, measure: str) -> dict[tuple[str, str], float]:
    return {(row.query_set, row.pool): row.value for row in result.rows if row.measure == measure}


@pytest.mark.parametrize("make", [two_domains, two_scripts, pictures])
def test_a_suite_takes_few_lines(make: Callable[[], Suite]) -> None:
    assert len(inspect.getsource(make).splitlines()) < FEW_LINES


@pytest.mark.parametrize(("make", "encoder"), [(two_domains, Letters()), (two_scripts, Letters()), (pictures, MeanColours())])
def test_every_setting_has_the_scores_of_a_sorted_pool(make: Callable[[], Suite], encoder: Any, tmp_path: Path) -> None:
    suite = make()
    result = evaluate(encoder, suite, options=EvaluationOptions(measures=("AP", "RR"), store=tmp_path, check=True))
    expected = brute_force(encoder, suite)
    found = {measure: scores(result, measure) for measure in ("AP", "RR")}
    assert found["AP"].keys() == expected.keys() == {(setting.query_set, setting.pool) for setting in suite.settings}
    for pair, queries in expected.items():
        assert found["AP"][pair] == pytest.approx(np.mean([average_precision(ranks) for ranks in queries.values()]))
        assert found["RR"][pair] == pytest.approx(np.mean([1 / min(ranks.values()) for ranks in queries.values()]))


def test_bias_is_measured_by_domain(tmp_path: Path) -> None:
    suite = two_domains()
    result = evaluate(Letters(), suite, options=EvaluationOptions(store=tmp_path))
    assert {row.setting for row in result.rows} == {"in-domain", "cross-domain", "all-domain"}
    distance = scores(result, "RankDistance(domain)")
    assert distance.keys() == {("law", ALL), ("medicine", ALL)}
    ranks = brute_force(Letters(), suite)
    for pair, value in distance.items():
        several = [list(of.values()) for of in ranks[pair].values() if len(of) > 1]
        assert value == np.mean([max(of) - min(of) for of in several])
    assert scores(result, "PEER(domain)").keys() == distance.keys()
    # All 7 passages are among the first 20: 3 of law and 4 of medicine.
    assert scores(result, "SameDomain@20") == {("law", ALL): pytest.approx(3 / 20), ("medicine", ALL): pytest.approx(4 / 20)}
    assert not scores(result, "RankDistance")
    assert {name: of.domain for name, of in result.collections.items()} == {"law": "law", "medicine": "medicine"}


@pytest.mark.parametrize("large", [False, True])
def test_a_restriction_to_tags_with_hyphens_keeps_the_judgements(large: bool, tmp_path: Path) -> None:
    whole = dataclasses.replace(two_scripts(), large=large)
    options = EvaluationOptions(languages=("zh-hans", "sr-latn"), measures=("AP",), store=tmp_path)
    result = evaluate(Letters(), whole, options=options)
    restricted = whole.restrict(("zh-hans", "sr-latn"))
    assert [len(list(of.judgements())) for of in restricted.query_sets] == [4, 4]
    assert result.suite == restricted.name == "scripts+zh-hans+sr-latn"
    assert result.pools == {ALL: ("zh-hans", "sr-latn")}
    assert {row.queries for row in result.rows} == {2}
    expected = brute_force(Letters(), restricted)
    assert len(expected) == 6
    for pair, queries in expected.items():
        assert scores(result, "AP")[pair] == pytest.approx(np.mean([average_precision(of) for of in queries.values()]))
    same = scores(result, "SameLanguage@20")
    assert same == {("zh-hans", ALL): pytest.approx(2 / 20), ("sr-latn", ALL): pytest.approx(2 / 20)}


def test_captions_find_their_pictures(tmp_path: Path) -> None:
    result = evaluate(MeanColours(), pictures(), options=EvaluationOptions(store=tmp_path))
    assert {(row.query_set, row.pool, row.setting) for row in result.rows} == {("captions", "pictures", "text-to-image")}
    assert {row.queries for row in result.rows} == {5}
    assert result.collections["pictures"].modality == "image"
    assert scores(result, "RR") == {("captions", "pictures"): 1.0}
    path = result.save(tmp_path)
    assert json.loads(path.read_text())["collections"] == {"pictures": {"modality": "image"}}


def test_a_large_suite_of_pictures_has_the_same_scores(tmp_path: Path) -> None:
    large = dataclasses.replace(pictures(), large=True)
    result = evaluate(MeanColours(), large, options=EvaluationOptions(measures=("RR",), store=tmp_path))
    assert scores(result, "RR") == {("captions", "pictures"): 1.0}


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("named", [False, True])
def test_an_encoder_of_texts_is_refused_before_anything_is_loaded(named: bool, large: bool, tmp_path: Path) -> None:
    def unread() -> list[Any]:
        raise AssertionError("the suite was read")

    suite = pictures()
    suite = dataclasses.replace(
        suite,
        large=large,
        collections=tuple(dataclasses.replace(of, passages=unread) for of in suite.collections),
        query_sets=tuple(dataclasses.replace(of, queries=unread, judgements=unread) for of in suite.query_sets),
    )
    # There are no weights: loading them would be another error.
    (tmp_path / "encoder.toml").write_text('name = "letters"\nbackend = "transformers"\nmodel = "weights"\npooling = "mean"\n')
    encoder: Any = str(tmp_path) if named else Letters()
    with pytest.raises(HybridBenchError, match=r"the suite pictures needs an encoder of images, but letters encodes only texts"):
        evaluate(encoder, suite)


def test_the_passage_text_has_no_effect_on_pictures() -> None:
    with pytest.raises(HybridBenchError, match="the option passage_text has no effect: pictures has no collection of texts"):
        evaluate(MeanColours(), pictures(), options=EvaluationOptions(passage_text="sentence+context"))


def test_this_file_imports_public_names_only() -> None:
    tree = ast.parse(Path(__file__).read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    assert {name for name in modules if name.startswith("hybrid_bench")} == {"hybrid_bench", "hybrid_bench.plugin"}


def is_documented(package: ModuleType, name: str) -> bool:
    """Whether the object has a docstring; a constant or a type alias needs a comment ``#:`` above it."""
    obj = getattr(package, name)
    if inspect.ismodule(obj) or inspect.isclass(obj) or inspect.isroutine(obj):
        return bool(obj.__doc__)
    tree = ast.parse(Path(str(package.__file__)).with_suffix(".pyi").read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    home = next(node.module for node in imports if name in {alias.asname for alias in node.names})
    source = inspect.getsource(importlib.import_module(str(home))).splitlines()
    at = next(number for number, line in enumerate(source) if line.startswith((f"{name} =", f"{name}:")))
    return source[at - 1].startswith("#:")


@pytest.mark.parametrize("package", [hybrid_bench, hybrid_bench.plugin], ids=lambda package: package.__name__)
def test_every_exported_name_exists_and_is_documented(package: ModuleType) -> None:
    assert len(set(package.__all__)) == len(package.__all__)
    assert set(dir(package)) >= set(package.__all__)
    assert [name for name in package.__all__ if not is_documented(package, name)] == []
    with pytest.raises(AttributeError, match="has no attribute 'evaluat'"):
        package.evaluat  # noqa: B018


def test_there_are_few_names_for_evaluation() -> None:
    assert len(hybrid_bench.__all__) <= 20


def test_no_name_is_exported_twice_but_those_of_encoders() -> None:
    """A name has one home; the protocol that plugins implement is what `load_encoder` returns."""
    assert set(hybrid_bench.__all__) & set(hybrid_bench.plugin.__all__) <= {"Encoder"}


@pytest.mark.parametrize("package", ["hybrid_bench", "hybrid_bench.plugin"])
def test_importing_a_package_imports_nothing_else(package: str) -> None:
    code = f"import json, sys; before = set(sys.modules); import {package}; print(json.dumps(sorted(set(sys.modules) - before)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    allowed = {"hybrid_bench", "hybrid_bench.plugin", "hybrid_bench.support", "hybrid_bench.support.lazy_exports"}
    assert {name for name in loaded if name.startswith("hybrid_bench")} <= allowed
    assert not {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names) - {"hybrid_bench"}
