"""Check of Java for ``hybrid-bench doctor``. Starts no Java virtual machine."""

from __future__ import annotations

from collections.abc import Iterator

from hybrid_bench import HybridBenchError
from hybrid_bench.plugin import Finding
from hybrid_bench_pyserini import java


def examine() -> Iterator[Finding]:
    """Yield the Java that is used and why, and the version of Anserini."""
    try:
        chosen, why = java.choose()
    except HybridBenchError as error:
        yield Finding("Java for Pyserini", "broken", error.problem, error.remedy)
        return
    yield Finding("Java for Pyserini", "ok", f"{chosen}; {why}")
    try:
        yield Finding("Anserini", "ok", java.anserini_version())
    except HybridBenchError as error:
        yield Finding("Anserini", "broken", error.problem, error.remedy)
