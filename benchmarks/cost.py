"""What all of MIRACL costs, by language: passages, queries, bytes and hours. Writes the table of ``benchmarks/README.md``.

    python benchmarks/cost.py --passages-a-second 45 --gigaflops 100   # as encoding.py and scale.py measure on your machine
    python benchmarks/cost.py --check                                  # the same formulas against measurements

Numbers of passages and queries are those of ir_datasets' metadata; nothing is downloaded. ``--check`` measures at several sizes
in processes of their own (scale.py's parts), takes each rate at one size, the two of the search at the smallest and the largest,
and compares what they predict for the others.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from pathlib import Path
from typing import Any

import ir_datasets
import numpy as np
from scale import run_part

from hybrid_bench.datasets.catalog import MIRACL
from hybrid_bench.datasets.languages import NAMES

GB = 10**9


def encoding_seconds(passages: float, passages_a_second: float) -> float:
    """On one machine."""
    return passages / passages_a_second


def stored_bytes(passages: float, dimension: int, bytes_a_number: int, id_bytes: int) -> float:
    """Vectors and ids; the headers of the shards are left out."""
    return passages * (dimension * bytes_a_number + id_bytes)


def product_seconds(passages: float, queries: int, dimension: int, gigaflops: float) -> float:
    """Of the scores, on one machine."""
    return 2 * passages * queries * dimension / (gigaflops * GB)


def kept(passages: float, queries: int, depth: int) -> float:
    """Scores that are among the best ``depth`` of those before them, so that they have to be kept.

    The n-th of scores in random order is with probability min(1, depth / n); their sum is depth (1 + ln(passages / depth)).
    """
    return queries * depth * (1 + math.log(passages / depth)) if passages > depth else queries * passages


def main() -> None:
    """Print the table, or the check, as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages-a-second", type=float, help="that one machine encodes")
    parser.add_argument("--gigaflops", type=float, help="of the matrix product on one machine")
    parser.add_argument("--nanoseconds-a-hit", type=float, default=0.0, help="to keep a score, as --check finds it")
    parser.add_argument("--depth", type=int, default=1000, help="of the lists")
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--bytes-a-number", type=int, default=2, choices=(2, 4), help="2: fp16, 4: fp32")
    parser.add_argument("--id-bytes", type=int, default=13, help="of the longest id")
    parser.add_argument("--machines", type=int, default=1)
    parser.add_argument("--check", action="store_true", help="the model against measurements")
    parser.add_argument("--sizes", default="10000,100000,1000000", help="--check: vectors that are stored and searched")
    parser.add_argument("--texts", default="10000,20000,50000", help="--check: texts that are encoded")
    parser.add_argument("--encoder", default="use-multilingual", help="--check: of the texts")
    arguments = parser.parse_args()
    if arguments.check:
        check(arguments)
    elif arguments.passages_a_second and arguments.gigaflops:
        write_table(arguments)
    else:
        parser.error("give --passages-a-second and --gigaflops, or --check")


def write_table(arguments: argparse.Namespace) -> None:
    """All languages of MIRACL."""
    print("| language | passages | queries | store, GB | encoding, hours | search, hours |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    total = [0, 0, 0.0, 0.0, 0.0]
    for collection in MIRACL.collections:
        language = collection.name
        passages = collection.count() or 0
        queries = int(ir_datasets.load(f"miracl/{language}/dev").metadata()["queries"]["count"])
        stored = stored_bytes(passages, arguments.dimension, arguments.bytes_a_number, arguments.id_bytes) / GB
        encoding = encoding_seconds(passages, arguments.passages_a_second) / 3600 / arguments.machines
        search = product_seconds(passages, queries, arguments.dimension, arguments.gigaflops)
        search += kept(passages, queries, arguments.depth) * arguments.nanoseconds_a_hit / GB
        search /= 3600 * arguments.machines
        row = [passages, queries, stored, encoding, search]
        total = [before + now for before, now in zip(total, row, strict=True)]
        print(_line(NAMES[language], row))
    print(_line("all", total))


def _line(name: str, row: list[float]) -> str:
    passages, queries, stored, encoding, search = row
    return f"| {name} | {passages:,} | {queries:,} | {stored:.2f} | {encoding:,.1f} | {search:.2f} |"


def check(arguments: argparse.Namespace) -> None:
    """What is measured at each size, what the model says, and how far they are apart."""
    sizes = [int(size) for size in arguments.sizes.split(",")]
    counts = [int(count) for count in arguments.texts.split(",")]
    print("| | passages | measured | model | deviation |")
    print("| --- | ---: | ---: | ---: | ---: |")
    encoded = {count: float(run_part("stream", texts=count, encoder=arguments.encoder)["stream"]) for count in counts}
    known = counts[len(counts) // 2]
    for count, measured in encoded.items():
        _compare("encoding", count, measured, encoding_seconds(count, known / encoded[known]), "s", count == known)
    searched, stored = {}, {}
    with tempfile.TemporaryDirectory() as temporary:
        for size in sizes:
            folder = Path(temporary) / str(size)
            run_part("draw", passages=size, folder=folder)
            searched[size] = run_part("search", passages=size, folder=folder)
            stored[size] = sum(path.stat().st_size for path in folder.glob("*.safetensors")) / GB
    for size, measured in stored.items():
        dimension, id_bytes = searched[size]["dimension"], len(f"{size - 1}#0")
        _compare("store, fp32", size, measured, stored_bytes(size, dimension, 4, id_bytes) / GB, "GB", False)
    _check_search(searched)


def _check_search(searched: dict[int, dict[str, Any]]) -> None:
    """The two rates are those that fit the smallest and the largest size; every other is predicted."""
    terms = {
        size: (product_seconds(size, found["queries"], found["dimension"], 1), kept(size, found["queries"], found["depth"]))
        for size, found in searched.items()
    }
    ends = (min(searched), max(searched))
    rates = np.linalg.solve([terms[size] for size in ends], [searched[size]["search"] for size in ends])
    for size, found in searched.items():
        model = float(np.dot(terms[size], rates))
        _compare(f"search, {found['queries']:,} queries", size, found["search"], model, "s", size in ends)
    print(f"\nsearch: {1 / rates[0]:.0f} GFLOP a second, {rates[1] * GB:.0f} ns a hit")


def _compare(what: str, passages: int, measured: float, model: float, unit: str, known: bool) -> None:
    deviation = "taken for a rate" if known else f"{measured / model - 1:+.1%}"
    print(f"| {what} | {passages:,} | {measured:,.3g} {unit} | {model:,.3g} {unit} | {deviation} |")


if __name__ == "__main__":
    main()
