"""The base: the encoder that a training starts from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.encoders.checkpoint import weights_hash
from hybrid_bench.encoders.hub import checkpoint_folder
from hybrid_bench.encoders.load import load_encoder
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.training.encoder import difference
from hybrid_bench.training.recipe import Recipe


@dataclass(frozen=True)
class Base:
    """A transformer encoder with pooling, before training.

    Attributes:
        card: its card, with the recipe's ``texts`` settings applied.
        folder: the folder of its checkpoint.
        fingerprint: the commit or hash of its weights.
    """

    card: EncoderCard
    folder: Path
    fingerprint: str

    @classmethod
    def load(cls, recipe: Recipe, device: str = "auto") -> Base:
        """Load the base of a recipe.

        Raises:
            HybridBenchError: if it cannot be loaded, is not a transformer with pooling, or its weights are not float32.
        """
        found = load_encoder(recipe.base, dtype="fp32", device=device)
        if found.card.backend == "sentence-transformers" and recipe.texts.pooling:
            # The recipe states what the model's own modules would do, so only its transformer is trained.
            found = load_encoder(
                recipe.base,
                dtype="fp32",
                device=device,
                backend="transformers",
                pooling=recipe.texts.pooling,
                similarity="cosine",
            )
        stated = {key: getattr(recipe.texts, key) for key in ("query_prefix", "passage_prefix", "pooling")}
        card = found.card.model_copy(update={key: value for key, value in stated.items() if value is not None})
        if card.backend != "transformers" or card.similarity != "cosine":
            raise HybridBenchError(
                f"the base {recipe.base} has backend {card.backend!r} and similarity {card.similarity!r}",
                "Choose a base with backend 'transformers' and similarity 'cosine', or set texts.pooling, to train the bare "
                "transformer of a sentence-transformers model.",
            )
        folder = checkpoint_folder(card)
        difference.check_base(folder)
        return cls(card, folder, weights_hash(found.card))

    def merge(self, trained: Path, folder: Path) -> list[str]:
        """Write this base's checkpoint plus a trained difference into a folder; see :func:`.difference.merge`.

        Raises:
            HybridBenchError: if the difference was trained on other base weights.
        """
        if difference.base_of(trained) != self.fingerprint:
            raise HybridBenchError(
                f"{trained} was trained on other weights than {self.card.name} has now",
                "Restore that base, or use another --out.",
            )
        return difference.merge(self.folder, trained, folder)
