"""The file of ranks beside a result."""

from __future__ import annotations

import gzip
import hashlib
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid_bench import HybridBenchError
from hybrid_bench.results.ranks import LanguageRanks, Ranks
from tests.results import examples

HEADER = "query_language\tquery_id\tpassage_language\tdoc_id\trelevance\trank\trank_all\n"


def assert_equal(found: Ranks, expected: Ranks) -> None:
    assert list(found.by_language) == list(expected.by_language)
    for language, ours in found.by_language.items():
        theirs = expected.by_language[language]
        assert (ours.query_ids, ours.doc_id) == (theirs.query_ids, theirs.doc_id)
        for field in ("query", "passage_language", "relevance", "rank", "rank_all"):
            np.testing.assert_array_equal(getattr(ours, field), getattr(theirs, field))
            assert getattr(ours, field).dtype.kind == getattr(theirs, field).dtype.kind


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
rows = st.lists(st.tuples(ids, ids, st.sampled_from(["de", "en", "th"]), numbers, numbers, numbers), min_size=1, max_size=8)


@settings(max_examples=60)
@given(st.dictionaries(ids, rows, min_size=1, max_size=3))
def test_any_ids_and_numbers_survive(tmp_path_factory: pytest.TempPathFactory, by_language: dict[str, list]) -> None:
    languages = {}
    for language, found in by_language.items():
        query_ids = list(dict.fromkeys(query_id for query_id, *_ in found))
        found = sorted(found, key=lambda row: query_ids.index(row[0]))
        query, doc_id, passage_language, relevance, rank, rank_all = zip(*found, strict=True)
        languages[language] = LanguageRanks(
            query_ids,
            np.array([query_ids.index(query_id) for query_id in query], np.int32),
            np.array(passage_language),
            list(doc_id),
            *(np.array(column, np.int32) for column in (relevance, rank, rank_all)),
        )
    path = tmp_path_factory.mktemp("ranks") / "a.ranks.tsv.gz"
    digest = write(path, Ranks(languages).to_bytes())
    assert_equal(Ranks.read(path, digest), Ranks(languages))


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


def test_only_a_pool_of_several_languages_spans_languages() -> None:
    ranks = examples.ranks().by_language
    assert ranks["de"].spans_languages()
    assert not ranks["en"].spans_languages()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match=r"cannot read the ranks .*gone\.tsv\.gz: No such file.*\n  Keep it beside"):
        Ranks.read(tmp_path / "gone.tsv.gz", "0" * 64)


def test_a_file_that_was_changed_or_exchanged_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ranks.tsv.gz"
    digest = write(path, examples.ranks().to_bytes())
    path.write_bytes(examples.ranks(first=2).to_bytes())
    with pytest.raises(HybridBenchError, match=r"is not the file that its result names\n  Run the evaluation again"):
        Ranks.read(path, digest)


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
    "a query in two places": gzip.compress((HEADER + "".join(f"de\tq{at}\tde\td{at}\t1\t1\t1\n" for at in (1, 2, 1))).encode()),
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_file_is_refused_even_with_its_hash(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.ranks.tsv.gz"
    digest = write(path, content)
    with pytest.raises(HybridBenchError, match=r"a\.ranks\.tsv\.gz is not a file of ranks: "):
        Ranks.read(path, digest)
