"""Hybrid Bench: how well an encoder retrieves in one language, across languages, and from a pool of mixed languages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hybrid_bench.datasets.catalog import SUITES, load_suite
    from hybrid_bench.datasets.images import Image
    from hybrid_bench.datasets.settings import ALL, Setting, parse_settings
    from hybrid_bench.datasets.suite import Judgement, PassageText, Suite, Text
    from hybrid_bench.embeddings.store import EmbeddingStore
    from hybrid_bench.encoders.card import EncoderCard
    from hybrid_bench.encoders.checked import encode_checked
    from hybrid_bench.encoders.load import load_encoder
    from hybrid_bench.encoders.protocol import Encoder, Role
    from hybrid_bench.errors import HybridBenchError, UnknownNameError
    from hybrid_bench.evaluation.compare import compare
    from hybrid_bench.evaluation.evaluate import evaluate
    from hybrid_bench.evaluation.runs import Searcher, evaluate_runs
    from hybrid_bench.execution.protocol import Executor
    from hybrid_bench.installation.doctor import Finding
    from hybrid_bench.installation.register import register, register_datasets
    from hybrid_bench.measures.scores import DEFAULT_MEASURES
    from hybrid_bench.results.record import Result
    from hybrid_bench.results.runs import Hit
    from hybrid_bench.support.hashing import texts_hash
    from hybrid_bench.support.progress import Progress, SilentProgress
    from hybrid_bench.training.encoder.published import load_published

# Names are imported when they are first used, so that `import hybrid_bench` costs nothing.
_HOME = {
    "ALL": "datasets.settings",
    "DEFAULT_MEASURES": "measures.scores",
    "EmbeddingStore": "embeddings.store",
    "Encoder": "encoders.protocol",
    "EncoderCard": "encoders.card",
    "Executor": "execution.protocol",
    "Finding": "installation.doctor",
    "Hit": "results.runs",
    "HybridBenchError": "errors",
    "Image": "datasets.images",
    "Judgement": "datasets.suite",
    "PassageText": "datasets.suite",
    "Progress": "support.progress",
    "Result": "results.record",
    "Role": "encoders.protocol",
    "SUITES": "datasets.catalog",
    "Searcher": "evaluation.runs",
    "Setting": "datasets.settings",
    "SilentProgress": "support.progress",
    "Suite": "datasets.suite",
    "Text": "datasets.suite",
    "UnknownNameError": "errors",
    "compare": "evaluation.compare",
    "encode_checked": "encoders.checked",
    "evaluate": "evaluation.evaluate",
    "evaluate_runs": "evaluation.runs",
    "load_encoder": "encoders.load",
    "load_published": "training.encoder.published",
    "load_suite": "datasets.catalog",
    "parse_settings": "datasets.settings",
    "register": "installation.register",
    "register_datasets": "installation.register",
    "texts_hash": "support.hashing",
}

__all__ = [
    "ALL",
    "DEFAULT_MEASURES",
    "SUITES",
    "EmbeddingStore",
    "Encoder",
    "EncoderCard",
    "Executor",
    "Finding",
    "Hit",
    "HybridBenchError",
    "Image",
    "Judgement",
    "PassageText",
    "Progress",
    "Result",
    "Role",
    "Searcher",
    "Setting",
    "SilentProgress",
    "Suite",
    "Text",
    "UnknownNameError",
    "compare",
    "encode_checked",
    "evaluate",
    "evaluate_runs",
    "load_encoder",
    "load_published",
    "load_suite",
    "parse_settings",
    "register",
    "register_datasets",
    "texts_hash",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from hybrid_bench.support.versions import hybrid_bench

        return hybrid_bench()
    if name not in _HOME:
        raise AttributeError(f"module 'hybrid_bench' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"hybrid_bench.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
