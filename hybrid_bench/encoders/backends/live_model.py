"""A loaded ``sentence_transformers.SentenceTransformer``, used as it is."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from hybrid_bench.encoders.backends.sentence_transformers import SentenceTransformersEncoder
from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.errors import HybridBenchError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_DTYPES = {"torch.float32": "fp32", "torch.bfloat16": "bf16", "torch.float16": "fp16"}


class LiveSentenceTransformer(SentenceTransformersEncoder):
    """An encoder backed by a model that the caller loaded, and that stays as it is: its device, dtype, prompts and truncation.

    Args:
        model: is not changed; it may be trained between two calls, and the fingerprint changes with its weights.
        card: with a name; fields that it states replace the model's, see :class:`SentenceTransformersEncoder`.
        fingerprint: instead of a hash of the weights.

    Raises:
        HybridBenchError: if the model's dtype is none of fp32, bf16 and fp16, or its similarity is a distance.
    """

    def __init__(self, model: SentenceTransformer, card: EncoderCard, fingerprint: str = "") -> None:
        dtype = str(next((weight.dtype for weight in model.parameters() if weight.is_floating_point()), "torch.float32"))
        if dtype not in _DTYPES:
            raise HybridBenchError(f"the model {card.name} computes in {dtype}", f"Use one of {', '.join(_DTYPES)}.")
        self._model = model
        self._device = model.device
        self._dtype = _DTYPES[dtype]
        self._named = fingerprint
        self._hashed: tuple[Any, str] = (None, "")
        self.card = self._complete(card)

    @property
    def fingerprint(self) -> str:
        """A hash of the weights, of the modules' options and of the tokenizer; computed again after the weights were changed."""
        if self._named:
            return self._named
        version = [(weight.data_ptr(), weight._version) for weight in self._weights().values()]
        if self._hashed[0] != version:
            self._hashed = version, self._hash()
        return self._hashed[1]

    def _weights(self) -> dict[str, Any]:
        return {**dict(self._model.named_parameters()), **dict(self._model.named_buffers())}

    def _hash(self) -> str:
        import torch

        digest = hashlib.sha256()
        for name, weight in sorted(self._weights().items()):
            digest.update(f"{name}\0{weight.dtype}\0{tuple(weight.shape)}\0".encode())
            digest.update(weight.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
        modules: list[Any] = list(self._model.modules())
        for module in modules:
            options = module.get_config_dict() if hasattr(module, "get_config_dict") else {}
            tokenizer = getattr(module, "tokenizer", None)
            backend: Any = getattr(tokenizer, "backend_tokenizer", tokenizer)
            vocabulary = backend.to_str() if hasattr(backend, "to_str") else getattr(backend, "get_vocab", dict)()
            digest.update(json.dumps([type(module).__name__, options, vocabulary], sort_keys=True, default=str).encode())
        digest.update(str(getattr(self._model, "truncate_dim", None)).encode())
        return digest.hexdigest()
