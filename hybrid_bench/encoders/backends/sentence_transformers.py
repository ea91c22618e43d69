"""Encoders saved by sentence-transformers, including pooling, projection and prompts."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from hybrid_bench.datasets.images import Image, Input, modality_of
from hybrid_bench.encoders.batching import token_batches
from hybrid_bench.encoders.card import EncoderCard, Similarity
from hybrid_bench.encoders.checkpoint import check_dimension, check_length, folder_hash, positions_in, positions_of
from hybrid_bench.encoders.decoding import rgb_batches
from hybrid_bench.encoders.devices import choose_device, choose_dtype
from hybrid_bench.encoders.guarded import guarded
from hybrid_bench.encoders.hub import code_revisions, commit
from hybrid_bench.encoders.protocol import Role
from hybrid_bench.encoders.tokenization import check_tokenizer, check_vocabulary, check_words
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support.optional import need

if TYPE_CHECKING:
    import numpy as np

_TOKENS_PER_BATCH = 8192
_IMAGES_PER_BATCH = 16


class SentenceTransformersEncoder:
    """An encoder backed by ``sentence_transformers.SentenceTransformer``.

    Prefixes that the card states take precedence, empty ones too; otherwise the model's prompts ``query``, and ``document``,
    ``passage`` or ``corpus``, are used and recorded on the card; likewise its similarity, cosine or dot. Weights in a folder
    are read from safetensors files only.

    Args and errors: as :class:`hybrid_bench.encoders.backends.transformers.TransformersEncoder`.
    """

    def __init__(self, card: EncoderCard, *, dtype: str = "fp32", device: str = "auto", trust_remote_code: bool = False) -> None:
        need("transformers", "this encoder", "sentence_transformers")
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Pooling

        from hybrid_bench.encoders.backends import packed_linear

        if card.pooling is not None:
            raise HybridBenchError(
                f"{card.name} uses the pooling saved by sentence-transformers, not {card.pooling!r}",
                "Omit the pooling, or set backend = 'transformers' on its card.",
            )
        self._code = trust_remote_code
        self._device = choose_device(device)
        self._dtype, self._torch_dtype = choose_dtype(dtype, self._device)
        with guarded(card.model) as missing:
            self._model = SentenceTransformer(
                card.model,
                device=str(self._device),
                trust_remote_code=trust_remote_code,
                revision=card.revision or None,
                model_kwargs={"use_safetensors": True, "dtype": self._torch_dtype},
            )
            _check_tokenizers(card.model, self._model)
        _check_poolers(card.name, self._model, missing)
        if any(isinstance(module, Pooling) for module in self._model):
            # With absolute positions, padding on the left would shift the tokens and change the vector; Pooling takes either.
            self._model.tokenizer.padding_side = "right"
        self._check_images(card)
        self._truncate(card)
        if packed_linear.packs(self._device, self._torch_dtype):
            probes = ["A", "Two texts of other lengths."]
            packed_linear.pack(self._model, lambda: self._model.encode(probes, convert_to_tensor=True, show_progress_bar=False))
        self.card = self._complete(card).model_copy(update={"revision": commit(card.model, card.revision) or card.revision})

    def _complete(self, card: EncoderCard) -> EncoderCard:
        """The card with what the model states: prompts, maximum length, similarity, dimension, number of parameters."""
        limit = self._model.max_seq_length
        dimension = self._dimension()
        check_dimension(card, dimension)
        prompts = self._model.prompts
        return card.model_copy(
            update={
                "query_prefix": _prefix(card, "query_prefix", prompts, "query"),
                "passage_prefix": _prefix(card, "passage_prefix", prompts, "document", "passage", "corpus"),
                "max_length": int(limit) if limit is not None and math.isfinite(limit) else None,
                "similarity": _similarity(card, self._model.similarity_fn_name),
                "dimension": dimension,
                "preprocessing": card.preprocessing or (self._preprocessing if "image" in card.modalities else ""),
                "parameters": sum(p.numel() for p in self._model.parameters()),
            }
        )

    def _check_images(self, card: EncoderCard) -> None:
        """Check that a model that is said to read images does, and pad the texts of SigLIP as it was trained.

        Its vectors depend on the padding; by default sentence-transformers pads to the longest text of a batch.
        """
        if "image" in card.modalities and not self._model.supports("image"):
            reads = ", ".join(map(str, self._model.modalities))
            raise HybridBenchError(
                f"{card.name} lists images among its modalities, and its first module reads {reads}",
                "Remove 'image' from the modalities on its card.",
            )
        config = getattr(self._model[0], "config", None)
        if str(getattr(config, "model_type", "")).startswith("siglip"):
            length = positions_of(config)
            first: Any = self._model[0]
            first.processing_kwargs = {"text": {"padding": "max_length", "max_length": length, "truncation": True}}

    def _dimension(self) -> int | None:
        """Of the vectors; some models of texts and images do not state it."""
        stated = self._model.get_embedding_dimension()
        return stated if stated is not None else len(self._model.encode("a b", show_progress_bar=False))

    @property
    def _preprocessing(self) -> str:
        if not self._model.supports("image"):
            return ""
        from hybrid_bench.encoders.backends.image_text import describe_processor

        processor = self._model[0].processor
        return describe_processor(getattr(processor, "image_processor", processor))

    def _truncate(self, card: EncoderCard) -> None:
        """Truncate texts at the card's length; without one at the saved length, but not beyond the model's positions."""
        network: Any = getattr(self._model[0], "auto_model", None)
        positions = 0 if network is None else positions_in(network) or positions_of(network.config)
        length = card.max_length
        if length is None:
            if not positions or (self._model.max_seq_length or 0) <= positions:
                return
            length = positions
        check_length(card.name, length, positions)
        try:
            self._model.max_seq_length = length
        except AttributeError as error:  # static embeddings
            raise HybridBenchError(f"{card.name} does not truncate texts", "Omit max_length.") from error

    @functools.cached_property
    def fingerprint(self) -> str:
        """The commit on the hub, or a hash of the folder and of code that runs; marked if oneDNN computes linear layers."""
        from hybrid_bench.encoders.backends import packed_linear

        folder = Path(self.card.model)
        own = folder_hash(folder, code=self._code) if folder.is_dir() else self.card.revision
        configs = [module.auto_model.config for module in self._transformers() if self._code]
        return own + "".join(map(code_revisions, configs)) + packed_linear.mark(self._device, self._torch_dtype)

    def _transformers(self) -> list[Any]:
        """The modules that hold a model of transformers, in whatever nesting."""
        return [module for module in self._model.modules() if hasattr(module, "auto_model")]

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
        """The modules after the transformer, in words: ``mean pooling, Dense, Normalize``."""
        modules = [(type(module).__name__, getattr(module, "pooling_mode", "")) for module in self._model]
        return ", ".join(
            f"{mode if isinstance(mode, str) else '+'.join(mode)} pooling" if mode else name
            for name, mode in modules
            if mode or name != "Transformer"
        )

    def encode(self, inputs: Sequence[Input], role: Role) -> np.ndarray:
        """Encode texts or images: (inputs, dimension) float32. See :class:`hybrid_bench.Encoder`."""
        import numpy as np

        if modality_of(inputs) == "image":
            return self._images(cast("Sequence[Image]", inputs), role)
        texts = cast("Sequence[str]", inputs)
        prefix = self.card.query_prefix if role == "query" else self.card.passage_prefix
        # Some models have a module per role, or exclude the prompt from pooling.
        encode = self._model.encode_query if role == "query" else self._model.encode_document
        vectors = np.empty((len(texts), self.card.dimension or 0), dtype=np.float32)
        # The number of tokens, estimated from characters; only the composition of batches depends on it.
        for batch in token_batches([len(prefix + text) // 3 + 3 for text in texts], _TOKENS_PER_BATCH):
            vectors[batch] = encode(
                [texts[index] for index in batch],
                batch_size=len(batch),
                prompt=prefix,
                normalize_embeddings=self.card.similarity == "cosine",
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        return vectors

    def _images(self, images: Sequence[Image], role: Role) -> np.ndarray:
        import numpy as np

        encode = self._model.encode_query if role == "query" else self._model.encode_document
        found = [
            encode(
                batch,
                batch_size=len(batch),
                normalize_embeddings=self.card.similarity == "cosine",
                show_progress_bar=False,
                convert_to_numpy=True,
            )
            for batch in rgb_batches(images, _IMAGES_PER_BATCH)
        ]
        dimension = self.card.dimension or 0
        return np.concatenate(found).astype(np.float32) if found else np.empty((0, dimension), np.float32)


def _prefix(card: EncoderCard, field: str, prompts: Mapping[str, str | None], *names: str) -> str:
    """What a card states, even if it is empty; otherwise the first of the model's prompts that is not."""
    stated: str = getattr(card, field)
    return stated if field in card.model_fields_set else next((prompt for name in names if (prompt := prompts.get(name))), "")


