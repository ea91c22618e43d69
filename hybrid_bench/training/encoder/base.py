"""The encoder that a training begins with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.encoders.hub import checkpoint_folder
from hybrid_bench.encoders.load import load_encoder
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.training.encoder import difference
from hybrid_bench.training.recipe import Recipe


@dataclass(frozen=True)
class Base:
    """A transformer with a pooling.

    Attributes:
        card: with what the recipe says of texts.
        folder: of its checkpoint.
        fingerprint: of its weights.
    """

    card: EncoderCard
    folder: Path
    fingerprint: str

    @classmethod
    def of(cls, recipe: Recipe, device: str = "auto") -> Base:
        """The base of a recipe.

        Raises:
            HybridBenchError: if it cannot be had, is not a transformer with a pooling, or a difference cannot be added to it.
        """
        found = load_encoder(recipe.base, dtype="fp32", device=device)
        stated = {key: getattr(recipe.texts, key) for key in ("query_prefix", "passage_prefix", "pooling")}
        card = found.card.model_copy(update={key: value for key, value in stated.items() if value is not None})
        if card.backend != "transformers" or card.similarity != "cosine":
            raise HybridBenchError(
                f"the base {recipe.base} has backend {card.backend!r} and similarity {card.similarity!r}",
                "Give a base whose card says backend 'transformers' and similarity 'cosine'.",
            )
        folder = checkpoint_folder(card)
        difference.check_base(folder)
        return cls(card, folder, found.fingerprint)

    def add(self, trained: Path, folder: Path) -> list[str]:
        """Put this base's checkpoint with a trained difference added into a folder, as :func:`.difference.merge` does.

        Raises:
            HybridBenchError: if the difference is to other weights, whatever they were called.
        """
        if difference.base_of(trained) != self.fingerprint:
            raise HybridBenchError(
                f"{trained} was trained on another base than {self.card.name} is now",
                "Bring that base back, or train into another folder.",
            )
        return difference.merge(self.folder, trained, folder)
