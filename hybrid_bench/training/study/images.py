"""Text-image retrieval of several encoders: by language, with a control for language offsets, and paired bootstrap intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hybrid_bench.datasets.images import Image
from hybrid_bench.datasets.resolvers import load_suite
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.embeddings.store import EmbeddingStore
from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.evaluate import evaluate
from hybrid_bench.evaluation.options import EvaluationOptions
from hybrid_bench.measures.clip_score import clip_score
from hybrid_bench.support import cache
from hybrid_bench.support.progress import Progress

#: Cut-off of recall, resamples of the bootstrap, and no-match captions of each image for the AUC.
CUTOFF, RESAMPLES, OTHERS = 10, 10_000, 20
#: The language that the projections were fitted to; all others are zero-shot.
SEEN = "en"


@dataclass(frozen=True)
class Arm:
    """An encoder, as several fits of the same kind where there are several.

    Attributes:
        name: in tables.
        fits: of which the first is the encoder itself.
    """

    name: str
    fits: Sequence[Encoder]


@dataclass
class Measured:
    """What was found for an arm.

    Attributes:
        hits: (suite, query set) to (fits, images): whether the image of a caption is among the first ten.
        centred: the same, where the mean of each language's captions and that of the images is subtracted first.
        clip: (suite, query set) to the mean CLIPScore of captions with their images, and the AUC against other captions.
        pool: suite to the measures of images on the pool of all captions: RankDistance, R@10, First(language).
    """

    hits: dict[tuple[str, str], NDArray[np.bool_]] = field(default_factory=dict)
    centred: dict[tuple[str, str], NDArray[np.bool_]] = field(default_factory=dict)
    clip: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    pool: dict[str, dict[str, float]] = field(default_factory=dict)

    def recall(self, of: Sequence[tuple[str, str]], *, centred: bool = False) -> float:
        """Mean R@10 of the first fit over some query sets."""
        hits = self.centred if centred else self.hits
        return float(np.mean([hits[key][0].mean() for key in of]))

    def spread(self, of: Sequence[tuple[str, str]]) -> tuple[float, float]:
        """The least and the largest mean R@10 over the fits."""
        means = np.mean([self.hits[key].mean(axis=1) for key in of], axis=0)
        return float(means.min()), float(means.max())


def measure(arms: Sequence[Arm], suites: Sequence[str], progress: Progress) -> dict[str, Measured]:
    """Measure arms on suites of images with captions.

    Args:
        arms: encoders of texts and images that compare vectors by cosine.
        suites: names of such suites, whose images are there.
        progress: where to report.

    Raises:
        HybridBenchError: if a suite has no query set of captions on images, or its images are missing.
    """
    found: dict[str, Measured] = {}
    for arm in arms:
        measured = found[arm.name] = Measured()
        for name in suites:
            suite = load_suite(name)
            texts: dict[tuple[str, str], NDArray[np.float32]] = {}
            for fit, encoder in enumerate(arm.fits):
                _measure_fit(measured, suite, encoder, fit, texts, progress)
            result = evaluate(arm.fits[0], suite, options=EvaluationOptions(measures=(f"R@{CUTOFF}",)), progress=progress)
            rows = [row for row in result.rows if row.setting == "image-to-text" and row.pool == "all"]
            measured.pool[name] = {row.measure: row.value for row in rows}
    return found


def captions_on_images(suite: Suite) -> list[str]:
    """The query sets of captions that are asked on images.

    Raises:
        HybridBenchError: if there are none.
    """
    names = [setting.query_set for setting in suite.settings if setting.kind == "text-to-image"]
    if not names:
        raise HybridBenchError(f"{suite.name} asks no captions on images", "Choose a suite such as multi30k-flickr8k.")
    return names


def _measure_fit(
    measured: Measured,
    suite: Suite,
    encoder: Encoder,
    fit: int,
    known: dict[tuple[str, str], NDArray[np.float32]],
    progress: Progress,
) -> None:
    """Measure one fit; ``known`` has the vectors of captions by the fingerprint of what encodes texts, and the query set."""
    of_texts = str(getattr(encoder, "text_fingerprint", encoder.fingerprint))
    store = EmbeddingStore(cache.home() / "embeddings")
    asked = captions_on_images(suite)
    records = suite.passages("images")
    row = {suite.doc_id("images", record.id): number for number, record in enumerate(records)}
    with progress:
        progress.start("images", len(records))
        pictures = [record.content for record in records if isinstance(record.content, Image)]
        images = store.vectors(encoder, "passage", pictures, progress=progress.advance)
        for name in asked:
            captions = suite.queries(name)
            if (of_texts, name) not in known:
                progress.start(f"captions {name}", len(captions))
                contents = [one.content for one in captions]
                known[of_texts, name] = store.vectors(encoder, "query", contents, progress=progress.advance)
            texts = known[of_texts, name]
            own = np.array([row[one.id] for one in captions])
            key = suite.name, name
            for into, (queries, passages) in (
                (measured.hits, (texts, images)),
                (measured.centred, (centre(texts), centre(images))),
            ):
                hit = hits(queries, passages, own)[None]
                into[key] = np.concatenate([into[key], hit]) if fit else hit
            if fit == 0:
                measured.clip[key] = clip_and_auc(images[own], texts)


def centre(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors without their mean, at unit length."""
    moved = vectors - vectors.mean(axis=0)
    centred: NDArray[np.float32] = moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12)
    return centred


