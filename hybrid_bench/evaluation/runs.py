"""A result from runs: for searchers that rank to a depth, such as BM25, fusions and large collections."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from hybrid_bench.datasets.hashes import items_hash, judgements_hash
from hybrid_bench.datasets.judged import JudgedQueries, judged_queries, qrels
from hybrid_bench.datasets.oddities import Oddities
from hybrid_bench.datasets.parts import Item
from hybrid_bench.datasets.settings import Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.datasets.survey import Survey
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.assemble import Evidence, SearcherIdentity, assemble
from hybrid_bench.evaluation.bias_of_runs import bias_of_runs
from hybrid_bench.evaluation.identity import Data, digest, target
from hybrid_bench.evaluation.options import DEPTH
from hybrid_bench.evaluation.provenance import Phases
from hybrid_bench.evaluation.ranks_from_runs import CollectedRanks, places, pool_ids, without
from hybrid_bench.measures.from_ranks import known
from hybrid_bench.measures.run_scores import RunScores
from hybrid_bench.measures.scores import DEFAULT_MEASURES
from hybrid_bench.results import run_folder
from hybrid_bench.results import runs as trec
from hybrid_bench.results.files import suite_folder
from hybrid_bench.results.parts import RunFile, Score
from hybrid_bench.results.record import Result
from hybrid_bench.results.runs import Hit, Run
from hybrid_bench.support.progress import Progress, SilentProgress

#: The depth of runs that are not cut.
AS_GIVEN = sys.maxsize
#: Queries whose lists are in memory at a time, and
QUERIES_AT_ONCE = 1024
#: hits at most, where pools are searched exhaustively; one takes about 200 bytes here, and more in Java.
_HITS_AT_ONCE = 100_000


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
        depth: passages a query in a run, at most; :data:`AS_GIVEN`: as many as the searcher gives.
        settings: search only these; all of the suite by default.
        strict: refuse a suite whose data are odd instead of noting it.
        survey: read the passages of a large suite too before anything is searched, to check their ids; those of others always
            are. A search of stored vectors has done so when it encoded them.
        results: folder of results: the runs go into ``<results>/<suite>/<stem>.runs``, beside the file that
            :meth:`Result.save` writes, and an equal result that is there is not computed again. Without it no runs are kept.
        overwrite: compute an equal result again, and replace one of the same name, whatever it is of.
        keep: files of results that are not replaced all the same.
    """

    measures: Sequence[str] = DEFAULT_MEASURES
    depth: int = DEPTH
    settings: Sequence[Setting] | None = None
    results: Path | None = None
    strict: bool = False
    overwrite: bool = False
    keep: Sequence[Path] = ()
    survey: bool = False


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
        A result with the runs' hashes, and with ranks where they are known; an equal one that is in ``options.results`` already
        is read from there.

    Raises:
        HybridBenchError: if no query has a relevant passage, or a measure is unknown.
    """
    options = options or RunOptions()
    known(options.measures)
    progress = progress or SilentProgress()
    evaluation = _RunEvaluation(searcher, suite, options, progress)
    chosen, data, identity = evaluation.settings, evaluation.data, searcher.identity
    depends = digest(suite, identity, data, settings=chosen, measures=options.measures, depth=options.depth)
    to = target(options.results, suite, identity, depends, overwrite=options.overwrite, keep=options.keep)
    if to.done:
        return to.done
    if options.results:
        evaluation.keep_runs(suite_folder(options.results, suite.name) / f"{to.stem}.runs", depends, to.damaged)
    with progress:
        for query_set, group in itertools.groupby(chosen, key=lambda setting: setting.query_set):
            evaluation.search_query_set(query_set, list(group))
    return assemble(suite, identity, evaluation.evidence(), command=command, identity=depends, variant=to.variant)


@dataclass
class _RunEvaluation:
    """The runs of a suite's settings, as they are made."""

    searcher: Searcher
    suite: Suite
    options: RunOptions
    progress: Progress
    folder: Path | None = None
    identity: str = ""
    longest: int = 0
    phases: Phases = field(default_factory=Phases)
    rows: list[Score] = field(default_factory=list)
    files: list[RunFile] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.oddities = Oddities()
        self.judged = judged_queries(self.suite, self.oddities)
        if self.options.survey or not self.suite.large:
            survey = Survey(self.suite, self.judged, self.oddities, for_runs=self.options.results is not None)
            survey.of_all(lambda name: self.suite.passage_stream(name, oddities=self.oddities))
        if self.options.strict:
            self.oddities.refuse(self.suite.name)
        wanted = self.options.settings
        self.settings = [setting for setting in self.suite.settings if wanted is None or setting in wanted]
        of_sets = {
            setting.query_set: self.judged[setting.query_set] for setting in self.settings if setting.query_set in self.judged
        }
        self.data = Data(
            self.searcher.passages(),
            {name: items_hash(part.queries) for name, part in of_sets.items()},
            {name: judgements_hash(self.suite, part.judgements) for name, part in of_sets.items()},
        )
        self.pools = pool_ids(self.suite)
        self.collected = CollectedRanks(self.suite)

    def keep_runs(self, folder: Path, identity: str, damaged: bool) -> None:
        """Write the runs, with the identity of the result, into a folder; damaged ones that are there are replaced."""
        run_folder.prepare(folder, identity, overwrite=self.options.overwrite or damaged)
        self.folder, self.identity = folder, identity

    def search_query_set(self, query_set: str, settings: Sequence[Setting]) -> None:
        """Search the settings of a query set."""
        if query_set not in self.judged:
            return
        for setting in settings:
            self._search(setting, self.judged[query_set])

    def _search(self, setting: Setting, of_set: JudgedQueries) -> None:
        judged = qrels(self.suite, setting, of_set.judgements)
        asked = [query for query in of_set.queries if query.id in judged]
        if not asked:
            return
        self.progress.start(f"search {setting.name}", len(asked))
        scores = RunScores(self.suite, setting, self.options.measures)
        name = trec.file_name(setting.query_set, setting.pool)
        file = trec.RunWriter(self.folder / name, self.searcher.identity.name, self.identity) if self.folder else None
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
                pool = pool and without(pool, dropped)
            of_query = relevant[query.id]
            ranked = places(hits, of_query, pool, exhaustive=exhaustive, depth=self.options.depth) if pool else None
            self.collected.add(setting, query.id, ranked, of_query)
            run[query.id] = hits[: self.options.depth]
            self.longest = max(self.longest, len(run[query.id]))
        return run

    def evidence(self) -> Evidence:
        """The scores of all runs, with measures of bias where the ranks of relevant passages are known.

        Raises:
            HybridBenchError: if no query has a relevant passage.
        """
        if not self.rows:
            raise HybridBenchError(f"no query of {self.suite.name} has a relevant passage", "Check its qrels.")
        ranks = self.collected.ranks()
        bias, notes = bias_of_runs(self.suite, self.rows, ranks, self.judged)
        own = [self.suite.note] if self.suite.note else []
        return Evidence(
            rows=[*self.rows, *bias],
            notes=list(dict.fromkeys([*own, *notes, *self.oddities.notes(), *self.searcher.notes()])),
            passages=self.data.passages,
            queries=self.data.queries,
            judgements=self.data.judgements,
            ranks=ranks,
            runs=self.files,
            depth=self.options.depth if self.options.depth != AS_GIVEN else max(1, self.longest),
            timings=self.phases.seconds,
        )
