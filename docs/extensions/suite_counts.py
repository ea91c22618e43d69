"""Counts of the shipped suites: queries that have a relevant passage, and passages.

``python -m extensions.suite_counts`` in ``docs/`` reads every suite whose files are there or can be downloaded, and writes
``suite_counts.tsv``; suites that it cannot read keep their rows.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from pathlib import Path

from hybrid_bench.datasets.suite import Suite

FILE = Path(__file__).resolve().parent / "suite_counts.tsv"
_HEAD = ("suite", "part", "name", "count")

#: ``queries`` or ``passages``, the name of the query set or collection, and how many.
Count = tuple[str, str, int]


def read() -> dict[str, list[Count]]:
    """Suite to its counts, as they are in the file."""
    found: dict[str, list[Count]] = {}
    if FILE.exists():
        with FILE.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                found.setdefault(row["suite"], []).append((row["part"], row["name"], int(row["count"])))
    return found


def count(suite: Suite) -> list[Count]:
    """Count the queries with a relevant passage, and the passages, of a suite.

    Raises:
        HybridBenchError: if its files cannot be read or downloaded.
    """
    from hybrid_bench.plugin import judged_queries

    queries = [("queries", name, len(of.queries)) for name, of in judged_queries(suite).items()]
    return queries + [("passages", of.name, of.count() or sum(1 for _ in of.passages())) for of in suite.collections]


def write(counts: dict[str, list[Count]]) -> None:
    """Write the file."""
    rows: Iterable[tuple[object, ...]] = ((suite, *row) for suite, of in sorted(counts.items()) for row in of)
    with FILE.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t", lineterminator="\n").writerows([_HEAD, *rows])


if __name__ == "__main__":
    from hybrid_bench.datasets.resolvers import SUITES
    from hybrid_bench.errors import HybridBenchError

    known = read()
    for name in sys.argv[1:] or SUITES:
        try:
            known[name] = count(SUITES.get(name))
        except (HybridBenchError, OSError) as error:
            sys.stderr.write(f"{name}: {error}\n")
    write(known)
