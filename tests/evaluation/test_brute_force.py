"""AfriQA and SQuADShifts, read and scored a second time from the published files with NumPy alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import evaluate, load_suite
from hybrid_bench.datasets.sources.squadshifts import DOMAINS
from tests.tiny_encoder import TinyEncoder


def average_precision(scores: np.ndarray, ids: list[str], relevant: set[str]) -> float:
    """AP of one query: passages by score, then by id, both descending, as trec_eval sorts."""
    order = sorted(range(len(ids)), key=lambda at: (scores[at], ids[at]), reverse=True)
    ranks = [rank for rank, at in enumerate(order, start=1) if ids[at] in relevant]
    return sum(found / rank for found, rank in enumerate(ranks, start=1)) / len(relevant)


def mean_of(queries: list[str], relevant: list[set[str]], passages: dict[str, str]) -> float:
    """Mean AP of questions on passages by id."""
    encoder, ids = TinyEncoder(), list(passages)
    scores = encoder.encode(queries, "query") @ encoder.encode(list(passages.values()), "passage").T
    return float(np.mean([average_precision(row, ids, found) for row, found in zip(scores, relevant, strict=True)]))


def test_afriqa(shared: Path) -> None:
    found = evaluate(TinyEncoder(), "afriqa")
    value = {(row.query_set, row.pool): row.value for row in found.rows if row.measure == "AP"}
    folder = next((shared / "mirror/raw.githubusercontent.com/masakhane-io/afriqa").iterdir()) / "data" / "gold_passages"
    texts: dict[str, set[tuple[str, str]]] = {"en": set(), "fr": set()}
    for file in folder.rglob("*.json"):
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row["context"]:
                texts[file.name.split(".")[3]].add((row["title"] or "", row["context"]))
    suite = load_suite("afriqa")
    records = {pool: list(suite.collection(pool).passages()) for pool in ("en", "fr")}
    ids = {pool: {(one.title, one.text): one.doc_id for one in of} for pool, of in records.items()}  # type: ignore[union-attr]
    assert {pool: set(of) for pool, of in ids.items()} == texts
    for code, name, pool in (("swa", "sw", "en"), ("hau", "ha", "en"), ("fon", "fon", "fr")):
        (file,) = (folder / code).glob("*.test.json")
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        rows = [row for row in rows if row["context"]]
        relevant = [{ids[pool][row["title"] or "", row["context"]]} for row in rows]
        passages = {doc_id: f"{title} {text}".strip() for (title, text), doc_id in ids[pool].items()}
        for query_set, field in ((name, "question_lang"), (f"{name}-{pool}", "question_translated")):
            expected = mean_of([row[field] for row in rows], relevant, passages)
            assert value[query_set, pool] == pytest.approx(expected, abs=1e-6)


def test_squadshifts(shared: Path) -> None:
    found = evaluate(TinyEncoder(), "squadshifts")
    value = {(row.query_set, row.pool): row.value for row in found.rows if row.measure == "AP"}
    folder = next((shared / "mirror/raw.githubusercontent.com/modestyachts/squadshifts-website").iterdir()) / "datasets"
    suite = load_suite("squadshifts")
    everything: dict[str, str] = {}
    asked: dict[str, tuple[list[str], list[set[str]]]] = {}
    for domain, name in DOMAINS.items():
        records = {record.doc_id: record for record in suite.collection(domain).passages()}
        everything |= {doc_id: record.text for doc_id, record in records.items()}  # type: ignore[union-attr]
        by_context: dict[str, list[str]] = {}
        for doc_id, record in records.items():
            by_context.setdefault(record.context, []).append(doc_id)  # type: ignore[union-attr]
        chosen = {query.id for query in suite.queries(domain)}
        file = json.loads((folder / f"{name}_v1.0.json").read_text(encoding="utf-8"))
        texts, relevant = [], []
        for paragraph in (one for article in file["data"] for one in article["paragraphs"]):
            for question in (one for one in paragraph["qas"] if one["id"] in chosen):
                starts = [answer["answer_start"] for answer in question["answers"]]
                texts.append(question["question"])
                relevant.append(_holding(paragraph["context"], starts, by_context[paragraph["context"]], everything))
        asked[domain] = texts, relevant
    for domain in DOMAINS:
        own = {item.id: str(item.content) for item in suite.passages(domain)}
        assert value[domain, domain] == pytest.approx(mean_of(*asked[domain], own), abs=1e-6)
    assert value["reddit", "all"] == pytest.approx(mean_of(*asked["reddit"], everything), abs=1e-6)


def _holding(context: str, starts: list[int], ids: list[str], texts: dict[str, str]) -> set[str]:
    """The sentences that hold any of the offsets, found by searching each sentence behind the one before it."""
    spans, at = {}, 0
    for doc_id in ids:
        at = context.index(texts[doc_id], at)
        spans[doc_id] = range(at, at + len(texts[doc_id]))
        at = spans[doc_id].stop
    held = {texts[doc_id] for doc_id, span in spans.items() if any(start in span for start in starts)}
    return {doc_id for doc_id in ids if texts[doc_id] in held}
