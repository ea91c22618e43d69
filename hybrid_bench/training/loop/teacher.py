"""The teacher of distillation: a frozen encoder, whose vectors of texts in one language are the targets of their translations."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from hybrid_bench.encoders.protocol import Role
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.training.loop.trainable_model import TrainableModel
from hybrid_bench.training.recipe import Recipe, Weights


@dataclass(frozen=True)
class Teacher:
    """A frozen encoder (Reimers and Gurevych 2020, arXiv 2004.09813).

    Attributes:
        model: the encoder.
        language: of the texts that it reads.
        tokens: tokens of a micro-batch.
        bf16: whether matrix products are computed in bf16.
    """

    model: TrainableModel
    language: str
    tokens: int
    bf16: bool

    @classmethod
    def load(cls, recipe: Recipe, student: TrainableModel, device: str = "auto") -> Teacher:
        """Load the teacher of a recipe.

        Raises:
            HybridBenchError: if it cannot be loaded, or its vectors have another dimension than the student's.
        """
        chosen = recipe.distillation
        # Only the base itself reads texts as the recipe states; another teacher reads them as its card states.
        stated = {} if chosen.teacher in ("", recipe.base) else dict.fromkeys(("query_prefix", "passage_prefix", "pooling"))
        own = recipe.model_copy(
            update={
                "base": chosen.teacher or recipe.base,
                "weights": Weights(),
                "texts": recipe.texts.model_copy(update=stated),
            }
        )
        model = TrainableModel.load(own, device)
        sizes = model.base.card.dimension, student.base.card.dimension
        if sizes[0] != sizes[1]:
            raise HybridBenchError(
                f"the teacher {model.base.card.name} has vectors of dimension {sizes[0]}, the base of dimension {sizes[1]}",
                "Choose a teacher of the same dimension.",
            )
        model.network.requires_grad_(False).eval()
        return cls(model, chosen.language, recipe.compute.micro_batch_tokens, recipe.compute.precision == "bf16")

    @property
    def fingerprint(self) -> str:
        """The commit or hash of its weights."""
        return self.model.base.fingerprint

    def targets(self, questions: Sequence[str | None], passages: Sequence[str | None]) -> torch.Tensor:
        """The vectors of questions and passages of unit length; 0 for those that are None.  # (2, texts, dimension) float32."""
        found = [self._vectors(questions, "query"), self._vectors(passages, "passage")]
        return torch.stack(found)

    def _vectors(self, texts: Sequence[str | None], role: Role) -> torch.Tensor:
        known = [place for place, text in enumerate(texts) if text is not None]
        vectors = torch.zeros(len(texts), self.model.base.card.dimension or 0)
        if known:
            device = self.model.network.device.type
            with torch.autocast(device, torch.bfloat16) if self.bf16 else contextlib.nullcontext():
                encoded = self.model.encode([text for text in texts if text is not None], role, self.tokens)
            vectors[known] = torch.from_numpy(encoded)
        return vectors
