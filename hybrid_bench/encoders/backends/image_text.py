"""Dual encoders of transformers: texts and images in one vector space (CLIP, SigLIP and their kind)."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hybrid_bench.datasets.images import Image, Input, modality_of
from hybrid_bench.encoders.batching import token_batches
from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.encoders.checkpoint import check_dimension, check_length, folder_hash, positions_of
from hybrid_bench.encoders.decoding import AS_RGB, rgb_batches
from hybrid_bench.encoders.devices import choose_device, choose_dtype
from hybrid_bench.encoders.guarded import guarded
from hybrid_bench.encoders.hub import code_revisions, commit
from hybrid_bench.encoders.protocol import Role
from hybrid_bench.encoders.tokenization import check_tokenizer
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support.optional import need

if TYPE_CHECKING:
    import numpy as np
    import torch

_IMAGES_PER_BATCH = 16
_TOKENS_PER_BATCH = 4096
#: Settings of an image processor that a card states.
_SETTINGS = ("do_resize", "size", "resample", "do_center_crop", "crop_size", "rescale_factor", "image_mean", "image_std")


class ImageTextEncoder:
    """An encoder backed by ``get_text_features`` and ``get_image_features`` of ``transformers.AutoModel``.

    Images are decoded and processed with Pillow alone. Weights are read from safetensors files only.

    Args:
        card: the model and how to use it.
        dtype: ``fp32``, ``bf16``, ``fp16`` or ``auto``.
        device: a torch device or ``auto``.
        trust_remote_code: run code that comes with the model.

    Raises:
        HybridBenchError: if the model cannot be loaded, has no features of both kinds, or its dimension or maximum length
            contradicts the card.
    """

    def __init__(self, card: EncoderCard, *, dtype: str = "fp32", device: str = "auto", trust_remote_code: bool = False) -> None:
        need("transformers", "this encoder", "torch", "transformers")
        need("images", "an encoder of images", "PIL")
        from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoTokenizer

        self._device = choose_device(device)
        self._dtype, self._torch_dtype = choose_dtype(dtype, self._device)
        self._code = trust_remote_code
        options: dict[str, Any] = {"trust_remote_code": trust_remote_code}
        if card.revision and not Path(card.model).is_dir():
            options["revision"] = card.revision
        with guarded(card.model):
            self._config = AutoConfig.from_pretrained(card.model, **options)
            self._tokenizer = AutoTokenizer.from_pretrained(card.model, padding_side="right", **options)
            check_tokenizer(card.model, self._tokenizer)
            self._processor: Any = AutoImageProcessor.from_pretrained(card.model, **_with_pillow(), **options)
            self._model = AutoModel.from_pretrained(card.model, use_safetensors=True, dtype=self._torch_dtype, **options)
        for method in ("get_text_features", "get_image_features"):
            if not hasattr(self._model, method):
                raise HybridBenchError(
                    f"{card.name}: its model ({type(self._model).__name__}) has no {method}",
                    "If it is not an encoder of texts and images, choose another --backend.",
                )
        self._model = self._model.to(self._device).eval()
        positions = positions_of(self._config)
        limit = card.max_length or min(self._tokenizer.model_max_length, positions or 512, 512)
        check_length(card.name, limit, positions)
        #: SigLIP was trained on texts that are padded to the full length, and its vectors depend on the padding.
        self._padding = "max_length" if str(self._config.model_type).startswith("siglip") else "longest"
        self.card = card.model_copy(
            update={
                "max_length": limit,
                "modalities": ("text", "image"),
                "preprocessing": describe_processor(self._processor),
                "parameters": sum(p.numel() for p in self._model.parameters()),
                "revision": commit(card.model, card.revision) or card.revision,
            }
        )
        dimension = self._texts(["a b"], 1).shape[1]
        check_dimension(card, dimension)
        self.card = self.card.model_copy(update={"dimension": dimension})

    @functools.cached_property
    def fingerprint(self) -> str:
        """The commit on the hub, or a hash of weights, tokenizer and image processor; also of code that runs."""
        own = folder_hash(Path(self.card.model), code=self._code) if Path(self.card.model).is_dir() else self.card.revision
        return own + (code_revisions(self._config) if self._code else "")

    @property
    def dtype(self) -> str:
        """``fp32``, ``bf16`` or ``fp16``."""
        return self._dtype

    @property
    def device(self) -> str:
        """The torch device's type."""
        return self._device.type

    @property
    def pooling(self) -> str:
        """In words."""
        return "the model's own features"

    def encode(self, inputs: Sequence[Input], role: Role) -> np.ndarray:
        """Encode texts or images: (inputs, dimension) float32. See :class:`hybrid_bench.Encoder`."""
        if modality_of(inputs) == "image":
            return self._images(cast("Sequence[Image]", inputs))
        prefix = self.card.query_prefix if role == "query" else self.card.passage_prefix
        return self._texts([prefix + text for text in cast("Sequence[str]", inputs)], self.card.dimension or 0)

    def _texts(self, texts: list[str], dimension: int) -> np.ndarray:
        import numpy as np

        vectors = np.empty((len(texts), dimension), dtype=np.float32)
        if not texts:
            return vectors
        ids = self._tokenizer(texts, truncation=True, max_length=self.card.max_length)["input_ids"]
        full = self.card.max_length or 0
        lengths = [full if self._padding == "max_length" else len(of_text) for of_text in ids]
        for batch in token_batches(lengths, _TOKENS_PER_BATCH):
            inputs = self._tokenizer.pad(
                {"input_ids": [ids[index] for index in batch]}, padding=self._padding, max_length=full, return_tensors="pt"
            )
            wanted = {name: inputs[name] for name in self._tokenizer.model_input_names if name in inputs}
            wanted.pop("token_type_ids", None)
            found = self._features("get_text_features", wanted)
            if found.shape[1] != vectors.shape[1]:  # the first call, which asks for the dimension
                vectors = np.empty((len(texts), found.shape[1]), dtype=np.float32)
            vectors[batch] = found
        return vectors

    def _images(self, images: Sequence[Image]) -> np.ndarray:
        import numpy as np

        found = [self._features("get_image_features", self._pixels(batch)) for batch in rgb_batches(images, _IMAGES_PER_BATCH)]
        return np.concatenate(found) if found else np.empty((0, self.card.dimension or 0), np.float32)

    def _pixels(self, batch: list[Any]) -> dict[str, torch.Tensor]:
        # Stated, since a picture that is 1 or 3 pixels high could be taken for one whose channels come first.
        return dict(self._processor(images=batch, input_data_format="channels_last", return_tensors="pt"))

    def _features(self, method: str, inputs: dict[str, torch.Tensor]) -> np.ndarray:
        """(inputs, dimension) float32, of unit length if the card says cosine."""
        import torch

        def moved(value: torch.Tensor) -> torch.Tensor:
            return value.to(self._device, self._torch_dtype if value.is_floating_point() else value.dtype)

        with torch.inference_mode():
            found = getattr(self._model, method)(**{name: moved(value) for name, value in inputs.items()})
            found = getattr(found, "pooler_output", found).float()
            if self.card.similarity == "cosine":
                found = torch.nn.functional.normalize(found, dim=-1)
        vectors: np.ndarray = found.cpu().numpy()
        return vectors


def describe_processor(processor: Any) -> str:
    """What is done to an image, for a card: how it is decoded, and the settings of an image processor of transformers."""
    settings = processor.to_dict()
    stated = json.dumps({name: settings[name] for name in _SETTINGS if settings.get(name) is not None}, default=dict)
    return f"{AS_RGB}; {type(processor).__name__} {stated}"[:500]


def _with_pillow() -> dict[str, Any]:
    """The option of ``AutoImageProcessor`` for Pillow instead of torchvision, which has had two names."""
    named = find_spec("transformers.models.clip.image_processing_pil_clip")
    return {"backend": "pil"} if named else {"use_fast": False}
