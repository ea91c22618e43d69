"""Pools and settings of suites as PyTerrier datasets: ``hb:SUITE``, ``hb:SUITE/POOL``, ``hb:SUITE/POOL/QUERY_SET``."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import pandas as pd
from pyterrier.datasets import Dataset, DatasetProvider

from hybrid_bench import HybridBenchError, Setting, Suite, load_suite
from hybrid_bench.plugin import ALL, UnknownNameError, judged_queries, qrels


class SuiteDataset(Dataset):  # type: ignore[misc]
    """A pool of a suite, alone or with a query set. Document ids are those of TREC runs of the pool.

    Args:
        suite: the suite.
        pool: name of a collection or a pool; None: all collections.
        query_set: whose queries are asked; None: those of the suite's only query set, or none.

    Raises:
        HybridBenchError: if the suite does not have them.
    """

    def __init__(self, suite: Suite, pool: str | None = None, query_set: str | None = None) -> None:
        self.suite = suite
        self.pool = pool
        self.collections = suite.pool(pool) if pool else tuple(of.name for of in suite.collections)
        asked = {of.name: of for of in suite.query_sets}
        if query_set is None and len(asked) == 1:
            query_set = next(iter(asked))
        if query_set is not None and query_set not in asked:
            raise UnknownNameError(f"query set of {suite.name}", query_set, asked)
        self.query_set = query_set

    def __repr__(self) -> str:
        return f"SuiteDataset({'/'.join(filter(None, (self.suite.name, self.pool, self.query_set)))!r})"

    def get_corpus_iter(self, *, verbose: bool = True) -> Iterator[dict[str, str]]:
        """``docno`` and ``text`` of each passage: what encoders read, with its title."""
        for name in self.collections:
            for item in self.suite.passages(name):
                yield {"docno": item.id, "text": self._text(item.content)}

    def get_corpus_lang(self) -> str | None:
        """The language of the passages; None if there are several."""
        return self._one({self.suite.collection(name).language for name in self.collections})

    def get_topics(self, variant: str | None = None) -> pd.DataFrame:
        """``qid`` and ``query`` of the queries that have a relevant passage in the pool."""
        queries = self._judged.queries
        inside = set(self._relevant)
        rows = [(query.id, self._text(query.content)) for query in queries if query.id in inside]
        return pd.DataFrame(rows, columns=["qid", "query"], dtype=object)

    def get_topics_lang(self) -> str | None:
        """The language of the queries."""
        return self.suite.query_set(self._asked).language

    def get_qrels(self, variant: str | None = None) -> pd.DataFrame:
        """``qid``, ``docno`` and ``label`` of the relevant passages in the pool, and what measures of language bias need.

        That is the language of the passage (``iteration``) and the name of the ir_datasets entry (``dataset``).
        """
        rows = [
            (query_id, doc_id, grade, self._language_of(doc_id), f"{self.suite.base_name}/{self.pool or ALL}/{self._asked}")
            for query_id, grades in self._relevant.items()
            for doc_id, grade in grades.items()
        ]
        return pd.DataFrame(rows, columns=["qid", "docno", "label", "iteration", "dataset"])

    def info_url(self) -> str | None:
        """None: suites have no page."""
        return None

    def _describe_component(self, component: str) -> bool | None:
        has = {"corpus": True, "topics": self.query_set is not None, "qrels": self.query_set is not None}
        return has.get(component) or None

    @property
    def _asked(self) -> str:
        if self.query_set is None:
            raise HybridBenchError(
                f"hb:{self.suite.name}{f'/{self.pool}' if self.pool else ''} has no queries of its own",
                f"Name a query set: hb:{self.suite.name}/{self.pool or ALL}/{self.suite.query_sets[0].name}.",
            )
        return self.query_set

    @functools.cached_property
    def _judged(self) -> Any:
        found = judged_queries(self.suite)
        if self._asked not in found:
            raise HybridBenchError(f"no query of {self.suite.name}/{self._asked} has a relevant passage", "Check its qrels.")
        return found[self._asked]

    @functools.cached_property
    def _relevant(self) -> dict[str, dict[str, int]]:
        """Query id to document id to grade."""
        if self.pool:
            return qrels(self.suite, Setting(self._asked, self.pool, "multilingual"), self._judged.judgements)
        found: dict[str, dict[str, int]] = {}
        for name in self.collections:
            for query_id, grades in qrels(self.suite, Setting(self._asked, name, "monolingual"), self._judged.judgements).items():
                found.setdefault(query_id, {}).update(grades)
        return found

    def _language_of(self, doc_id: str) -> str:
        collection = self.collections[0] if len(self.collections) == 1 else self.suite.collection_of(doc_id)
        return (self.suite.collection(collection).language if collection else None) or "0"

    def _text(self, content: object) -> str:
        if not isinstance(content, str):
            raise HybridBenchError(f"{self.suite.name} has images, which PyTerrier does not read", "Use a suite of texts.")
        return content

    @staticmethod
    def _one(languages: set[str | None]) -> str | None:
        return next(iter(languages)) if len(languages) == 1 else None


class SuiteProvider(DatasetProvider):  # type: ignore[misc]
    """``pt.get_dataset("hb:...")``."""

    def get_dataset(self, name: str) -> SuiteDataset:
        """A suite, one of its pools, or a query set on a pool.

        Raises:
            HybridBenchError: if there is none of that name.
        """
        parts = name.split("/")
        problem: HybridBenchError | None = None
        for count in range(1, len(parts) + 1):
            try:
                suite = load_suite("/".join(parts[:count]))
            except HybridBenchError as error:  # such as an ir_datasets entry without queries
                problem = problem or error
                continue
            try:
                return _part_of(suite, parts[count:])
            except UnknownNameError as error:  # a longer name may be that of another suite
                problem = error
        raise problem or UnknownNameError("suite", name, ())

    def list_dataset_names(self) -> list[str]:
        """The registered suites, their pools and settings, without those that would have to be downloaded."""
        from hybrid_bench.plugin import SUITES

        return sorted(
            part
            for suite in map(SUITES.get, SUITES)
            for setting in suite.settings
            for part in (suite.name, f"{suite.name}/{setting.pool}", f"{suite.name}/{setting.pool}/{setting.query_set}")
        )


def _part_of(suite: Suite, rest: list[str]) -> SuiteDataset:
    """What follows a suite's name: nothing, a pool, or a pool and a query set, whose names may have slashes."""
    if not rest:
        return SuiteDataset(suite)
    pools = [*suite.pools, *(of.name for of in suite.collections)]
    for count in range(1, len(rest) + 1):
        if (pool := "/".join(rest[:count])) in pools:
            return SuiteDataset(suite, pool, "/".join(rest[count:]) or None)
    raise UnknownNameError(f"pool of {suite.name}", rest[0], pools)
