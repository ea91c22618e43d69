"""The encoder of an evaluation."""

from __future__ import annotations

from typing import Any

from hybrid_bench.datasets.parts import ImagePassage, ImageQuery
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.embeddings.given import GivenVectors
from hybrid_bench.encoders.description import describe
from hybrid_bench.encoders.live import as_encoder
from hybrid_bench.encoders.load import load_encoder
from hybrid_bench.encoders.modalities import check_modalities
from hybrid_bench.encoders.precomputed import FeatureFiles, with_features
from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.encoders.resolvers import stated_options
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.options import EvaluationOptions
from hybrid_bench.support.progress import Progress


def searched(
    suite: Suite, encoder: Encoder | GivenVectors | str | Any, options: EvaluationOptions, progress: Progress
) -> Encoder | GivenVectors:
    """The vectors that are given, which are checked to be of the suite, or the encoder: see :func:`encoder_for`."""
    if not isinstance(encoder, GivenVectors):
        return encoder_for(suite, encoder, options, progress)
    unused = ("workers", "features", *(("store",) if not suite.large else ()))
    given = [*options.encoder_options, *(name for name in unused if getattr(options, name) is not None)]
    if given:
        raise HybridBenchError(f"the option {given[0]} has no effect on vectors, which are searched as they are", "Leave it out.")
    encoder.check_use(suite, options.passage_text)
    progress.say(encoder.describe())
    return encoder


def encoder_for(suite: Suite, encoder: Encoder | str | Any, options: EvaluationOptions, progress: Progress) -> Encoder:
    """Load an encoder, if it is given by name, check that it reads the suite's modalities, and report what it uses.

    Another object becomes an encoder by :func:`hybrid_bench.as_encoder`.

    Raises:
        HybridBenchError: if it cannot be loaded, lacks a modality of the suite (checked before weights are loaded), or is given
            as an object together with options for loading it.
    """
    needed = f"the suite {suite.name}"
    if isinstance(encoder, str):
        loaded = load_encoder(encoder, modalities=suite.modalities, needed_by=needed, **options.encoder_options)
        loaded = with_features_of(loaded, suite, FeatureFiles.given(options.features, options.names))
        progress.say(describe(loaded))
        return loaded
    if options.encoder_options:
        raise HybridBenchError(
            f"the option encoder ({', '.join(options.encoder_options)}) has no effect on an encoder that is loaded already",
            "Name the encoder instead, or load it with these options.",
        )
    live = as_encoder(encoder)
    check_modalities(live.card, suite.modalities, needed)
    live = with_features_of(live, suite, FeatureFiles.given(options.features, options.names))
    progress.say(describe(live))
    return live


def with_features_of(encoder: Encoder, suite: Suite, files: FeatureFiles | None) -> Encoder:
    """The encoder with precomputed features in place of a suite's images.

    Args:
        encoder: returned as it is if there are no files.
        suite: whose images stand by their names.
        files: the features, of every image of the suite.

    Raises:
        HybridBenchError: if the encoder takes no features, or a file is missing, malformed or lacks images.
    """
    if files is None:
        return encoder
    passages = (record for of in suite.collections if of.modality == "image" for record in of.passages())
    queries = (record for of in suite.query_sets if of.modality == "image" for record in of.queries())
    images = (record.image.name for record in (*passages, *queries) if isinstance(record, (ImagePassage, ImageQuery)))
    return with_features(encoder, *files, list(dict.fromkeys(images)))


def notes_on(options: EvaluationOptions, loaded: Encoder | GivenVectors) -> list[str]:
    """What a reader of scores has to know of how images were read."""
    return [f"Images were not read: {loaded.card.preprocessing}."] if options.features else []


def words_of(
    asked: Encoder | GivenVectors | str | Any, loaded: Encoder | GivenVectors, options: EvaluationOptions
) -> tuple[list[str], dict[str, Any]]:
    """The arguments and options of the command line that name what is evaluated."""
    if isinstance(loaded, GivenVectors):
        return [], {"vectors": loaded.folder.as_posix(), **loaded.stated}
    name = asked if isinstance(asked, str) else loaded.card.name
    return [name], stated_options(name, options.encoder_options) | {"dtype": loaded.dtype, "device": loaded.device}
