"""ir_datasets entries of suites that read their own files: ``afriqa/en/ha`` is Hausa questions on English passages.

Of images with captions, ``multi30k/images/de`` is German captions on images, ``multi30k/de/images`` images on German captions,
and ``multi30k/all/images`` images on captions of all languages. Images are the user's own, see ``hybrid-bench images add``.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import ir_datasets
from ir_datasets.datasets.base import Dataset
from ir_datasets.formats import BaseDocs, BaseQrels, BaseQueries, GenericDoc, GenericQuery, TrecQrel

from hybrid_bench.datasets import captioned_suites
from hybrid_bench.datasets.afriqa import AFRIQA
from hybrid_bench.datasets.captioned import datasets
from hybrid_bench.datasets.domain_suites import SQUADSHIFTS, SQUADSHIFTS_FULL
from hybrid_bench.datasets.entry_languages import DocsParts, record_of
from hybrid_bench.datasets.irds_handlers import DocsIter, Documentation, MemoryDocstore
from hybrid_bench.datasets.parallel_suites import FLORES200, MKQA, TICO19
from hybrid_bench.datasets.parts import ImagePassage, ImageQuery
from hybrid_bench.datasets.settings import ALL
from hybrid_bench.datasets.sources.records import Question, SentencePassage, TextPassage
from hybrid_bench.datasets.suite import Suite


def register() -> None:
    """Add the entries of the suites, and a pattern for the further languages of those that have more."""
    for suite in (AFRIQA, FLORES200, TICO19, MKQA, SQUADSHIFTS, SQUADSHIFTS_FULL):
        for name, entry in _entries(suite):
            ir_datasets.registry.register(name, entry)
    for dataset in datasets():
        of_captions = captioned_suites.suite(dataset)
        for name, entry in _with_images(of_captions, between_captions=False).items():
            ir_datasets.registry.register(name, entry)
        # Captions on captions have an entry for each pair of languages, too many to list.
        either = "|".join(of_captions.pools[ALL])
        pattern = rf"^{dataset}/({either})/({either})$"
        ir_datasets.registry.register_pattern(pattern, functools.partial(_between_captions, of_captions))
    for suite in (FLORES200, TICO19):
        pattern = rf"^{suite.name}/([A-Za-z0-9-]+)(?:/([A-Za-z0-9-]+))?$"
        ir_datasets.registry.register_pattern(pattern, functools.partial(_of_languages, suite))


def _entries(suite: Suite) -> Iterator[tuple[str, Dataset]]:
    """The suite, its pools, and its query sets on them."""
    record = SentencePassage if suite.name.startswith(SQUADSHIFTS.name) else TextPassage
    return _of_settings(suite, lambda _: (record, Question))


def _of_settings(suite: Suite, records: Callable[[str], tuple[type, type]]) -> Iterator[tuple[str, Dataset]]:
    """The entries of a suite: its pools, and its query sets on them.

    Args:
        suite: whose TREC ids are the ids of documents.
        records: from a pool or a query set to the classes of its documents and of its queries.
    """

    def about(what: str) -> Documentation:
        return Documentation(f"{suite.name}: {what}", suite.citation)

    yield suite.name, Dataset(about(suite.description))
    for pool in (*(collection.name for collection in suite.collections), *suite.pools):
        docs = _Docs(suite, pool, records(pool)[0])
        yield f"{suite.name}/{pool}", Dataset(docs, about(f"the passages of {pool}."))
        for setting in (setting for setting in suite.settings if setting.pool == pool):
            queries = _Queries(suite, setting.query_set, records(setting.query_set)[1])
            parts = queries, _Qrels(suite, setting.query_set, pool)
            yield f"{suite.name}/{pool}/{setting.query_set}", Dataset(docs, *parts, about(f"{setting.query_set} on {pool}."))


def _with_images(suite: Suite, *, between_captions: bool) -> dict[str, Dataset]:
    """The entries of images with captions, with or without those of captions on captions."""

    def records(part: str) -> tuple[type, type]:
        return (ImagePassage, ImageQuery) if part == captioned_suites.IMAGES else (GenericDoc, GenericQuery)

    settings = tuple(one for one in suite.settings if between_captions or one.kind != "cross-lingual")
    return dict(_of_settings(dataclasses.replace(suite, settings=settings), records))


def _between_captions(suite: Suite, name: str, _: tuple[str, str]) -> Dataset:
    found = _with_images(suite, between_captions=True)
    if name not in found:
        raise KeyError(name)  # of one language, as ir_datasets says that an entry is unknown
    return found[name]


def _of_languages(suite: Suite, _: str, groups: tuple[str, str | None]) -> Dataset:
    """The entry of languages that the suite does not have by default."""
    languages = {language for language in groups if language not in (None, "all")}
    assert suite.of_languages is not None  # noqa: S101 - those above have it
    found = dict(_entries(suite.of_languages([*languages, "en"])))
    return found["/".join((suite.name, *filter(None, groups)))]


class _Docs(BaseDocs):  # type: ignore[misc]
    def __init__(self, suite: Suite, pool: str, record: type) -> None:
        self._suite = suite
        self._pool = pool
        self._record = record

    @property
    def docs_parts(self) -> DocsParts:
        inside = [self._suite.collection(name) for name in self._suite.pool(self._pool)]
        by_language = len(inside) > 1 and all(collection.name == collection.language for collection in inside)
        parts = {of.name: f"{self._suite.name}/{of.name}" for of in inside} if by_language else {}
        return DocsParts(parts, prefixed=False, drops_own=self._suite.drops_own)

    @functools.cached_property
    def _passages(self) -> Sequence[Any]:
        return list(itertools.chain.from_iterable(map(self._of, self._suite.pool(self._pool))))

    def _of(self, collection: str) -> Iterable[Any]:
        passages: Iterable[Any] = self._suite.collection(collection).passages()
        if not self._suite.prefixed:
            return passages
        return (one._replace(doc_id=self._suite.trec_id(collection, one.doc_id)) for one in passages)

    def docs_iter(self) -> DocsIter:
        return DocsIter(self._passages)

    @functools.cached_property
    def _store(self) -> MemoryDocstore:
        return MemoryDocstore(self._passages, self.docs_cls())

    def docs_store(self) -> MemoryDocstore:
        return self._store

    def docs_count(self) -> int:
        return len(self._passages)

    def docs_cls(self) -> type:
        return self._record

    def docs_namespace(self) -> str:
        return f"{self._suite.name}/{self._pool}"

    def docs_lang(self) -> str | None:
        languages = {self._suite.collection(name).language for name in self._suite.pool(self._pool)}
        return languages.pop() if len(languages) == 1 else None


class _Queries(BaseQueries):  # type: ignore[misc]
    def __init__(self, suite: Suite, query_set: str, record: type) -> None:
        self._suite = suite
        self._query_set = query_set
        self._record = record

    def queries_iter(self) -> Iterator[Any]:
        return iter(self._suite.query_set(self._query_set).queries())

    def queries_cls(self) -> type:
        return self._record

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
                yield record(query_id, self._suite.trec_id(collection, doc_id), relevance, collection)

    def qrels_cls(self) -> Any:
        return TrecQrel

    def qrels_defs(self) -> dict[int, str]:
        return {1: "holds the answer, is a translation, or is the image or a caption of it"}