def hits(queries: NDArray[np.float32], images: NDArray[np.float32], own: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(queries,) whether fewer than ten images are nearer to a caption than its own.

    Args:
        queries: (queries, dimension).
        images: (images, dimension).
        own: (queries,) the row of each caption's image.
    """
    scores = queries @ images.T
    found: NDArray[np.bool_] = (scores > scores[np.arange(len(own)), own][:, None]).sum(axis=1) < CUTOFF
    return found


def clip_and_auc(images: NDArray[np.float32], captions: NDArray[np.float32]) -> tuple[float, float]:
    """The mean CLIPScore of captions with their images, and the AUC of match against no-match pairs.

    The no-match pairs of an image are with the next captions of the set. Scores are compared before they are cut at 0.

    Args:
        images: (pairs, dimension).
        captions: (pairs, dimension).
    """
    from scipy.stats import rankdata

    match = np.einsum("ij,ij->i", images.astype(np.float64), captions.astype(np.float64))
    shifts = range(1, min(OTHERS, len(images) - 1) + 1)
    others = np.concatenate(
        [np.einsum("ij,ij->i", images.astype(np.float64), np.roll(captions, -by, axis=0).astype(np.float64)) for by in shifts]
    )
    ranks = rankdata(np.concatenate([match, others]))[: len(match)]
    auc = (ranks.sum() - len(match) * (len(match) + 1) / 2) / (len(match) * len(others))
    return float(clip_score(images, captions).mean()), float(auc)


@dataclass(frozen=True)
class Difference:
    """A difference of mean R@10 with a paired bootstrap interval over images."""

    value: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def difference(
    a: Mapping[tuple[str, str], NDArray[np.bool_]],
    b: Mapping[tuple[str, str], NDArray[np.bool_]],
    of: Sequence[tuple[str, str]],
    seed: int = 0,
) -> Difference:
    """Mean R@10 of ``a`` less that of ``b`` over query sets of one suite, by the first fit, with a 95 % interval.

    Images are resampled, each with its captions in all languages.
    """
    per_image = np.mean([a[key][0].astype(float) - b[key][0] for key in of], axis=0)
    rng = np.random.default_rng(seed)
    drawn = np.array([per_image[rng.integers(0, len(per_image), len(per_image))].mean() for _ in range(RESAMPLES)])
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Difference(float(per_image.mean()), float(low), float(high))


def as_json(found: Mapping[str, Measured]) -> dict[str, object]:
    """All figures, by arm."""
    return {
        name: {
            "R@10": {f"{suite}/{of}": value.mean(axis=1).tolist() for (suite, of), value in one.hits.items()},
            "R@10 centred": {f"{suite}/{of}": value.mean(axis=1).tolist() for (suite, of), value in one.centred.items()},
            "CLIPScore, AUC": {f"{suite}/{of}": list(value) for (suite, of), value in one.clip.items()},
            "pool of all captions": one.pool,
        }
        for name, one in found.items()
    }


def pool_sizes(found: Mapping[str, Measured]) -> dict[str, int]:
    """Suite to the number of its images."""
    return {suite: hit.shape[1] for one in found.values() for (suite, _), hit in one.hits.items()}
