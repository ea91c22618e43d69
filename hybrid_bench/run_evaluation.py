"""A result from runs: for searchers that have no vectors, such as BM25 and fusions."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hybrid_bench import versions
from hybrid_bench.datasets.suite import ALL, Setting, Suite, Text
from hybrid_bench.embeddings.key import texts_hash
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.measures.from_ranks import known
from hybrid_bench.measures.run_scores import RunScores, qrels
from hybrid_bench.measures.scores import DEFAULT_MEASURES, ONE_LANGUAGE_ALONE
from hybrid_bench.progress import Progress, SilentProgress
from hybrid_bench.provenance import Phases
from hybrid_bench.results.record import Provenance, Result, Score
from hybrid_bench.retrieval import runs as trec
from hybrid_bench.retrieval.runs import Run

#: Searches one pool for some queries of a setting, to the depth that was asked for.
Search = Callable[[Setting, Sequence[Text]], Run]

#: Queries whose lists are in memory at a time.
QUERIES_AT_ONCE = 1024

NO_DISTANCE = "RankDistance and PEER are left out: they need the rank of every relevant passage, and a run is cut at its depth."


@dataclass(frozen=True)
class Searcher:
    """What a result says of who searched.

    Attributes:
        card: ``name``, and whatever else decides the scores.
        fingerprint: two searchers that give different runs differ in it.
        search: does it.
        versions: of software beyond what every result names.
        ties: how equal scores were ordered, before they were cut at the depth.
        passage_text: what was read of a passage.
        dtype: what was computed in, and
        device: where.
    """

    card: Mapping[str, Any]
    fingerprint: str
    search: Search
    versions: Mapping[str, str] = field(default_factory=dict)
    ties: str = "score as float32 descending, then document id descending"
    passage_text: str = "sentence"
    dtype: str = "fp32"
    device: str = "cpu"


def evaluate_runs(
    searcher: Searcher,
    suite: Suite,
    *,
    command: str,
    depth: int,
    settings: Sequence[Setting] | None = None,
    passages: Mapping[str, str],
    measures: Sequence[str] = DEFAULT_MEASURES,
    out: Path | None = None,
    name: str | None = None,
    notes: Callable[[], Sequence[str]] = tuple,
    progress: Progress | None = None,
) -> Result:
    """Search every setting of a suite, score the runs through ir_measures, and keep them.

    A query counts in a setting if a relevant passage exists there; one that found nothing counts with 0.

    Args:
        searcher: who searches.
        suite: what is searched, restricted to the languages that were asked for.
        command: the command line that makes the result again.
        depth: passages a query at most.
        settings: these alone.
        passages: collection to sha256 of its texts, for the record.
        measures: any of ir_measures.
        out: write the runs into ``<out>/<suite>/<name>.runs``, beside where :meth:`Result.save` writes the result.
        name: of the suite in the result, if it is not the suite's own.
        notes: asked after the search for what a reader has to know.
        progress: where to report.

    Returns:
        A result without ranks; the runs' hashes are in it.

    Raises:
        HybridBenchError: if no query has a relevant passage, or a measure is unknown.
    """
    known(measures)
    progress = progress or SilentProgress()
    phases = Phases()
    suite_name = name or suite.name
    folder = out / suite_name.replace("/", "__") / f"{str(searcher.card['name']).replace('/', '__')}.runs" if out else None
    rows: list[Score] = []
    hashes: dict[str, str] = {}
    queries: dict[str, str] = {}
    spans = False
    chosen = [setting for setting in suite.settings() if settings is None or setting in settings]
    with progress:
        for language, group in itertools.groupby(chosen, key=lambda setting: setting.query_language):
            judgements = list(suite.judgements(language))
            texts = suite.query_texts(language)
            answered = qrels(suite, Setting(language, ALL if suite.pooled else language), judgements)
            for setting in group:
                judged = qrels(suite, setting, judgements)
                asked = [text for text in texts if text.id in judged]
                if not asked:
                    continue
                progress.start(f"search {setting.query_language}:{setting.pool}", len(asked))
                scores = RunScores(suite, setting, measures)
                spans |= setting.pool == ALL and any(len({_language(d) for d in found}) > 1 for found in judged.values())
                file = trec.RunFile(folder / trec.file_name(setting), str(searcher.card["name"])) if folder else None
                with file or contextlib.nullcontext():
                    for start in range(0, len(asked), QUERIES_AT_ONCE):
                        part = asked[start : start + QUERIES_AT_ONCE]
                        with phases.measure("search"):
                            found = searcher.search(setting, part)
                            run = {text.id: trec.canonical(found.get(text.id, ()), depth) for text in part}
                        progress.advance(len(part))
                        if file:
                            with phases.measure("write"):
                                file.add(run)
                        with phases.measure("score"):
                            scores.add({text.id: judged[text.id] for text in part}, run)
                rows += scores.rows()
                if file:
                    hashes[f"{setting.query_language}:{setting.pool}"] = file.sha256
            if answered:
                queries[language] = texts_hash(itertools.chain.from_iterable(text for text in texts if text.id in answered))
    if not rows:
        raise HybridBenchError(f"no query of {suite.name} has a relevant passage", "Check its qrels.")
    several = any(row.pool == ALL for row in rows) and len(suite.passage_languages) > 1
    return Result(
        suite=suite_name,
        encoder=dict(searcher.card),
        primary=suite.primary if suite.primary in measures else measures[0],
        notes=(
            *([suite.note] if suite.note else []),
            *([NO_DISTANCE if spans else ONE_LANGUAGE_ALONE] if several else []),
            *notes(),
        ),
        provenance=Provenance(
            command=command,
            versions=versions.of_everything() | dict(searcher.versions),
            fingerprint=searcher.fingerprint,
            passages=dict(passages),
            queries=queries,
            passage_text=searcher.passage_text,
            dtype=searcher.dtype,
            device=searcher.device,
            ties=searcher.ties,
            depth=f"{depth} passages a query",
        ),
        rows=tuple(rows),
        runs=hashes,
        timings=phases.seconds,
    )


def _language(doc_id: str) -> str:
    return doc_id.partition("-")[0]
