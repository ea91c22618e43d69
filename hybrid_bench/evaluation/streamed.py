"""An encoder on a suite whose collections do not fit into memory: encoded as streams, searched to a depth, scored from runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hybrid_bench.datasets.settings import ALL, Setting
from hybrid_bench.datasets.suite import PassageText, Suite, Text
from hybrid_bench.embeddings.encode_stream import EncoderSource, encode_collection
from hybrid_bench.embeddings.locking import Part
from hybrid_bench.embeddings.store import EmbeddingStore
from hybrid_bench.embeddings.stored_collection import Collection, CollectionKey, Storage
from hybrid_bench.encoders.load import load_encoder
from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.errors import HybridBenchError, UnknownNameError
from hybrid_bench.evaluation.provenance import command_line, public_card
from hybrid_bench.evaluation.runs import Searcher, evaluate_runs
from hybrid_bench.execution.protocol import REGISTRY as EXECUTORS
from hybrid_bench.execution.protocol import Executor
from hybrid_bench.results.record import Result
from hybrid_bench.results.runs import Hit, canonical
from hybrid_bench.retrieval.streamed.search import QUERIES_AT_ONCE, search
from hybrid_bench.support import cache
from hybrid_bench.support.progress import Progress, SilentProgress

#: What runs that are cut at a depth are scored with where nothing is named.
MEASURES = ("nDCG@10", "R@100")
#: Passages a query.
DEPTH = 1000
STORAGES = ("fp16", "fp32")


@dataclass(frozen=True)
class Streaming:
    """How a suite is streamed.

    Attributes:
        storage: number format of the passages' vectors on disk.
        store: folder of the vectors; in the cache folder by default.
        executor: who works, a name of the entry-point group ``hybrid_bench.executors``.
        workers: of the executor.
        address: of the executor's cluster.
        depth: passages a query.
    """

    storage: Storage = "fp16"
    store: Path | None = None
    executor: str = "local"
    workers: int | None = None
    address: str | None = None
    depth: int = DEPTH

    def __post_init__(self) -> None:
        if self.storage not in STORAGES:
            raise UnknownNameError("storage", self.storage, STORAGES)
        if self.depth < 1:
            raise HybridBenchError(f"a run of {self.depth} passages a query is empty", "Ask for 1 or more.")

    def made_executor(self) -> Executor:
        """The executor itself."""
        stated = {"workers": self.workers, "address": self.address}
        return EXECUTORS.get(self.executor)(**{name: value for name, value in stated.items() if value is not None})

    def of_store(self, store: Path, storage: Storage) -> Streaming:
        """The same with vectors that are there already."""
        return dataclasses.replace(self, store=store, storage=storage)

    @property
    def root(self) -> Path:
        """The folder of all stores."""
        return (self.store or cache.home() / "streams").absolute()  # workers may stand in another folder


class StreamedSuite:
    """A suite, an encoder, and the folders in which their vectors are.

    Args:
        encoder: loaded.
        suite: restricted to the languages that were asked for.
        passage_text: what the encoder reads of a passage.
        streaming: how.
        name: by which other processes can load the encoder, and
        options: with which; without a name it is handed to them as it is.
        progress: where to report.
    """

    def __init__(
        self,
        encoder: Encoder,
        suite: Suite,
        streaming: Streaming,
        *,
        passage_text: PassageText = "sentence",
        name: str = "",
        options: Mapping[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.encoder = encoder
        self.suite = suite
        self.streaming = streaming
        self.executor = streaming.made_executor()
        self.executor.check_folder(streaming.root)
        self._passage_text: PassageText = passage_text
        self._source = EncoderSource(encoder, name, options or {})
        self._progress = progress or SilentProgress()
        self.key = CollectionKey.of(encoder, passage_text, streaming.storage)
        parts = (suite.name, f"{encoder.card.name}-{self.key.digest[:8]}")
        self.folder = streaming.root.joinpath(*(part.replace("/", "__") for part in parts))

    def encode(self, language: str, part: Part | None = None) -> Collection | None:
        """Encode what is missing of a language's passages; None where only a part of the shards was asked for."""
        self._progress.start(f"passage {language}", self.suite.count(language) or 0)
        return encode_collection(
            self._source,
            self.key,
            self.suite.passage_stream(language, self._passage_text),
            self.folder / language.replace("/", "__"),
            workers=self.executor,
            progress=self._progress,
            part=part,
        )

    def queries(self, language: str) -> tuple[list[str], np.ndarray]:
        """The ids and vectors of the queries that have a relevant passage."""
        judged = {judgement.query_id for judgement in self.suite.judgements(language) if judgement.relevance > 0}
        texts = [text for text in self.suite.query_texts(language) if text.id in judged]
        self._progress.start(f"query {language}", len(texts))
        vectors = EmbeddingStore(cache.home() / "embeddings").vectors(
            self.encoder, "query", [text for _, text in texts], progress=self._progress.advance
        )
        return [text_id for text_id, _ in texts], vectors


