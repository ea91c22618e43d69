"""Encoders as bi-encoders of pyterrier_dr."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyterrier_dr

from hybrid_bench import Encoder
from hybrid_bench.plugin import Role, encode_checked

if TYPE_CHECKING:
    import torch


class BiEncoder(pyterrier_dr.BiEncoder):  # type: ignore[misc]
    """A bi-encoder whose vectors are those of an encoder: with its prefixes, and compared by their dot product.

    Args:
        encoder: the encoder.
        batch_size: texts that are encoded together.
        text_field: of documents.
    """

    def __init__(self, encoder: Encoder, *, batch_size: int = 512, text_field: str = "text") -> None:
        super().__init__(batch_size=batch_size, text_field=text_field)
        self.encoder = encoder
        # pyterrier_dr compares models by this and by what follows.
        self.model_name = f"{encoder.card.name} {encoder.fingerprint}"
        self.device = encoder.device

    def encode_queries(self, texts: Sequence[str], batch_size: int | None = None) -> np.ndarray:
        """(texts, dimension) float32."""
        return self._encode(texts, "query", batch_size)

    def encode_queries_torch(self, texts: Sequence[str], batch_size: int | None = None) -> torch.Tensor:
        """(texts, dimension) float32, without gradients."""
        import torch

        return torch.from_numpy(self.encode_queries(texts, batch_size))

    def encode_docs(self, texts: Sequence[str], batch_size: int | None = None) -> np.ndarray:
        """(texts, dimension) float32."""
        return self._encode(texts, "passage", batch_size)

    def _encode(self, texts: Sequence[str], role: Role, batch_size: int | None) -> np.ndarray:
        all_texts, size = [str(text) for text in texts], batch_size or self.batch_size
        parts = [encode_checked(self.encoder, all_texts[at : at + size], role) for at in range(0, len(all_texts), size)]
        return np.concatenate(parts) if parts else encode_checked(self.encoder, [], role)

    def __repr__(self) -> str:
        return f"pt.hybrid_bench.encoder({self.encoder.card.name!r})"
