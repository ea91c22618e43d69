"""Encoders as mteb models that search with vectors from the store."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_bench import HybridBenchError, Image, load_encoder
from hybrid_bench.plugin import EmbeddingStore, Encoder, Input, Role, cache, texts_hash
from hybrid_bench_mteb.contents import COLLECTION, contents, modality_of
from hybrid_bench_mteb.ranking import Ranking
from hybrid_bench_mteb.tasks import task_name

if TYPE_CHECKING:
    import datasets
    import torch
    from mteb import TaskMetadata
    from mteb.models import ModelMeta
    from mteb.types import PromptType
    from numpy.typing import NDArray

#: Documents whose vectors are in memory at a time.
_AT_ONCE = 50_000
#: Vectors that are remembered, at most.
_REMEMBERED = 500_000


def model_of(encoder: Encoder | str, store: Path | None, options: Mapping[str, Any]) -> EncoderModel:
    """See :func:`hybrid_bench_mteb.as_mteb_model`."""
    if isinstance(encoder, str):
        return EncoderModel(load_encoder(encoder, **options), store)
    if options:
        raise HybridBenchError(
            f"the option {min(options)} has no effect on an encoder that is loaded", "Give the encoder by name, or leave it out."
        )
    return EncoderModel(encoder, store)


class EncoderModel:
    """An encoder for mteb: retrieval by mteb's ``SearchProtocol``, all other tasks by its ``EncoderProtocol``.

    Queries are encoded as queries and documents as passages, with the encoder's prefixes; the texts of tasks that have neither
    (clustering, semantic similarity) are encoded as queries. mteb's instructions for tasks and its batch size are not used.

    Args:
        encoder: the encoder.
        store: folder of the vectors; by default that of ``hybrid-bench evaluate``.

    Attributes:
        mteb_model_meta: what mteb's results state of the model.
    """

    def __init__(self, encoder: Encoder, store: Path | None = None) -> None:
        self.encoder = encoder
        self.mteb_model_meta = _meta(encoder)
        self._store = EmbeddingStore(store or cache.home() / "embeddings")
        self._known: dict[Role, dict[Input, NDArray[np.float32]]] = {"query": {}, "passage": {}}
        self._lists: dict[tuple[Role, str], NDArray[np.float32]] = {}
        self._parts: list[tuple[list[str], list[Input]]] = []

    def index(self, corpus: datasets.Dataset, *, task_metadata: TaskMetadata, **_: Any) -> None:
        """Encode the documents of a subset that are not in the store."""
        rows = contents(corpus, modality_of(task_metadata, "passage"), "passage")
        self._parts = list(_parts(rows, corpus[COLLECTION] if COLLECTION in corpus.column_names else None))
        for part in self._parts:
            self._vectors(part[1], "passage")

    def search(
        self,
        queries: datasets.Dataset,
        *,
        task_metadata: TaskMetadata,
        top_k: int,
        top_ranked: Mapping[str, Sequence[str]] | None = None,
        **_: Any,
    ) -> dict[str, dict[str, float]]:
        """Rank the documents that were indexed, or those given, for each query.

        Args:
            queries: of a subset.
            task_metadata: of the task.
            top_k: documents a query, at most.
            top_ranked: query id to the documents to rank; all by default.

        Returns:
            Query id to document id to score.
        """
        asked = list(contents(queries, modality_of(task_metadata, "query"), "query"))
        vectors = self._vectors([content for _, content in asked], "query")
        ranking = Ranking([query_id for query_id, _ in asked], vectors, top_k, top_ranked)
        for parts in _together(self._parts):
            names = [name for ids, _ in parts for name in ids]
            ranking.add(names, np.concatenate([self._vectors(inputs, "passage") for _, inputs in parts]))
        return ranking.found()

    def encode(
        self, inputs: Iterable[Mapping[str, Any]], *, prompt_type: PromptType | None = None, **_: Any
    ) -> NDArray[np.float32]:
        """Encode the texts or images of mteb's batches.

        Args:
            inputs: batches with ``text`` or ``image``.
            prompt_type: whether they are queries or documents; queries by default.

        Returns:
            (inputs, dimension) float32.
        """
        role: Role = "passage" if prompt_type is not None and prompt_type.value == "document" else "query"
        return self._vectors([content for batch in inputs for content in _of_batch(batch)], role)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> torch.Tensor:
        """The dot product of all pairs, which is the encoder's similarity."""
        import torch

        one, other = (torch.atleast_2d(torch.as_tensor(embeddings)) for embeddings in (embeddings1, embeddings2))
        return one @ other.T  # type: ignore[no-any-return]

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> torch.Tensor:
        """The dot product of each pair of rows."""
        import torch

        return (torch.as_tensor(embeddings1) * torch.as_tensor(embeddings2)).sum(-1)

    def _vectors(self, inputs: Sequence[Input], role: Role) -> NDArray[np.float32]:
        """Vectors of what is remembered, and of the rest from the store.

        A list of which most is new is encoded as it is, as ``hybrid-bench evaluate`` does, so that both find each other's
        vectors in the store, equal to the last bit.
        """
        known, key = self._known[role], (role, texts_hash(inputs))
        if key in self._lists:  # equal texts at different places may have vectors that differ by rounding, as in an evaluation
            return self._lists[key]
        new = [content for content in dict.fromkeys(inputs) if content not in known]
        whole = 2 * len(new) > len(set(inputs))
        found = self._store.vectors(
            self.encoder, role, list(inputs) if whole else new, passage_text="sentence" if role == "passage" else ""
        )
        fresh = dict(zip(inputs if whole else new, found, strict=True))
        if not whole:
            found = np.stack([fresh[content] if content in fresh else known[content] for content in inputs])
        if len(known) + len(fresh) <= _REMEMBERED:
            known |= fresh
            self._lists |= {key: found} if whole else {}
        return found


