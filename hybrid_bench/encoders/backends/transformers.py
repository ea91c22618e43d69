"""Encoders that consist of a transformers model and a pooling."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid_bench.encoders.batching import token_batches
from hybrid_bench.encoders.card import EncoderCard, Pooling
from hybrid_bench.encoders.checkpoint import check_dimension, check_length, positions_of, weights_hash
from hybrid_bench.encoders.devices import choose_device, choose_dtype
from hybrid_bench.encoders.guarded import guarded
from hybrid_bench.encoders.hub import commit, explained
from hybrid_bench.encoders.protocol import Role
from hybrid_bench.encoders.tokenization import check_tokenizer, check_vocabulary
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
        with explained(card.model):
            config = AutoConfig.from_pretrained(card.model, **self._options)
        check_dimension(card, int(config.hidden_size))
        self.card = card.model_copy(
            update={
                "dimension": int(config.hidden_size),
                "revision": commit(card.model, card.revision) or card.revision,
            }
        )
        limit = card.max_length or min(self._tokenizer.model_max_length, positions_of(config) or 512, 512)
        check_length(card.name, limit, config)
        parameters = card.parameters or sum(p.numel() for p in self._model.parameters())
        self.card = self.card.model_copy(update={"max_length": limit, "parameters": parameters})

    # Weights and tokenizer are loaded lazily: not at all if the store has every vector.

    @functools.cached_property
    def _model(self) -> Any:
        from hybrid_bench.encoders.backends import packed_linear

        with guarded(self.card.model):
            options = {"use_safetensors": True, "dtype": self._torch_dtype, **self._options}
            model: Any = _load_model(self.card.model, options).to(self._device).eval()
            check_vocabulary(self.card.model, self._tokenizer, model)
        if packed_linear.packs(self._device, self._torch_dtype):
            probes: list[list[int]] = self._tokenizer(["A", "Two texts of other lengths."])["input_ids"]
            packed_linear.pack(model, lambda: self._pooled(model, probes))
        return model

    @functools.cached_property
    def _tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        with explained(self.card.model):
            # With absolute positions, padding on the left would shift the tokens and change the vector.
            tokenizer = AutoTokenizer.from_pretrained(self.card.model, padding_side="right", **self._options)
            check_tokenizer(self.card.model, tokenizer)
        return tokenizer

    @functools.cached_property
    def fingerprint(self) -> str:
        """The commit on the hub, or a hash of the weights and the tokenizer; marked if linear layers are computed by oneDNN."""
        from hybrid_bench.encoders.backends import packed_linear

        return weights_hash(self.card) + packed_linear.mark(self._device, self._torch_dtype)

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


def _load_model(name: str, options: dict[str, Any]) -> Any:
    """Load a bare model, without the pooling layer, which is not used and which checkpoints may lack."""
    from transformers import AutoModel

    try:
        return AutoModel.from_pretrained(name, add_pooling_layer=False, **options)
    except TypeError:  # most architectures have neither this layer nor the option
        return AutoModel.from_pretrained(name, **options)


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