def _similarity(card: EncoderCard, saved: str) -> Similarity:
    """What a card states; otherwise what the model was saved with, which sentence-transformers takes for cosine by default.

    Raises:
        HybridBenchError: if it is a distance, by which nothing is ranked here.
    """
    if "similarity" in card.model_fields_set:
        return card.similarity
    if saved not in get_args(Similarity):
        raise HybridBenchError(
            f"{card.name} was saved with the similarity {saved!r}, and passages are ranked by cosine or dot only",
            "Choose one of them: --similarity cosine, or similarity = 'cosine' on its card.",
        )
    return cast(Similarity, saved)


def _check_tokenizers(name: str, model: Any) -> None:
    """Check the tokenizers of all modules that embed tokens, in whatever order and nesting."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    for module in model.modules():
        tokenizer = getattr(module, "tokenizer", None)
        if isinstance(tokenizer, Tokenizer):  # static embeddings
            unknown = getattr(tokenizer.model, "unk_token", None)
            check_words(name, PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token=unknown))
            check_vocabulary(name, tokenizer, getattr(module, "embedding", None))
        elif hasattr(module, "auto_model") and tokenizer is not None:
            check_tokenizer(name, tokenizer)
            check_vocabulary(name, tokenizer, module.auto_model)


def _check_poolers(name: str, model: Any, missing: list[str]) -> None:
    """Refuse missing weights of a transformer's own pooling layer if a module uses its output."""
    if missing and any("pooler_output" in str(getattr(module, "modality_config", "")) for module in model.modules()):
        raise HybridBenchError(
            f"{name} uses the output of its transformer's pooling layer, whose weights are missing: {', '.join(missing)}",
            "Download it again, or save it again with its pooling layer.",
        )
