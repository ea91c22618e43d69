"""Encoders that consist of a transformers model and a pooling."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid_bench.encoders.backends.adapter import base_of, fingerprint, has_tokenizer
from hybrid_bench.encoders.backends.network import load_network
from hybrid_bench.encoders.batching import token_batches
from hybrid_bench.encoders.card import EncoderCard, Pooling
from hybrid_bench.encoders.checkpoint import check_dimension, check_length, positions_in, positions_of
from hybrid_bench.encoders.devices import choose_device, choose_dtype
from hybrid_bench.encoders.guarded import guarded
from hybrid_bench.encoders.hub import code_revisions, commit
from hybrid_bench.encoders.protocol import Role
from hybrid_bench.encoders.tokenization import check_tokenizer
from hybrid_bench.encoders.tokens import token_ids
from hybrid_bench.support.optional import need

if TYPE_CHECKING:
    import numpy as np
    import torch

#: Tokens per forward pass, including padding. On a CPU a batch that fits into the caches is fastest.
_TOKENS_PER_BATCH = {"cpu": 1024}
_TOKENS_PER_BATCH_ACCELERATOR = 32768


class TransformersEncoder:
    """An encoder backed by ``transformers.AutoModel`` with mean, cls or eos pooling.

    Texts are sorted by length and batched by tokens. Weights are read from safetensors files only.

    Args:
        card: the model and how to use it.
        dtype: ``fp32``, ``bf16``, ``fp16`` or ``auto``.
        device: a torch device or ``auto``.
        trust_remote_code: run code that comes with the model.

    Raises:
        HybridBenchError: if the model cannot be loaded, or its dimension or maximum length contradicts the card.
    """

    def __init__(self, card: EncoderCard, *, dtype: str = "fp32", device: str = "auto", trust_remote_code: bool = False) -> None:
        need("transformers", "this encoder", "torch", "transformers")
        from transformers import AutoConfig

        self._device = choose_device(device)
        self._dtype, self._torch_dtype = choose_dtype(dtype, self._device)
        self._options: dict[str, Any] = {"trust_remote_code": trust_remote_code}
        if card.revision and not Path(card.model).is_dir():
            self._options["revision"] = card.revision
        with guarded(card.model):
            self._config = AutoConfig.from_pretrained(base_of(card.model), **self._options)
        self.card = card.model_copy(update={"revision": commit(card.model, card.revision) or card.revision})
        limit = card.max_length or min(self._tokenizer.model_max_length, positions_of(self._config) or 512, 512)
        check_length(card.name, limit, positions_of(self._config))
        dimension, parameters = card.dimension or getattr(self._config, "hidden_size", None), card.parameters
        if not dimension or not parameters:  # otherwise weights are loaded lazily: not at all if the store has every vector
            self.card = self.card.model_copy(update={"max_length": limit})
            found = sum(p.numel() for p in self._model.parameters())
            dimension, parameters = self._dimension, parameters or found
        self.card = self.card.model_copy(update={"max_length": limit, "dimension": dimension, "parameters": parameters})

    @functools.cached_property
    def _model(self) -> Any:
        from hybrid_bench.encoders.backends import packed_linear

        options = {"use_safetensors": True, "dtype": self._torch_dtype, **self._options}
        model, self._dimension = load_network(self.card.model, self._config, self._tokenizer, self._device, options)
        check_dimension(self.card, self._dimension)
        check_length(self.card.name, self.card.max_length or 0, positions_in(model))
        if packed_linear.packs(self._device, self._torch_dtype):
            probes: list[list[int]] = self._tokenizer(["A", "Two texts of other lengths."])["input_ids"]
            packed_linear.pack(model, lambda: self._pooled(model, probes))
        return model

    @functools.cached_property
    def _tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        with guarded(self.card.model):
            # With absolute positions, padding on the left would shift the tokens and change the vector.
            own = self.card.model if has_tokenizer(self.card.model) else base_of(self.card.model)
            tokenizer = AutoTokenizer.from_pretrained(own, padding_side="right", **self._options)
            check_tokenizer(self.card.model, tokenizer)
        return tokenizer

    @functools.cached_property
    def fingerprint(self) -> str:
        """The commit on the hub, or a hash of weights and tokenizer; also of an adapter's base, and of code that runs.

        Marked if linear layers are computed by oneDNN.
        """
        from hybrid_bench.encoders.backends import packed_linear

        code = self._options["trust_remote_code"]
        own = fingerprint(self.card.model, code=code) if Path(self.card.model).is_dir() else self.card.revision
        return own + (code_revisions(self._config) if code else "") + packed_linear.mark(self._device, self._torch_dtype)

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
        import torch

        prefix = self.card.query_prefix if role == "query" else self.card.passage_prefix
        vectors = np.empty((len(texts), self.card.dimension or 0), dtype=np.float32)
        if not texts:
            return vectors
        ids = token_ids(self._tokenizer, [prefix + text for text in texts], self.card.max_length, self.card.pooling)
        budget = _TOKENS_PER_BATCH.get(self._device.type, _TOKENS_PER_BATCH_ACCELERATOR)
        for batch in token_batches([len(of_text) for of_text in ids], budget):
            with torch.inference_mode():
                pooled = self._pooled(self._model, [ids[index] for index in batch])
                if self.card.similarity == "cosine":
                    pooled = torch.nn.functional.normalize(pooled, dim=-1)
            vectors[batch] = pooled.cpu().numpy()
        return vectors

    def _pooled(self, model: torch.nn.Module, ids: list[list[int]]) -> torch.Tensor:
        """(texts, dimension) float32 of the tokens of some texts."""
        padded = self._tokenizer.pad({"input_ids": ids}, return_tensors="pt")
        inputs = {key: value.to(self._device) for key, value in padded.items() if key != "token_type_ids"}
        states = model(**inputs).last_hidden_state.float()
        return pool(states, inputs["attention_mask"], self.card.pooling or "mean")


def pool(states: torch.Tensor, mask: torch.Tensor, pooling: Pooling) -> torch.Tensor:
    """Pool the token vectors of each text.

    Args:
        states: (texts, tokens, dimension) float.
        mask: (texts, tokens), 1 for tokens, 0 for padding on either side.
        pooling: ``mean`` of the tokens, the first (``cls``), or the last (``eos``).

    Returns:
        (texts, dimension).
    """
    import torch

    if pooling == "mean":
        weights = mask.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(dim=1) / weights.sum(dim=1)
    positions = torch.arange(mask.shape[1], device=mask.device)
    if pooling == "cls":
        chosen = torch.where(mask.bool(), positions, mask.shape[1]).amin(dim=1)
    else:
        chosen = torch.where(mask.bool(), positions, -1).amax(dim=1)
    return states[torch.arange(states.shape[0], device=states.device), chosen]
