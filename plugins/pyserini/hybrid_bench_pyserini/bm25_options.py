"""Parameters of BM25."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

K1, B = 0.9, 0.4
DEPTH = 1000


@dataclass(frozen=True)
class Options:
    """BM25 parameters.

    Attributes:
        k1: term-frequency saturation.
        b: length normalisation.
        depth: maximum number of passages per query.
        analyzer: comma-separated ``language=analyzer``; an analyzer is a language, ``standard`` or ``whitespace``.
        thai: segmenter of Thai: ``auto``, ``lucene`` or ``newmm``.
    """

    k1: float = K1
    b: float = B
    depth: int = DEPTH
    analyzer: str = ""
    thai: str = "auto"

    @property
    def name(self) -> str:
        """``bm25``, followed by the options that differ from their defaults."""
        return "bm25" + "".join(
            f"-{name}={value}" for name, value, usual in (("k1", self.k1, K1), ("b", self.b, B), ("thai", self.thai, "auto"))
            if value != usual
        )  # fmt: skip


@dataclass(frozen=True)
class Machine:
    """What does not decide a BM25 run.

    Attributes:
        index: folder for the indexes; in the cache folder by default.
        threads: number of threads for indexing and searching.
    """

    index: Path | None = None
    threads: int = 1
