"""Vectors that other programs computed: every form of file gives the scores of the encoder, and faults are named."""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save_file as save_torch

from hybrid_bench import EncoderCard, EvaluationOptions, HybridBenchError, Result, evaluate, load_suite, load_vectors
from hybrid_bench.datasets import texts
from hybrid_bench.embeddings.given import GivenVectors
from tests.embeddings.vectors_of import FORMATS, as_safetensors, batch_line, embed, npy
from tests.evaluation.suites import of_lists
from tests.mutations import mutated
from tests.tiny_encoder import TinyEncoder

SUITE = of_lists()
CARD = EncoderCard(name="tiny", backend="static", query_prefix="q ", passage_prefix="p ")
LANGUAGES = ("de", "en", "zh")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Vectors of the small suite: .npy and ids beside the texts."""
    return embed(SUITE, tmp_path, TinyEncoder(dimension=8))


def load(folder: Path, **options: object) -> GivenVectors:
    return load_vectors(folder, SUITE, CARD, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Result:
    store = tmp_path_factory.mktemp("store")
    return evaluate(TinyEncoder(), "mini", options=EvaluationOptions(languages=LANGUAGES, store=store))


def given(folder: Path) -> Result:
    vectors = load_vectors(folder, "mini", CARD, languages=LANGUAGES)
    return evaluate(vectors, "mini", options=EvaluationOptions(languages=LANGUAGES))


def test_every_form_gives_the_scores_of_the_encoder(named: Result, tmp_path: Path) -> None:
    fingerprints = set()
    for form, write in {**FORMATS, "safetensors": npy}.items():
        folder = embed(load_suite("mini"), tmp_path / form, TinyEncoder(), write, LANGUAGES)
        if form == "safetensors":
            as_safetensors(folder)
        result = given(tmp_path / form)
        assert result.rows == named.rows, form
        assert result.ranks == named.ranks, form
        assert (result.provenance.passages, result.provenance.queries) == (named.provenance.passages, named.provenance.queries)
        fingerprints.add(result.provenance.fingerprint)
    assert len(fingerprints) == 1


def test_vectors_of_any_length_and_order_are_normalised(named: Result, tmp_path: Path) -> None:
    folder = embed(load_suite("mini"), tmp_path, TinyEncoder(), languages=LANGUAGES)
    for path in folder.glob("*/*.npy"):
        ids = path.with_suffix(".ids.txt").read_text(encoding="utf-8").splitlines()
        npy(path.with_suffix(""), ids[::-1], 7 * np.load(path)[::-1])
    result = given(folder)
    of = [row.value for row in named.rows if row.measure == "AP"]
    assert [row.value for row in result.rows if row.measure == "AP"] == pytest.approx(of, abs=1e-4)


@pytest.mark.parametrize(("dtype", "name"), [(torch.float16, "fp16"), (torch.bfloat16, "bf16"), (torch.float32, "fp32")])
def test_the_dtype_is_recorded(folder: Path, dtype: torch.dtype, name: str) -> None:
    arrays = {f"{path.parent.name}/{path.stem}": torch.from_numpy(np.load(path)) for path in sorted(folder.glob("*/*.npy"))}
    shutil.rmtree(folder / "queries")
    shutil.rmtree(folder / "passages")
    save_torch({part: array.to(dtype) for part, array in arrays.items()}, folder / "vectors.safetensors")
    vectors = load(folder)
    found = vectors.of("passage", "de", ["3", "1"])
    assert found.dtype == np.float32
    assert np.array_equal(found, arrays["passages/de"].to(dtype).float().numpy()[[2, 0]])
    assert evaluate(vectors, SUITE).provenance.dtype == name


def test_the_manifest_states_the_hashes_of_results(folder: Path) -> None:
    manifest = texts.TextsManifest.read(folder)
    result = evaluate(load(folder), SUITE)
    for stated, hashes in ((manifest.queries, result.provenance.queries), (manifest.passages, result.provenance.passages)):
        assert {name: part.sha256 for name, part in stated.items()} == hashes
    assert [json.loads(line)["id"] for line in (folder / "queries/de.texts.jsonl").read_text().splitlines()] == ["a", "b"]


def test_texts_in_parquet_are_those_in_json_lines(tmp_path: Path) -> None:
    odd = of_lists(docs={"de": {"1": "a\u2028b", "2": "\x85", "3": "c\n", "4": "d"}, "en": {"9": "e"}})
    folder = texts.export(odd, tmp_path, formats=("jsonl", "parquet"))
    lines = (folder / "passages/de.texts.jsonl").read_text(encoding="utf-8").splitlines()
    assert pq.read_table(folder / "passages/de.texts.parquet").to_pylist() == [json.loads(line) for line in lines]
    assert [json.loads(line)["text"] for line in lines] == ["a\u2028b", "", "c\n", "d"]


def test_languages_are_parts_of_the_same_texts(folder: Path, tmp_path: Path) -> None:
    german = texts.export(SUITE, tmp_path / "german", languages=["de"])
    whole, part = texts.TextsManifest.read(folder), texts.TextsManifest.read(german)
    assert part.queries == {"de": whole.queries["de"]}
    assert part.passages == {"de": whole.passages["de"]}
    shutil.copy(german / texts.FILE, folder)
    vectors = load(folder, languages=["de"])
    assert evaluate(vectors, SUITE, options=EvaluationOptions(languages=("de",))).rows
    with pytest.raises(HybridBenchError, match="vectors of passages/en were not loaded"):
        evaluate(vectors, SUITE)
    with pytest.raises(HybridBenchError, match="has no queries/en"):
        load(folder)


def without_language(folder: Path) -> None:
    (folder / "passages/en.npy").unlink()


def twice(folder: Path) -> None:
    vectors = np.load(folder / "passages/en.npy")
    npy(folder / "passages/en", ["1", "2", "9", "2"], np.concatenate([vectors, vectors[:1]]))


def lacking(folder: Path) -> None:
    npy(folder / "passages/en", ["1", "2"], np.load(folder / "passages/en.npy")[:2])


def extra(folder: Path) -> None:
    vectors = np.load(folder / "passages/en.npy")
    npy(folder / "passages/en", ["1", "2", "9", "x"], np.concatenate([vectors, vectors[:1]]))


def not_a_number(folder: Path) -> None:
    vectors = np.load(folder / "passages/en.npy")
    vectors[1, 3] = np.nan
    np.save(folder / "passages/en.npy", vectors)


def zeros(folder: Path) -> None:
    np.save(folder / "queries/de.npy", np.eye(2, 8, -1, dtype=np.float32))


def other_dimension(folder: Path) -> None:
    np.save(folder / "queries/en.npy", np.ones((1, 9), np.float32))


def double(folder: Path) -> None:
    np.save(folder / "passages/de.npy", np.load(folder / "passages/de.npy").astype(np.float64))


def double_parquet(folder: Path) -> None:
    (folder / "passages/de.npy").unlink()
    pq.write_table(pa.table({"id": list("1234"), "vector": np.ones((4, 8)).tolist()}), folder / "passages/de.parquet")


def transposed(folder: Path) -> None:
    np.save(folder / "passages/de.npy", np.load(folder / "passages/de.npy").T)


def flat(folder: Path) -> None:
    np.save(folder / "passages/de.npy", np.ones(4, np.float32))


def other_texts(folder: Path) -> None:
    shutil.copy(
        texts.export(of_lists(docs={"de": {"1": "x", "3": "y", "4": "z"}, "en": {"9": "n"}}), folder / "x") / "manifest.json",
        folder,
    )


def other_suite(folder: Path) -> None:
    shutil.copy(texts.export(load_suite("mini"), folder / "x", languages=["de"]) / "manifest.json", folder)


def edited(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"sentence"', '"sentence+context"'))


def no_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def no_ids(folder: Path) -> None:
    (folder / "passages/de.ids.txt").unlink()


def two_files(folder: Path) -> None:
    (folder / "passages/de.jsonl").write_text(json.dumps({"id": "1", "vector": [1.0]}))


def pickled(folder: Path) -> None:
    np.save(folder / "passages/de.npy", np.array([{"a": 1}]), allow_pickle=True)


def half(folder: Path) -> None:
    np.save(folder / "passages/de.npy", np.load(folder / "passages/de.npy").astype(np.float16))


def failed_request(folder: Path) -> None:
    (folder / "queries/en.npy").unlink()
    (folder / "queries/en.jsonl").write_text(json.dumps(batch_line("a", [], status=429)))


def texts_for_numbers(folder: Path) -> None:
    (folder / "queries/en.npy").unlink()
    (folder / "queries/en.jsonl").write_text(json.dumps({"id": "a", "vector": ["1"] * 8}))


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (without_language, "lists has no vectors of passages/en"),
        (twice, r"passages/en.npy has the id '2' twice"),
        (lacking, r"passages/en.npy lacks 1 of 3 ids, first '9'"),
        (extra, r"passages/en.npy has the id 'x', which is not among the texts"),
        (not_a_number, r"passages/en.npy: the vector of '2' has NaN or infinity"),
        (zeros, r"queries/de.npy: the vector of 'a' has only zeros"),
        (other_dimension, r"queries/en \(en.npy\) have dimension 9, those of queries/de 8"),
        (double, r"passages/de.npy are float64\n  Write them as float32"),
        (double_parquet, r"passages/de.parquet are double\n  Write them as float32"),
        (transposed, r"passages/de.npy has the shape \(8, 4\) for 4 ids: it may be transposed"),
        (flat, r"passages/de.npy has the shape \(4,\), not \(texts, dimension\)"),
        (other_texts, r"are of other texts than those of lists here: passages/de differs"),
        (other_suite, r"lists has vectors of mini \(sentence\), not of lists"),
        (edited, r"manifest.json was changed"),
        (no_manifest, r"manifest.json, which says what the vectors are of"),
        (no_ids, r"passages/de.ids.txt, the ids of the rows of de.npy"),
        (two_files, r"passages/de are there twice: .*de.jsonl and .*de.npy"),
        (pickled, r"passages/de.npy is not a complete .npy file of numbers"),
        (half, r"passages/de \(de.npy\) have dtype fp16, those of queries/de fp32"),
        (failed_request, r"queries/en.jsonl, line 1: the request 'a' failed"),
        (texts_for_numbers, r"queries/en.jsonl, line 1: the vector of 'a' is not a list of numbers"),
    ],
)
def test_a_fault_is_named(folder: Path, damage: Callable[[Path], None], error: str) -> None:
    damage(folder)
    with pytest.raises(HybridBenchError, match=error):
        load(folder)


def test_vectors_are_not_taken_for_another_suite_or_passage_text(folder: Path) -> None:
    vectors = load(folder)
    with pytest.raises(HybridBenchError, match="are of lists, not of mini"):
        evaluate(vectors, "mini")
    with pytest.raises(HybridBenchError, match=r"of the passage text 'sentence', not 'sentence\+context'"):
        vectors.check_use(SUITE, "sentence+context")
    with pytest.raises(HybridBenchError, match="the option store has no effect on vectors"):
        evaluate(vectors, SUITE, options=EvaluationOptions(store=folder))
    with pytest.raises(HybridBenchError, match="dimension 8, the card of tiny says 9"):
        load_vectors(folder, SUITE, CARD.model_copy(update={"dimension": 9}))


@pytest.mark.parametrize("form", [*FORMATS, "safetensors", "ids", "manifest"])
def test_damaged_files(form: str, tmp_path: Path) -> None:
    """Of 300 of each kind (2,100 in all): an error, or the ids of the texts with finite vectors."""
    folder = embed(SUITE, tmp_path, TinyEncoder(dimension=8), FORMATS.get(form, npy))
    if form == "safetensors":
        as_safetensors(folder)
    named = {"safetensors": "all.vectors.safetensors", "ids": "passages/de.ids.txt", "manifest": texts.FILE}
    written = (file for file in folder.glob("passages/de.*") if file.suffix in (".npy", ".parquet", ".jsonl"))
    path = folder / named[form] if form in named else next(file for file in written if ".texts" not in file.suffixes)
    content, rng, refused = path.read_bytes(), random.Random(3), 0
    for _ in range(300):
        path.write_bytes(mutated(content, rng))
        try:
            vectors = load(folder)
        except HybridBenchError:
            refused += 1
        else:
            found = vectors.of("passage", "de", list("1234"))
            assert found.shape == (4, 8)
            assert np.isfinite(found).all()
    assert refused > 100


def test_a_large_suite_is_searched_as_with_the_encoder(tmp_path: Path) -> None:
    large = dataclasses.replace(load_suite("mini"), large=True)
    folder = embed(large, tmp_path / "vectors", TinyEncoder(), languages=LANGUAGES)
    vectors = load_vectors(folder, large, CARD, languages=LANGUAGES)
    results = [
        evaluate(
            searched,
            large,
            options=EvaluationOptions(
                languages=LANGUAGES, store=tmp_path / name, results=tmp_path / f"{name} results", storage="fp32"
            ),
        )
        for name, searched in (("named", TinyEncoder()), ("given", vectors))
    ]
    assert results[0].rows == results[1].rows
    assert results[0].run_hashes == results[1].run_hashes
    assert results[1].provenance.command.startswith(f"hybrid-bench evaluate --suite mini --vectors {folder}")
    with pytest.raises(HybridBenchError, match="the option workers has no effect on vectors"):
        evaluate(vectors, large, options=EvaluationOptions(languages=LANGUAGES, workers=2))
