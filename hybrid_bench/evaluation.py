"""The main job: an encoder on a suite, from texts to a result."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_bench import cache, versions
from hybrid_bench.datasets.suite import ALL, Judgement, PassageText, Suite, Text
from hybrid_bench.datasets.suites import load_suite
from hybrid_bench.embeddings.key import texts_hash
from hybrid_bench.embeddings.store import EmbeddingStore
from hybrid_bench.encoders.load import load_encoder
from hybrid_bench.encoders.protocol import Encoder, Role
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.measures.from_ranks import parse
from hybrid_bench.measures.scores import DEFAULT_MEASURES, score_ranks
from hybrid_bench.progress import Progress, SilentProgress
from hybrid_bench.provenance import Phases, command_line, public_card
from hybrid_bench.results.ranks import LanguageRanks, Ranks
from hybrid_bench.results.record import Provenance, Result
from hybrid_bench.retrieval.columns import Columns
from hybrid_bench.retrieval.executors import Executor
from hybrid_bench.retrieval.grid import rank_relevant
from hybrid_bench.streamed_evaluation import MEASURES as STREAMED_MEASURES
from hybrid_bench.streamed_evaluation import Streaming, evaluate_streamed

if TYPE_CHECKING:
    from hybrid_bench.retrieval.full_runs import FullRuns


@dataclass(frozen=True)
class Questions:
    """What is asked in one language."""

    queries: list[Text]
    judgements: list[Judgement]


def evaluate(
    encoder: Encoder | str,
    suite: Suite | str = "mini",
    *,
    languages: Sequence[str] | None = None,
    passage_text: PassageText = "sentence",
    measures: Sequence[str] | None = None,
    store: Path | str | None = None,
    progress: Progress | None = None,
    executor: str = "local",
    encoder_options: Mapping[str, Any] | None = None,
    with_runs: Callable[[FullRuns, Ranks], None] | None = None,
    streaming: Streaming | None = None,
    runs: Path | None = None,
) -> Result:
    """Score an encoder on a suite in every setting that the suite has.

    Every text is encoded once and kept in the store; a second evaluation encodes nothing. A streamed suite
    (:attr:`Suite.streamed`) is never held in memory: its runs are cut at a depth and scored by ir_measures.

    Args:
        encoder: an encoder or the name of one, see :func:`hybrid_bench.load_encoder`.
        suite: a suite or the name of one, see :func:`hybrid_bench.load_suite`.
        languages: these languages of the suite alone; the pool of all shrinks with it.
        passage_text: what the encoder reads of a passage.
        measures: of ir_measures: AP, RR, nDCG, R, P or Success, with or without ``@cutoff``; any on a streamed suite.
        store: folder of the vectors; in the cache folder by default.
        progress: where to report what is going on.
        executor: who searches, a name of the entry-point group ``hybrid_bench.executors``.
        encoder_options: of :func:`hybrid_bench.load_encoder`, where the encoder is given by name.
        with_runs: called with full rankings and the ranks counted from them, to write or check them; not on a streamed
            suite, whose scores are ir_measures' own.
        streaming: how a streamed suite is encoded and searched.
        runs: folder in which a streamed suite's runs are kept, beside where :meth:`Result.save` writes the result there.

    Raises:
        HybridBenchError: whatever is wrong with the encoder, the suite, or the machine.
    """
    progress = progress or SilentProgress()
    loaded = load_suite(suite) if isinstance(suite, str) else suite
    asked = loaded.restrict(languages) if languages else loaded
    name = asked.name if not languages else f"{asked.name}+{'+'.join(asked.languages)}"
    options = {key: value for key, value in (encoder_options or {}).items() if value is not None and value is not False}
    streaming = streaming or Streaming(store=Path(store) if store else None, executor=executor)
    if asked.streamed:
        return evaluate_streamed(
            encoder,
            asked,
            streaming,
            name=name,
            passage_text=passage_text,
            measures=measures or STREAMED_MEASURES,
            encoder_options=options,
            out=runs,
            languages=",".join(asked.languages) if languages else None,
            progress=progress,
        )
    measures = measures or DEFAULT_MEASURES
    measures = [str(measure) for measure in parse(list(measures))]  # an unknown one is found before the long work begins
    searcher = streaming.made_executor()
    phases = Phases()
    with phases.measure("load"):
        given = encoder
        encoder = load_encoder(given, **options) if isinstance(given, str) else given
        passages = {language: asked.passage_texts(language, passage_text) for language in asked.passage_languages}
        questions = questions_of(asked)

    vectors = EmbeddingStore(Path(store) if store else cache.home() / "embeddings")

    def encode(role: Role, language: str, texts: list[Text]) -> np.ndarray:
        progress.start(f"{role} {language}", len(texts))
        return vectors.vectors(
            encoder,
            role,
            [text for _, text in texts],
            passage_text=passage_text if role == "passage" else "",
            progress=progress.advance,
            waiting=lambda folder: progress.say(f"another process is writing {folder}; waiting for it"),
        )

    with phases.measure("encode"), progress:
        encoded = {language: encode("passage", language, texts) for language, texts in passages.items()}
        asked_vectors = {language: encode("query", language, part.queries) for language, part in questions.items()}

    ranks: dict[str, LanguageRanks] = {}
    same: dict[str, np.ndarray] = {}
    for group in _groups(asked, questions):
        pools = asked.passage_languages if asked.pooled else group
        with phases.measure("search"):
            columns = Columns.stack(
                {language: encoded[language] for language in pools},
                {language: [doc_id for doc_id, _ in passages[language]] for language in pools},
            )
            grid = Grid(columns, {language: (questions[language], asked_vectors[language]) for language in group})
            found_ranks, found_same = grid.ranks(searcher)
        ranks |= found_ranks
        same |= found_same
        if with_runs:
            with_runs(grid.full_runs(asked), Ranks(found_ranks))

    with phases.measure("score"):
        ordered = Ranks({language: ranks[language] for language in questions})
        rows, notes = score_ranks(asked, ordered, same, list(measures))
    provenance = Provenance(
        command=command_line(
            [given if isinstance(given, str) else encoder.card.name, "--suite", asked.asked_as],
            options | {"dtype": encoder.dtype, "device": encoder.device},
            languages=",".join(asked.languages) if languages else None,
            passage_text=passage_text if passage_text != "sentence" else None,
            measures=" ".join(measures) if tuple(measures) != tuple(DEFAULT_MEASURES) else None,
        ),
        versions=versions.of_everything(),
        fingerprint=encoder.fingerprint,
        passages={language: texts_hash(itertools.chain.from_iterable(texts)) for language, texts in passages.items()},
        queries={language: texts_hash(itertools.chain.from_iterable(part.queries)) for language, part in questions.items()},
        passage_text=passage_text,
        dtype=encoder.dtype,
        device=encoder.device,
    )
    result = Result(
        suite=name,
        encoder=public_card(encoder.card),
        primary=asked.primary if asked.primary in measures else measures[0],
        notes=tuple(notes),
        provenance=provenance,
        rows=tuple(rows),
        timings=phases.seconds,
    )
    return result.with_ranks(ordered)


def questions_of(suite: Suite) -> dict[str, Questions]:
    """The queries that have a relevant passage in the suite, with their relevant passages."""
    questions = {}
    for language in suite.languages:
        judgements = [judgement for judgement in suite.judgements(language) if judgement.relevance > 0]
        answered = {judgement.query_id for judgement in judgements}
        queries = [query for query in suite.query_texts(language) if query.id in answered]
        if queries:
            questions[language] = Questions(queries, judgements)
    if not questions:
        raise HybridBenchError(f"no query of {suite.name} has a relevant passage", "Check its qrels.")
    return questions


def _groups(suite: Suite, questions: dict[str, Questions]) -> list[tuple[str, ...]]:
    """The query languages that are searched on the same columns."""
    return [tuple(questions)] if suite.pooled else [(language,) for language in questions]


class Grid:
    """Queries of some languages against the passages of some, as one score matrix."""

    def __init__(self, columns: Columns, asked: dict[str, tuple[Questions, np.ndarray]]) -> None:
        self._columns = columns
        self._asked = asked
        self._vectors = np.concatenate([vectors for _, vectors in asked.values()])
        if self._vectors.shape[1] != columns.vectors.shape[1]:
            raise HybridBenchError(
                f"the encoder gives queries {self._vectors.shape[1]} dimensions and passages {columns.vectors.shape[1]}",
                "Both need the same.",
            )
        self._pairs = [self._pairs_of(language) for language in asked]

    def _pairs_of(self, language: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(row of the query, column, grade) of every relevant passage, by query and then column."""
        part, _ = self._asked[language]
        row = {query.id: at for at, query in enumerate(part.queries)}
        position = self._columns.position
        for judgement in part.judgements:
            if judgement.doc_id not in position:
                raise HybridBenchError(
                    f"the relevant passage {judgement.doc_id!r} of query {judgement.query_id!r} is not in the collection"
                )
        pairs = sorted({(row[j.query_id], position[j.doc_id], j.relevance) for j in part.judgements if j.query_id in row})
        table = np.array(pairs, dtype=np.int32).reshape(-1, 3)
        return table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy()

    def ranks(self, executor: Executor | None = None) -> tuple[dict[str, LanguageRanks], dict[str, np.ndarray]]:
        """Ranks by query language, and how many of each query's first 20 of all are in its language."""
        sizes = [len(part.queries) for part, _ in self._asked.values()]
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
        query = np.concatenate([rows + offset for (rows, _, _), offset in zip(self._pairs, offsets, strict=False)])
        column = np.concatenate([columns for _, columns, _ in self._pairs])
        pooled = len(self._columns.pools) > 1 or ALL in self._columns.pools
        languages = [language for language, size in zip(self._asked, sizes, strict=True) for _ in range(size)]
        found = rank_relevant(
            self._vectors, self._columns, query, column, languages=languages if pooled else None, executor=executor
        )
        doc_ids = np.array(self._columns.ids, dtype=object)
        languages_of_columns = np.concatenate(
            [np.full(p.stop - p.start, language) for language, p in self._columns.pools.items()]
        )
        ranks, same, start = {}, {}, 0
        for number, (language, (part, _)) in enumerate(self._asked.items()):
            rows, columns, relevance = self._pairs[number]
            here = slice(start, start + len(rows))
            start = here.stop
            ranks[language] = LanguageRanks(
                query_ids=[query.id for query in part.queries],
                query=rows,
                passage_language=languages_of_columns[columns],
                doc_id=doc_ids[columns].tolist(),
                relevance=relevance,
                rank=found.rank[here],
                rank_all=found.rank_all[here] if pooled else np.zeros(len(rows), np.int32),
            )
            if found.same_language_top is not None and len(self._columns.pools) > 1:
                same[language] = found.same_language_top[offsets[number] : offsets[number + 1]]
        return ranks, same

    def full_runs(self, suite: Suite) -> FullRuns:
        """The same score matrix, to be read as full rankings."""
        from hybrid_bench.retrieval.full_runs import FullRuns

        return FullRuns(
            vectors=self._vectors,
            columns=self._columns,
            query_ids={language: [query.id for query in part.queries] for language, (part, _) in self._asked.items()},
            settings=[setting for setting in suite.settings() if setting.query_language in self._asked],
        )
