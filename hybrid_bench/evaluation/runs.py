"""A result from runs: for searchers that rank to a depth, such as BM25, fusions and large collections."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from hybrid_bench.datasets.groups import grouped_by, groups_of
from hybrid_bench.datasets.hashes import items_hash
from hybrid_bench.datasets.judged import JudgedQueries, judged_queries, qrels
from hybrid_bench.datasets.oddities import Oddities
from hybrid_bench.datasets.parts import Item
from hybrid_bench.datasets.settings import Attribute, Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.datasets.survey import Survey
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.assemble import Evidence, SearcherIdentity, assemble
from hybrid_bench.evaluation.options import DEPTH
from hybrid_bench.evaluation.provenance import Phases
from hybrid_bench.evaluation.ranks_from_runs import CollectedRanks, places, pool_ids
from hybrid_bench.measures.bias_scores import ONE_GROUP_ALONE, bias_notes, bias_rows
from hybrid_bench.measures.from_ranks import known
from hybrid_bench.measures.run_scores import RunScores
from hybrid_bench.measures.scores import DEFAULT_MEASURES
from hybrid_bench.results import runs as trec
from hybrid_bench.results.ranks import Ranks
from hybrid_bench.results.record import Result, RunFile, Score, file_stem, runs_folder
from hybrid_bench.results.runs import Hit, Run
from hybrid_bench.support.progress import Progress, SilentProgress

#: Queries whose lists are in memory at a time, and
QUERIES_AT_ONCE = 1024
#: hits at most, where pools are searched exhaustively; one takes about 200 bytes here, and more in Java.
_HITS_AT_ONCE = 100_000

NO_DISTANCE = (
    "RankDistance and PEER are left out: they need the rank of every relevant passage, and the runs are cut at a depth or not of "
    "every pool."
)
NOT_FOUND = (
    "Relevant passages that were not retrieved: {share:.1%} in the pool {pool}. In RankDistance and PEER, and only there, they "
    "rank behind all that were retrieved, by descending id; every other measure counts them as not retrieved."
)


class Searcher(Protocol):
    """Ranks a pool for queries: BM25, a fusion, an encoder on a large suite, or a searcher of a plugin.

    Attributes:
        identity: what a result states of it.
        exhaustive: whether :meth:`search` can search a pool exhaustively: what it leaves out is then not retrieved, rather than
            cut off. Relevant passages then have ranks, and results bias measures, in pools of up to
            :data:`~hybrid_bench.evaluation.ranks_from_runs.LARGEST_POOL` passages.
    """

    @property
    def identity(self) -> SearcherIdentity:
        """What a result states of the searcher."""

    @property
    def exhaustive(self) -> bool:
        """Whether pools can be searched exhaustively."""

    def search(self, setting: Setting, queries: Sequence[Item], depth: int | None) -> Run:
        """The best passages of the pool for each query, by TREC id.

        Args:
            setting: the query set and the pool.
            queries: of the query set.
            depth: passages a query at most; None for an exhaustive search, where the searcher has one.
        """

    def passages(self) -> Mapping[str, str]:
        """Collection to the hash of its passages, for the record."""

    def notes(self) -> Sequence[str]:
        """What a reader of the scores has to know; asked after the search."""


@dataclass(frozen=True)
class RunOptions:
    """How runs are made, kept and scored.

    Attributes:
        measures: any of ir_measures.
        depth: passages a query in a run, at most.
        settings: search only these; all of the suite by default.
        strict: refuse a suite whose data are odd instead of noting it.
        results: folder of results: the runs go into ``<results>/<suite>/<stem>.runs``, beside the file that
            :meth:`Result.save` writes. Without it no runs are kept.
    """

    measures: Sequence[str] = DEFAULT_MEASURES
    depth: int = DEPTH
    settings: Sequence[Setting] | None = None
    results: Path | None = None
    strict: bool = False


def evaluate_runs(
    searcher: Searcher, suite: Suite, *, command: str, options: RunOptions | None = None, progress: Progress | None = None
) -> Result:
    """Search every setting of a suite, and score the runs through ir_measures.

    A query counts in a setting if a relevant passage exists there; one that retrieves nothing counts with 0.

    Args:
        searcher: searches the pools.
        suite: what is searched, restricted to the languages that were asked for.
        command: the command line that makes the result again.
        options: depth, measures, settings, and where runs are kept.
        progress: where to report.

    Returns:
        A result with the runs' hashes, and with ranks where they are known.

    Raises:
        HybridBenchError: if no query has a relevant passage, or a measure is unknown.
    """
    options = options or RunOptions()
    known(options.measures)
    progress = progress or SilentProgress()
    evaluation = _RunEvaluation(searcher, suite, options, progress)
    chosen = [setting for setting in suite.settings if options.settings is None or setting in options.settings]
    with progress:
        for query_set, group in itertools.groupby(chosen, key=lambda setting: setting.query_set):
            evaluation.search_query_set(query_set, list(group))
    return assemble(suite, searcher.identity, evaluation.evidence(), command=command)


@dataclass
class _RunEvaluation:
    """The runs of a suite's settings, as they are made."""

    searcher: Searcher
    suite: Suite
    options: RunOptions
    progress: Progress
    phases: Phases = field(default_factory=Phases)
    rows: list[Score] = field(default_factory=list)
    files: list[RunFile] = field(default_factory=list)
    queries: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.oddities = Oddities()
        self.judged = judged_queries(self.suite, self.oddities)
        if not self.suite.large:  # large collections are read by their searchers
            survey = Survey(self.suite, self.judged, self.oddities, for_runs=self.options.results is not None)
            survey.of_all(lambda name: self.suite.passage_stream(name, oddities=self.oddities))
        if self.options.strict:
            self.oddities.refuse(self.suite.name)
        self.pools = pool_ids(self.suite)
        self.collected = CollectedRanks(self.suite)
        identity = self.searcher.identity
        stem = file_stem(identity.name, identity.passage_text, identity.dtype)
        self.folder = runs_folder(self.options.results, self.suite.name, stem) if self.options.results else None

    def search_query_set(self, query_set: str, settings: Sequence[Setting]) -> None:
        """Search the settings of a query set."""
        if query_set not in self.judged:
            return
        for setting in settings:
            self._search(setting, self.judged[query_set])
        self.queries[query_set] = items_hash(self.judged[query_set].queries)

    def _search(self, setting: Setting, of_set: JudgedQueries) -> None:
        judged = qrels(self.suite, setting, of_set.judgements)
        asked = [query for query in of_set.queries if query.id in judged]
        if not asked:
            return
        self.progress.start(f"search {setting.name}", len(asked))
        scores = RunScores(self.suite, setting, self.options.measures)
        name = trec.file_name(setting.query_set, setting.pool)
        file = trec.RunWriter(self.folder / name, self.searcher.identity.name) if self.folder else None
        with file or contextlib.nullcontext():
            for part in self._parts(asked, setting):
                relevant = {query.id: judged[query.id] for query in part}
                with self.phases.measure("search"):
                    run = self._run(setting, part, relevant)
                self.progress.advance(len(part))
                if file:
                    with self.phases.measure("write"):
                        file.add_run(run)
                with self.phases.measure("score"):
                    scores.add(relevant, run)
        self.rows += scores.rows()
        if file:
            self.files.append(RunFile(query_set=setting.query_set, pool=setting.pool, file=name, sha256=file.sha256))

    def _exhaustive(self, setting: Setting) -> bool:
        return setting.pool in self.pools and self.searcher.exhaustive

    def _parts(self, asked: Sequence[Item], setting: Setting) -> Iterator[Sequence[Item]]:
        at_once = QUERIES_AT_ONCE
        if self._exhaustive(setting):
            at_once = max(1, min(QUERIES_AT_ONCE, _HITS_AT_ONCE // len(self.pools[setting.pool])))
        return (asked[start : start + at_once] for start in range(0, len(asked), at_once))

    def _run(self, setting: Setting, part: Sequence[Item], relevant: Mapping[str, Mapping[str, int]]) -> dict[str, list[Hit]]:
        """Search for some queries, note the ranks of their relevant passages, and cut at the depth."""
        exhaustive = self._exhaustive(setting)
        found = self.searcher.search(setting, part, None if exhaustive else self.options.depth + self.suite.drops_own)
        run = {}
        for query in part:
            hits = trec.canonical(found.get(query.id, ()))
            pool = self.pools.get(setting.pool)
            if dropped := self.suite.dropped(query.id, self.suite.pool(setting.pool)):
                hits = [hit for hit in hits if hit.doc_id not in dropped]
                pool = pool and [doc_id for doc_id in pool if doc_id not in dropped]
            of_query = relevant[query.id]
            ranked = places(hits, of_query, pool, exhaustive=exhaustive, depth=self.options.depth) if pool else None
            self.collected.add(setting, query.id, ranked, of_query)
            run[query.id] = hits[: self.options.depth]
        return run

    def evidence(self) -> Evidence:
        """The scores of all runs, with measures of bias where the ranks of relevant passages are known.

        Raises:
            HybridBenchError: if no query has a relevant passage.
        """
        if not self.rows:
            raise HybridBenchError(f"no query of {self.suite.name} has a relevant passage", "Check its qrels.")
        ranks = self.collected.ranks()
        bias, notes = self._bias(ranks)
        own = [self.suite.note] if self.suite.note else []
        return Evidence(
            rows=[*self.rows, *bias],
            notes=list(dict.fromkeys([*own, *notes, *self.oddities.notes(), *self.searcher.notes()])),
            passages=self.searcher.passages(),
            queries=self.queries,
            ranks=ranks,
            runs=self.files,
            depth=self.options.depth,
            timings=self.phases.seconds,
        )

    def _bias(self, ranks: Ranks | None) -> tuple[list[Score], list[str]]:
        """Scores of bias, and what their reader has to know."""
        asked = [Setting(row.query_set, row.pool, row.setting) for row in self.rows]
        asked = [setting for setting in dict.fromkeys(asked) if grouped_by(self.suite, setting.pool)]
        if not asked:
            return [], []
        attributes = dict.fromkeys(attribute for setting in asked for attribute in grouped_by(self.suite, setting.pool))
        alone = [ONE_GROUP_ALONE.format(group=of) for of in attributes if not self._spans(asked, of)]
        if len(alone) == len(attributes):
            return [], alone
        of_sets = ranks.by_query_set if ranks else {}
        if ranks is None or any(s.query_set not in of_sets or s.pool not in of_sets[s.query_set].rank_in for s in asked):
            return [], [NO_DISTANCE]
        rows = [row for setting in asked for row in bias_rows(self.suite, of_sets[setting.query_set], setting)]
        return rows, bias_notes(self.suite, ranks, asked) + (_not_found(ranks, asked) if rows else [])

    def _spans(self, settings: Sequence[Setting], attribute: Attribute) -> bool:
        """Whether a query of these settings has relevant passages of several languages (or domains)."""
        groups = groups_of(self.suite, attribute)
        for query_set in dict.fromkeys(setting.query_set for setting in settings):
            of_query: dict[str, set[str | None]] = {}
            for judgement in self.judged[query_set].judgements:
                of_query.setdefault(judgement.query_id, set()).add(groups.get(judgement.collection))
            if any(len(found - {None}) > 1 for found in of_query.values()):
                return True
        return False


def _not_found(ranks: Ranks, settings: Sequence[Setting]) -> list[str]:
    """What was not retrieved in the pools of several collections."""
    notes = []
    for pool in dict.fromkeys(setting.pool for setting in settings):
        found = []
        for setting in settings:
            of = ranks.by_query_set[setting.query_set]
            if setting.pool == pool:
                inside = of.inside(pool)
                found.append(of.found_in.get(pool, np.ones(len(of.query), bool))[inside])
        if share := 1 - float(np.concatenate(found).mean()):
            notes.append(NOT_FOUND.format(share=share, pool=pool))
    return notes
