"""TREC runs in canonical order, on disk and fused."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_bench import HybridBenchError
from hybrid_bench.evaluation.fusion import Fusion
from hybrid_bench.results import runs
from hybrid_bench.results.runs import Hit
from hybrid_bench.retrieval.fusion import fuse

SCORES = st.floats(-1e6, 1e6, width=32)
IDS = st.text(st.characters(exclude_categories=("Z", "C")), min_size=1, max_size=4)
RUNS = st.dictionaries(IDS, st.dictionaries(IDS, SCORES, min_size=1, max_size=6), min_size=1, max_size=4)


def run(**queries: dict[str, float]) -> dict[str, list[Hit]]:
    return {query: runs.canonical(hits.items()) for query, hits in queries.items()}


@given(RUNS)
def test_a_run_that_was_written_is_read_again(queries: dict[str, dict[str, float]]) -> None:
    made = run(**queries)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "en-de.trec.gz"
        sha256 = runs.write(made, path, "tag")
        assert runs.read(path) == made
        assert runs.digest(path) == sha256
        path.write_bytes(path.read_bytes()[:-9])
        assert runs.digest(path) != sha256


@given(st.dictionaries(IDS, SCORES, max_size=9), st.integers(1, 9))
def test_canonical_order_is_trec_evals(hits: dict[str, float], depth: int) -> None:
    ordered = runs.canonical(hits.items(), depth)
    keys = [(np.float32(score), doc_id) for doc_id, score in ordered]
    assert keys == sorted(keys, reverse=True)
    assert len(ordered) == min(depth, len(hits))


def test_scores_that_are_one_float32_are_a_tie() -> None:
    assert [hit.doc_id for hit in runs.canonical([("a", 1 + 1e-12), ("b", 1.0)])] == ["b", "a"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("q Q0 d 1 nan t\n", "line 1: the score nan is not a finite number"),
        ("q Q0 d 1 inf t\n", "not a finite number"),
        ("q Q0 d 1 2 t\nq Q0 d 2 1 t\n", "line 2: document 'd' occurs twice for query 'q'"),
        ("q d 1 1\n", "line 1: expected query id, Q0, document id, rank, score and tag"),
        ("", "is empty"),
    ],
)
def test_a_bad_run_is_refused_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "run").write_text(text)
    with pytest.raises(HybridBenchError, match=problem):
        runs.read(tmp_path / "run")


def test_a_missing_and_a_truncated_run_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "en-en.trec.gz"
    with pytest.raises(HybridBenchError, match="No such file"):
        runs.read(path)
    runs.write(run(q={f"d{n}": n for n in range(500)}), path, "t")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(HybridBenchError, match="after line"):
        runs.read(path)


def test_a_name_of_several_words_is_one_column(tmp_path: Path) -> None:
    made = run(q={"a": 2.0, "b": 1.0})
    runs.write(made, tmp_path / "x.trec.gz", "my  fusion")
    assert runs.read(tmp_path / "x.trec.gz") == made


def test_ids_with_white_space_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match="cannot be written to a TREC run"):
        runs.write(run(q={"a b": 1.0}), tmp_path / "x.trec.gz", "t")


def test_a_searcher_that_gives_nan_or_a_document_twice_is_refused() -> None:
    with pytest.raises(HybridBenchError, match="'d' is not a finite number"):
        runs.canonical([("d", math.nan)])
    with pytest.raises(HybridBenchError, match="'d' was found twice"):
        runs.canonical([("d", 1.0), ("d", 2.0)])


def test_rrf_adds_up_reciprocal_ranks() -> None:
    fused = fuse([run(q={"a": 3, "b": 2}), run(q={"b": 9, "c": 8})])
    assert dict(fused["q"]) == pytest.approx({"b": 1 / 62 + 1 / 61, "a": 1 / 61, "c": 1 / 62})


@pytest.mark.parametrize(
    ("normalisation", "expected"),
    [
        ("raw", {"a": 1.5, "b": 0.5 + 5, "c": 4}),
        ("min-max", {"a": 0.5, "b": 0.5, "c": 0}),
        ("z-score", {"a": 0.5 - 0.5, "b": -0.5 + 0.5, "c": -0.5 - 0.5}),
    ],
)
def test_interpolation_by_its_definition(normalisation: str, expected: dict[str, float]) -> None:
    fused = fuse([run(q={"a": 3, "b": 1}), run(q={"b": 10, "c": 8})], "interpolation", normalisation=normalisation)
    assert dict(fused["q"]) == pytest.approx(expected)


@given(RUNS, RUNS)
def test_a_fusion_is_canonical_and_holds_what_either_found(
    a: dict[str, dict[str, float]], b: dict[str, dict[str, float]]
) -> None:
    query = next(iter(a))
    b = {**b, query: {"z": 1.0}}
    for options in ({"method": "rrf"}, {"method": "interpolation", "normalisation": "min-max"}):
        fused = fuse([run(**a), run(**b)], **options, depth=None)  # type: ignore[arg-type]
        assert fused.keys() == a.keys() | b.keys()
        for name, hits in fused.items():
            assert {hit.doc_id for hit in hits} == a.get(name, {}).keys() | b.get(name, {}).keys()
            assert runs.canonical(hits) == hits


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"method": "borda"}, "unknown fusion method 'borda'"),
        ({"method": "interpolation", "normalisation": "softmax"}, "unknown normalisation 'softmax'"),
        ({"method": "rrf", "weights": [1, 2]}, "looks at ranks alone"),
        ({"method": "interpolation", "weights": [1]}, "1 weights do not fit 2 runs"),
        ({"method": "interpolation", "weights": [1, math.nan]}, "weights do not fit"),
    ],
)
def test_bad_options_of_a_fusion_are_refused(options: dict[str, object], problem: str) -> None:
    with pytest.raises(HybridBenchError, match=problem):
        fuse([run(q={"a": 1}), run(q={"a": 1})], **options)  # type: ignore[arg-type]


def test_runs_without_a_common_query_and_a_single_run_are_refused() -> None:
    with pytest.raises(HybridBenchError, match="no query in common"):
        fuse([run(q={"a": 1}), run(p={"a": 1})])
    with pytest.raises(HybridBenchError, match="two runs or more, not 1"):
        fuse([run(q={"a": 1})])


def test_fusions_that_differ_have_names_that_differ() -> None:
    assert Fusion().name == "rrf"
    assert (
        Fusion("interpolation", "min-max", (0.3, 0.7), depth=100).name
        == "interpolation-normalisation=min-max-weights=0.3,0.7-depth=100"
    )
    assert Fusion(rrf_k=10).name == "rrf-rrf-k=10"
