"""PyTerrier pipelines as searchers of all settings of a suite."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
import pyterrier as pt

from hybrid_bench import HybridBenchError, Setting, Suite
from hybrid_bench.plugin import Hit, Item, Run, SearcherIdentity, UnknownNameError, items_hash, judged_queries
from hybrid_bench_pyterrier.datasets import SuiteDataset

#: Queries by which pipelines that look the same are told apart.
_PROBES = 32


@dataclass(frozen=True)
class Pipeline:
    """See :func:`hybrid_bench_pyterrier.pipeline`."""

    made: pt.Transformer | Callable[[SuiteDataset], pt.Transformer]
    name: str = "pipeline"
    exhaustive: bool = False
    fingerprint: str = ""


class PipelineSearcher:
    """Asks a pipeline, and keeps what is in the pool. A :class:`hybrid_bench.plugin.Searcher`.

    A pipeline over all passages is asked once a query; one that is made for each pool, once a pool.

    Args:
        pipeline: the pipeline.
        suite: restricted to the languages that are evaluated.

    Raises:
        HybridBenchError: if the pipeline gives no results for queries.
    """

    def __init__(self, pipeline: Pipeline, suite: Suite) -> None:
        self._pipeline = pipeline
        self._suite = suite
        self._each_pool = not isinstance(pipeline.made, pt.Transformer)
        self._made: dict[str, pt.Transformer] = {}
        self._found: dict[str, list[Hit]] = {}
        self._found_for: tuple[str, str] | None = None
        self._ids: dict[str, set[str]] = {}
        self.exhaustive = pipeline.exhaustive
        self.identity = SearcherIdentity(
            {"name": pipeline.name, "kind": "PyTerrier pipeline", "pipeline": self._described}, self._fingerprint()
        )

    @property
    def _described(self) -> str:
        made = self._pipeline.made
        text = f"made for each pool by {getattr(made, '__qualname__', repr(made))}" if self._each_pool else repr(made)
        return re.sub(r" at 0x[0-9a-f]+|0x[0-9a-f]+", "", text)[:500]

    def _fingerprint(self) -> str:
        """What tells this pipeline from others: what the user says, or what it is and what it finds."""
        if self._pipeline.fingerprint:
            return self._pipeline.fingerprint
        digest = hashlib.sha256(self._described.encode())
        judged = judged_queries(self._suite)
        setting = next(setting for setting in self._suite.settings if setting.query_set in judged)
        probes = judged[setting.query_set].queries[:_PROBES]
        for query_id, hits in self._ask(setting, probes).items():
            digest.update(repr((query_id, sorted((hit.doc_id, round(float(hit.score), 4)) for hit in hits))).encode())
        return digest.hexdigest()

    def search(self, setting: Setting, queries: Sequence[Item], depth: int | None) -> Run:
        """What the pipeline finds in the pool, all of it: its own cut-off decides how much that is."""
        if (key := (setting.query_set, setting.pool if self._each_pool else "")) != self._found_for:
            self._found, self._found_for = {}, key
        if missing := [query for query in queries if query.id not in self._found]:
            self._found |= self._ask(setting, missing)
        inside = self._passages_of(setting.pool)
        return {query.id: [hit for hit in self._found[query.id] if hit.doc_id in inside] for query in queries}

    def _ask(self, setting: Setting, queries: Sequence[Item]) -> dict[str, list[Hit]]:
        topics = pd.DataFrame([(query.id, query.content) for query in queries], columns=["qid", "query"], dtype=object)
        results = self._of_pool(setting.pool)(topics)
        missing = {"qid", "docno", "score"} - set(results.columns)
        if missing:
            raise HybridBenchError(
                f"the pipeline {self._pipeline.name} gives no {' and no '.join(sorted(missing))} for queries",
                "A searcher takes qid and query, and gives qid, docno and score, as PyTerrier's retrievers do.",
            )
        found: dict[str, list[Hit]] = {query.id: [] for query in queries}
        for query_id, doc_id, score in zip(results["qid"], results["docno"], results["score"], strict=True):
            if str(query_id) not in found:
                raise UnknownNameError(f"query of {self._suite.name} in what the pipeline found", str(query_id), found)
            found[str(query_id)].append(Hit(str(doc_id), float(score)))
        self._check_ids(setting, {hit.doc_id for hits in found.values() for hit in hits})
        return found

    def _of_pool(self, pool: str) -> pt.Transformer:
        if isinstance(self._pipeline.made, pt.Transformer):
            return self._pipeline.made
        if pool not in self._made:
            self._made = {pool: self._pipeline.made(SuiteDataset(self._suite, pool))}
        return self._made[pool]

    def _check_ids(self, setting: Setting, found: set[str]) -> None:
        """Refuse an index of other passages; of a suite with fewer languages, the index may have all."""
        pools = [setting.pool] if self._each_pool else [of.name for of in self._suite.collections]
        known = set().union(*map(self._passages_of, pools))
        strange = found - known
        if strange and (self._each_pool or not self._suite.base or not found & known):
            raise HybridBenchError(
                f"the pipeline {self._pipeline.name} found {min(strange)!r}, which is not a passage of {self._suite.name}",
                f"Index the passages of pt.get_dataset('hb:{self._suite.base_name}').get_corpus_iter().",
            )

    def _passages_of(self, pool: str) -> set[str]:
        if pool not in self._ids:
            names = self._suite.pool(pool)
            self._ids[pool] = {item.id for name in names for item in self._suite.passage_stream(name)}
        return self._ids[pool]

    def passages(self) -> dict[str, str]:
        """Collection to the hash of its passages."""
        return {of.name: items_hash(self._suite.passages(of.name)) for of in self._suite.collections}

    def notes(self) -> list[str]:
        """How pools were searched."""
        if self._each_pool:
            return []
        return ["One PyTerrier pipeline was asked, and what it found outside of a pool was left out."]
