"""BEIR for Hybrid Bench: encoders as BEIR models, and suites as BEIR's corpus, queries and qrels."""

from hybrid_bench_beir.data import load
from hybrid_bench_beir.model import as_beir_model

__all__ = ["as_beir_model", "load"]
