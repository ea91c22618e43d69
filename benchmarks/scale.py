"""Collections that do not fit into memory: the streamed search, the streamed encoding and the scoring of runs.

    tox run -e benchmarks                      # or: python benchmarks/scale.py [--quick] [--threads 1]

Prints one ratio a line. Vectors and texts are drawn by a seed; each peak of memory is that of a process of its own. Times are
those on the wall; on a machine that does other work too, ``--clock processor`` counts what was spent here alone.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hybrid_bench import load_encoder
from hybrid_bench.embeddings import shards
from hybrid_bench.embeddings.encode_stream import EncoderSource, encode_collection
from hybrid_bench.embeddings.stored_collection import SHARD_TEXTS, Collection, CollectionKey, Manifest, ShardEntry, shard_path
from hybrid_bench.execution.local import LocalExecutor
from hybrid_bench.plugin import Item, SilentProgress
from hybrid_bench.retrieval.streamed.search import search
from hybrid_bench.retrieval.streamed.shard_search import single_precision

CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
DIMENSION, QUERIES, DEPTH = 384, 1000, 1000
GIB = 2**30


def main() -> None:
    """Run the comparisons, or one part of them in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, help="of the searches; by default as many as there are processors")
    parser.add_argument(
        "--quick", action="store_true", help="100,000 passages, 2,048 texts and 1,000 queries: to see that it runs"
    )
    parser.add_argument("--queries", type=int, default=13_495, help="whose runs are scored; MIRACL dev has as many")
    parser.add_argument("--turns", type=int, default=5, help="of the search and the product, one after the other")
    parser.add_argument("--clock", choices=tuple(CLOCKS), default="wall")
    parser.add_argument("--storage", choices=("fp32", "fp16"), default="fp32")
    parser.add_argument("--encoder", default="use-multilingual")
    parser.add_argument("--texts", type=int, default=4096, help="that are encoded")
    parser.add_argument("--folder", type=Path, help="where to put vectors of all passages; a temporary one by default")
    parser.add_argument("--part", choices=tuple(PARTS), help=argparse.SUPPRESS)
    parser.add_argument("--only", choices=("search", "encode", "score"), help="one of the three comparisons")
    arguments = parser.parse_args()
    if arguments.part:
        print(json.dumps(PARTS[arguments.part](arguments)))
        return
    if arguments.quick:
        arguments.passages, arguments.texts, arguments.queries = 100_000, SHARD_TEXTS, 1000
    with tempfile.TemporaryDirectory() as temporary:
        arguments.folder = arguments.folder or Path(temporary)
        if arguments.only in (None, "search"):
            compare_searches(arguments)
        if arguments.only in (None, "encode"):
            compare_encoding(arguments)
        if arguments.only in (None, "score"):
            score = in_a_process("score", arguments)
            print(
                f"scoring {arguments.queries:,} x {DEPTH} / pytrec_eval alone: {score['ours'] / score['peer']:.2f} (under 2); "
                f"peak memory {score['peak'] / GIB:.2f} GiB"
            )


def in_a_process(part: str, arguments: argparse.Namespace, **changed: Any) -> dict[str, Any]:
    """Run a part with these arguments, and read what it says."""
    options = vars(arguments) | changed
    return run_part(part, **{name: value for name, value in options.items() if value and name not in ("part", "only", "quick")})


