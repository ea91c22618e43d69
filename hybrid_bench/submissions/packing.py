"""Packing a submission of an encoder: evaluate it, round its vectors to fp16, and write card, ranks and hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_bench.datasets.resolvers import load_suite
from hybrid_bench.embeddings.given import GivenVectors
from hybrid_bench.embeddings.store import EmbeddingStore
from hybrid_bench.encoders.description import describe
from hybrid_bench.encoders.modalities import check_modalities
from hybrid_bench.encoders.precomputed import FeatureFiles
from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.assemble import assemble
from hybrid_bench.evaluation.evaluate import evaluate
from hybrid_bench.evaluation.exact import ExactSearch
from hybrid_bench.evaluation.loading import with_features_of
from hybrid_bench.evaluation.options import EvaluationOptions
from hybrid_bench.results.record import Result
from hybrid_bench.submissions import card as cards
from hybrid_bench.submissions import folder as folders
from hybrid_bench.submissions import ranking, rescoring
from hybrid_bench.submissions.folder import Packed, PackedSuite
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.format import schema, vectors
from hybrid_bench.submissions.format.rank_table import RankTable
from hybrid_bench.support import atomic, cache
from hybrid_bench.support.progress import Progress, SilentProgress

if TYPE_CHECKING:
    from hybrid_bench.submissions.format.expected import SuiteData


def pack(
    encoder: Encoder | Mapping[str, GivenVectors],
    suites: Sequence[str],
    out: Path,
    *,
    org: str,
    name: str | None = None,
    revision: str | None = None,
    card: Path | None = None,
    passage_text: str = "sentence",
    vectors_out: Path | None = None,
    store: Path | None = None,
    features: FeatureFiles | None = None,
    progress: Progress | None = None,
) -> Packed:
    """Evaluate an encoder and write its submission.

    The vectors are rounded to fp16, and the ranks are computed from the rounded vectors.

    Args:
        encoder: encodes what the store does not contain; or suite to vectors of one encoder.
        suites: names of suites.
        out: the folder of submissions.
        org: the submitting person or institution.
        name: defaults to the encoder's name.
        revision: defaults to the encoder's revision, or a prefix of its fingerprint.
        card: a TOML file with fields of the card that the encoder does not state, and a table ``trained_on``.
        passage_text: the part of a passage that the encoder reads.
        vectors_out: folder of the vectors; defaults to one in the cache.
        store: folder of stored vectors.
        features: of an encoder, in place of the images of suites that have some; the submission states their hash.
        progress: receives progress updates.

    Raises:
        HybridBenchError: if the revision exists already, a name is invalid, or the evaluation fails.
    """
    searched: dict[str, Encoder | GivenVectors] = (
        {**encoder} if isinstance(encoder, Mapping) else {**encoders_of(encoder, suites, features)}
    )
    if not searched:
        raise HybridBenchError("a submission needs a suite", "Name one with --suite.")
    first, *others = searched.values()
    if dimensions := sorted({other.card.dimension or 0 for other in others} - {first.card.dimension or 0}):
        raise HybridBenchError(
            f"the vectors of {suites[0]} have dimension {first.card.dimension}, those of another suite {dimensions[0]}",
            "Submit the vectors of one encoder.",
        )
    name = name or first.card.name.rpartition("/")[2]
    revision = revision or first.card.revision or first.fingerprint[:12]
    folder = folders.new(out, org, name, revision)
    stated = cards.read_stated(card, of_vectors=isinstance(encoder, Mapping))
    fields = cards.fields(cards.of_encoder(first), stated)
    vectors_folder = (vectors_out or cache.home() / "vectors") / f"{org}__{name}" / revision
    packed = []
    for suite, one in searched.items():
        (progress or SilentProgress()).say(one.describe() if isinstance(one, GivenVectors) else describe(one))
        part = pack_suite(one, suite, vectors_folder, passage_text, store, progress, features)
        part.entry["trained_on"] = cards.trained_on(suite, stated, one)
        packed.append(part)
    folders.write(folder, fields, packed)
    return Packed(folder, packed, cards.missing(fields))


def encoders_of(encoder: Encoder, suites: Sequence[str], features: FeatureFiles | None = None) -> dict[str, Encoder]:
    """Suite to the encoder that is run on it: with precomputed features on suites of images, if there are some.

    Raises:
        HybridBenchError: before anything is encoded: if it lacks a modality of a suite, takes no features, an image has none, or
            no suite has images.
    """
    found = {}
    for name in suites:
        suite = load_suite(name)
        check_modalities(encoder.card, suite.modalities, f"the suite {name}")
        found[name] = with_features_of(encoder, suite.by_name(), features) if suite.by_name else encoder
    if features and not any(load_suite(name).by_name for name in suites):
        raise HybridBenchError(
            f"the option features has no effect: {', '.join(suites)} needs no images of the user's own",
            "Leave --features and --names out.",
        )
    return found


def pack_suite(
    encoder: Encoder | GivenVectors,
    name: str,
    vectors_folder: Path,
    passage_text: str,
    store: Path | None,
    progress: Progress | None,
    features: FeatureFiles | None = None,
) -> PackedSuite:
    """Evaluate one suite and write its vectors into ``vectors_folder``.

    With features, images stand by their names: the encoder is one of :func:`encoders_of`.

    Raises:
        HybridBenchError: if the suite is large.
    """
    data = suite_data.load(name)
    if data.suite.large:
        raise HybridBenchError(
            f"{name} is large: vectors and ranks of whole pools are not submitted", "Submit its runs: see leaderboards/README.md."
        )
    entry: dict[str, Any] = {"kind": "ranks", "passage_text": passage_text, "data": data.digest, "dtype": encoder.dtype}
    if not data.pooled:
        options = EvaluationOptions(passage_text=passage_text, store=store)  # type: ignore[arg-type]  # checked there
        result = evaluate(encoder, data.suite, options=options, progress=progress)
        entry["claimed"] = claimed(result)
        return PackedSuite(name, RankTable(result.ranks), entry)
    suite = load_suite(name)  # with its images, where ``data`` has their names
    if features and suite.by_name:
        suite = data.suite
        entry["features"] = features.sha256
    search = ExactSearch(
        encoder,
        suite,
        EmbeddingStore(store or cache.home() / "embeddings"),
        passage_text=passage_text,  # type: ignore[arg-type]  # checked where it is used
        progress=progress,
    )
    for grid in search.grids():
        search.rank(grid)
    result = assemble(data.suite, search.identity, search.evidence(list(data.measures)), command="")
    rounded = _rounded(search, data)
    content = vectors.to_bytes(rounded)
    path = vectors_folder / f"{schema.stem(name)}{vectors.SUFFIX}"
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(path, content)
    entry["vectors"] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    table = ranking.ranks_of(rounded, data)
    recomputed = rescoring.scored_table(table, data)
    entry["claimed"] = claimed(recomputed)
    return PackedSuite(name, table, entry, path, largest_difference(result, recomputed))


def _rounded(search: ExactSearch, data: SuiteData) -> dict[str, np.ndarray]:
    """The vectors of a search as fp16 arrays in the suite's order, scaled if fp16 or exact products require it."""
    arrays = {f"passages/{name}": search.vectors["passage", name] for name in data.passage_ids}
    arrays |= {f"queries/{name}": search.vectors["query", name] for name in data.judged}
    return {name: (array * _scale(name, arrays)).astype(np.float16) for name, array in arrays.items()}


def _scale(name: str, arrays: Mapping[str, np.ndarray]) -> np.float32:
    """A power of two that bounds the vector lengths of a role by 2; 1 for unit vectors."""
    role = name.partition("/")[0]
    longest = max(float(np.linalg.norm(array, axis=1).max()) for key, array in arrays.items() if key.startswith(role))
    return np.float32(1 if longest <= 1.5 else 2.0 ** (1 - np.ceil(np.log2(longest))))


def largest_difference(result: Result, recomputed: Result) -> tuple[str, float]:
    """(score, difference) of the mean score that differs most; the difference is relative for scores above 1."""
    before, after = rescoring.mean_scores(result), rescoring.mean_scores(recomputed)
    difference = {
        score: abs(after[score] - value) / max(1.0, abs(value))
        for score, value in before.items()
        if score in after and "median" not in score  # a median changes by whole ranks
    }
    return max(difference.items(), key=lambda item: item[1])


def claimed(result: Result) -> dict[str, float]:
    """The mean scores that a packed submission claims, to be compared with recomputed ones."""
    wanted = (result.primary, "RankDistance")
    return {score: round(value, 6) for score, value in rescoring.mean_scores(result).items() if score.split(" ")[1] in wanted}
