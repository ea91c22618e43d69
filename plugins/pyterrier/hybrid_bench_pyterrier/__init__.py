"""Hybrid Bench in PyTerrier. PyTerrier has this package as ``pt.hybrid_bench``.

``pt.get_dataset("hb:xquad-r/de/en")`` is a setting of a suite, ``pt.hybrid_bench.encoder("me5-small")`` an encoder, and
``hybrid_bench.evaluate(pipeline, "xquad-r")`` evaluates a pipeline.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hybrid_bench import Encoder, Suite, load_encoder, register

if TYPE_CHECKING:
    import pyterrier

    from hybrid_bench_pyterrier.datasets import SuiteDataset
    from hybrid_bench_pyterrier.encoders import BiEncoder
    from hybrid_bench_pyterrier.searcher import Pipeline, PipelineSearcher

__all__ = ["encoder", "from_object", "measures", "pipeline"]


def encoder(name: str | Encoder, *, batch_size: int = 512, text_field: str = "text", **options: Any) -> BiEncoder:
    """An encoder as a bi-encoder of pyterrier_dr: it encodes queries and documents, scores pairs, and fills indexes.

    Args:
        name: of the encoder, see :func:`hybrid_bench.load_encoder`, or an encoder.
        batch_size: texts that are encoded together.
        text_field: of documents.
        options: of :func:`hybrid_bench.load_encoder`.

    Raises:
        HybridBenchError: if the encoder cannot be loaded.
    """
    from hybrid_bench_pyterrier.encoders import BiEncoder

    loaded = load_encoder(name, **options) if isinstance(name, str) else name
    return BiEncoder(loaded, batch_size=batch_size, text_field=text_field)


def pipeline(
    made: pyterrier.Transformer | Callable[[SuiteDataset], pyterrier.Transformer],
    name: str,
    *,
    exhaustive: bool = False,
    fingerprint: str = "",
) -> Pipeline:
    """A pipeline with what :func:`hybrid_bench.evaluate` cannot see.

    Args:
        made: a pipeline over all passages of a suite (those of ``hb:SUITE``), or a function that takes the dataset of a pool
            (``hb:SUITE/POOL``) and returns the pipeline that searches it.
        name: in results.
        exhaustive: what the pipeline leaves out was not retrieved, rather than cut off. Relevant passages then have ranks, and
            results measures of bias.
        fingerprint: tells versions of it apart in results; by default a hash of what it is, and of what it finds for a few
            queries.
    """
    from hybrid_bench_pyterrier.searcher import Pipeline

    return Pipeline(made, name, exhaustive, fingerprint)


def measures() -> tuple[Any, ...]:
    """The measures ``RankDistance`` and ``SameLanguage@20`` for ``pt.Experiment`` on ``hb:SUITE/all/LANGUAGE``."""
    import ir_measures

    register()
    return ir_measures.parse_measure("RankDistance"), ir_measures.parse_measure("SameLanguage@20")


def from_object(found: Any, suite: Suite) -> PipelineSearcher | None:
    """A searcher from a PyTerrier transformer or a :func:`pipeline`; None for other objects."""
    pyterrier = sys.modules.get("pyterrier")
    if pyterrier is None or not hasattr(pyterrier, "Transformer"):
        return None
    from hybrid_bench_pyterrier.searcher import Pipeline, PipelineSearcher

    if isinstance(found, pyterrier.Transformer):
        found = Pipeline(found)
    return PipelineSearcher(found, suite) if isinstance(found, Pipeline) else None
