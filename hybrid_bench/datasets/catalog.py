"""The suites by name: built in, from plugins, from local folders, and any ir_datasets id."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hybrid_bench.datasets.languages import MIRACL as MIRACL_LANGUAGES
from hybrid_bench.datasets.languages import MLQA_R as MLQA_R_LANGUAGES
from hybrid_bench.datasets.languages import XQUAD_R as XQUAD_R_LANGUAGES
from hybrid_bench.datasets.settings import ALL
from hybrid_bench.datasets.suite import Doc, Judgement, Question, Suite
from hybrid_bench.errors import HybridBenchError, UnknownNameError
from hybrid_bench.registry import Registry

#: A dataset with more passages than this in ir_datasets' metadata is streamed. So is all of MIRACL, however few passages a
#: language has, that its languages be measured alike.
STREAMED_FROM = 100_000

SUITES: Registry[Suite] = Registry("hybrid_bench.suites", "suite", Suite)


def load_suite(name: str) -> Suite:
    """Find a suite: a registered name, a folder in BEIR's layout, ``miracl/sw+yo/dev``, or an ir_datasets id.

    Raises:
        UnknownNameError: if it is none of these; near misses are suggested.
    """
    if name in SUITES:
        return SUITES.get(name)
    if is_folder(name):
        from hybrid_bench.datasets.sources import beir_folder

        return beir_folder.load(Path(name))
    if match := re.fullmatch(r"miracl/(all|[a-z]{2}(?:\+[a-z]{2})+)/(train|dev)", name):
        return _miracl_pool(name, match[1], match[2])
    return _single(name)


def is_folder(name: str) -> bool:
    """Whether a suite is a local folder, whose name does not tell what is in it."""
    from hybrid_bench.datasets.sources import beir_folder

    return name not in SUITES and beir_folder.is_collection(Path(name))


def _entry(dataset_id: str) -> Any:
    import ir_datasets

    from hybrid_bench.datasets.irds_entries import register

    register()
    return ir_datasets.load(dataset_id)


def _judgements(dataset_id: str) -> Iterable[Judgement]:
    return (Judgement(qrel.query_id, qrel.doc_id, qrel.relevance) for qrel in _entry(dataset_id).qrels_iter())


def _parallel(name: str, description: str, languages: tuple[str, ...], licence: str) -> Suite:
    def docs(language: str) -> Iterable[Doc]:
        found: Iterable[Doc] = _entry(f"{name}/{language}").docs_iter()
        return found

    def queries(language: str) -> Iterable[Question]:
        found: Iterable[Question] = _entry(f"{name}/all/{language}").queries_iter()
        return found

    return Suite(
        name=name,
        description=description,
        languages=languages,
        passage_languages=languages,
        docs=docs,
        queries=queries,
        judgements=lambda language: _judgements(f"{name}/all/{language}"),
        pooled=True,
        primary="AP",
        licence=licence,
    )


MINI = _parallel("mini", "15 everyday topics, written for this project, shipped with it", XQUAD_R_LANGUAGES, "CC0 1.0")
XQUAD_R = _parallel(
    "xquad-r", "XQuAD as sentence retrieval (LAReQA): 1,190 questions, all in every language",
    XQUAD_R_LANGUAGES, "CC BY-SA 4.0",
)  # fmt: skip
MLQA_R = _parallel(
    "mlqa-r", "MLQA as sentence retrieval (LAReQA): 1,148 questions, each in two to four languages",
    MLQA_R_LANGUAGES, "CC BY-NC 4.0",
)  # fmt: skip


def _miracl_queries(language: str) -> Iterable[Question]:
    found: Iterable[Question] = _entry(f"miracl/{language}/dev").queries_iter()
    return found


def _miracl_docs(language: str) -> Iterable[Doc]:
    found: Iterable[Doc] = _entry(f"miracl/{language}").docs_iter()
    return found


def _miracl_count(language: str) -> int | None:
    return _count(_entry(f"miracl/{language}"))


def _count(entry: Any) -> int | None:
    """The number of passages as ir_datasets' metadata have it; nothing is read or downloaded for it."""
    count: int | None = ((entry.metadata() or {}).get("docs") or {}).get("count")
    return count


MIRACL = Suite(
    name="miracl",
    description="MIRACL dev: monolingual passage retrieval from Wikipedia in 18 languages",
    languages=MIRACL_LANGUAGES,
    passage_languages=MIRACL_LANGUAGES,
    docs=_miracl_docs,
    queries=_miracl_queries,
    judgements=lambda language: _judgements(f"miracl/{language}/dev"),
    pooled=False,
    licence="Apache-2.0 (topics and judgements); CC BY-SA (Wikipedia)",
    streamed=True,
    count=_miracl_count,
)


def _miracl_pool(name: str, pool: str, split: str) -> Suite:
    import ir_datasets

    from hybrid_bench.datasets.irds_entries import pool_languages
    from hybrid_bench.datasets.sources.records import PooledPassage

    languages = pool_languages(pool)
    known = set(ir_datasets.registry)
    asked = tuple(language for language in languages if f"miracl/{language}/{split}" in known)
    if not asked:
        raise HybridBenchError(f"no language of the pool {pool} has the split {split!r}", "Choose another split or pool.")

    def docs(language: str) -> Iterable[Doc]:
        for doc in _entry(f"miracl/{language}").docs_iter():
            yield PooledPassage(f"{language}-{doc.doc_id}", doc.title, doc.text)

    def queries(language: str) -> Iterable[Question]:
        found: Iterable[Question] = _entry(f"miracl/{language}/{split}").queries_iter()
        return found

    return Suite(
        name=name,
        description=f"MIRACL {split}, one pool of {', '.join(languages)}",
        languages=asked,
        passage_languages=languages,
        docs=docs,
        queries=queries,
        judgements=lambda language: _judgements(f"miracl/{pool}/{split}/{language}"),
        pooled=True,
        licence=MIRACL.licence,
        streamed=True,
        count=_miracl_count,
    )


def _single(dataset_id: str) -> Suite:
    """One ir_datasets entry with documents, queries and qrels."""
    import ir_datasets

    try:
        entry = _entry(dataset_id)
    except KeyError:
        deep = [name for name in ir_datasets.registry if "/" in dataset_id]
        raise UnknownNameError(
            "suite",
            dataset_id,
            [*SUITES, *deep],
            "`hybrid-bench suites` lists them; any ir_datasets id or folder in BEIR's layout works.",
        ) from None
    missing = [part for part in ("docs", "queries", "qrels") if not entry.has(part)]
    if missing:
        below = sorted(name for name in ir_datasets.registry if name.startswith(f"{dataset_id}/"))[:3]
        deeper = f"Try {' or '.join(below)}." if below else "Choose another id."
        raise HybridBenchError(f"the ir_datasets entry {dataset_id} has no {' and no '.join(missing)}", deeper)
    query_language = entry.queries_lang() or entry.docs_lang() or "und"
    own_pool = entry.docs_lang() or (ALL if re.search(r"/(all|\w\w(\+\w\w)+)/", dataset_id) else query_language)
    return Suite(
        name=dataset_id,
        description=f"ir_datasets entry {dataset_id}",
        languages=(query_language,),
        passage_languages=(own_pool,),
        docs=lambda _: entry.docs_iter(),
        queries=lambda _: entry.queries_iter(),
        judgements=lambda _: _judgements(dataset_id),
        pooled=True,
        streamed=dataset_id.startswith("miracl/") or (_count(entry) or 0) > STREAMED_FROM,
        count=lambda _: _count(entry),
    )
