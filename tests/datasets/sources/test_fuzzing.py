"""2,000 damaged files for each reader of a local collection: a judgement of every line, or one error."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from hybrid_bench import HybridBenchError
from hybrid_bench.datasets.sources import jsonl, qrels
from tests.mutations import mutated

MUTATIONS = 2000
CORPUS = "".join(
    json.dumps({"_id": f"d{number}", "title": "Tea", "text": text}, ensure_ascii=number == 1) + "\n"
    for number, text in enumerate(["Tea is made from leaves.", "Caf\u00e9 \U0001f375.", "", '"quoted"\t', "\u0e0a\u0e32"])
).encode()
QUERIES = "".join(json.dumps({"_id": number, "text": f"What is {number}?"}) + "\n" for number in range(5)).encode()
QRELS = b"query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t1\nq2\tcaf\xc3\xa9\t0\nq3\td3\t-1\n"
READERS: dict[str, tuple[str, bytes, Callable[[Path], Iterable[object]]]] = {
    "corpus": ("corpus.jsonl", CORPUS, jsonl.passages),
    "gzipped corpus": ("corpus.jsonl.gz", gzip.compress(CORPUS, mtime=0), jsonl.passages),
    "queries": ("queries.jsonl", QUERIES, jsonl.queries),
    "qrels": ("test.tsv", QRELS, qrels.read),
}


@pytest.mark.parametrize("reader", READERS)
def test_damaged_files(tmp_path: Path, reader: str) -> None:
    name, content, read = READERS[reader]
    path = tmp_path / name
    rng = random.Random(reader)
    refused = 0
    for _ in range(MUTATIONS):
        path.write_bytes(mutated(content, rng))
        try:
            records = list(read(path))
        except HybridBenchError as error:
            assert str(path) in error.problem
            assert "\n" not in error.problem
            error.problem.encode()
            refused += 1
            continue
        for record in records:
            if reader == "qrels":
                _, (query_id, doc_id, grade) = record  # type: ignore[misc]
                assert query_id and doc_id and abs(grade) < 2**31
            else:
                assert record[0] and isinstance(record[0], str)  # type: ignore[index]
                assert "\x00" not in record.default_text()  # type: ignore[attr-defined]
    assert 100 < refused < MUTATIONS
