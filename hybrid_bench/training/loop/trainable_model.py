"""The model to train: a base encoder as a sentence-transformers model, with some or all of its weights trainable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from hybrid_bench.encoders.guarded import guarded
from hybrid_bench.encoders.protocol import Role
from hybrid_bench.encoders.tokenization import check_tokenizer, check_vocabulary
from hybrid_bench.encoders.tokens import token_ids
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.training.encoder.base import Base
from hybrid_bench.training.encoder.difference import WEIGHTS, LowRank, check_names, stored_name
from hybrid_bench.training.recipe import Recipe, Weights

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

    from hybrid_bench.training.loop.loss import Features

_EMBEDDINGS = "embeddings"


@dataclass
class TrainableModel:
    """A base encoder whose weights are trained.

    Attributes:
        network: transformer, pooling and normalisation to unit length.
        base: the encoder that the training starts from.
        max_lengths: role to the maximum number of tokens of a text.
    """

    network: SentenceTransformer
    base: Base
    max_lengths: dict[Role, int]

    @classmethod
    def load(cls, recipe: Recipe, device: str = "auto") -> TrainableModel:
        """Load the base of a recipe and freeze what the recipe does not train. Uses torch's global random generator.

        Raises:
            HybridBenchError: if the base cannot be loaded, is not a transformer with pooling, or does not fit the recipe.
        """
        import torch
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

        from hybrid_bench.encoders.devices import choose_device

        base = Base.load(recipe, device)
        card = base.card
        target = choose_device(device)
        model_kwargs = {"use_safetensors": True, "dtype": "float32"}
        if recipe.compute.precision == "bf16" and target.type == "cpu":
            # On a CPU in bf16, the backward pass of torch's fused attention takes half of a step.
            model_kwargs["attn_implementation"] = "eager"
        dropout = recipe.weights.dropout
        overrides = {} if dropout is None else {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
        with guarded(card.model):
            transformer = Transformer(str(base.folder), model_kwargs=model_kwargs, config_kwargs=dict(overrides))
            check_tokenizer(card.model, transformer.tokenizer)
            check_vocabulary(card.model, transformer.tokenizer, transformer.auto_model)
        if dropout is not None and any(
            module.p != dropout for module in transformer.modules() if isinstance(module, torch.nn.Dropout)
        ):
            raise HybridBenchError(
                f"weights.dropout does not change every dropout layer of the base {recipe.base}",
                "Remove weights.dropout to use the base's own.",
            )
        if getattr(transformer.auto_model, "pooler", None) is not None:
            transformer.auto_model.pooler = None  # unused here, and it would get no gradient
        max_lengths: dict[Role, int] = {"query": recipe.texts.max_query_length, "passage": recipe.texts.max_passage_length}
        for role, length in max_lengths.items():
            if card.max_length and length > card.max_length:
                raise HybridBenchError(
                    f"texts.max_{role}_length is {length}, but {recipe.base} reads at most {card.max_length} tokens",
                    f"Lower texts.max_{role}_length.",
                )
        pooling = Pooling(card.dimension, pooling_mode={"mean": "mean", "cls": "cls", "eos": "lasttoken"}[card.pooling or "mean"])
        network = SentenceTransformer(modules=[transformer, pooling, Normalize()], device=str(target))
        model = cls(network, base, max_lengths)
        model._freeze(recipe.weights)
        model._check_names()
        return model

    @property
    def transformer(self) -> torch.nn.Module:
        """The transformer, without the pooling."""
        return cast("torch.nn.Module", self.network[0].auto_model)

    def trainable_weights(self) -> dict[str, torch.nn.Parameter]:
        """The weights that are trained, by name in the transformer."""
        return {name: weight for name, weight in self.transformer.named_parameters() if weight.requires_grad}

    def difference(self) -> tuple[dict[str, LowRank], dict[str, np.ndarray]]:
        """The difference to the base: (low-rank factors by layer, full differences by weight name)."""
        from safetensors import safe_open

        from hybrid_bench.training.loop.lora import factors, without_adapters

        low_rank = {
            name: LowRank(a.detach().cpu().numpy(), b.detach().cpu().numpy(), scale)
            for name, (a, b, scale) in factors(self.transformer).items()
        }
        full = {}
        with safe_open(self.base.folder / WEIGHTS, framework="numpy") as file:
            known = list(file.keys())
            for name, weight in without_adapters(self.trainable_weights()).items():
                full[name] = weight.detach().cpu().numpy() - file.get_tensor(stored_name(known, name))
        return low_rank, full

    def tokenize(self, texts: Sequence[str], role: Role) -> Features:
        """Token ids of texts with the role's prefix, padded on the right to the longest text."""
        prefix = self.base.card.query_prefix if role == "query" else self.base.card.passage_prefix
        ids = token_ids(self.network.tokenizer, [prefix + text for text in texts], self.max_lengths[role], self.base.card.pooling)
        padded = self.network.tokenizer.pad({"input_ids": ids}, padding_side="right", return_tensors="pt")
        return {name: padded[name] for name in ("input_ids", "attention_mask")}

    def encode(self, texts: Sequence[str], role: Role, tokens: int) -> np.ndarray:
        """Encode texts with the current weights.  # (texts, dimension) float32.

        Args:
            texts: the texts, without prefix.
            role: whether they are queries or passages.
            tokens: maximum tokens of a micro-batch, including padding.
        """
        import torch

        from hybrid_bench.training.loop.loss import embed

        training = self.network.training
        self.network.eval()
        try:
            with torch.no_grad():
                features = {name: values.to(self.network.device) for name, values in self.tokenize(texts, role).items()}
                vectors: np.ndarray = embed(self.network, features, tokens).float().cpu().numpy()
        finally:
            self.network.train(training)
        return vectors

    def _freeze(self, weights: Weights) -> None:
        """Freeze what the recipe does not train."""
        from hybrid_bench.training.loop.lora import add_lora, factors

        transformer = self.transformer
        depth = int(getattr(transformer.config, "num_hidden_layers", 0))
        if weights.layers is not None and weights.layers > depth:
            raise HybridBenchError(
                f"weights.layers is {weights.layers}, but the base has {depth} layers", "Lower weights.layers."
            )
        if weights.method == "lora":
            targets: str | list[str] = weights.targets[0] if weights.targets == ("all-linear",) else list(weights.targets)
            try:
                add_lora(transformer, targets, weights.rank, weights.scale, weights.lora_dropout, biases=weights.biases)
            except ValueError as error:
                raise HybridBenchError(f"weights.targets: {error}") from error
            layers = factors(transformer)
            if not layers:
                raise HybridBenchError(
                    f"no linear layer of the base matches {', '.join(weights.targets)}", "Correct weights.targets."
                )
            for name, _ in transformer.named_parameters():
                layer, adapter, _ = name.partition(".lora_")
                if adapter and layer not in layers:
                    raise HybridBenchError(f"{layer}, of weights.targets, is not a linear layer", "Use linear layers only.")
        lowest = depth - (weights.layers or depth)
        word_embeddings = set(cast(Any, transformer).get_input_embeddings().parameters())
        for name, weight in transformer.named_parameters():
            frozen = weights.freeze_embeddings and (weight in word_embeddings or _EMBEDDINGS in name.split("."))
            if frozen or (weights.layers is not None and not _in_layers(name, lowest)):
                weight.requires_grad = False
        if not self.trainable_weights():
            raise HybridBenchError("the recipe trains no weight of the base", "Correct weights.layers or weights.targets.")

    def _check_names(self) -> None:
        """Check, before training, that the result can be written as a difference to the checkpoint."""
        from hybrid_bench.training.loop.lora import factors, without_adapters

        layers = [f"{layer}.weight" for layer in factors(self.transformer)]
        check_names(self.base.folder, [*layers, *without_adapters(self.trainable_weights())])


def _in_layers(name: str, lowest: int) -> bool:
    """Whether a parameter is in layer ``lowest`` or above. Only layers have a number in their names."""
    return any(part.isdigit() and int(part) >= lowest for part in name.split("."))
