"""The file of ranks beside a result."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid_bench import HybridBenchError
from hybrid_bench.results.ranks import QuerySetRanks, Ranks
from tests.results import examples

HEADER_1 = examples.RANKS_1[: examples.RANKS_1.index("\n") + 1]
HEADER = "query_set\tquery_id\tcollection\tdoc_id\trelevance\trank\trank:all\n"


def assert_equal(found: Ranks, expected: Ranks) -> None:
    assert list(found.by_query_set) == list(expected.by_query_set)
    for name, ours in found.by_query_set.items():
        theirs = expected.by_query_set[name]
        assert (list(ours.query_ids), list(ours.doc_id)) == (list(theirs.query_ids), list(theirs.doc_id))
        for field in ("query", "collection", "relevance", "rank"):
            assert_same_array(getattr(ours, field), getattr(theirs, field))
        assert ours.rank_in.keys() == {pool for pool, rank in theirs.rank_in.items() if rank.any()}
        for pool, rank in ours.rank_in.items():
            assert_same_array(rank, theirs.rank_in[pool])
        assert (ours.found is None) == (theirs.found is None or bool(theirs.found.all()))
        if ours.found is not None:
            assert_same_array(ours.found, theirs.found)
        partly = {pool for pool, found in theirs.found_in.items() if not found.all() and theirs.rank_in[pool].any()}
        assert ours.found_in.keys() == partly
        for pool, found_in in ours.found_in.items():
            assert_same_array(found_in, theirs.found_in[pool])


def assert_same_array(found: np.ndarray, expected: np.ndarray | None) -> None:
    assert expected is not None
    np.testing.assert_array_equal(found, expected)
    assert found.dtype.kind == expected.dtype.kind


def write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def test_a_line_is_a_relevant_passage() -> None:
    assert gzip.decompress(examples.ranks().to_bytes()).decode() == HEADER + (
        "de\tq1\tde\tde-0001\t1\t1\t3\n"
        "de\tq1\ten\ten-0001\t2\t1\t1\n"
        "de\tq2\tde\tde-0002\t1\t7\t12\n"
        "en\tq1\ten\ten-0001\t1\t2\t2\n"
    )  # fmt: skip


def test_what_was_written_is_read(tmp_path: Path) -> None:
    digest = write(tmp_path / "a.ranks.tsv.gz", examples.ranks().to_bytes())
    assert_equal(Ranks.read(tmp_path / "a.ranks.tsv.gz", digest), examples.ranks())


ids = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\\\n\"'"), min_size=1, max_size=5)
numbers = st.integers(1, 2**31 - 1)
pools = st.lists(st.sampled_from(["all", "some", "zh-hans", "found"]), unique=True, max_size=3)


@st.composite
def _ranks(draw: st.DrawFn) -> Ranks:
    """Any ids and numbers; ranks in several pools, of which some hold a passage and some do not; passages not found."""
    names, partly = draw(pools), draw(st.booleans())
    by_query_set = {}
    for query_set in draw(st.lists(ids, min_size=1, max_size=3, unique=True)):
        query_ids = draw(st.lists(ids, min_size=1, max_size=4, unique=True))
        query = sorted([*range(len(query_ids)), *draw(st.lists(st.integers(0, len(query_ids) - 1), max_size=5))])
        count = len(query)

        def column(values: st.SearchStrategy[int], count: int = count) -> np.ndarray:
            return np.array(draw(st.lists(values, min_size=count, max_size=count)), np.int32)

        by_query_set[query_set] = QuerySetRanks(
            query_ids=query_ids,
            query=np.array(query, np.int32),
            collection=np.array(draw(st.lists(st.sampled_from(["de", "zh-hans", "law"]), min_size=count, max_size=count))),
            doc_id=draw(st.lists(ids, min_size=count, max_size=count)),
            relevance=column(numbers),
            rank=column(numbers),
            rank_in={name: column(st.integers(0, 2**31 - 1)) for name in names},
            found=column(st.integers(0, 1)).astype(bool) if partly else None,
            found_in={name: column(st.integers(0, 1)).astype(bool) for name in names if partly},
        )
    return Ranks(by_query_set)


@settings(max_examples=80)
@given(_ranks())
def test_any_ids_numbers_and_pools_survive(tmp_path_factory: pytest.TempPathFactory, ranks: Ranks) -> None:
    path = tmp_path_factory.mktemp("ranks") / "a.ranks.tsv.gz"
    digest = write(path, ranks.to_bytes())
    found = Ranks.read(path, digest)
    assert_equal(found, ranks)
    again = write(path, found.to_bytes())
    assert_equal(Ranks.read(path, again), ranks)


def test_a_pool_is_a_column_and_0_is_a_passage_outside_it(tmp_path: Path) -> None:
    ranks = dataclasses.replace(
        examples.ranks().by_query_set["de"],
        rank_in={"zh-hans+de": np.array([2, 0, 5], np.int32), "all": np.array([3, 1, 12], np.int32)},
        found_in={"all": np.array([True, True, False])},
    )
    content = Ranks({"de": ranks, "en": examples.ranks().by_query_set["en"]}).to_bytes()
    assert gzip.decompress(content).decode() == (
        "query_set\tquery_id\tcollection\tdoc_id\trelevance\trank\trank:all\trank:zh-hans+de\tfound\tfound:all\tfound:zh-hans+de\n"
        "de\tq1\tde\tde-0001\t1\t1\t3\t2\t1\t1\t1\n"
        "de\tq1\ten\ten-0001\t2\t1\t1\t0\t1\t1\t1\n"
        "de\tq2\tde\tde-0002\t1\t7\t12\t5\t1\t0\t1\n"
        "en\tq1\ten\ten-0001\t1\t2\t2\t0\t1\t1\t1\n"
    )
    found = Ranks.read(tmp_path / "a.ranks.tsv.gz", write(tmp_path / "a.ranks.tsv.gz", content))
    assert found.query_ids("de", "zh-hans+de") == ["q1", "q2"]
    assert found.inside("de", "zh-hans+de").tolist() == [True, False, True]
    assert found.by_query_set["de"].found is None
    assert {pool: of.tolist() for pool, of in found.by_query_set["de"].found_in.items()} == {"all": [True, True, False]}
    assert "zh-hans+de" not in found.by_query_set["en"].rank_in
    assert found.query_ids("en", "zh-hans+de") == []


def test_a_file_of_schema_1_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.ranks.tsv.gz"
    assert_equal(Ranks.read(path, write(path, gzip.compress(examples.RANKS_1.encode()))), examples.ranks())


def test_a_file_of_schema_1_without_a_pool_of_all_is_read(tmp_path: Path) -> None:
    """It had 0 in the column of that pool."""
    head, *lines = examples.RANKS_1.splitlines()
    text = "\n".join([head, *(line.rpartition("\t")[0] + "\t0" for line in lines)]) + "\n"
    found = Ranks.read(tmp_path / "a", write(tmp_path / "a", gzip.compress(text.encode())))
    assert all(of.rank_in == {} for of in found.by_query_set.values())
    assert found.query_ids("de", "all") == []


def test_the_found_columns_of_schema_1_are_read(tmp_path: Path) -> None:
    flags = ["found\tfound_all", "1\t0", "0\t0", "1\t1", "1\t1"]
    text = "\n".join(f"{line}\t{flag}" for line, flag in zip(examples.RANKS_1.splitlines(), flags, strict=True)) + "\n"
    found = Ranks.read(tmp_path / "a", write(tmp_path / "a", gzip.compress(text.encode()))).by_query_set
    assert found["de"].found is not None
    assert found["de"].found.tolist() == [True, False, True]
    assert found["de"].found_in["all"].tolist() == [False, False, True]
    assert (found["en"].found, found["en"].found_in) == (None, {})


def test_the_same_ranks_give_the_same_bytes_at_another_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1e9)
    early = examples.ranks().to_bytes()
    monkeypatch.setattr(time, "time", lambda: 2e9)
    assert examples.ranks().to_bytes() == early
    assert examples.ranks(first=2).to_bytes() != early


def test_queries_are_counted_where_they_have_a_relevant_passage() -> None:
    ranks = examples.ranks()
    assert ranks.query_ids("de", "all") == ["q1", "q2"]
    assert ranks.query_ids("de", "en") == ["q1"]
    assert ranks.query_ids("en", "de") == ranks.query_ids("th", "all") == []
    assert ranks.inside("de", "de").tolist() == [True, False, True]


def test_the_groups_of_relevant_passages_are_those_of_their_collections() -> None:
    ranks = examples.ranks().by_query_set
    languages = {"de": "German", "en": "English", "th": "Thai"}
    assert ranks["de"].values_of(languages) == {"German", "English"}
    assert ranks["en"].values_of(languages) == {"English"}
    assert ranks["de"].values_of({"de": None, "en": "English"}) == {"English"}
    assert ranks["de"].collections == ("de", "en")
    assert ranks["de"].collection_index.tolist() == [0, 1, 0]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match=r"cannot read the ranks .*gone\.tsv\.gz: No such file.*\n  Keep it beside"):
        Ranks.read(tmp_path / "gone.tsv.gz", "0" * 64)


def test_a_file_that_was_changed_or_exchanged_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ranks.tsv.gz"
    digest = write(path, examples.ranks().to_bytes())
    path.write_bytes(examples.ranks(first=2).to_bytes())
    with pytest.raises(HybridBenchError, match=r"is not the file that its result names\n  Run the evaluation again"):
        Ranks.read(path, digest)


ROW = "de\tq1\tde\td\t1\t1\t1"
MALFORMED = {
    "empty": b"",
    "not gzip": b"not gzip",
    "truncated": gzip.compress(HEADER.encode())[:-9],
    "not UTF-8": gzip.compress(b"\xff\xfe"),
    "other columns": gzip.compress(b"other\tcolumns\n"),
    "few columns": gzip.compress(f"{HEADER}de\tq1\tde\n".encode()),
    "blank line": gzip.compress(f"{HEADER}\n".encode()),
    "no number": gzip.compress(f"{HEADER}de\tq1\tde\td\t1\tfirst\t1\n".encode()),
    "huge number": gzip.compress(f"{HEADER}de\tq1\tde\td\t1\t{2**40}\t1\n".encode()),
    "rank 0": gzip.compress(f"{HEADER}de\tq1\tde\td\t1\t0\t1\n".encode()),
    "rank below 0 in a pool": gzip.compress(f"{HEADER}de\tq1\tde\td\t1\t1\t-1\n".encode()),
    "few columns of schema 1": gzip.compress(f"{HEADER_1}de\tq1\tde\td\t1\t1\n".encode()),
    "rank 0 of schema 1": gzip.compress(f"{HEADER_1}de\tq1\tde\td\t1\t0\t1\n".encode()),
    "found of one pool alone": gzip.compress(f"{HEADER[:-1]}\tfound\n{ROW}\t1\n".encode()),
    "found that is neither 0 nor 1": gzip.compress(f"{HEADER[:-1]}\tfound\tfound:all\n{ROW}\t2\t1\n".encode()),
    "found that is no number": gzip.compress(f"{HEADER[:-1]}\tfound\tfound:all\n{ROW}\tyes\t1\n".encode()),
    "found of another pool": gzip.compress(f"{HEADER[:-1]}\tfound\tfound:some\n{ROW}\t1\t1\n".encode()),
    "a pool twice": gzip.compress(f"{HEADER[:-1]}\trank:all\n{ROW}\t1\n".encode()),
    "a query in two places": gzip.compress((HEADER + "".join(f"de\tq{at}\tde\td{at}\t1\t1\t1\n" for at in (1, 2, 1))).encode()),
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_file_is_refused_even_with_its_hash(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.ranks.tsv.gz"
    digest = write(path, content)
    with pytest.raises(HybridBenchError, match=r"a\.ranks\.tsv\.gz is not a file of ranks: "):
        Ranks.read(path, digest)
