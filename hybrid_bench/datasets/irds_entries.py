"""The ir_datasets entries of this project: ``xquad-r/...``, ``mlqa-r/...``, ``mini/...`` and pools over MIRACL languages."""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import ir_datasets
from ir_datasets.datasets.base import Dataset
from ir_datasets.formats import BaseDocs, BaseQrels, BaseQueries, GenericQuery, TrecQrel
from ir_datasets.indices import Docstore

from hybrid_bench.datasets import citations, downloads, irds_suites
from hybrid_bench.datasets.entry_languages import DocsParts, record_of
from hybrid_bench.datasets.irds_handlers import DocsIter, Documentation, MemoryDocstore
from hybrid_bench.datasets.languages import MIRACL, MLQA_R, NAMES, XQUAD_R
from hybrid_bench.datasets.sources import lareqa, mini
from hybrid_bench.datasets.sources.records import CollectionLoader, LanguageCollection, PooledPassage, SentencePassage
from hybrid_bench.datasets.trec_ids import doc_id_in, trec_id
from hybrid_bench.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Iterable

_REGISTERING = threading.Lock()


def register() -> None:
    """Add this project's entries to ir_datasets. May be called more than once, and from several threads."""
    with _REGISTERING:
        if "xquad-r" not in ir_datasets.registry:
            downloads.install()
            _register_all()


def _register_all() -> None:
    _register_parallel("xquad-r", "XQuAD-R", XQUAD_R, functools.partial(lareqa.load, "xquad-r"), citations.XQUAD_R)
    _register_parallel("mlqa-r", "MLQA-R", MLQA_R, functools.partial(lareqa.load, "mlqa-r"), citations.MLQA_R)
    _register_parallel("xquad-r+ro", "XQuAD-R with Romanian", (*XQUAD_R, "ro"), _with_romanian, citations.XQUAD_R)
    _register_parallel("mini", "mini", XQUAD_R, mini.load, citations.MINI)
    irds_suites.register()
    # MIRACL itself is in ir_datasets; a pool over several of its languages is not, and each choice is one more entry.
    ir_datasets.registry.register_pattern(r"^miracl/(all|[a-z]{2}(?:\+[a-z]{2})+)(?:/(train|dev)/([a-z]{2}))?$", _miracl_pool)


def _with_romanian(language: str) -> LanguageCollection:
    return lareqa.load("xquad-ro" if language == "ro" else "xquad-r", language)


def pool_languages(pool: str) -> tuple[str, ...]:
    """The MIRACL languages of a pool: ``all``, or two codes and more joined by ``+``."""
    languages = MIRACL if pool == "all" else tuple(pool.split("+"))
    for language in languages:
        if language not in MIRACL:
            raise UnknownNameError("MIRACL language", language, MIRACL)
    return tuple(sorted(set(languages)))


def _register_parallel(name: str, title: str, languages: Sequence[str], load: CollectionLoader, bibtex: str) -> None:
    def document(text: str) -> Documentation:
        return Documentation(f"{title}: {text}", bibtex)

    register = ir_datasets.registry.register
    register(name, Dataset(document("questions in one language, answered by sentences of the same or other languages.")))
    for pool in (*languages, "all"):
        inside = tuple(languages) if pool == "all" else (pool,)
        parts = {language: f"{name}/{language}" for language in inside} if len(inside) > 1 else {}
        docs = _Docs(f"{name}/{pool}", inside, load, DocsParts(parts, prefixed=False))
        of = "all languages" if pool == "all" else NAMES[pool]
        register(f"{name}/{pool}", Dataset(docs, document(f"the sentences of {of}.")))
        for language in languages:
            register(
                f"{name}/{pool}/{language}",
                Dataset(
                    docs,
                    _Queries(name, language, inside, load),
                    _Qrels(f"{name}/{pool}/{language}", language, inside, load),
                    document(f"{NAMES[language]} questions on the sentences of {of}."),
                ),
            )


class _Docs(BaseDocs):  # type: ignore[misc]
    def __init__(self, namespace: str, languages: Sequence[str], load: CollectionLoader, parts: DocsParts) -> None:
        self._namespace = namespace
        self._languages = languages
        self._load = load
        self.docs_parts = parts

    @functools.cached_property
    def _passages(self) -> Sequence[SentencePassage]:
        return list(itertools.chain.from_iterable(self._load(language).passages for language in self._languages))

    def docs_iter(self) -> DocsIter:
        return DocsIter(self._passages)

    @functools.cached_property
    def _store(self) -> MemoryDocstore:
        return MemoryDocstore(self._passages, SentencePassage)

    def docs_store(self) -> MemoryDocstore:
        return self._store

    def docs_count(self) -> int:
        return len(self._passages)

    def docs_cls(self) -> type[SentencePassage]:
        return SentencePassage

    def docs_namespace(self) -> str:
        return self._namespace

    def docs_lang(self) -> str | None:
        return self._languages[0] if len(self._languages) == 1 else None


