"""What all of MIRACL costs, by language: passages, queries, bytes and hours. Writes the table of ``docs/scaling.md``.

    python benchmarks/cost.py --passages-a-second 45 --gigaflops 100   # as encoding.py and scale.py measure on your machine

Numbers of passages and queries are those of ir_datasets' metadata; nothing is downloaded.
"""

from __future__ import annotations

import argparse

import ir_datasets

from hybrid_bench.datasets.languages import NAMES
from hybrid_bench.datasets.suites import MIRACL

GB = 10**9


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages-a-second", type=float, required=True, help="that one machine encodes")
    parser.add_argument("--gigaflops", type=float, required=True, help="of the matrix product on one machine")
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--bytes-a-number", type=int, default=2, choices=(2, 4), help="2: fp16, 4: fp32")
    parser.add_argument("--id-bytes", type=int, default=13, help="of the longest id")
    parser.add_argument("--machines", type=int, default=1)
    arguments = parser.parse_args()
    print("| language | passages | queries | store, GB | encoding, hours | search, hours |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    total = [0, 0, 0.0, 0.0, 0.0]
    for language in MIRACL.languages:
        passages = MIRACL.count(language) or 0
        queries = int(ir_datasets.load(f"miracl/{language}/dev").metadata()["queries"]["count"])
        stored = passages * (arguments.dimension * arguments.bytes_a_number + arguments.id_bytes) / GB
        encoding = passages / arguments.passages_a_second / 3600 / arguments.machines
        search = 2 * passages * queries * arguments.dimension / (arguments.gigaflops * GB) / 3600 / arguments.machines
        row = [passages, queries, stored, encoding, search]
        total = [before + now for before, now in zip(total, row, strict=True)]
        print(_line(NAMES[language], row))
    print(_line("all", total))


def _line(name: str, row: list[float]) -> str:
    passages, queries, stored, encoding, search = row
    return f"| {name} | {passages:,} | {queries:,} | {stored:.2f} | {encoding:,.1f} | {search:.2f} |"


if __name__ == "__main__":
    main()
