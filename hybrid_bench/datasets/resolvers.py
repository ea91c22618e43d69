"""From a name to a suite: resolvers, asked in turn.

A resolver is a callable that takes a name and returns the :class:`Suite` of that name, or None if it does not know the name.
Resolvers are entry points of the group ``hybrid_bench.suite_resolvers``, asked in the order of their names, which begin with a
number: ``10-registered``, ``20-beir-folder``, ``30-miracl``, ``90-ir-datasets``. A plugin takes a number from 40 to 80, e.g.
``50-my-format``. A resolver is imported when it is asked.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hybrid_bench.datasets import citations
from hybrid_bench.datasets.catalog import (
    MIRACL_LICENCE,
    count_of,
    entry,
    judgements_of,
    miracl_collection,
    miracl_query_set,
    passages_of,
    queries_of,
)
from hybrid_bench.datasets.parts import Collection, Judgement, QuerySet
from hybrid_bench.datasets.settings import ALL, Setting, SettingKind, language_settings
from hybrid_bench.datasets.sources.records import TextPassage
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.datasets.trec_ids import doc_id_in
from hybrid_bench.errors import HybridBenchError, UnknownNameError
from hybrid_bench.registry import Registry

if TYPE_CHECKING:
    from hybrid_bench.datasets.entry_languages import DocsParts

#: A dataset with more passages than this in ir_datasets' metadata is large.
LARGE_FROM = 100_000

#: From a name to its suite; None if the resolver does not know the name.
SuiteResolver = Callable[[str], "Suite | None"]

#: Suites that are registered by name: entry points of the group ``hybrid_bench.suites``.
SUITES: Registry[Suite] = Registry("hybrid_bench.suites", "suite", Suite)
RESOLVERS: Registry[SuiteResolver] = Registry("hybrid_bench.suite_resolvers", "suite resolver", cast(Any, Callable))


def load_suite(name: str) -> Suite:
    """Find a suite by name.

    A name is a registered one, a folder in BEIR's layout, ``miracl/sw+yo/dev``, an ir_datasets id, or what a plugin resolves.

    Args:
        name: as ``--suite`` takes it.

    Returns:
        The suite. Its files are read, or downloaded, when they are first needed.

    Raises:
        UnknownNameError: if no resolver knows the name; near misses are suggested.
        HybridBenchError: if the suite's files are malformed, or a resolver cannot be imported or does not return a suite.
    """
    for resolver in RESOLVERS:
        if (found := RESOLVERS.get(resolver)(name)) is not None:
            return _checked(found, resolver, name)
    import ir_datasets

    if Path(name).is_dir():
        raise HybridBenchError(
            f"the folder {name} holds no collection, and no suite has its name",
            "A collection is corpus.jsonl, queries.jsonl and qrels/test.tsv; docs/guides/own-collections.md describes them.",
        )
    deep = [known for known in ir_datasets.registry if "/" in name]
    raise UnknownNameError(
        "suite", name, [*SUITES, *deep], "`hybrid-bench suites` lists them; any ir_datasets id or folder in BEIR's layout works."
    )


def full(suite: Suite) -> Suite:
    """The suite with the whole pools, of one that draws pools of equal sizes: ``<name>/full``.

    Raises:
        HybridBenchError: if the suite draws none.
    """
    if f"{suite.name}/full" not in SUITES:
        raise HybridBenchError(f"--full-pools has no effect: {suite.name} draws no pools of equal sizes", "Leave it out.")
    return SUITES.get(f"{suite.name}/full")


def _checked(found: object, resolver: str, name: str) -> Suite:
    if not isinstance(found, Suite):
        raise HybridBenchError(
            f"the suite resolver {resolver!r} gave a {type(found).__name__} for {name!r}, not a Suite",
            "Report it to the authors of its plugin, or uninstall the plugin.",
        )
    return found


def is_folder(name: str) -> bool:
    """Whether a suite is a local folder, whose name does not tell what is in it."""
    from hybrid_bench.datasets.sources import beir_folder

    return name not in SUITES and beir_folder.is_collection(Path(name))


def registered(name: str) -> Suite | None:
    """The suite that an entry point of ``hybrid_bench.suites`` names."""
    return SUITES.get(name) if name in SUITES else None


def folder(name: str) -> Suite | None:
    """A folder in BEIR's layout, or one of its qrels files."""
    from hybrid_bench.datasets.sources import beir_folder

    return beir_folder.load(Path(name)) if beir_folder.is_collection(Path(name)) else None


