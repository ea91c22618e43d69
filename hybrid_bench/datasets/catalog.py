"""The suites that come with the package."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hybrid_bench.datasets import citations
from hybrid_bench.datasets.languages import MIRACL as MIRACL_LANGUAGES
from hybrid_bench.datasets.languages import MLQA_R as MLQA_R_LANGUAGES
from hybrid_bench.datasets.languages import XQUAD_R as XQUAD_R_LANGUAGES
from hybrid_bench.datasets.parts import Collection, Judgement, Passage, Query, QuerySet
from hybrid_bench.datasets.settings import ALL, language_settings
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.datasets.xquad_slices import SLICES


def entry(dataset_id: str) -> Any:
    """The ir_datasets entry of an id, those of this package included.

    Raises:
        KeyError: if there is none.
    """
    import ir_datasets

    from hybrid_bench.datasets.irds_entries import register

    register()
    return ir_datasets.load(dataset_id)


def passages_of(dataset_id: str) -> Callable[[], Iterable[Passage]]:
    """Gives the documents of an entry."""
    return lambda: entry(dataset_id).docs_iter()


def queries_of(dataset_id: str) -> Callable[[], Iterable[Query]]:
    """Gives the queries of an entry."""
    return lambda: entry(dataset_id).queries_iter()


def judgements_of(collections: Iterable[tuple[str, str]]) -> Callable[[], Iterable[Judgement]]:
    """Gives the qrels of entries, each on one collection.

    Args:
        collections: names of collections, each with the ir_datasets id that has the qrels on it.
    """
    pairs = list(collections)
    return lambda: (
        Judgement(qrel.query_id, name, qrel.doc_id, qrel.relevance)
        for name, dataset_id in pairs
        for qrel in entry(dataset_id).qrels_iter()
    )


def count_of(dataset_id: str) -> int | None:
    """The number of documents by ir_datasets' metadata, without reading or downloading any; None if it is not stated."""
    metadata: dict[str, Any] = entry(dataset_id).metadata() or {}
    count: int | None = (metadata.get("docs") or {}).get("count")
    return count


def _parallel(
    name: str,
    description: str,
    languages: tuple[str, ...],
    licence: str,
    citation: str,
    slices: Mapping[str, Callable[[], Mapping[str, str]]] | None = None,
) -> Suite:
    """A suite whose questions and passages are translations of each other."""
    collections = tuple(Collection(language, passages_of(f"{name}/{language}"), language=language) for language in languages)
    query_sets = tuple(
        QuerySet(
            language,
            queries_of(f"{name}/all/{language}"),
            judgements_of((pool, f"{name}/{pool}/{language}") for pool in languages),
            language=language,
        )
        for language in languages
    )
    return Suite(
        name=name,
        description=description,
        query_sets=query_sets,
        collections=collections,
        settings=language_settings(query_sets, collections),
        pools={ALL: languages},
        primary="AP",
        licence=licence,
        citation=citation,
        unique_ids=True,
        slices=slices or {},
    )


MINI = _parallel(
    "mini", "15 everyday topics, written for this project and shipped with it", XQUAD_R_LANGUAGES, "CC0 1.0", citations.MINI
)
XQUAD_R = _parallel(
    "xquad-r", "XQuAD as sentence retrieval (LAReQA): 1,190 questions, all in every language",
    XQUAD_R_LANGUAGES, "CC BY-SA 4.0", citations.XQUAD_R, SLICES,
)  # fmt: skip
XQUAD_R_RO = _parallel(
    "xquad-r+ro", "XQuAD-R with the later Romanian of XQuAD, cut into sentences by a rule",
    (*XQUAD_R_LANGUAGES, "ro"), "CC BY-SA 4.0", citations.XQUAD_R, SLICES,
)  # fmt: skip
MLQA_R = _parallel(
    "mlqa-r", "MLQA as sentence retrieval (LAReQA): 1,148 questions, each in two to four languages",
    MLQA_R_LANGUAGES, "CC BY-NC 4.0", citations.MLQA_R,
)  # fmt: skip

MIRACL_LICENCE = "Apache-2.0 (topics and judgements); CC BY-SA (Wikipedia)"


def miracl_collection(language: str) -> Collection:
    """The Wikipedia passages of a language, as ir_datasets has them."""
    return Collection(
        language,
        passages_of(f"miracl/{language}"),
        language=language,
        count=functools.partial(count_of, f"miracl/{language}"),
    )


def miracl_query_set(language: str, split: str) -> QuerySet:
    """The topics of a language and split, as ir_datasets has them."""
    dataset_id = f"miracl/{language}/{split}"
    return QuerySet(language, queries_of(dataset_id), judgements_of([(language, dataset_id)]), language=language)


def _miracl() -> Suite:
    collections = tuple(map(miracl_collection, MIRACL_LANGUAGES))
    query_sets = tuple(miracl_query_set(language, "dev") for language in MIRACL_LANGUAGES)
    return Suite(
        name="miracl",
        description="MIRACL dev: monolingual passage retrieval from Wikipedia in 18 languages",
        query_sets=query_sets,
        collections=collections,
        settings=language_settings(query_sets, collections, pool=None),
        licence=MIRACL_LICENCE,
        citation=citations.MIRACL,
        large=True,
    )


MIRACL = _miracl()
