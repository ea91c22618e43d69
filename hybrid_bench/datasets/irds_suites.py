"""ir_datasets entries of suites that read their own files: ``afriqa/en/ha`` is Hausa questions on English passages."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import ir_datasets
from ir_datasets.datasets.base import Dataset
from ir_datasets.formats import BaseDocs, BaseQrels, BaseQueries, TrecQrel

from hybrid_bench.datasets.afriqa import AFRIQA
from hybrid_bench.datasets.domain_suites import SQUADSHIFTS, SQUADSHIFTS_FULL
from hybrid_bench.datasets.entry_languages import DocsParts, record_of
from hybrid_bench.datasets.irds_handlers import DocsIter, Documentation, MemoryDocstore
from hybrid_bench.datasets.parallel_suites import FLORES200, MKQA, TICO19
from hybrid_bench.datasets.sources import published
from hybrid_bench.datasets.sources.records import Question, SentencePassage, TextPassage
from hybrid_bench.datasets.suite import Suite


def register() -> None:
    """Add the entries of the suites, and a pattern for the further languages of those that have more."""
    for suite in (AFRIQA, FLORES200, TICO19, MKQA, SQUADSHIFTS, SQUADSHIFTS_FULL):
        for name, entry in _entries(suite):
            ir_datasets.registry.register(name, entry)
    for suite in (FLORES200, TICO19):
        pattern = rf"^{suite.name}/([A-Za-z0-9-]+)(?:/([A-Za-z0-9-]+))?$"
        ir_datasets.registry.register_pattern(pattern, functools.partial(_of_languages, suite))


def _entries(suite: Suite) -> Iterator[tuple[str, Dataset]]:
    """The suite, its pools, and its query sets on them."""
    root = suite.name.partition("/")[0]

    def about(what: str) -> Documentation:
        return Documentation(f"{suite.name}: {what}", published.source(root)["citation"].strip())

    yield suite.name, Dataset(about(suite.description))
    for pool in (*(collection.name for collection in suite.collections), *suite.pools):
        docs = _Docs(suite, pool)
        yield f"{suite.name}/{pool}", Dataset(docs, about(f"the passages of {pool}."))
        for setting in (setting for setting in suite.settings if setting.pool == pool):
            parts = _Queries(suite, setting.query_set), _Qrels(suite, setting.query_set, pool)
            yield f"{suite.name}/{pool}/{setting.query_set}", Dataset(docs, *parts, about(f"{setting.query_set} on {pool}."))


def _of_languages(suite: Suite, _: str, groups: tuple[str, str | None]) -> Dataset:
    """The entry of languages that the suite does not have by default."""
    languages = {language for language in groups if language not in (None, "all")}
    assert suite.of_languages is not None  # noqa: S101 - those above have it
    found = dict(_entries(suite.of_languages([*languages, "en"])))
    return found["/".join((suite.name, *filter(None, groups)))]


class _Docs(BaseDocs):  # type: ignore[misc]
    def __init__(self, suite: Suite, pool: str) -> None:
        self._suite = suite
        self._pool = pool

    @property
    def docs_parts(self) -> DocsParts:
        inside = [self._suite.collection(name) for name in self._suite.pool(self._pool)]
        by_language = len(inside) > 1 and all(collection.name == collection.language for collection in inside)
        parts = {of.name: f"{self._suite.name}/{of.name}" for of in inside} if by_language else {}
        return DocsParts(parts, prefixed=False, drops_own=self._suite.drops_own)

    @functools.cached_property
    def _passages(self) -> Sequence[Any]:
        names = self._suite.pool(self._pool)
        return list(itertools.chain.from_iterable(self._suite.collection(name).passages() for name in names))

    def docs_iter(self) -> DocsIter:
        return DocsIter(self._passages)

    @functools.cached_property
    def _store(self) -> MemoryDocstore:
        return MemoryDocstore(self._passages, self.docs_cls())

    def docs_store(self) -> MemoryDocstore:
        return self._store

    def docs_count(self) -> int:
        return len(self._passages)

    def docs_cls(self) -> type[SentencePassage] | type[TextPassage]:
        return SentencePassage if self._suite.name.startswith(SQUADSHIFTS.name) else TextPassage

    def docs_namespace(self) -> str:
        return f"{self._suite.name}/{self._pool}"

    def docs_lang(self) -> str | None:
        languages = {self._suite.collection(name).language for name in self._suite.pool(self._pool)}
        return languages.pop() if len(languages) == 1 else None


class _Queries(BaseQueries):  # type: ignore[misc]
    def __init__(self, suite: Suite, query_set: str) -> None:
        self._suite = suite
        self._query_set = query_set

    def queries_iter(self) -> Iterator[Any]:
        return iter(self._suite.query_set(self._query_set).queries())

    def queries_cls(self) -> type[Question]:
        return Question

    def queries_namespace(self) -> str:
        return f"{self._suite.name}/{self._query_set}"

    def queries_lang(self) -> str | None:
        return self._suite.query_set(self._query_set).language


class _Qrels(BaseQrels):  # type: ignore[misc]
    """Judgements whose ``iteration`` is the collection."""

    def __init__(self, suite: Suite, query_set: str, pool: str) -> None:
        self._suite = suite
        self._query_set = query_set
        self._pool = pool

    def qrels_iter(self) -> Iterator[TrecQrel]:
        inside = self._suite.pool(self._pool)
        record = record_of(f"{self._suite.name}/{self._pool}/{self._query_set}")
        for query_id, collection, doc_id, relevance in self._suite.query_set(self._query_set).judgements():
            if collection in inside:
                yield record(query_id, doc_id, relevance, collection)

    def qrels_cls(self) -> Any:
        return TrecQrel

    def qrels_defs(self) -> dict[int, str]:
        return {1: "holds the answer, or is a translation"}