def _parts(rows: Iterable[tuple[str, Input]], collections: Iterable[str] | None) -> Iterator[tuple[list[str], list[Input]]]:
    """Ids and contents: a list for each collection, or of :data:`_AT_ONCE` documents where none are stated."""
    named = zip(rows, collections if collections is not None else itertools.repeat(""), strict=False)
    for _, group in itertools.groupby(named, key=lambda row: row[1]):
        while part := [row for row, _ in itertools.islice(group, _AT_ONCE)]:
            yield [name for name, _ in part], [content for _, content in part]


def _together(parts: Iterable[tuple[list[str], list[Input]]]) -> Iterator[list[tuple[list[str], list[Input]]]]:
    """Parts whose documents are scored at once: :data:`_AT_ONCE`, if a part does not have more."""
    group: list[tuple[list[str], list[Input]]] = []
    for part in parts:
        if group and sum(len(ids) for ids, _ in [*group, part]) > _AT_ONCE:
            yield group
            group = []
        group.append(part)
    if group:
        yield group


def _of_batch(batch: Mapping[str, Any]) -> list[Input]:
    if "image" in batch and "text" in batch:
        raise HybridBenchError("an mteb task has texts with images, which encoders do not read together", "Choose another task.")
    if "text" in batch:
        return list(batch["text"])
    if "image" not in batch:
        raise HybridBenchError(f"an mteb task has inputs with {', '.join(batch)}", "Texts and images are read.")
    found: list[Input] = []
    for image in batch["image"]:
        content = io.BytesIO()
        image.save(content, "PNG")
        found.append(Image.from_bytes(content.getvalue()))
    return found


def _meta(encoder: Encoder) -> ModelMeta:
    from mteb.models import ModelMeta
    from mteb.models.model_meta import ScoringFunction

    from hybrid_bench_mteb.codes import mteb_language, mteb_licence

    card = encoder.card
    prompts = {"query": card.query_prefix, "document": card.passage_prefix}
    suites = card.trained_on_suites
    return ModelMeta.create_empty(
        {
            "name": card.name if "/" in card.name else f"hybrid-bench/{card.name}",
            "revision": encoder.fingerprint,
            "languages": [mteb_language(tag) for tag in card.languages] or None,
            "n_parameters": card.parameters,
            "max_tokens": card.max_length,
            "embed_dim": card.dimension,
            "license": mteb_licence(card.licence),
            "public_training_data": card.training_data or None,
            "reference": card.url or None,
            "similarity_fn_name": ScoringFunction.COSINE if card.similarity == "cosine" else ScoringFunction.DOT_PRODUCT,
            "use_instructions": any(prompts.values()),
            "loader_kwargs": {"model_prompts": prompts} if any(prompts.values()) else {},
            "training_datasets": None if suites is None else {task_name(suite, kind) for suite in suites for kind in _KINDS},
            "adapted_from": card.base or None,
            "modalities": list(card.modalities),
            "citation": card.citation or None,
            # Other dtypes give other vectors: mteb keeps their results apart.
            "experiment_kwargs": {"dtype": encoder.dtype} if encoder.dtype != "fp32" else None,
        }
    )


_KINDS = ("monolingual", "cross-lingual", "multilingual", "in-domain", "cross-domain", "all-domain")
