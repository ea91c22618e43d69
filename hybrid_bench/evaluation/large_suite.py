"""A large suite with an encoder: its passages are checked, encoded as streams and kept on disk."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hybrid_bench.datasets.judged import JudgedQueries, judged_queries
from hybrid_bench.datasets.oddities import Oddities
from hybrid_bench.datasets.parts import Item, PassageText
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.datasets.survey import Survey
from hybrid_bench.embeddings.encode_stream import EncoderSource, encode_collection
from hybrid_bench.embeddings.given import GivenSource, GivenVectors
from hybrid_bench.embeddings.locking import Part
from hybrid_bench.embeddings.store import EmbeddingStore
from hybrid_bench.embeddings.stored_collection import Collection as StoredCollection
from hybrid_bench.embeddings.stored_collection import CollectionKey, Storage
from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.evaluation.loading import searched
from hybrid_bench.evaluation.options import STORAGE, EvaluationOptions
from hybrid_bench.execution.protocol import Executor
from hybrid_bench.support import cache
from hybrid_bench.support.progress import Progress, SilentProgress


def streams_folder(store: Path | None) -> Path:
    """The folder of all stores of large suites, absolute: workers may run in another folder."""
    return (store or cache.home() / "streams").absolute()


@dataclass
class LargeSuite:
    """A large suite with an encoder or given vectors, and the folders where they are stored.

    Attributes:
        suite: restricted to the languages that are evaluated.
        source: the encoder, as workers get it, or the given vectors.
        root: the folder of all stores, see :func:`streams_folder`.
        executor: that encodes and searches.
        passage_text: what the encoder reads of a passage.
        storage: number format of the vectors on disk.
        progress: where to report.
        strict: refuse what is odd in the suite's data instead of noting it.
    """

    suite: Suite
    source: EncoderSource | GivenVectors
    root: Path
    executor: Executor
    passage_text: PassageText = "sentence"
    storage: Storage = STORAGE
    progress: Progress = field(default_factory=SilentProgress)
    strict: bool = False

    def __post_init__(self) -> None:
        self.executor.check_folder(self.root)
        digest = CollectionKey.of(self.encoder, self.passage_text, self.storage).digest
        of = f"{self.suite.base_name}+first{self.suite.limit}" if self.suite.limit else self.suite.base_name
        parts = (of, f"{self.encoder.card.name}-{digest[:8]}")
        self.folder = self.root.joinpath(*map(_as_name, parts))

    def key(self, collection: str) -> CollectionKey:
        """What the stored vectors of a collection depend on, except its content."""
        modality = self.suite.collection(collection).modality
        return CollectionKey.of(self.encoder, self.passage_text, self.storage, modality=modality)

    @property
    def encoder(self) -> Encoder | GivenVectors:
        """The encoder, loaded, or the given vectors."""
        if isinstance(self.source, GivenVectors):
            return self.source
        if self.source.encoder is None:
            raise ValueError("the encoder is loaded only in workers")
        return self.source.encoder

    @property
    def encoder_name(self) -> str:
        """The name by which the encoder was loaded, or else that on its card."""
        return getattr(self.source, "name", "") or self.encoder.card.name

    @classmethod
    def of(
        cls,
        encoder: Encoder | GivenVectors | str | Any,
        suite: Suite,
        options: EvaluationOptions,
        progress: Progress | None = None,
    ) -> LargeSuite:
        """Load the encoder and find the folders.

        Raises:
            HybridBenchError: if the encoder cannot be loaded, or workers do not see the folder.
        """
        name = encoder if isinstance(encoder, str) else ""
        chosen = options.encoder_options
        progress = progress or SilentProgress()
        loaded = searched(suite, encoder, options, progress)
        return cls(
            suite,
            loaded if isinstance(loaded, GivenVectors) else EncoderSource(loaded, name, chosen if name else {}),
            streams_folder(options.store),
            options.make_executor(),
            options.passage_text,
            options.storage or STORAGE,
            progress,
            options.strict,
        )

    @functools.cached_property
    def judged(self) -> dict[str, JudgedQueries]:
        """The judged queries, by query set."""
        oddities = Oddities()
        found = judged_queries(self.suite, oddities)
        if self.strict:
            oddities.refuse(self.suite.name)
        return found

    @functools.cached_property
    def survey(self) -> Survey:
        """What is found in the collections while they are read."""
        return Survey(self.suite, self.judged, for_runs=True)

    def _read(self, collection: str) -> Iterator[Item]:
        return self.suite.passage_stream(collection, self.passage_text, self.survey.oddities)

    @functools.cached_property
    def _checked(self) -> frozenset[str]:
        """The collections that were not encoded before; their ids are checked first, before any is encoded."""
        new = [of for of in self.suite.collections if not (self.folder / _as_name(of.name) / StoredCollection.FILE).is_file()]
        for of in new:
            self.progress.start(f"check {of.name}", of.count() or 0)
            for _ in self._watched(of.name):
                self.progress.advance(1)
        self._check_oddities()
        return frozenset(of.name for of in new)

    def _watched(self, collection: str) -> Iterator[Item]:
        return self.survey.watch(collection, functools.partial(self._read, collection))

    def encode(self, collection: str, part: Part | None = None) -> StoredCollection | None:
        """Encode what is missing of a collection; None where only a part of the shards was asked for.

        Ids are checked before anything is encoded; those of a collection that was encoded before, while it is compared.
        """
        folder = self.folder / _as_name(collection)
        checked = collection in self._checked
        passages = self.suite.passage_stream(collection, self.passage_text) if checked else self._watched(collection)
        count = self.suite.collection(collection).count() or 0
        self.progress.start(f"passage {collection}", count)
        stored = encode_collection(
            GivenSource(self.source, collection) if isinstance(self.source, GivenVectors) else self.source,
            self.key(collection),
            passages,
            folder,
            workers=self.executor,
            progress=self.progress,
            part=part,
        )
        self._check_oddities()
        return stored

    def _check_oddities(self) -> None:
        if self.strict:
            self.survey.oddities.refuse(self.suite.name)

    def encode_all(self) -> dict[str, StoredCollection]:
        """Encode what is missing of all collections."""
        self.progress.job(self.encoder.card.name, {f"passage {of.name}": float(of.count() or 0) for of in self.suite.collections})
        found = {of.name: self.encode(of.name) for of in self.suite.collections}
        return {name: collection for name, collection in found.items() if collection is not None}

    def queries(self, query_set: str) -> tuple[list[str], np.ndarray]:
        """The ids and vectors of the queries that have a relevant passage."""
        items = self.judged[query_set].queries if query_set in self.judged else []
        self.progress.start(f"query {query_set}", len(items))
        encoder = self.encoder
        if isinstance(encoder, GivenVectors):
            ids = [item.id for item in items]
            return ids, encoder.of("query", query_set, ids)
        vectors = EmbeddingStore(cache.home() / "embeddings").vectors(
            encoder,
            "query",
            [item.content for item in items],
            progress=self.progress.advance,
        )
        return [item.id for item in items], vectors


def _as_name(text: str) -> str:
    return text.replace("/", "__")
