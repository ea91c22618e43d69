"""Qrels in the forms in which they are found, and errors that name the line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hybrid_bench import HybridBenchError
from hybrid_bench.datasets.sources import qrels

JUDGEMENTS = [("q1", "d1", 2), ("q1", "d6", 0), ("q2", "d4", -1)]

FORMS = {
    "BEIR": "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td6\t0\nq2\td4\t-1\n",
    "no header": "q1\td1\t2\nq1\td6\t0\nq2\td4\t-1",
    "other header": "query_id\tdoc_id\trelevance\nq1\td1\t2\nq1\td6\t0\nq2\td4\t-1\n",
    "quoted header": '"query-id"\t"corpus-id"\t"score"\nq1\td1\t2\nq1\td6\t0\nq2\td4\t-1\n',
    "other order": "doc_id\tquery_id\tLabel\nd1\tq1\t2\nd6\tq1\t0\nd4\tq2\t-1\n",
    "TREC": "q1 0 d1 2\nq1 Q0 d6 0\nq2 0 d4 -1\n",
    "TREC with tabs": "q1\t0\td1\t2\nq1\t0\td6\t0\nq2\t0\td4\t-1\n",
    "TREC with a header": "topic iteration docno rel\nq1 0 d1 2\nq1 0 d6 0\nq2 0 d4 -1\n",
    "spaces": "q1 d1   2\nq1 d6 0\nq2 d4 -1\n",
    "Windows": "query-id\tcorpus-id\tscore\r\nq1\td1\t2\r\nq1\td6\t0\r\nq2\td4\t-1\r\n",
    "byte order mark": "\ufeffq1\td1\t2\nq1\td6\t0\nq2\td4\t-1\n",
    "byte order mark and header": "\ufeffquery-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td6\t0\nq2\td4\t-1\n",
    "pandas": "query-id\tcorpus-id\tscore\nq1\td1\t2.0\nq1\td6\t0.0\nq2\td4\t-1.0\n",
    "trailing tabs": "query-id\tcorpus-id\tscore\t\nq1\td1\t2\t\nq1\td6\t0\t\nq2\td4\t-1\t\n",
    "blank lines": "\nquery-id\tcorpus-id\tscore\n\nq1\td1\t2\n   \nq1\td6\t0\nq2\td4\t-1\n\n",
}


def read(tmp_path: Path, content: str | bytes) -> list[tuple[str, str, int]]:
    path = tmp_path / "test.tsv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [judgement for _, judgement in qrels.read(path)]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_judgements(tmp_path: Path, form: str) -> None:
    assert read(tmp_path, FORMS[form]) == JUDGEMENTS


def test_quotation_marks_are_part_of_ids(tmp_path: Path) -> None:
    found = read(tmp_path, 'query-id\tcorpus-id\tscore\nq1\t"Bees\t2\nq1\t"Honey"\t1\nq2\t6" ruler\t1\n' + "q3\td\t1\n" * 30_000)
    assert found[:3] == [("q1", '"Bees', 2), ("q1", '"Honey"', 1), ("q2", '6" ruler', 1)]
    assert len(found) == 30_003


def test_ids_keep_their_spaces_in_a_file_with_tabs(tmp_path: Path) -> None:
    assert read(tmp_path, "q 1\tdoc 1\t1\n") == [("q 1", "doc 1", 1)]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("q1\td1", "['q1', 'd1']"),
        ("q1\t0\td1\t1", "['q1', '0', 'd1', '1']"),
        ("q1\td1\t0.8", "['q1', 'd1', '0.8']"),
        ("q1\td1\t1_0", "['q1', 'd1', '1_0']"),
        ("q1\td1\t\u0661", "['q1', 'd1', '\\u0661']"),
        ("q1\td1\t2147483648", "['q1', 'd1', '2147483648']"),
        ("\td1\t1", "['', 'd1', '1']"),
        ("q1,d1,1", "['q1,d1,1']"),
        (f"q1\t{'d' * 200_000}\tx", "['q1', 'ddd"),
    ],
)
def test_a_line_that_is_no_judgement_is_named_and_shown(tmp_path: Path, line: str, found: str) -> None:
    with pytest.raises(HybridBenchError) as refused:
        read(tmp_path, f"q1\td1\t1\n{line}\n")
    expected = f"{tmp_path / 'test.tsv'}, line 2: expected query id, passage id and an integer, separated by tabs; found {found}"
    assert refused.value.problem.startswith(expected)
    assert len(refused.value.problem) < 400


def test_a_first_line_is_never_lost_as_a_header(tmp_path: Path) -> None:
    """A header is recognised by its names, so a damaged grade is not one."""
    with pytest.raises(HybridBenchError, match=re.escape("line 1: expected query id")):
        read(tmp_path, "q1\td1\tx\nq1\td6\t1\n")
    with pytest.raises(HybridBenchError, match=re.escape("line 1: expected query id")):
        read(tmp_path, "query-id\tcorpus-id\nq1\td6\t1\n")
