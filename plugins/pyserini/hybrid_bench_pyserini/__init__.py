"""Pyserini for Hybrid Bench: BM25 and mDPR baselines, and Hybrid Bench encoders in Pyserini. Importing it starts no Java."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hybrid_bench_pyserini.bm25 import evaluate_bm25
    from hybrid_bench_pyserini.bm25_options import Machine, Options
    from hybrid_bench_pyserini.dense import as_document_encoder, as_query_encoder
    from hybrid_bench_pyserini.exporting import export

_HOME = {
    "Machine": "bm25_options",
    "Options": "bm25_options",
    "as_document_encoder": "dense",
    "as_query_encoder": "dense",
    "evaluate_bm25": "bm25",
    "export": "exporting",
}

__all__ = ["Machine", "Options", "as_document_encoder", "as_query_encoder", "evaluate_bm25", "export"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'hybrid_bench_pyserini' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"hybrid_bench_pyserini.{_HOME[name]}"), name)
