"""Text-image retrieval of several encoders: by language, with a control for language offsets, and paired bootstrap intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

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

#: Cut-off of recall, and resamples of the bootstrap.
CUTOFF, RESAMPLES = 10, 10_000
#: The encoders of the study as it is published: image features projected with English captions alone.
STUDIED = ("me5-small+lite0", "mono-me5-small+lite0", "cross-me5-small+lite0", "hybrid-me5-small+lite0")
#: The language that the projections were fitted to; all others are zero-shot.
SEEN = "en"
#: Name in :attr:`Measured.pool` of the mean R@1 of captions on the captions of each other language.
BETWEEN = "captions to captions, R@1"

#: A query set of captions: suite (or dataset) and name.
Key = tuple[str, str]
#: Query set to (fits, images): a value of each image, the mean over its captions.
Values = Mapping[Key, NDArray[np.float64]]


@dataclass(frozen=True)
class Arm:
    """An encoder, with further fits of the same kind.

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
        hits: (suite, query set) to (fits, images): the share of an image's captions (of one: 0 or 1) that find it among the
            first ten images.
        centred: the same, where the mean of each language's captions and that of the images is subtracted first.
        clip: (dataset, query set) to (images,): CLIPScore of the captions of all its splits with their images, by the first fit.
        auc: (dataset, query set) to (fits, images): the share of no-match pairs that score below an image with its caption; its
            mean is the AUC.
        pool: suite to the measures of images on the pool of all captions, and :data:`BETWEEN`, by the first fit.
        fits: the fingerprint of each fit.
    """

    hits: dict[Key, NDArray[np.float64]] = field(default_factory=dict)
    centred: dict[Key, NDArray[np.float64]] = field(default_factory=dict)
    clip: dict[Key, NDArray[np.float64]] = field(default_factory=dict)
    auc: dict[Key, NDArray[np.float64]] = field(default_factory=dict)
    pool: dict[str, dict[str, float]] = field(default_factory=dict)
    fits: list[str] = field(default_factory=list)


def mean(values: Values, of: Sequence[Key]) -> NDArray[np.float64]:
    """The mean over some query sets, (fits,)."""
    found: NDArray[np.float64] = np.mean([values[key].mean(axis=1) for key in of], axis=0)
    return found


def measure(arms: Sequence[Arm], suites: Sequence[str], progress: Progress) -> dict[str, Measured]:
    """Measure arms on suites of images with captions.

    Args:
        arms: encoders of texts and images that compare vectors by cosine, with equally many fits.
        suites: names of such suites, whose images are there.
        progress: where to report.

    Raises:
        HybridBenchError: if there is no suite, arms have unequal fits, a suite asks no captions on images, or images are missing.
    """
    if not suites:
        raise HybridBenchError("there is no suite of images to study", "For example --suites multi30k-flickr8k.")
    counts = {arm.name: len(arm.fits) for arm in arms}
    if len(set(counts.values())) > 1:
        raise HybridBenchError(
            f"the encoders have unequal numbers of fits: {', '.join(f'{name} {count}' for name, count in counts.items())}",
            "Give each encoder as many folders in --fits.",
        )
    loaded = [load_suite(name) for name in suites]
    return {arm.name: _measure(arm, loaded, progress) for arm in arms}


def _measure(arm: Arm, suites: Sequence[Suite], progress: Progress) -> Measured:
    found = Measured(fits=[encoder.fingerprint for encoder in arm.fits])
    known: dict[tuple[str, Key], NDArray[np.float32]] = {}
    for encoder in arm.fits:
        # dataset and query set to captions, their images, and the numbers of these, of all splits
        parts: dict[Key, list[tuple[NDArray[Any], ...]]] = {}
        before = 0
        for suite in suites:
            vectors = _vectors(suite, encoder, known, progress)
            for name, (texts, images, own) in vectors.items():
                _append(found.hits, (suite.name, name), _by_image(hits(texts, images, own), own))
                _append(found.centred, (suite.name, name), _by_image(hits(centre(texts), centre(images), own), own))
                parts.setdefault((suite.name.partition("/")[0], name), []).append((texts, images[own], own + before))
            before += len(images)
        for key, splits in parts.items():
            texts, images, own = (np.concatenate(side) for side in zip(*splits, strict=True))
            found.clip.setdefault(key, _by_image(clip_score(images, texts), own))
            _append(found.auc, key, _by_image(placements(images, texts, own), own))
    for suite in suites:
        options = EvaluationOptions(measures=("R@1", f"R@{CUTOFF}"))
        rows = evaluate(arm.fits[0], suite, options=options, progress=progress).rows
        between = [row.value for row in rows if row.setting == "cross-lingual" and row.measure == "R@1"]
        found.pool[suite.name] = {
            row.measure: row.value for row in rows if row.setting == "image-to-text" and row.pool == "all"
        } | {BETWEEN: float(np.mean(between))}
    return found


def _append(into: dict[Key, NDArray[np.float64]], key: Key, values: NDArray[np.float64]) -> None:
    into[key] = np.concatenate([into[key], values[None]]) if key in into else values[None]


def _by_image(values: NDArray[np.float64], own: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean over the captions of each image that has one."""
    _, number = np.unique(own, return_inverse=True)
    found: NDArray[np.float64] = np.bincount(number, values) / np.bincount(number)
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


