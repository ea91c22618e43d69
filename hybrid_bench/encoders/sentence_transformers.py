"""Encoders saved by sentence-transformers, with their own pooling, projection and prompts."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid_bench.encoders.batching import token_batches
from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.encoders.devices import choose_device, choose_dtype
from hybrid_bench.encoders.hub import unreachable
from hybrid_bench.encoders.protocol import Role
from hybrid_bench.encoders.transformers import folder_hash
from hybrid_bench.errors import HybridBenchError

if TYPE_CHECKING:
    import numpy as np

_TOKENS_PER_BATCH = 8192


class SentenceTransformersEncoder:
    """An encoder backed by ``sentence_transformers.SentenceTransformer``.

    The card's prefixes win; where it has none, the model's own prompts ``query`` and ``passage`` (or ``document``) are
    used and recorded on the card. Weights are read from safetensors files only.

    Args and errors: as :class:`hybrid_bench.encoders.transformers.TransformersEncoder`.
    """

    def __init__(self, card: EncoderCard, *, dtype: str = "auto", device: str = "auto", trust_remote_code: bool = False) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise HybridBenchError(
                f"this encoder needs the package {error.name!r}, which is not installed",
                'Run: python -m pip install "hybrid-bench[transformers]"',
            ) from error
        self._device = choose_device(device)
        self._dtype, torch_dtype = choose_dtype(dtype, self._device)
        try:
            self._model = SentenceTransformer(
                card.model,
                device=self._device.type,
                trust_remote_code=trust_remote_code,
                revision=card.revision or None,
                model_kwargs={"use_safetensors": True, "dtype": torch_dtype},
            )
        except (OSError, ValueError, ImportError) as error:
            raise unreachable(card.model, error) from error
        if card.max_length is not None:
            self._model.max_seq_length = card.max_length
        prompts = self._model.prompts
        self.card = card.model_copy(
            update={
                "query_prefix": card.query_prefix or prompts.get("query") or "",
                "passage_prefix": card.passage_prefix or prompts.get("passage") or prompts.get("document") or "",
                "max_length": self._model.max_seq_length,
                "dimension": self._model.get_embedding_dimension(),
                "parameters": sum(p.numel() for p in self._model.parameters()),
                "revision": card.revision or self._commit(),
            }
        )

    def _commit(self) -> str:
        config: Any = getattr(getattr(self._model[0], "auto_model", None), "config", None)
        return getattr(config, "_commit_hash", None) or ""

    @functools.cached_property
    def fingerprint(self) -> str:
        """The commit on the hub, or a hash of the folder."""
        folder = Path(self.card.model)
        return folder_hash(folder) if folder.is_dir() else self.card.revision

    @property
    def dtype(self) -> str:
        """``fp32``, ``bf16`` or ``fp16``."""
        return self._dtype

    @property
    def device(self) -> str:
        """The torch device's type."""
        return self._device.type

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        """Encode texts: (texts, dimension) float32. See :class:`hybrid_bench.Encoder`."""
        import numpy as np

        prefix = self.card.query_prefix if role == "query" else self.card.passage_prefix
        prefixed = [prefix + text for text in texts]
        vectors = np.empty((len(texts), self.card.dimension or 0), dtype=np.float32)
        # Characters stand in for tokens: only the shape of the batches depends on them.
        for batch in token_batches([len(text) // 3 + 3 for text in prefixed], _TOKENS_PER_BATCH):
            vectors[batch] = self._model.encode(
                [prefixed[index] for index in batch],
                batch_size=len(batch),
                prompt="",
                normalize_embeddings=self.card.similarity == "cosine",
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        return vectors
