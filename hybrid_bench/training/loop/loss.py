"""InfoNCE over the passages of a batch, with the texts of each column computed shortest first.

Both are sentence-transformers' losses, which gather the vectors of all processes before they score. Only the order of the work
is changed: a column is sorted by length and cut by tokens, so that hardly any padding goes through the model, and the vectors are
put back in order before they are scored.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import CachedMultipleNegativesRankingLoss, MultipleNegativesRankingLoss
from torch import Tensor, nn

from hybrid_bench.encoders.batching import token_batches
from hybrid_bench.training.recipe import Negatives

#: A batch's texts in one column: ``input_ids`` and ``attention_mask``.  # (texts, tokens) int64
Features = dict[str, Tensor]

#: (what is scored against what, how the softmax is cut), as the library calls it.
_TERMS = {
    "passages": (("query_to_doc",), "per_direction"),
    "symmetric": (("query_to_doc", "doc_to_query"), "per_direction"),
    "all": (("query_to_doc", "query_to_query", "doc_to_query", "doc_to_doc"), "joint"),
}


class ShortestFirst(MultipleNegativesRankingLoss):
    """InfoNCE whose columns go through the model in micro-batches, with all their activations kept."""

    def __init__(self, model: SentenceTransformer, tokens: int, **options: Any) -> None:
        super().__init__(model, **options)
        self.tokens = tokens

    def forward(self, sentence_features: Iterable[Features], labels: Any = None) -> Tensor:
        """The loss of a batch; the columns are its queries and its passages."""
        columns = [embed(self.model, features, self.tokens) for features in sentence_features]
        loss: Tensor = self.compute_loss_from_embeddings(columns, labels)
        return loss


class CachedShortestFirst(CachedMultipleNegativesRankingLoss):
    """The same loss with gradient caching: the activations of one micro-batch are in memory at a time."""

    def __init__(self, model: SentenceTransformer, tokens: int, **options: Any) -> None:
        # The scores of a batch are a small matrix: in one piece, as the columns' order is put right for all of it at once.
        super().__init__(model, mini_batch_size=1 << 30, mini_batch_num_tokens=tokens, **options)
        self._back: list[Tensor] = []

    def forward(self, sentence_features: Iterable[Features], labels: Any = None) -> Tensor:
        """The loss of a batch; the columns are its queries and its passages."""
        sorted_columns, self._back = [], []
        for features in sentence_features:
            order = torch.argsort(features["attention_mask"].sum(dim=1), stable=True)
            sorted_columns.append({name: values[order] for name, values in features.items()})
            self._back.append(torch.argsort(order))
        loss: Tensor = super().forward(sorted_columns, labels)
        return loss

    def calculate_loss(self, reps: list[list[Tensor]], labels: Tensor | None = None, *, with_backward: bool = False) -> Tensor:
        """The loss of vectors that are still in the order of their lengths."""
        ordered = [[torch.cat(column)[back]] for column, back in zip(reps, self._back, strict=True)]
        loss: Tensor = super().calculate_loss(ordered, labels, with_backward=with_backward)
        return loss


def info_nce(
    model: SentenceTransformer,
    *,
    temperature: float,
    negatives: Negatives,
    hardness: float,
    tokens: int,
    cache_gradients: bool,
    gather: bool,
) -> ShortestFirst | CachedShortestFirst:
    """The loss that a recipe asks for."""
    kind = CachedShortestFirst if cache_gradients else ShortestFirst
    directions, partition = _TERMS[negatives]
    return kind(
        model,
        tokens,
        scale=1 / temperature,
        directions=directions,
        partition_mode=partition,
        hardness_mode="in_batch_negatives" if hardness else None,
        hardness_strength=hardness,
        gather_across_devices=gather,
    )


def embed(model: nn.Module, features: Features, tokens: int) -> Tensor:
    """(texts, dimension) vectors of a column, computed in micro-batches of at most so many tokens, padding counted."""
    lengths = features["attention_mask"].sum(dim=1).tolist()
    parts, order = [], []
    for batch in token_batches(lengths, tokens):
        longest = lengths[batch[-1]]
        part = {name: values[batch, :longest] for name, values in features.items()}
        parts.append(model(part)["sentence_embedding"])
        order += batch
    return torch.cat(parts)[torch.argsort(torch.tensor(order, device=parts[0].device))]