def _vectors(
    suite: Suite, encoder: Encoder, known: dict[tuple[str, Key], NDArray[np.float32]], progress: Progress
) -> dict[str, tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]]:
    """Query set to its captions, the images in order of their ids, and the row of each caption's image.

    ``known`` has vectors of captions by what encodes texts, which several fits have in common.
    """
    of_texts = str(getattr(encoder, "text_fingerprint", encoder.fingerprint))
    store = EmbeddingStore(cache.home() / "embeddings")
    asked = captions_on_images(suite)
    records = sorted(suite.passages("images"), key=lambda record: suite.doc_id("images", record.id))
    row = {suite.doc_id("images", record.id): number for number, record in enumerate(records)}
    found = {}
    with progress:
        progress.start("images", len(records))
        pictures = [record.content for record in records if isinstance(record.content, Image)]
        images = store.vectors(encoder, "passage", pictures, progress=progress.advance)
        for name in asked:
            captions = suite.queries(name)
            place = of_texts, (suite.name, name)
            if place not in known:
                progress.start(f"captions {name}", len(captions))
                contents = [one.content for one in captions]
                known[place] = store.vectors(encoder, "query", contents, progress=progress.advance)
            image_of = {one: image for one, where, image, _ in suite.query_set(name).judgements() if where == "images"}
            own = np.array([row[image_of[one.id]] for one in captions])
            if len(np.unique(own)) < len(images):
                raise HybridBenchError(f"some images of {suite.name} have no caption in {name}", "Choose another suite.")
            found[name] = known[place], images, own
    return found


def centre(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """The vectors without their mean, at unit length."""
    moved = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    centred: NDArray[np.float64] = moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12)
    return centred


def _scores(queries: NDArray[np.floating], images: NDArray[np.floating]) -> NDArray[np.float32]:
    """Inner products in double precision, rounded: equal images get equal scores, in whatever order sums are taken."""
    scores: NDArray[np.float32] = (queries.astype(np.float64) @ images.astype(np.float64).T).astype(np.float32)
    return scores


def hits(queries: NDArray[np.floating], images: NDArray[np.floating], own: NDArray[np.int64]) -> NDArray[np.float64]:
    """(queries,) 1 where a caption's image is among the first ten, 0 elsewhere; of equal scores the later image is first.

    Args:
        queries: (queries, dimension).
        images: (images, dimension), in order of their ids.
        own: (queries,) the row of each caption's image.
    """
    scores = _scores(queries, images)
    target = scores[np.arange(len(own)), own][:, None]
    before = (scores > target) | ((scores == target) & (np.arange(len(images)) > own[:, None]))
    found: NDArray[np.float64] = (before.sum(axis=1) < CUTOFF).astype(np.float64)
    return found


def placements(
    images: NDArray[np.floating], captions: NDArray[np.floating], own: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """(pairs,) the share of all no-match pairs that score below a pair, ties counted half; their mean is the AUC.

    A no-match pair is an image with a caption of another image. Cosines are compared, which CLIPScore cuts at 0.

    Args:
        images: (pairs, dimension).
        captions: (pairs, dimension).
        own: (pairs,) the number of the image; by default each is another.
    """
    numbers = np.arange(len(images)) if own is None else own
    scores = _scores(images, captions)
    others = np.sort(scores[numbers[:, None] != numbers])
    match = np.diagonal(scores)
    below = (np.searchsorted(others, match, "left") + np.searchsorted(others, match, "right")) / 2
    shares: NDArray[np.float64] = below / len(others)
    return shares


@dataclass(frozen=True)
class Difference:
    """A difference of means with a paired bootstrap interval, and the differences of each fit."""

    value: float
    low: float
    high: float
    fits: tuple[float, ...]

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0 and every fit has the same sign."""
        return (self.low > 0 and min(self.fits) > 0) or (self.high < 0 and max(self.fits) < 0)


def difference(a: Values, b: Values, of: Sequence[Key], seed: int = 0) -> Difference:
    """The mean of ``a`` less that of ``b`` over query sets of one suite, by the first fit, with a 95 % interval.

    Images are resampled, each with its captions in all languages.
    """
    per_image = np.mean([a[key] - b[key] for key in of], axis=0)
    first = per_image[0]
    rng = np.random.default_rng(seed)
    drawn = np.array([first[rng.integers(0, len(first), len(first))].mean() for _ in range(RESAMPLES)])
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Difference(float(first.mean()), float(low), float(high), tuple(per_image.mean(axis=1).tolist()))


def as_json(found: Mapping[str, Measured]) -> dict[str, object]:
    """All figures, by arm, to six digits; those of each fit as a list that begins with the encoder itself."""

    def by_fit(values: Values) -> dict[str, list[float]]:
        return {
            f"{suite} {name}": [round(float(one), 6) for one in value.mean(axis=1)] for (suite, name), value in values.items()
        }

    return {
        name: {
            "fits": one.fits,
            f"R@{CUTOFF}": by_fit(one.hits),
            f"R@{CUTOFF} centred": by_fit(one.centred),
            "AUC": by_fit(one.auc),
            "CLIPScore": {f"{suite} {of}": round(float(value.mean()), 6) for (suite, of), value in one.clip.items()},
            "pool of all captions": {
                suite: {of: round(value, 6) for of, value in values.items()} for suite, values in one.pool.items()
            },
        }
        for name, one in found.items()
    }


def pool_sizes(found: Mapping[str, Measured]) -> dict[str, int]:
    """Suite to the number of its images."""
    return {suite: hit.shape[1] for one in found.values() for (suite, _), hit in one.hits.items()}
