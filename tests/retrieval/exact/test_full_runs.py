"""Full rankings as TREC runs."""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from ir_measures import AP

from hybrid_bench import HybridBenchError, Setting
from hybrid_bench.measures.from_ranks import RankedPairs, per_query
from hybrid_bench.results import runs as trec
from hybrid_bench.retrieval.exact.full_runs import FullRuns, write
from tests.retrieval.examples import LANGUAGES, Example, Ids, example, tied_examples

ENGLISH_ON_ALL = Setting("en", "all", "multilingual")


def lines(path: Path) -> list[list[str]]:
    return [line.split(" ") for line in gzip.decompress(path.read_bytes()).decode().splitlines()]


def write_all(example: Example, folder: Path, depth: int = 1000) -> dict[tuple[str, str], Path]:
    """Query set and pool to the run, by the name of its file."""
    paths = write(example.full_runs, example.full_runs.settings, folder, ranks=example.ranks, depth=depth, tag="tiny")
    found = trec.runs_in(folder) if paths else {}
    assert sorted(found.values()) == sorted(paths)
    return found


@settings(max_examples=25)
@given(example=tied_examples)
def test_lines_are_in_the_order_of_a_full_sort(example: Example, tmp_path_factory: pytest.TempPathFactory) -> None:
    written = write_all(example, tmp_path_factory.mktemp("runs"))
    pairs = {(setting.query_set, setting.pool) for setting in example.full_runs.settings}
    assert set(written) == {pair for pair in pairs if example.ranks.query_ids(*pair)}
    for (query_set, pool), path in written.items():
        counted = example.ranks.query_ids(query_set, pool)
        by_query = {query_id: list(group) for query_id, group in itertools.groupby(lines(path), key=lambda line: line[0])}
        assert list(by_query) == counted
        for query_id, group in by_query.items():
            assert [line[2] for line in group] == example.full_sort(int(query_id[1:]), pool)
            assert [line[3] for line in group] == [str(rank) for rank in range(1, len(group) + 1)]
            assert {(line[1], line[5]) for line in group} == {("Q0", "tiny")}


def test_a_setting_without_queries_has_no_run(tmp_path: Path) -> None:
    drawn = example(1, languages=["de", "en"])
    only_german = dataclasses.replace(
        drawn, relevant=[[doc_id for doc_id in relevant if doc_id.startswith("de-")] for relevant in drawn.relevant]
    )
    assert sorted(write_all(only_german, tmp_path)) == [("de", "all"), ("de", "de"), ("en", "all"), ("en", "de")]


def test_scores_survive_to_the_last_bit(tmp_path: Path) -> None:
    drawn = example(2)
    path = write_all(drawn, tmp_path)["en", "all"]
    expected = {
        (query_id, doc_id): score
        for _, query_ids, scores in drawn.full_runs.blocks()
        for query_id, row in zip(query_ids, scores, strict=True)
        for doc_id, score in zip(drawn.columns.ids, row, strict=True)
    }
    found = {(doc.query_id, doc.doc_id): np.float32(doc.score) for doc in ir_measures.read_trec_run(str(path))}
    assert found == {key: expected[key] for key in found}
    assert len(found) == len(drawn.ranks.query_ids("en", "all")) * len(drawn.columns.ids)


@pytest.mark.parametrize("ids", ["sorted", "alternating"])
@pytest.mark.parametrize("rounded", [False, True])
def test_ir_measures_reads_and_scores_them_as_the_ranks_are_scored(tmp_path: Path, rounded: bool, ids: Ids) -> None:
    pools = {"all": LANGUAGES, "outer": ("ar", "zh")}
    drawn = example(3, dimension=3, rounded=rounded, ids=ids, pools=pools)
    written = write_all(drawn, tmp_path)
    assert {pool for _, pool in written} == {*LANGUAGES, *pools}
    for (query_set, pool), path in written.items():
        ranks = drawn.ranks.by_query_set[query_set]
        inside = drawn.ranks.inside(query_set, pool)
        rank = ranks.rank_in[pool] if pool in pools else ranks.rank
        pairs = RankedPairs.of(ranks.query[inside], rank[inside], ranks.relevance[inside])
        own = dict(zip(drawn.ranks.query_ids(query_set, pool), per_query(AP, pairs), strict=True))
        qrels = {
            query_id: {
                doc_id: 1 for doc_id in drawn.relevant[int(query_id[1:])] if drawn.collection_of[doc_id] in drawn.pool(pool)
            }
            for query_id in own
        }
        found = {score.query_id: score.value for score in AP.iter_calc(qrels, ir_measures.read_trec_run(str(path)))}
        assert found == pytest.approx(own, abs=1e-9)


def test_a_run_ends_at_its_depth(tmp_path: Path) -> None:
    drawn = example(4, rounded=True, dimension=2)
    deep = lines(write_all(drawn, tmp_path / "deep")["en", "all"])
    cut = lines(write_all(drawn, tmp_path / "cut", depth=7)["en", "all"])
    assert len(drawn.columns.ids) > 7
    assert cut == [line for line in deep if int(line[3]) <= 7]


def test_the_same_scores_give_the_same_bytes_at_another_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    for year in (1, 2):
        monkeypatch.setattr(time, "time", lambda year=year: year * 31556952.0)
        paths = write_all(example(5), tmp_path / f"year {year}")
        written.append({name: path.read_bytes() for name, path in paths.items()})
    assert written[0] == written[1]
    assert len(written[0]) > 5


def test_an_interrupted_run_leaves_the_earlier_one(tmp_path: Path) -> None:
    drawn = example(6)
    before = {path: path.read_bytes() for path in write_all(drawn, tmp_path).values()}

    class Breaking(FullRuns):
        def blocks(self) -> Iterator[tuple[str, Sequence[str], np.ndarray]]:
            yield next(super().blocks())
            raise KeyboardInterrupt

    breaking = Breaking(*(getattr(drawn.full_runs, field.name) for field in dataclasses.fields(FullRuns)))
    with pytest.raises(KeyboardInterrupt):
        write(breaking, breaking.settings, tmp_path, ranks=drawn.ranks, depth=1, tag="broken")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(("tag", "expected"), [("my  own encoder", "my_own_encoder"), ("", "hybrid-bench")])
def test_the_name_of_a_run_is_one_word(tmp_path: Path, tag: str, expected: str) -> None:
    drawn = example(7)
    (path,) = write(drawn.full_runs, [ENGLISH_ON_ALL], tmp_path, ranks=drawn.ranks, depth=3, tag=tag)
    assert {tuple(line[5:]) for line in lines(path)} == {(expected,)}


def test_an_id_that_a_run_cannot_hold_is_refused(tmp_path: Path) -> None:
    drawn = example(8, languages=["en"])
    spaced = dataclasses.replace(
        drawn,
        ids={"en": [doc_id.replace("-", "- ") for doc_id in drawn.ids["en"]]},
        relevant=[[doc_id.replace("-", "- ") for doc_id in relevant] for relevant in drawn.relevant],
    )
    with pytest.raises(HybridBenchError, match=r"'en- \d+'.*\n.*space"):
        write_all(spaced, tmp_path)
