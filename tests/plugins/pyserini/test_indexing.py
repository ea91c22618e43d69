"""Lucene indexes: atomic builds, verified counts, and manifests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hybrid_bench import HybridBenchError
from hybrid_bench.plugin import Item
from hybrid_bench_pyserini.analyzers import analysis
from hybrid_bench_pyserini.indexing import Index, IndexKey, open_index, open_or_build

KEY = IndexKey(suite="s", pool="en", passages="0" * 64, analysis="DefaultEnglishAnalyzer", anserini="1.7.1")


def passages(count: int = 3, contents: str = "a river") -> list[tuple[Item, str]]:
    return [(Item(f"d{number}", contents), f"{contents} {number}".strip()) for number in range(count)]


def build(root: Path, count: int = 3, key: IndexKey = KEY, said: list[str] | None = None) -> Index:
    return open_or_build(root, key, lambda: passages(count), analysis("en"), say=(said if said is not None else []).append)


def test_an_index_is_built_once_and_opened_by_pyserini(tmp_path: Path) -> None:
    said: list[str] = []
    first, second = build(tmp_path, said=said), build(tmp_path, said=said)
    assert said == ["indexing s, pool en (DefaultEnglishAnalyzer)"]
    assert first.manifest == second.manifest
    assert first.manifest.indexed == 3
    from hybrid_bench_pyserini.dense import import_pyserini

    searcher = import_pyserini("pyserini.search.lucene").LuceneSearcher(str(first.folder))
    assert [hit.docid for hit in searcher.search("rivers 2", 1)] == ["d2"]


def test_an_incomplete_index_is_an_error_and_is_not_kept(tmp_path: Path) -> None:
    documents = [*passages(), (Item("bad", "?"), "\x01")]  # Java trims control characters and drops the document
    with pytest.raises(HybridBenchError, match="Lucene indexed 3 of 4 passages"):
        open_or_build(tmp_path, KEY, lambda: documents, analysis("en"))
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_passages_without_terms_are_counted_but_not_indexed(tmp_path: Path) -> None:
    documents = [*passages(), (Item("none", "…"), "")]
    made = open_or_build(tmp_path, KEY, lambda: documents, analysis("en"))
    assert (made.manifest.passages, made.manifest.indexed) == (4, 3)


def test_an_empty_collection_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match="s has no passages in the pool en"):
        build(tmp_path, count=0)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"suite": "other"}, "another suite: other, not s"),
        ({"anserini": "1.0"}, "another anserini: 1.0, not 1.7.1"),
        ({"passages": "1" * 64}, "another passages"),
    ],
)
def test_an_index_of_another_suite_or_version_is_refused(tmp_path: Path, change: dict[str, str], problem: str) -> None:
    made = build(tmp_path, key=KEY.model_copy(update=change))
    with pytest.raises(HybridBenchError, match=problem):
        open_index(made.folder.parent, KEY)


@pytest.mark.parametrize("damage", ["no manifest", "no segments", "fewer documents", "another's"])
def test_a_corrupt_index_is_rebuilt(tmp_path: Path, damage: str) -> None:
    folder = build(tmp_path).folder.parent
    if damage == "no manifest":
        (folder / "hybrid-bench.json").unlink()
    elif damage == "no segments":
        for path in (folder / "lucene").glob("segments_*"):
            path.unlink()
    else:
        other = build(tmp_path / "b", count=2, key=KEY if damage == "fewer documents" else KEY.model_copy(update={"pool": "de"}))
        part = "lucene" if damage == "fewer documents" else "hybrid-bench.json"
        shutil.rmtree(folder / part) if (folder / part).is_dir() else (folder / part).unlink()
        copy = shutil.copytree if part == "lucene" else shutil.copy
        copy(other.folder.parent / part, folder / part)  # type: ignore[operator]
    said: list[str] = []
    assert build(tmp_path, said=said).manifest.indexed == 3
    assert "indexing again" in said[0]


def test_interrupted_indexing_is_never_taken_for_a_complete_index(tmp_path: Path) -> None:
    code = f"""
import itertools, time
from pathlib import Path
from hybrid_bench.plugin import Item
from hybrid_bench_pyserini.analyzers import analysis
from hybrid_bench_pyserini.indexing import IndexKey, open_or_build
documents = ((Item(str(n), "a river"), "a river") for n in itertools.count() if n < 10**6 or time.sleep(1) is None)
open_or_build(Path({str(tmp_path)!r}), IndexKey.model_validate({KEY.model_dump()!r}), lambda: documents, analysis("en"))
"""
    process = subprocess.Popen([sys.executable, "-c", code], env=os.environ)
    deadline = time.monotonic() + 60
    try:
        while not any(path.stat().st_size for path in tmp_path.glob("*.partial/json/*.jsonl")):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert list(tmp_path.glob("*.partial"))
    assert build(tmp_path).manifest.indexed == 3
    assert not list(tmp_path.glob("*.partial"))


def test_a_folder_that_is_not_writable_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HybridBenchError, match=r"cannot write the index .*/file/"):
        build(tmp_path / "file")
