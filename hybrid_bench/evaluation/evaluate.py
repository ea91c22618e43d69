"""The main job: an encoder on a suite, from texts to a result."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_bench.datasets.catalog import load_suite
from hybrid_bench.datasets.judged import Questions, questions_of
from hybrid_bench.datasets.suite import PassageText, Suite, Text
from hybrid_bench.embeddings.store import EmbeddingStore
from hybrid_bench.encoders.load import load_encoder
from hybrid_bench.encoders.protocol import Encoder, Role
from hybrid_bench.evaluation.provenance import Phases, command_line, public_card
from hybrid_bench.evaluation.streamed import MEASURES as STREAMED_MEASURES
from hybrid_bench.evaluation.streamed import Streaming, evaluate_streamed
from hybrid_bench.measures.from_ranks import parse
from hybrid_bench.measures.scores import DEFAULT_MEASURES, score_ranks
from hybrid_bench.results.ranks import LanguageRanks, Ranks
from hybrid_bench.results.record import Provenance, Result
from hybrid_bench.retrieval.exact.columns import Columns
from hybrid_bench.retrieval.exact.grid import Grid
from hybrid_bench.support import cache, versions
from hybrid_bench.support.hashing import texts_hash
from hybrid_bench.support.progress import Progress, SilentProgress

if TYPE_CHECKING:
    from hybrid_bench.retrieval.exact.full_runs import FullRuns


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
            on_wait=lambda folder: progress.say(f"another process is writing {folder}; waiting for it"),
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


def _groups(suite: Suite, questions: dict[str, Questions]) -> list[tuple[str, ...]]:
    """The query languages that are searched on the same columns."""
    return [tuple(questions)] if suite.pooled else [(language,) for language in questions]
