"""BM25 through the plugin beside Pyserini's own, in one process, on the same passages, index and threads.

Prints one ratio a line, in wall time and in processor time (Java's threads included), which other work on the machine
disturbs less: search throughput (ours / Pyserini's ``batch_search`` with its hits read) and indexing time
(ours / Pyserini's own ``IndexCollection`` on the same passages as JSON lines). ``python benchmarks/bm25.py [SUITE]``
"""

from __future__ import annotations

import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from hybrid_bench import load_suite
from hybrid_bench_pyserini import java
from hybrid_bench_pyserini.analyzers import analysis, register
from hybrid_bench_pyserini.dense import import_pyserini
from hybrid_bench_pyserini.indexing import IndexKey, open_or_build
from hybrid_bench_pyserini.searching import BM25

THREADS = 2
DEPTH = 1000
ROUNDS = 10
#: Java compiles what it runs often, which is not to fall on one of the two.
WARM_UP = 4


def main(name: str = "miracl/yo/dev") -> None:
    """Measure in turns, so that what else the machine does hits both, and print medians."""
    suite = load_suite(name)
    language = suite.collections[0].name
    chosen = analysis(language)
    passages = suite.passages(language)
    queries = suite.queries(suite.query_sets[0].name)
    register()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        numbers = itertools.count()

        def index_ours() -> Path:
            key = IndexKey(suite=name, pool=str(next(numbers)), passages="", analysis=chosen.name, anserini="")
            pairs = ((passage, chosen.prepare(str(passage.content))) for passage in passages)
            return open_or_build(root / "ours", key, lambda: pairs, chosen, threads=THREADS).folder

        def index_theirs() -> Path:
            target = root / f"theirs-{next(numbers)}"
            (target / "json").mkdir(parents=True)
            with (target / "json" / "passages.jsonl").open("w", encoding="utf-8") as file:
                for doc_id, text in passages:
                    file.write(json.dumps({"id": doc_id, "contents": text}, ensure_ascii=False) + "\n")
            options = ["-collection", "JsonCollection", "-generator", "DefaultLuceneDocumentGenerator", "-quiet"]
            options += ["-input", str(target / "json"), "-index", str(target / "lucene"), "-threads", str(THREADS)]
            java.load("io.anserini.index.IndexCollection").main([*options, "-language", chosen.code])
            return target / "lucene"

        for _ in range(WARM_UP):
            index, _theirs = index_ours(), index_theirs()
        indexing = _turns(index_ours, index_theirs)

        ours = BM25(index, chosen)
        theirs = import_pyserini("pyserini.search.lucene").LuceneSearcher(str(index))
        theirs.set_analyzer(chosen.java)
        theirs.set_bm25(0.9, 0.4)

        def search_ours() -> object:
            return ours.search(queries, DEPTH, THREADS)

        def search_theirs() -> object:
            texts, ids = [str(query.content) for query in queries], [query.id for query in queries]
            found = theirs.batch_search(texts, ids, DEPTH, THREADS)
            return {query_id: [(hit.docid, hit.score) for hit in hits] for query_id, hits in found.items()}

        for _ in range(WARM_UP):
            search_ours(), search_theirs()
        searching = _turns(search_ours, search_theirs)
        for clock, (mine, other) in searching.items():
            print(f"search throughput, ours / Pyserini's, {clock}: {other / mine:.2f}  ({mine:.2f} s, {other:.2f} s)")
        for clock, (mine, other) in indexing.items():
            print(f"indexing time, ours / Pyserini's, {clock}: {mine / other:.2f}  ({mine:.2f} s, {other:.2f} s)")


def _turns(ours: Callable[[], object], theirs: Callable[[], object]) -> dict[str, tuple[float, float]]:
    """Median seconds of both by each clock, measured alternately, each first in every other turn."""
    clocks = {"wall": time.perf_counter, "processor": time.process_time}
    seconds: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in clocks}
    for turn in range(ROUNDS):
        for side, work in sorted(enumerate((ours, theirs)), key=lambda pair: pair[0], reverse=bool(turn % 2)):
            start = {name: clock() for name, clock in clocks.items()}
            work()
            for name, clock in clocks.items():
                seconds[name][side].append(clock() - start[name])
    return {name: (statistics.median(first), statistics.median(second)) for name, (first, second) in seconds.items()}


if __name__ == "__main__":
    main(*sys.argv[1:])
