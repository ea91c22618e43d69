"""Encoders as BEIR models, for ``DenseRetrievalExactSearch`` and the FAISS searches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid_bench import Encoder, load_encoder
from hybrid_bench.plugin import EmbeddingStore, Role, cache

if TYPE_CHECKING:
    import numpy as np
    import torch


def as_beir_model(encoder: Encoder | str, *, store: Path | None = None, **options: Any) -> BeirModel:
    """An encoder as a model of BEIR.

    Args:
        encoder: an encoder or the name of one, see :func:`hybrid_bench.load_encoder`.
        store: folder of the vectors; by default in the cache.
        options: of :func:`hybrid_bench.load_encoder`, for an encoder that is given by name, e.g. ``dtype="fp32"``.

    Raises:
        HybridBenchError: if the encoder cannot be loaded.
    """
    loaded = load_encoder(encoder, **options) if isinstance(encoder, str) else encoder
    return BeirModel(loaded, EmbeddingStore(store or cache.home() / "embeddings"))


class BeirModel:
    """What BEIR's searches call.

    The encoder adds its own prefixes and makes its own batches; every text is encoded once and kept in the store.
    """

    def __init__(self, encoder: Encoder, store: EmbeddingStore) -> None:
        self.encoder = encoder
        self._store = store

    def encode_queries(self, queries: Sequence[str], batch_size: int = 0, **kwargs: Any) -> np.ndarray | torch.Tensor:
        """Encode queries.

        Args:
            queries: without prefixes.
            batch_size: has no effect.
            kwargs: ``convert_to_tensor`` for a torch tensor, ``normalize_embeddings`` for unit vectors; others have no effect.

        Returns:
            (queries, dimension) float32.
        """
        return self._encode(queries, "query", kwargs)

    def encode_corpus(
        self, corpus: Sequence[Mapping[str, str | None]], batch_size: int = 0, **kwargs: Any
    ) -> np.ndarray | torch.Tensor:
        """Encode passages, each a ``title`` and a ``text``, joined by a space as BEIR's own models do.

        See :meth:`encode_queries` for the other arguments and what is returned.
        """
        texts = [f"{passage.get('title') or ''} {passage.get('text') or ''}".strip() for passage in corpus]
        return self._encode(texts, "passage", kwargs)

    def _encode(self, texts: Sequence[str], role: Role, kwargs: Mapping[str, Any]) -> np.ndarray | torch.Tensor:
        import numpy as np

        vectors = self._store.vectors(self.encoder, role, list(texts))
        if kwargs.get("normalize_embeddings") and self.encoder.card.similarity != "cosine":
            vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        if kwargs.get("convert_to_tensor"):
            import torch

            return torch.from_numpy(vectors)
        return vectors
