"""The encoder of an evaluation."""

from __future__ import annotations

from hybrid_bench.datasets.suite import Suite
from hybrid_bench.encoders.load import load_encoder
from hybrid_bench.encoders.modalities import check_modalities
from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.evaluation.options import EvaluationOptions


def encoder_for(suite: Suite, encoder: Encoder | str, options: EvaluationOptions) -> Encoder:
    """Load an encoder, if it is given by name, for a suite.

    Raises:
        HybridBenchError: if it cannot be loaded, or lacks a modality of the suite; that is found before weights are loaded.
    """
    needed = f"the suite {suite.name}"
    if isinstance(encoder, str):
        return load_encoder(encoder, modalities=suite.modalities, needed_by=needed, **options.encoder_options)
    check_modalities(encoder.card, suite.modalities, needed)
    return encoder
