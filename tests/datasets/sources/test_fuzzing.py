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

MUTATIONS = 2000
CORPUS = "".join(
    json.dumps({"_id": f"d{number}", "title": "Tea", "text": text}, ensure_ascii=number == 1) + "\n"
    for number, text in enumerate(["Tea is made from leaves.", "Caf\u00e9 \U0001f375.", "", '"quoted"\t', "\u0e0a\u0e32"])
).encode()
QUERIES = "".join(json.dumps({"_id": number, "text": f"What is {number}?"}) + "\n" for number in range(5)).encode()
QRELS = b"query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t1\nq2\tcaf\xc3\xa9\t0\nq3\td3\t-1\n"
#: What is put into files: separators, marks, and what is special in JSON, Unicode or numbers.
PIECES = [
    b"\x00", b"\t", b"\n", b"\r", b'"', b"\\", b"\\ud83d", b"\\u0000", b"\xef\xbb\xbf", b"\xff", b"\xc3", b"e\xcc\x81", b"{", 
    b"}", b"[" * 3000, b"null", b"true", b"1e999", b"NaN", b"-0", b"9" * 5000, b"\xd9\xa1", b"2147483648", b" ",
    b"\x1c", b"\xe2\x80\xa8",
]  # fmt: skip


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Some bytes exchanged, removed, repeated, or replaced by a piece."""
    for _ in range(rng.randint(1, 3)):
        start = rng.randrange(len(content) + 1)
        stop = min(len(content), start + rng.choice([0, 0, 1, 1, 2, 8, 40]))
        middle = rng.choice([rng.choice(PIECES), rng.randbytes(2), b"", content[start:stop] * 2])
        content = content[:start] + middle + content[stop:]
    return content


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