def miracl(name: str) -> Suite | None:
    """``miracl/sw/dev``, and pools of several languages: ``miracl/sw+yo/dev``, ``miracl/all/dev``.

    All of MIRACL is large, however few passages a language has, so that its languages are evaluated alike.
    """
    match = re.fullmatch(r"miracl/(all|[a-z]{2}(?:\+[a-z]{2})*)/(train|dev)", name)
    if match is None:
        return None
    import ir_datasets

    from hybrid_bench.datasets.irds_entries import pool_languages

    pool, split = match[1], match[2]
    languages = pool_languages(pool)
    asked = [language for language in languages if f"miracl/{language}/{split}" in set(ir_datasets.registry)]
    if not asked:
        raise HybridBenchError(f"no language of the pool {pool} has the split {split!r}", "Choose another split or pool.")
    collections = tuple(map(miracl_collection, languages))
    query_sets = tuple(miracl_query_set(language, split) for language in asked)
    several = len(languages) > 1
    return Suite(
        name=name,
        description=f"MIRACL {split}, {'one pool of ' if several else ''}{', '.join(languages)}",
        query_sets=query_sets,
        collections=collections,
        settings=language_settings(query_sets, collections),
        pools={ALL: languages} if several else {},
        licence=MIRACL_LICENCE,
        citation=citations.MIRACL,
        large=True,
    )


def ir_datasets_id(name: str) -> Suite | None:
    """An ir_datasets entry with documents, queries and qrels.

    Raises:
        HybridBenchError: if the entry lacks one of them.
    """
    import ir_datasets

    try:
        found = entry(name)
    except KeyError:
        return None
    missing = [part for part in ("docs", "queries", "qrels") if not found.has(part)]
    if missing:
        below = sorted(known for known in ir_datasets.registry if known.startswith(f"{name}/"))[:3]
        deeper = f"Try {' or '.join(below)}." if below else "Choose another id."
        raise HybridBenchError(f"the ir_datasets entry {name} has no {' and no '.join(missing)}", deeper)
    language = found.queries_lang() or found.docs_lang()
    parts = getattr(found, "docs_parts", None)
    if parts and parts.datasets:
        return _pooled_entry(name, language, parts)
    docs_language = found.docs_lang() or language
    passages = passages_of(name)
    if name.startswith("beir/"):
        passages = functools.partial(_joined_as_by_beir, name)
    collection = Collection(docs_language or "und", passages, language=docs_language, count=lambda: count_of(name))
    queries = QuerySet(language or "und", queries_of(name), judgements_of([(collection.name, name)]), language=language)
    kind: SettingKind = "monolingual" if language == docs_language else "cross-lingual"
    return Suite(
        name=name,
        description=f"ir_datasets entry {name}",
        query_sets=(queries,),
        collections=(collection,),
        settings=(Setting(queries.name, collection.name, kind),),
        citation=citations.of_entry(found),
        large=(count_of(name) or 0) > LARGE_FROM,
        drops_own=name.startswith("beir/"),
    )


def _joined_as_by_beir(name: str) -> Iterator[TextPassage]:
    """The documents of an entry; without the space that ir_datasets puts before the text of one that has no title."""
    return (TextPassage(doc.doc_id, getattr(doc, "title", None) or "", doc.text) for doc in entry(name).docs_iter())


def _pooled_entry(name: str, language: str, parts: DocsParts) -> Suite:
    """An entry whose documents are those of several languages: each is a collection, and all are one pool."""

    def judgements() -> Iterator[Judgement]:
        for qrel in entry(name).qrels_iter():
            own_id = doc_id_in(qrel.iteration, qrel.doc_id) if parts.prefixed else qrel.doc_id
            yield Judgement(qrel.query_id, qrel.iteration, own_id or qrel.doc_id, qrel.relevance)

    collections = tuple(
        Collection(of, passages_of(dataset_id), language=of, count=functools.partial(count_of, dataset_id))
        for of, dataset_id in parts.datasets.items()
    )
    return Suite(
        name=name,
        description=f"ir_datasets entry {name}",
        query_sets=(QuerySet(language, queries_of(name), judgements, language=language),),
        collections=collections,
        settings=(Setting(language, ALL, "multilingual"),),
        citation=citations.of_entry(entry(name)),
        pools={ALL: tuple(parts.datasets)},
        unique_ids=not parts.prefixed,
        drops_own=parts.drops_own,
        large=sum(collection.count() or 0 for collection in collections) > LARGE_FROM,
    )
