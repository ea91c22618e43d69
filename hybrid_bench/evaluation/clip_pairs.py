"""CLIPScore of (image, caption) pairs from a file, by language."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybrid_bench.datasets.image_files import listed
from hybrid_bench.datasets.images import Image, Input
from hybrid_bench.embeddings.store import EmbeddingStore
from hybrid_bench.encoders.modalities import check_modalities
from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.measures.clip_score import PREFIX, clip_score, ref_clip_score
from hybrid_bench.support import cache
from hybrid_bench.support.progress import Progress, SilentProgress

if TYPE_CHECKING:
    import pandas as pd

_LAYOUT = 'A line is {"image": PATH, "caption": TEXT, "references": [TEXT, ...], "language": TAG}; the last two may be left out.'


class Pair(NamedTuple):
    """A caption of an image.

    Attributes:
        image: path of the file.
        caption: that is judged.
        references: other captions of the image, in the same language.
        language: BCP-47 tag; ``und`` if it is not stated.
    """

    image: Path
    caption: str
    references: tuple[str, ...] = ()
    language: str = "und"


@dataclass(frozen=True)
class PairScores:
    """The scores of pairs.

    Attributes:
        pairs: that are judged.
        clip: (pairs,) CLIPScore.
        ref_clip: (pairs,) RefCLIPScore; NaN for a pair without references.
        prefix: what stood before every text.
    """

    pairs: Sequence[Pair]
    clip: NDArray[np.float64]
    ref_clip: NDArray[np.float64]
    prefix: str

    def by_language(self) -> pd.DataFrame:
        """Language to the means, and the numbers of pairs that they are of; RefCLIPScore is of those with references."""
        import pandas as pd

        languages = np.array([pair.language for pair in self.pairs])
        rows = []
        for language in dict.fromkeys(languages.tolist()):
            inside = languages == language
            with_references = inside & ~np.isnan(self.ref_clip)
            ref = float(self.ref_clip[with_references].mean()) if with_references.any() else np.nan
            counts = int(inside.sum()), int(with_references.sum())
            rows.append((language, float(self.clip[inside].mean()), ref, *counts))
        columns = ["language", "CLIPScore", "RefCLIPScore", "pairs", "with references"]
        return pd.DataFrame(rows, columns=columns).set_index("language")

    def lines(self) -> list[str]:
        """One JSON object for each pair, in their order."""
        return [
            json.dumps(
                {
                    "image": str(pair.image),
                    "caption": pair.caption,
                    "language": pair.language,
                    "CLIPScore": float(clip),
                    "RefCLIPScore": None if np.isnan(ref) else float(ref),
                },
                ensure_ascii=False,
            )
            for pair, clip, ref in zip(self.pairs, self.clip, self.ref_clip, strict=True)
        ]


def score_pairs(
    encoder: Encoder, pairs: Sequence[Pair], *, prefix: str = PREFIX, store: Path | None = None, progress: Progress | None = None
) -> PairScores:
    """Score pairs with an encoder of texts and images. Texts are encoded as queries.

    Args:
        encoder: that is the judge.
        pairs: at least one.
        prefix: put before every caption and reference.
        store: folder of the vectors; by default in the cache.
        progress: where to report.

    Raises:
        HybridBenchError: if the encoder lacks a modality or compares vectors by ``dot``, images are missing, or one cannot be
            read.
    """
    check_modalities(encoder.card, ("text", "image"), "CLIPScore")
    if encoder.card.similarity != "cosine":
        raise HybridBenchError(
            f"CLIPScore is of cosines, and {encoder.card.name} compares vectors by {encoder.card.similarity}",
            "Choose --similarity cosine.",
        )
    vectors = EmbeddingStore(store or cache.home() / "embeddings")
    progress = progress or SilentProgress()

    def encoded(what: str, inputs: Sequence[Input]) -> NDArray[np.float32]:
        progress.start(what, len(inputs))
        found: NDArray[np.float32] = vectors.vectors(encoder, "query", inputs, progress=progress.advance)
        return found

    files = list(dict.fromkeys(pair.image for pair in pairs))
    if missing := [str(file) for file in files if not file.is_file()]:
        raise HybridBenchError(
            f"{len(missing):,} of {len(files):,} images are missing: {listed(missing)}",
            "Correct their paths, which are relative to the folder of the file with the pairs.",
        )
    texts = list(dict.fromkeys(prefix + text for pair in pairs for text in (pair.caption, *pair.references)))
    with progress:
        images = encoded("images", [Image.from_path(file) for file in files])
        of_texts = encoded("texts", texts)
    row = {text: number for number, text in enumerate(texts)}
    image_row = {file: number for number, file in enumerate(files)}
    captions = of_texts[[row[prefix + pair.caption] for pair in pairs]]
    clip = clip_score(images[[image_row[pair.image] for pair in pairs]], captions)
    references = [of_texts[[row[prefix + text] for text in pair.references]] for pair in pairs]
    return PairScores(pairs, clip, ref_clip_score(clip, captions, references), prefix)


def read_pairs(path: Path) -> list[Pair]:
    """Read pairs from JSON lines; paths of images are relative to the file's folder.

    Raises:
        HybridBenchError: that names the line at fault.
    """
    try:
        lines = path.read_bytes().decode("utf-8-sig").splitlines()
    except OSError as error:
        raise HybridBenchError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise HybridBenchError(f"{path} is not UTF-8: {error}") from error
    found = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                found.append(_pair(json.loads(line), path.parent))
            except (KeyError, TypeError, ValueError, RecursionError) as error:
                problem = f"{path}, line {number}: {type(error).__name__}: {str(error)[:100]}"
                raise HybridBenchError(problem, _LAYOUT) from error
    if not found:
        raise HybridBenchError(f"{path} has no pairs", _LAYOUT)
    return found


def _pair(record: Any, folder: Path) -> Pair:
    if not isinstance(record, dict):
        raise TypeError("not an object")
    if unknown := set(record) - {"image", "caption", "references", "language"}:
        raise ValueError(f"unknown field {min(unknown)!a}")
    image, caption = record["image"], record["caption"]
    references, language = record.get("references", []), record.get("language", "und")
    texts: list[Any] = [image, caption, language, *references] if isinstance(references, list) else [None]
    if not all(isinstance(text, str) and text.strip() and "\x00" not in text for text in texts):
        raise ValueError("a value is no text, or empty")
    "".join(texts).encode()  # halves of surrogate pairs are no text
    return Pair(folder / image, caption, tuple(references), language)