def run_part(part: str, **options: object) -> dict[str, Any]:
    """Run a part in a process of its own, and read what it says."""
    command = [sys.executable, __file__, f"--part={part}", *(f"--{name}={value}" for name, value in options.items())]
    # Threads that wait in a loop would count as work.
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        sys.exit(done.stderr)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def peak_memory() -> int:
    """Of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def seconds(arguments: argparse.Namespace, work: Callable[[], Any]) -> float:
    """What something takes, by the chosen clock."""
    clock = CLOCKS[arguments.clock]
    start = clock()
    work()
    return clock() - start


# ---- searching


def compare_searches(arguments: argparse.Namespace) -> None:
    """The streamed search, the bare product of the same blocks, and FAISS."""
    in_a_process("draw", arguments)
    ours = in_a_process("search", arguments)
    faiss = in_a_process("faiss", arguments)
    print(
        f"{arguments.passages:,} x {DIMENSION} vectors ({arguments.storage}), {QUERIES} queries, k = {DEPTH}; "
        f"{arguments.clock} seconds: "
        f"search {ours['search']:.1f}, bare product {ours['product']:.1f}, FAISS IndexFlatIP {faiss['search']:.1f}"
    )
    ratios = ours["ratios"]
    print(
        f"search / bare product: {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f} in {len(ratios)} turns; at most 1.3)"
    )
    print(f"search / FAISS IndexFlatIP: {ours['search'] / faiss['search']:.2f} (at most 1)")
    print(f"peak memory above the start: {ours['memory'] / GIB:.2f} GiB (under 1.5); FAISS {faiss['memory'] / GIB:.2f} GiB")
    of_half = {"passages": arguments.passages // 2, "folder": arguments.folder / "half", "storage": "fp32", "turns": 1}
    half = in_a_process("search", arguments, **of_half)
    print(f"memory for twice the passages / for half of them: {ours['memory'] / half['memory']:.2f} (about 1)")


def queries() -> np.ndarray:
    """Unit vectors."""
    return _unit(np.random.default_rng(1).standard_normal((QUERIES, DIMENSION), dtype=np.float32))


def _unit(rows: np.ndarray) -> np.ndarray:
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def draw(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write the shards of unit vectors drawn by a seed, as encoding would."""
    draw_collection(arguments.folder, arguments.passages, arguments.storage)
    draw_collection(arguments.folder / "half", arguments.passages // 2, "fp32")
    os.sync()  # or the system would still be writing while the searches read
    return {}


def draw_collection(folder: Path, passages: int, storage: str) -> None:
    """One collection, if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / Collection.FILE).exists():
        return
    rng = np.random.default_rng(0)
    entries = []
    for number, start in enumerate(range(0, passages, SHARD_TEXTS)):
        count = min(SHARD_TEXTS, passages - start)
        vectors = _unit(rng.standard_normal((count, DIMENSION), dtype=np.float32)).astype("f2" if storage == "fp16" else "f4")
        ids = shards.pack_ids([f"{at}#0" for at in range(start, start + count)])
        tensors = {"vectors": vectors, "ids": ids}
        checksum = shards.write(shard_path(folder, number), "0" * 64, tensors)
        entries.append(ShardEntry(count=count, key="0" * 64, sha256=checksum, quick=shards.quick_checksum(tensors)))
    key: dict[str, Any] = {"shard_texts": SHARD_TEXTS}
    manifest = Manifest(key=key, count=passages, dimension=DIMENSION, texts="0" * 64, shards=tuple(entries))
    (folder / Collection.FILE).write_text(manifest.to_json(), encoding="utf-8")


def search_shards(arguments: argparse.Namespace) -> dict[str, Any]:
    """The streamed search and the bare product in turns, each of all passages."""
    collection, asked = Collection(arguments.folder), queries()
    small = arguments.folder / "warm"
    draw_collection(small, 4 * SHARD_TEXTS, arguments.storage)
    search(Collection(small), asked[:64], DEPTH)  # compiles
    executor = LocalExecutor(arguments.threads)
    ours, products, before, memory = [], [], peak_memory(), 0
    for _ in range(arguments.turns):
        for file in (arguments.folder / "searches").glob("*"):
            file.unlink()
        ours.append(seconds(arguments, lambda: search(collection, asked, DEPTH, executor=executor)))
        memory = memory or peak_memory() - before
        products.append(seconds(arguments, lambda: bare_product(collection, asked, executor)))
    ratios = [own / bare for own, bare in zip(ours, products, strict=True)]
    medians = {"search": statistics.median(ours), "product": statistics.median(products)}
    return {**medians, "ratios": ratios, "memory": memory, "queries": len(asked), "dimension": DIMENSION, "depth": DEPTH}


def bare_product(collection: Collection, asked: np.ndarray, executor: LocalExecutor) -> None:
    """The same blocks multiplied by as many threads; vectors are in memory and nothing is done with the scores."""
    vectors = [single_precision(collection.read(number).vectors) for number in range(min(4, len(collection.manifest.shards)))]
    out: dict[int, np.ndarray] = {}

    def block(number: int) -> None:
        for start in range(0, len(asked), 512):
            part = asked[start : start + 512]
            np.matmul(
                part, vectors[number % len(vectors)].T, out=out.setdefault(len(part), np.empty((len(part), SHARD_TEXTS), "f4"))
            )

    for _ in executor.map(block, range(len(collection) // SHARD_TEXTS)):
        pass


def search_by_faiss(arguments: argparse.Namespace) -> dict[str, Any]:
    """FAISS, with all vectors in memory."""
    import faiss

    collection = Collection(arguments.folder)
    before = peak_memory()
    index = faiss.IndexFlatIP(DIMENSION)
    for number in range(len(collection.manifest.shards)):
        index.add(single_precision(collection.read(number).vectors))
    faiss.omp_set_num_threads(LocalExecutor(arguments.threads).threads)
    return {"search": seconds(arguments, lambda: index.search(queries(), DEPTH)), "memory": peak_memory() - before}


# ---- encoding


def compare_encoding(arguments: argparse.Namespace) -> None:
    """Streaming against encoding the same texts from a list; and twice as many texts."""
    once = in_a_process("stream", arguments)
    twice = in_a_process("stream", arguments, texts=2 * arguments.texts)
    print(f"{arguments.encoder}: {arguments.texts / once['stream']:.0f} passages a second, streamed")
    print(f"streamed / from a list, same texts: {once['stream'] / once['list']:.3f} (under 1.05)")
    print(f"time for twice the passages: {twice['stream'] / once['stream']:.2f} (2 within 10 %)")
    print(f"memory for twice the passages / for half of them: {twice['peak'] / once['peak']:.2f} (about 1)")


def texts(count: int) -> Iterator[Item]:
    """Sentences of everyday words, of 5 to 60 words, drawn by a seed."""
    rng = np.random.default_rng(0)
    words = np.array(sorted({word for line in (__doc__ or "").splitlines() for word in line.split()}))
    return (Item(f"{at}#0", " ".join(rng.choice(words, rng.integers(5, 60)))) for at in range(count))


def stream(arguments: argparse.Namespace) -> dict[str, Any]:
    """Encode as a stream, and from a list, in turns of a shard."""
    encoder = load_encoder(arguments.encoder)
    everything = [text for _, text in texts(arguments.texts)]
    encoder.encode(everything[:64], "passage")
    spent = 0.0
    source = EncoderSource(encoder)
    key = CollectionKey.of(encoder, "sentence", "fp16")
    total = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for turn, start in enumerate(range(0, len(everything), SHARD_TEXTS)):
            part = everything[start : start + SHARD_TEXTS]
            spent += seconds(arguments, lambda part=part: encoder.encode(part, "passage"))  # type: ignore[misc]
            total += seconds(
                arguments,
                lambda part=part, turn=turn: encode_collection(  # type: ignore[misc]
                    source,
                    key,
                    (Item(str(at), text) for at, text in enumerate(part)),
                    Path(folder) / str(turn),
                    workers=LocalExecutor(),
                    progress=SilentProgress(),
                ),
            )
    return {"list": spent, "stream": total, "peak": peak_memory()}


# ---- scoring


def score(arguments: argparse.Namespace) -> dict[str, Any]:
    """As evaluations score, in parts of their queries; against pytrec_eval on the same parts."""
    import pytrec_eval

    from hybrid_bench.datasets.catalog import MIRACL
    from hybrid_bench.datasets.settings import Setting
    from hybrid_bench.evaluation.runs import QUERIES_AT_ONCE
    from hybrid_bench.measures.run_scores import RunScores
    from hybrid_bench.results.runs import Hit

    rng = np.random.default_rng(0)
    ours = peer = 0.0
    scores = RunScores(MIRACL, Setting("en", "en", "monolingual"), ("nDCG@10", "R@100"))
    for start in range(0, arguments.queries, QUERIES_AT_ONCE):
        asked = [f"q{at}" for at in range(start, min(start + QUERIES_AT_ONCE, arguments.queries))]
        run, judged = {}, {}
        for query in asked:
            found = rng.choice(10_000_000, DEPTH, replace=False).tolist()
            values = np.sort(rng.random(DEPTH, dtype=np.float32))[::-1].tolist()
            run[query] = [Hit(f"{number}#0", value) for number, value in zip(found, values, strict=True)]
            judged[query] = {f"{number}#0": 1 for number in rng.choice(found, 3)}
        ours += seconds(arguments, lambda: scores.add(judged, run))  # noqa: B023
        plain = {query: dict(hits) for query, hits in run.items()}

        def alone() -> None:
            pytrec_eval.RelevanceEvaluator(judged, {"ndcg_cut.10", "recall.100"}).evaluate(plain)  # noqa: B023

        peer += seconds(arguments, alone)
    assert len(scores.rows()) == 2
    return {"ours": ours, "peer": peer, "peak": peak_memory()}


PARTS = {"draw": draw, "search": search_shards, "faiss": search_by_faiss, "stream": stream, "score": score}

if __name__ == "__main__":
    main()
