"""The whole grid of a suite from stored vectors, against the bare matrix product and against FAISS + ir_measures.

    tox run -e benchmarks                      # or: python benchmarks/grid.py [--suite flores200]

Prints one ratio a line. The vectors are encoded (once, into the cache) if they are not there.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

import faiss
import ir_measures
import numpy as np

from hybrid_bench import load_encoder, load_suite
from hybrid_bench.cli.console import BarProgress
from hybrid_bench.datasets.judged import judged_queries
from hybrid_bench.datasets.settings import Setting
from hybrid_bench.embeddings.store import EmbeddingStore
from hybrid_bench.measures.scores import DEFAULT_MEASURES, score_ranks
from hybrid_bench.plugin import Item
from hybrid_bench.results.ranks import Ranks
from hybrid_bench.retrieval.exact.columns import Columns
from hybrid_bench.retrieval.exact.grid import Grid
from hybrid_bench.retrieval.exact.ranking import row_blocks
from hybrid_bench.support import cache


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", default="me5-small")
    parser.add_argument("--suite", default="xquad-r")
    parser.add_argument("--dtype", default="fp32", help="in which the encoder computes; vectors are fp32")
    parser.add_argument("--repeat", type=int, default=5, help="runs of the product and of the grid; the medians are compared")
    arguments = parser.parse_args()

    suite = load_suite(arguments.suite)
    encoder = load_encoder(arguments.encoder, dtype=arguments.dtype)
    store = EmbeddingStore(cache.home() / "embeddings")
    passages = {collection.name: suite.passages(collection.name) for collection in suite.collections}
    judged = judged_queries(suite)
    with BarProgress() as progress:

        def encode(role: Any, name: str, items: list[Item], passage_text: str) -> np.ndarray:
            progress.start(f"{role} {name}", len(items))
            contents = [item.content for item in items]
            return store.vectors(encoder, role, contents, passage_text=passage_text, progress=progress.advance)

        stored = {name: encode("passage", name, items, "sentence") for name, items in passages.items()}
        asked = {name: (part, encode("query", name, part.queries, "")) for name, part in judged.items()}
    queries = np.concatenate([vectors for _, vectors in asked.values()])
    ids = {name: [item.id for item in items] for name, items in passages.items()}
    columns = Columns.stack(stored, ids, dict(suite.pools))

    job = Grid(suite, columns, asked)  # reads the qrels

    def whole_grid() -> None:
        ranks, groups = job.rank()
        score_ranks(suite, Ranks(ranks), groups, DEFAULT_MEASURES)

    blocks = list(row_blocks(len(queries), len(columns.ids)))
    scores = np.empty((blocks[0].stop, len(columns.ids)), dtype=np.float32)

    def bare_product() -> None:
        for rows in blocks:
            np.matmul(queries[rows], columns.vectors.T, out=scores[: rows.stop - rows.start])

    whole_grid()  # compiles, and reads what is read once
    before = _peak_memory()
    times: dict[Callable[[], None], list[float]] = {bare_product: [], whole_grid: []}
    for _ in range(arguments.repeat):
        for work, seconds in times.items():
            start = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - start)
    product, grid = (float(np.median(seconds)) for seconds in times.values())
    ratios = [g / p for p, g in zip(*times.values(), strict=True)]
    single = [setting for setting in suite.settings if setting.pool not in suite.pools]
    print(f"bare product {product:.2f} s, whole grid with all scores {grid:.2f} s")
    print(f"grid / bare product: {np.median(ratios):.2f} (at most 1.25; {min(ratios):.2f} to {max(ratios):.2f})")
    print(f"peak memory of the grid above the start of the timing: {(_peak_memory() - before) / 2**30:.2f} GiB (under 1)")

    start = time.perf_counter()
    mean = _faiss_and_ir_measures(single, stored, ids, asked)
    peer = time.perf_counter() - start
    print(f"FAISS top-all + ir_measures over the same {len(single)} single-language settings {peer:.1f} s (mean AP {mean:.4f})")
    print(f"FAISS + ir_measures / grid: {peer / grid:.0f} (on xquad-r at least 40)")


def _faiss_and_ir_measures(
    settings: list[Setting], stored: dict[str, np.ndarray], ids: dict[str, list[str]], asked: dict[str, Any]
) -> float:
    """Every single-language setting as one would do it by hand: an index, a search to full depth, a run, its scores."""
    measures = [ir_measures.parse_measure(name) for name in DEFAULT_MEASURES]
    means = []
    for language, vectors in stored.items():
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        own = set(ids[language])
        for setting in settings:
            if setting.pool != language:
                continue
            part, questions = asked[setting.query_set]
            scores, found = index.search(questions, len(vectors))
            doc_ids = np.array(ids[language], dtype=object)[found]
            run = {
                query.id: dict(zip(row_ids, row, strict=True))
                for query, row_ids, row in zip(part.queries, doc_ids.tolist(), scores.tolist(), strict=True)
            }
            qrels: dict[str, dict[str, int]] = {}
            for judgement in part.judgements:
                if judgement.doc_id in own:
                    qrels.setdefault(judgement.query_id, {})[judgement.doc_id] = judgement.relevance
            means.append(ir_measures.calc_aggregate(measures, qrels, run)[measures[0]])
    return float(np.mean(means))


def _peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