class Finds(Protocol):
    """What was found for the queries of a pool, by the running number of the query."""

    def hits(self, rows: Sequence[int]) -> list[list[Hit]]:
        """The hits of some queries, in canonical order."""


class StreamedSearch:
    """Searches each collection once for all queries that are asked on it, and merges the lists for the pool of all.

    Args:
        streamed: the suite.
        collections: of its languages.
        progress: where to report.

    Attributes:
        depth: passages a query.
        vectors: pool to the vectors of all queries that are asked on it.
        found: pool to what they find.
    """

    def __init__(self, streamed: StreamedSuite, collections: Mapping[str, Collection], progress: Progress) -> None:
        suite = streamed.suite
        self.depth = streamed.streaming.depth
        queries = {language: streamed.queries(language) for language in suite.languages}
        self._rows: dict[str, dict[tuple[str, str], int]] = {}
        self.vectors: dict[str, np.ndarray] = {}
        self.found: dict[str, Finds] = {}
        for pool, collection in collections.items():
            asked = suite.languages if suite.pooled else (pool,)
            vectors = np.concatenate([queries[language][1] for language in asked])
            rows = [(language, query_id) for language in asked for query_id in queries[language][0]]
            self._rows[pool] = {row: number for number, row in enumerate(rows)}
            self.vectors[pool] = vectors
            progress.start(f"search {pool}", len(collection) * -(-len(rows) // QUERIES_AT_ONCE))
            self.found[pool] = search(collection, vectors, self.depth, executor=streamed.executor, progress=progress.advance)

    def __call__(self, setting: Setting, texts: Sequence[Text]) -> dict[str, list[Hit]]:
        """The best passages of some queries in a pool."""
        pools = list(self.found) if setting.pool == ALL and ALL not in self.found else [setting.pool]
        lists: dict[str, list[Hit]] = {text.id: [] for text in texts}
        for pool in pools:
            rows = [self._rows[pool][setting.query_language, text.id] for text in texts]
            for text, hits in zip(texts, self.found[pool].hits(rows), strict=True):
                lists[text.id] += hits
        return lists if len(pools) == 1 else {query_id: canonical(hits, self.depth) for query_id, hits in lists.items()}


def evaluate_streamed(
    encoder: Encoder | str,
    suite: Suite,
    streaming: Streaming,
    *,
    name: str | None = None,
    passage_text: PassageText = "sentence",
    measures: Sequence[str] = MEASURES,
    encoder_options: Mapping[str, Any] | None = None,
    out: Path | None = None,
    languages: str | None = None,
    progress: Progress | None = None,
) -> Result:
    """Score an encoder on a streamed suite.

    Args:
        encoder: an encoder or the name of one.
        suite: restricted to the languages that were asked for.
        streaming: how it is encoded and searched.
        name: of the suite in the result.
        passage_text: what the encoder reads of a passage.
        measures: any of ir_measures.
        encoder_options: of :func:`hybrid_bench.load_encoder`, where the encoder is given by name.
        out: write the runs beside where :meth:`Result.save` writes the result.
        languages: as they were asked for, for the command in the result.
        progress: where to report.

    Raises:
        HybridBenchError: whatever is wrong with the encoder, the suite, or the machine. What was done stays done.
    """
    progress = progress or SilentProgress()
    options = dict(encoder_options or {})
    given = encoder if isinstance(encoder, str) else ""
    loaded = load_encoder(encoder, **options) if isinstance(encoder, str) else encoder
    streamed = StreamedSuite(
        loaded, suite, streaming, passage_text=passage_text, name=given, options=options, progress=progress
    )  # fmt: skip
    with progress:
        found = {language: streamed.encode(language) for language in suite.passage_languages}
        collections = {language: collection for language, collection in found.items() if collection is not None}
        searching = StreamedSearch(streamed, collections, progress)
    stored = f"Passage vectors are stored in {streaming.storage}; queries are not rounded."
    return evaluate_runs(
        Searcher(
            card={**public_card(loaded.card)},
            fingerprint=loaded.fingerprint,
            search=searching,
            passage_text=passage_text,
            dtype=loaded.dtype,
            device=loaded.device,
        ),
        suite,
        command=command_line(
            [given or loaded.card.name, "--suite", suite.asked_as],
            options | {"dtype": loaded.dtype, "device": loaded.device},
            languages=languages,
            passage_text=passage_text if passage_text != "sentence" else None,
            measures=" ".join(measures) if tuple(measures) != MEASURES else None,
            storage=streaming.storage if streaming.storage != "fp16" else None,
            run_depth=str(streaming.depth) if streaming.depth != DEPTH else None,
        ),
        depth=streaming.depth,
        passages={language: collection.manifest.texts for language, collection in collections.items()},
        measures=measures,
        out=out,
        name=name,
        notes=lambda: [stored] if streaming.storage != "fp32" else [],
        progress=progress,
    )
