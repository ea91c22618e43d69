"""What ``hybrid-bench doctor`` says of Java. Starts none."""

from __future__ import annotations

from collections.abc import Iterator

from hybrid_bench import Finding, HybridBenchError
from hybrid_bench_pyserini import java


def examine() -> Iterator[Finding]:
    """Which Java is used, and why."""
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
