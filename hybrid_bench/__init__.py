"""Hybrid Bench: how well an encoder retrieves in one language, across languages, and from a pool of mixed languages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hybrid_bench.comparison import compare
    from hybrid_bench.datasets.suite import Judgement, Setting, Suite, Text
    from hybrid_bench.datasets.suites import load_suite
    from hybrid_bench.encoders.card import EncoderCard
    from hybrid_bench.encoders.load import load_encoder
    from hybrid_bench.encoders.protocol import Encoder, Role
    from hybrid_bench.errors import HybridBenchError
    from hybrid_bench.evaluation import evaluate
    from hybrid_bench.registration import register, register_datasets
    from hybrid_bench.results.record import Result

# Names are imported when they are first used, so that `import hybrid_bench` costs nothing.
_HOME = {
    "Encoder": "encoders.protocol",
    "EncoderCard": "encoders.card",
    "HybridBenchError": "errors",
    "Judgement": "datasets.suite",
    "Result": "results.record",
    "Role": "encoders.protocol",
    "Setting": "datasets.suite",
    "Suite": "datasets.suite",
    "Text": "datasets.suite",
    "compare": "comparison",
    "evaluate": "evaluation",
    "load_encoder": "encoders.load",
    "load_suite": "datasets.suites",
    "register": "registration",
    "register_datasets": "registration",
}

__all__ = [
    "Encoder",
    "EncoderCard",
    "HybridBenchError",
    "Judgement",
    "Result",
    "Role",
    "Setting",
    "Suite",
    "Text",
    "compare",
    "evaluate",
    "load_encoder",
    "load_suite",
    "register",
    "register_datasets",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from hybrid_bench.versions import hybrid_bench

        return hybrid_bench()
    if name not in _HOME:
        raise AttributeError(f"module 'hybrid_bench' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"hybrid_bench.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
