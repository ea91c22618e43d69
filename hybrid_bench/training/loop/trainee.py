"""The model that is trained: a base encoder as sentence-transformers trains it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from hybrid_bench.encoders.hub import explained
from hybrid_bench.encoders.protocol import Role
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
class Trainee:
    """A model in training.

    Attributes:
        model: transformer, pooling, unit length.
        base: what it was.
        lengths: role to the tokens of a text at most.
    """

    model: SentenceTransformer
    base: Base
    lengths: dict[Role, int]

    @classmethod
    def of(cls, recipe: Recipe, device: str = "auto") -> Trainee:
        """Load the base of a recipe and choose what is trained of it. Draws from torch's random numbers.

        Raises:
            HybridBenchError: if the base cannot be had, or is not a transformer with a pooling.
        """
        import torch
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

        from hybrid_bench.encoders.devices import choose_device

        base = Base.of(recipe, device)
        card = base.card
        place = choose_device(device)
        model_kwargs = {"use_safetensors": True, "dtype": "float32"}
        if recipe.compute.precision == "bf16" and place.type == "cpu":
            # On a processor the backward of torch's fused attention takes half of a step in bf16; so it is not fused.
            model_kwargs["attn_implementation"] = "eager"
        dropout = recipe.weights.dropout
        odds = {} if dropout is None else {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
        with explained(card.model), quiet():
            transformer = Transformer(str(base.folder), model_kwargs=model_kwargs, config_kwargs=dict(odds))
        if dropout is not None and any(
            module.p != dropout for module in transformer.modules() if isinstance(module, torch.nn.Dropout)
        ):
            raise HybridBenchError(
                f"the base {recipe.base} has a dropout that weights.dropout does not reach",
                "Leave weights.dropout out; the base then has its own.",
            )
        if getattr(transformer.auto_model, "pooler", None) is not None:
            transformer.auto_model.pooler = None  # no gradient reaches it, and nothing here reads it
        lengths: dict[Role, int] = {"query": recipe.texts.max_query_length, "passage": recipe.texts.max_passage_length}
        for role, length in lengths.items():
            if card.max_length and length > card.max_length:
                raise HybridBenchError(
                    f"the recipe reads {length} tokens of a {role}, and {recipe.base} at most {card.max_length}",
                    f"Lower texts.max_{role}_length.",
                )
        pooling = Pooling(card.dimension, pooling_mode={"mean": "mean", "cls": "cls", "eos": "lasttoken"}[card.pooling or "mean"])
        model = SentenceTransformer(modules=[transformer, pooling, Normalize()], device=str(place))
        trainee = cls(model, base, lengths)
        trainee._choose(recipe.weights)
        trainee._check_names()
        return trainee

    @property
    def transformer(self) -> torch.nn.Module:
        """The transformer without its pooling."""
        return cast("torch.nn.Module", self.model[0].auto_model)

    def trainable(self) -> dict[str, torch.nn.Parameter]:
        """What is trained, by its name in the transformer."""
        return {name: weight for name, weight in self.transformer.named_parameters() if weight.requires_grad}

    def difference(self) -> tuple[dict[str, LowRank], dict[str, np.ndarray]]:
        """What the training added to the base: (low-rank factors by layer, whole weights by name)."""
        from safetensors import safe_open

        from hybrid_bench.training.loop.lora import factors, without_adapters

        low_rank = {
            name: LowRank(a.detach().cpu().numpy(), b.detach().cpu().numpy(), scale)
            for name, (a, b, scale) in factors(self.transformer).items()
        }
        whole = {}
        with safe_open(self.base.folder / WEIGHTS, framework="numpy") as file:
            known = list(file.keys())
            for name, weight in without_adapters(self.trainable()).items():
                whole[name] = weight.detach().cpu().numpy() - file.get_tensor(stored_name(known, name))
        return low_rank, whole

    def features(self, texts: Sequence[str], role: Role) -> Features:
        """Token ids of texts, with the role's prefix, padded on the right to the longest."""
        prefix = self.base.card.query_prefix if role == "query" else self.base.card.passage_prefix
        padded = self.model.tokenizer(
            [prefix + text for text in texts],
            truncation=True,
            max_length=self.lengths[role],
            padding=True,
            padding_side="right",
            return_tensors="pt",
        )
        return {name: padded[name] for name in ("input_ids", "attention_mask")}

    def encode(self, texts: Sequence[str], role: Role, tokens: int) -> np.ndarray:
        """(texts, dimension) float32 vectors by the weights as they are."""
        import torch

        from hybrid_bench.training.loop.loss import embed

        training = self.model.training
        self.model.eval()
        try:
            with torch.no_grad():
                features = {name: values.to(self.model.device) for name, values in self.features(texts, role).items()}
                vectors: np.ndarray = embed(self.model, features, tokens).float().cpu().numpy()
        finally:
            self.model.train(training)
        return vectors

    def _choose(self, weights: Weights) -> None:
        """Freeze what the recipe does not train."""
        from hybrid_bench.training.loop.lora import add_lora, factors

        transformer = self.transformer
        depth = int(getattr(transformer.config, "num_hidden_layers", 0))
        if weights.layers is not None and weights.layers > depth:
            raise HybridBenchError(
                f"the recipe trains {weights.layers} layers of a base that has {depth}", "Lower weights.layers."
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
                    f"no linear layer of the base is called {', '.join(weights.targets)}", "Mend weights.targets."
                )
            for name, _ in transformer.named_parameters():
                layer, adapter, _ = name.partition(".lora_")
                if adapter and layer not in layers:
                    raise HybridBenchError(f"{layer}, of weights.targets, is no linear layer", "Name linear layers alone.")
        lowest = depth - (weights.layers or depth)
        words = set(cast(Any, transformer).get_input_embeddings().parameters())
        for name, weight in transformer.named_parameters():
            embeds = weights.freeze_embeddings and (weight in words or _EMBEDDINGS in name.split("."))
            if embeds or (weights.layers is not None and not _in_layers(name, lowest)):
                weight.requires_grad = False
        if not self.trainable():
            raise HybridBenchError("nothing of the base is left to train", "Mend weights.layers or weights.targets.")

    def _check_names(self) -> None:
        """See that what is trained can be written as a difference to the checkpoint, before the work."""
        from hybrid_bench.training.loop.lora import factors, without_adapters

        layers = [f"{layer}.weight" for layer in factors(self.transformer)]
        check_names(self.base.folder, [*layers, *without_adapters(self.trainable())])


def _in_layers(name: str, lowest: int) -> bool:
    """Whether a parameter is in a layer of this number or above; the layers are the one list of modules that is numbered."""
    return any(part.isdigit() and int(part) >= lowest for part in name.split("."))


class quiet:
    """Silence transformers' bar and its list of weights that a pooling layer would have had."""

    def __enter__(self) -> None:
        from transformers.utils import logging as shown

        self._bar = shown.is_progress_bar_enabled()
        self._level = shown.get_verbosity()
        shown.disable_progress_bar()
        shown.set_verbosity(logging.ERROR)

    def __exit__(self, *error: Any) -> None:
        from transformers.utils import logging as shown

        shown.set_verbosity(self._level)
        if self._bar:
            shown.enable_progress_bar()
