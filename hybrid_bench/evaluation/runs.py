"""A result from runs: for searchers that have no vectors, such as BM25 and fusions."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hybrid_bench.datasets.hashes import queries_hash
from hybrid_bench.datasets.judged import qrels
from hybrid_bench.datasets.settings import ALL, Setting
from hybrid_bench.datasets.suite import Suite, Text
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.provenance import Phases
from hybrid_bench.evaluation.ranks_from_runs import CollectedRanks, Place, places, pool_ids
from hybrid_bench.measures.from_ranks import known
from hybrid_bench.measures.run_scores import RunScores
from hybrid_bench.measures.scores import DEFAULT_MEASURES, ONE_LANGUAGE_ALONE, PoolPairs, bias_notes, distance_rows
from hybrid_bench.results import runs as trec
from hybrid_bench.results.ranks import Ranks
from hybrid_bench.results.record import Provenance, Result, Score
from hybrid_bench.results.runs import Run
from hybrid_bench.support import versions
from hybrid_bench.support.progress import Progress, SilentProgress

#: Searches one pool for some queries of a setting, to the depth that was asked for.
Search = Callable[[Setting, Sequence[Text]], Run]

#: Queries whose lists are in memory at a time, and
QUERIES_AT_ONCE = 1024
#: hits at most, where pools are searched to their end; one takes about 200 bytes here, and more in Java.
_HITS_AT_ONCE = 100_000

NO_DISTANCE = (
    "RankDistance and PEER are left out: they need the rank of every relevant passage, and the runs are cut at a depth or not of "
    "every pool."
)
NOT_FOUND = (
    "Relevant passages that were not found: {share:.1%} in the pool of all. In RankDistance and PEER, and only there, they stand "
    "behind all that were found, by descending id; every other measure counts them as not retrieved."
)


@dataclass(frozen=True)
class Searcher:
    """What a result says of who searched.

    Attributes:
        card: ``name``, and whatever else decides the scores.
        fingerprint: two searchers that give different runs differ in it.
        search: does it.
        search_all: the same to the end of the pool: what it leaves out was not found. With it relevant passages have ranks, and
            results language bias, in pools of up to :data:`~.ranks_from_runs.LARGEST_POOL` passages. None if
            there is no such search; a run that holds the whole pool has ranks all the same.
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
    search_all: Search | None = None
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
        A result with the runs' hashes, and with ranks where they are known.

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
    pools = pool_ids(suite)
    collected = CollectedRanks(suite)
    chosen = [setting for setting in suite.settings() if settings is None or setting in settings]
    with progress:
        for language, group in itertools.groupby(chosen, key=lambda setting: setting.query_language):
            judgements = list(suite.judgements(language))
            texts = suite.query_texts(language)
            for setting in group:
                judged = qrels(suite, setting, judgements)
                asked = [text for text in texts if text.id in judged]
                if not asked:
                    continue
                progress.start(f"search {setting.query_language}:{setting.pool}", len(asked))
                pool = pools.get(setting.pool)
                scores = RunScores(suite, setting, measures)
                spans |= setting.pool == ALL and any(len({_language(d) for d in judged[text.id]}) > 1 for text in asked)
                file = trec.RunWriter(folder / trec.file_name(setting), str(searcher.card["name"])) if folder else None
                with file or contextlib.nullcontext():
                    for part in _parts(asked, searcher, pool):
                        relevant = {text.id: judged[text.id] for text in part}
                        with phases.measure("search"):
                            found = _found(searcher, setting, part, pool)
                            for query_id, hits in found.items():
                                ranked = _places(searcher, hits, relevant[query_id], pool, depth)
                                collected.add(setting, query_id, ranked, relevant[query_id])
                            run = {query_id: hits[:depth] for query_id, hits in found.items()}
                        progress.advance(len(part))
                        if file:
                            with phases.measure("write"):
                                file.add_run(run)
                        with phases.measure("score"):
                            scores.add(relevant, run)
                rows += scores.rows()
                if file:
                    hashes[f"{setting.query_language}:{setting.pool}"] = file.sha256
            if digest := queries_hash(suite, language, judgements):
                queries[language] = digest
    if not rows:
        raise HybridBenchError(f"no query of {suite.name} has a relevant passage", "Check its qrels.")
    ranks = collected.ranks()
    remarks = [suite.note] if suite.note else []
    if any(row.pool == ALL for row in rows) and len(suite.passage_languages) > 1:
        bias, more = _bias(suite, ranks, rows, spans)
        rows += bias
        remarks += more
    result = Result(
        suite=suite_name,
        encoder=dict(searcher.card),
        primary=suite.primary if suite.primary in measures else measures[0],
        notes=(*remarks, *notes()),
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
    return result.with_ranks(ranks) if ranks else result


def _parts(asked: Sequence[Text], searcher: Searcher, pool: Sequence[str] | None) -> Iterator[Sequence[Text]]:
    at_once = max(1, min(QUERIES_AT_ONCE, _HITS_AT_ONCE // len(pool))) if pool and searcher.search_all else QUERIES_AT_ONCE
    for start in range(0, len(asked), at_once):
        yield asked[start : start + at_once]


def _found(searcher: Searcher, setting: Setting, part: Sequence[Text], pool: Sequence[str] | None) -> dict[str, list[trec.Hit]]:
    """What each query finds, in canonical order: in the whole pool where that is known and small enough to be searched so."""
    search = searcher.search_all if pool and searcher.search_all else searcher.search
    found = search(setting, part)
    return {text.id: trec.canonical(found.get(text.id, ())) for text in part}


def _places(
    searcher: Searcher, hits: Sequence[trec.Hit], relevant: Mapping[str, int], pool: Sequence[str] | None, depth: int
) -> dict[str, Place] | None:
    return places(hits, relevant, pool, exhaustive=searcher.search_all is not None, depth=depth) if pool else None


def _bias(suite: Suite, ranks: Ranks | None, rows: Sequence[Score], spans: bool) -> tuple[list[Score], list[str]]:
    """Scores of language bias, and what their reader has to know; none where no query has relevant passages in two languages."""
    if not spans:
        return [], [ONE_LANGUAGE_ALONE]
    asked = {row.query_language for row in rows if row.pool == ALL}
    by_language = {language: found for language, found in (ranks.by_language if ranks else {}).items() if language in asked}
    if by_language.keys() != asked or not all(found.rank_all.all() for found in by_language.values()):
        return [], [NO_DISTANCE]
    bias = [row for language, found in by_language.items() for row in distance_rows(suite, found, language)]
    remarks = bias_notes(bias, {language: PoolPairs.of(found) for language, found in by_language.items()})
    known = [np.ones(len(of.query), bool) if of.found_all is None else of.found_all for of in by_language.values()]
    share = 1 - float(np.concatenate(known).mean())
    return bias, remarks + ([NOT_FOUND.format(share=share)] if share and bias else [])


def _language(doc_id: str) -> str:
    return doc_id.partition("-")[0]
