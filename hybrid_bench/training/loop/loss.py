"""InfoNCE with in-batch negatives, in which the texts of each column are encoded in order of length; and distillation.

Both classes are losses of sentence-transformers, which gather the vectors of all processes before scoring. Only the order of
the work differs: a column is sorted by length and split into micro-batches by tokens, to minimise padding, and the vectors are
put back in order before scoring.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import CachedMultipleNegativesRankingLoss, MultipleNegativesRankingLoss
from torch import Tensor, nn

from hybrid_bench.encoders.batching import token_batches
from hybrid_bench.training.recipe import Negatives

#: The tokenised texts of a column: ``input_ids`` and ``attention_mask``.  # (texts, tokens) int64
Features = dict[str, Tensor]

#: (scored directions, partition of the softmax), in the library's terms.
_TERMS = {
    "passages": (("query_to_doc",), "per_direction"),
    "symmetric": (("query_to_doc", "doc_to_query"), "per_direction"),
    "all": (("query_to_doc", "query_to_query", "doc_to_query", "doc_to_doc"), "joint"),
}


class Terms(NamedTuple):
    """The terms of a loss.

    Attributes:
        contrastive: whether InfoNCE is one.
        distillation: the weight of :func:`distance_to_teacher`; 0: it is none.
    """

    contrastive: bool = True
    distillation: float = 0.0


class LengthSortedLoss(MultipleNegativesRankingLoss):
    """InfoNCE that encodes a column in micro-batches and keeps all activations."""

    def __init__(self, model: SentenceTransformer, tokens: int, terms: Terms, **options: Any) -> None:
        super().__init__(model, **options)
        self.tokens = tokens
        self.terms = terms

    def forward(self, sentence_features: Iterable[Features], labels: Any = None) -> Tensor:
        """The loss of a batch; the columns are its queries, its passages and its hard negatives.

        Args:
            sentence_features: the columns.
            labels: the teacher's vectors of queries and passages, 0 where there is none.  # (2, batch size, dimension)
        """
        columns = [embed(self.model, features, self.tokens) for features in sentence_features]
        loss = columns[0].new_zeros(())
        if self.terms.contrastive:
            loss = loss + self.compute_loss_from_embeddings(columns, labels)
        if self.terms.distillation:
            loss = loss + self.terms.distillation * distance_to_teacher(columns, labels, gather=self.gather_across_devices)
        return loss


class CachedLengthSortedLoss(CachedMultipleNegativesRankingLoss):
    """The same loss with gradient caching: only the activations of one micro-batch are in memory at a time."""

    def __init__(self, model: SentenceTransformer, tokens: int, terms: Terms, **options: Any) -> None:
        # The score matrix of a batch is small, so it is computed at once; the order of the columns is restored for all of it.
        super().__init__(model, mini_batch_size=1 << 30, mini_batch_num_tokens=tokens, **options)
        self._inverse_orders: list[Tensor] = []
        self.terms = terms

    def forward(self, sentence_features: Iterable[Features], labels: Any = None) -> Tensor:
        """The loss of a batch, as :meth:`LengthSortedLoss.forward`."""
        sorted_columns, self._inverse_orders = [], []
        for features in sentence_features:
            order = torch.argsort(features["attention_mask"].sum(dim=1), stable=True)
            sorted_columns.append({name: values[order] for name, values in features.items()})
            self._inverse_orders.append(torch.argsort(order))
        loss: Tensor = super().forward(sorted_columns, labels)
        return loss

    def calculate_loss(self, reps: list[list[Tensor]], labels: Tensor | None = None, *, with_backward: bool = False) -> Tensor:
        """The loss of vectors that are still in order of length."""

        def ordered() -> list[Tensor]:
            return [torch.cat(column)[inverse] for column, inverse in zip(reps, self._inverse_orders, strict=True)]

        loss = reps[0][0].new_zeros(())
        if self.terms.contrastive:
            loss = loss + super().calculate_loss([[column] for column in ordered()], labels, with_backward=with_backward)
        if self.terms.distillation:
            distance = distance_to_teacher(ordered(), labels, gather=self.gather_across_devices)
            term = self.terms.distillation * distance
            if with_backward:
                term.backward()
                term = term.detach()
            loss = loss + term
        return loss


def distance_to_teacher(columns: Sequence[Tensor], targets: Tensor | None, *, gather: bool) -> Tensor:
    """The mean squared Euclidean distance of vectors to their targets (arXiv 2004.09813), over the vectors that have one.

    Args:
        columns: vectors of unit length, of the queries and the passages; further columns have no targets.
        targets: 0 where a vector has none.  # (2, batch size, dimension)
        gather: whether the mean is over all processes; the mean of what they return is then that of all vectors.
    """
    if targets is None:
        raise ValueError("distillation needs targets")
    vectors = torch.stack(list(columns[: len(targets)]))
    present = targets.abs().sum(dim=-1) > 0
    distances = (vectors - targets.to(vectors.dtype)).square().sum(dim=-1)
    count = present.sum().to(vectors.dtype)
    share = 1
    if gather:
        torch.distributed.all_reduce(count)
        share = torch.distributed.get_world_size()
    total: Tensor = (distances * present).sum() * share / count.clamp(min=1)
    return total


def info_nce(
    model: SentenceTransformer,
    *,
    temperature: float,
    negatives: Negatives,
    hardness: float,
    tokens: int,
    cache_gradients: bool,
    gather: bool,
    contrastive: bool = True,
    distillation: float = 0.0,
) -> LengthSortedLoss | CachedLengthSortedLoss:
    """The loss of a recipe.

    Args:
        model: the model to train.
        temperature: scores are divided by it.
        negatives: see :attr:`.Loss.negatives`.
        hardness: see :attr:`.Loss.hardness`.
        tokens: maximum tokens of a micro-batch, including padding.
        cache_gradients: whether to use gradient caching.
        gather: whether to gather the vectors of all processes.
        contrastive: whether the loss has InfoNCE.
        distillation: weight of the distance to the targets; 0: there are none.
    """
    kind = CachedLengthSortedLoss if cache_gradients else LengthSortedLoss
    directions, partition = _TERMS[negatives]
    return kind(
        model,
        tokens,
        Terms(contrastive, distillation),
        scale=1 / temperature,
        directions=directions,
        partition_mode=partition,
        hardness_mode="all_negatives" if hardness else None,
        hardness_strength=hardness,
        gather_across_devices=gather,
    )


def embed(model: nn.Module, features: Features, tokens: int) -> Tensor:
    """The vectors of a column, in micro-batches of at most ``tokens`` tokens including padding.  # (texts, dimension)."""
    lengths = features["attention_mask"].sum(dim=1).tolist()
    parts, order = [], []
    for batch in token_batches(lengths, tokens):
        longest = lengths[batch[-1]]
        part = {name: values[batch, :longest] for name, values in features.items()}
        parts.append(model(part)["sentence_embedding"])
        order += batch
    return torch.cat(parts)[torch.argsort(torch.tensor(order, device=parts[0].device))]
