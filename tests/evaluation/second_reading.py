"""AfriQA and SQuADShifts read a second time from the published files, and scored with NumPy alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hybrid_bench import Suite
from hybrid_bench.datasets.sources.squadshifts import DOMAINS
from hybrid_bench.plugin import Role

#: AfriQA's code of each language, its tag, and the language of its passages.
AFRIQA = (
    ("bem", "bem", "en"), ("fon", "fon", "fr"), ("hau", "ha", "en"), ("ibo", "ig", "en"), ("kin", "rw", "en"),
    ("swa", "sw", "en"), ("twi", "tw", "en"), ("yor", "yo", "en"), ("zul", "zu", "en"),
)  # fmt: skip

#: (texts, role) to (texts, dimension).
Encode = Callable[[list[str], Role], np.ndarray]


class Asked(NamedTuple):
    """A setting."""

    query_set: str
    pool: str
    queries: list[str]
    relevant: list[set[str]]
    passages: dict[str, str]


def average_precision(asked: Asked, encode: Encode) -> float:
    """Mean AP: passages by score, then by id, both descending, as trec_eval sorts."""
    ids = list(asked.passages)
    vectors, texts = np.unique(encode(list(asked.passages.values()), "passage"), axis=0, return_inverse=True)
    scores = (encode(asked.queries, "query") @ vectors.T)[:, texts.ravel()]  # equal vectors have equal scores
    number = np.argsort(np.argsort(ids))
    place = {doc_id: at for at, doc_id in enumerate(ids)}
    found = []
    for row, relevant in zip(scores, asked.relevant, strict=True):
        at = [place[doc_id] for doc_id in relevant]
        ranks = sorted(1 + int(np.sum((row > row[own]) | ((row == row[own]) & (number > number[own])))) for own in at)
        found.append(sum(hits / rank for hits, rank in enumerate(ranks, start=1)) / len(ranks))
    return float(np.mean(found))


def afriqa(suite: Suite, shared: Path) -> Iterator[Asked]:
    """Every setting of ``afriqa``, or of a cut of it."""
    folder = next((shared / "mirror/raw.githubusercontent.com/masakhane-io/afriqa").iterdir()) / "data" / "gold_passages"
    whole: dict[str, set[tuple[str, str]]] = {"en": set(), "fr": set()}
    for file in folder.rglob("*.json"):
        pool = file.name.split(".")[3]
        whole[pool] |= {(row["title"] or "", row["context"]) for row in map(json.loads, _lines(file)) if row["context"]}
    records = {pool: list(suite.collection(pool).passages()) for pool in ("en", "fr")}
    ids = {pool: {(one.title, one.text): one.doc_id for one in of} for pool, of in records.items()}  # type: ignore[union-attr]
    assert all(set(ids[pool]) <= whole[pool] for pool in whole)
    assert suite.limit or all(set(ids[pool]) == whole[pool] for pool in whole)
    for code, language, pool in AFRIQA:
        (file,) = (folder / code).glob("*.test.json")
        passages = {doc_id: f"{title} {text}".strip() for (title, text), doc_id in ids[pool].items()}
        for query_set, field in ((language, "question_lang"), (f"{language}-{pool}", "question_translated")):
            chosen = {query.id for query in suite.queries(query_set)}
            rows = [row for row in map(json.loads, _lines(file)) if row["context"] and f"{language}-{row['id']}" in chosen]
            relevant = [{ids[pool][row["title"] or "", row["context"]]} for row in rows]
            yield Asked(query_set, pool, [row[field] for row in rows], relevant, passages)


def squadshifts(suite: Suite, shared: Path) -> Iterator[Asked]:
    """Every setting of ``squadshifts``, or of a cut of it."""
    folder = next((shared / "mirror/raw.githubusercontent.com/modestyachts/squadshifts-website").iterdir()) / "datasets"
    records = {domain: list(suite.collection(domain).passages()) for domain in DOMAINS}
    texts = {one.doc_id: one.text for of in records.values() for one in of}  # type: ignore[union-attr]
    for domain, name in DOMAINS.items():
        by_context: dict[str, list[str]] = {}
        for record in records[domain]:
            by_context.setdefault(record.context, []).append(record.doc_id)  # type: ignore[union-attr]
        chosen = {query.id for query in suite.queries(domain)}
        file = json.loads((folder / f"{name}_v1.0.json").read_text(encoding="utf-8"))
        queries, relevant = [], []
        for paragraph in (one for article in file["data"] for one in article["paragraphs"]):
            for question in (one for one in paragraph["qas"] if one["id"] in chosen):
                starts = [answer["answer_start"] for answer in question["answers"]]
                queries.append(question["question"])
                relevant.append(_holding(paragraph["context"], starts, by_context[paragraph["context"]], texts))
        own = {doc_id: texts[doc_id] for of in by_context.values() for doc_id in of}
        yield Asked(domain, domain, queries, relevant, own)
        yield Asked(domain, "all", queries, relevant, texts)


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()


def _holding(context: str, starts: list[int], ids: list[str], texts: dict[str, str]) -> set[str]:
    """The sentences that hold any of the offsets, found by searching each sentence behind the one before it."""
    spans, at = {}, 0
    for doc_id in ids:
        at = context.index(texts[doc_id], at)
        spans[doc_id] = range(at, at + len(texts[doc_id]))
        at = spans[doc_id].stop
    held = {texts[doc_id] for doc_id, span in spans.items() if any(start in span for start in starts)}
    return {doc_id for doc_id in ids if texts[doc_id] in held}