class _Queries(BaseQueries):  # type: ignore[misc]
    """The questions of a language that the pool can answer."""

    def __init__(self, name: str, language: str, pool: Sequence[str], load: CollectionLoader) -> None:
        self._name = name
        self._language = language
        self._pool = pool
        self._load = load

    def queries_iter(self) -> Iterator[GenericQuery]:
        answerable = [self._load(language).relevant for language in self._pool]
        for question_id, text in self._load(self._language).questions.items():
            if any(question_id in relevant for relevant in answerable):
                yield GenericQuery(question_id, text)

    def queries_cls(self) -> Any:
        return GenericQuery

    def queries_namespace(self) -> str:
        return f"{self._name}/{self._language}"

    def queries_lang(self) -> str:
        return self._language


class _Qrels(BaseQrels):  # type: ignore[misc]
    """Judgements whose ``iteration`` is the passage's language, by which PEER groups them."""

    def __init__(self, dataset: str, language: str, pool: Sequence[str], load: CollectionLoader) -> None:
        self._record = record_of(dataset)
        self._language = language
        self._pool = pool
        self._load = load

    def qrels_iter(self) -> Iterator[TrecQrel]:
        for question_id in self._load(self._language).questions:
            for language in self._pool:
                for doc_id in self._load(language).relevant.get(question_id, ()):
                    yield self._record(question_id, doc_id, 1, language)

    def qrels_cls(self) -> Any:
        return TrecQrel

    def qrels_defs(self) -> dict[int, str]:
        return {1: "holds the answer"}


def _miracl_pool(name: str, groups: tuple[str | None, ...]) -> Dataset:
    pool, split, language = groups
    languages = pool_languages(str(pool))
    docs = _PooledDocs(f"miracl/{pool}", languages)
    if split is None:
        return Dataset(docs, Documentation(f"MIRACL: one pool of {', '.join(languages)}.", citations.MIRACL))
    if language not in languages:
        raise UnknownNameError("language of this pool", str(language), languages)
    source = f"miracl/{language}/{split}"
    return Dataset(
        docs,
        ir_datasets.load(source).queries_handler(),
        _PooledQrels(name, source, str(language)),
        Documentation(f"MIRACL: {NAMES[language]} topics ({split}) on one pool of {', '.join(languages)}.", citations.MIRACL),
    )


class _PooledDocs(BaseDocs):  # type: ignore[misc]
    """The passages of several MIRACL languages as one stream; nothing is copied."""

    def __init__(self, namespace: str, languages: Sequence[str]) -> None:
        self._namespace = namespace
        self._languages = languages

    def docs_iter(self) -> Iterator[PooledPassage]:
        for language in self._languages:
            for doc in ir_datasets.load(f"miracl/{language}").docs_iter():
                yield PooledPassage(trec_id(language, doc.doc_id), doc.title, doc.text)

    def docs_store(self) -> _PooledDocstore:
        return _PooledDocstore(self._languages)

    def docs_count(self) -> int | None:
        counts = [ir_datasets.load(f"miracl/{language}").docs_count() for language in self._languages]
        return None if None in counts else sum(counts)

    def docs_cls(self) -> type[PooledPassage]:
        return PooledPassage

    def docs_namespace(self) -> str:
        return self._namespace

    @property
    def docs_parts(self) -> DocsParts:
        parts = {language: f"miracl/{language}" for language in self._languages} if len(self._languages) > 1 else {}
        return DocsParts(parts, prefixed=True)


class _PooledDocstore(Docstore):  # type: ignore[misc]
    def __init__(self, languages: Sequence[str]) -> None:
        super().__init__(PooledPassage)
        self._languages = languages

    def get_many_iter(self, doc_ids: Iterable[str]) -> Iterator[PooledPassage]:
        wanted: dict[str, list[str]] = {}
        for doc_id in doc_ids:
            for language in self._languages:
                if (own_id := doc_id_in(language, doc_id)) is not None:
                    wanted.setdefault(language, []).append(own_id)
        for language, own_ids in wanted.items():
            for doc in ir_datasets.load(f"miracl/{language}").docs_store().get_many_iter(own_ids):
                yield PooledPassage(trec_id(language, doc.doc_id), doc.title, doc.text)


class _PooledQrels(BaseQrels):  # type: ignore[misc]
    def __init__(self, dataset: str, source: str, language: str) -> None:
        self._record = record_of(dataset)
        self._source = source
        self._language = language

    def qrels_iter(self) -> Iterator[TrecQrel]:
        for qrel in ir_datasets.load(self._source).qrels_iter():
            yield self._record(qrel.query_id, trec_id(self._language, qrel.doc_id), qrel.relevance, self._language)

    def qrels_cls(self) -> Any:
        return TrecQrel

    def qrels_defs(self) -> dict[int, str]:
        return dict(ir_datasets.load(self._source).qrels_defs())
