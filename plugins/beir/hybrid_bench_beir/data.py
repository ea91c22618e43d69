"""Suites as BEIR's data: ``(corpus, queries, qrels)`` in memory, or folders that its ``GenericDataLoader`` reads."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hybrid_bench import HybridBenchError, Setting, Suite, load_suite
from hybrid_bench.plugin import parse_settings

#: Passage id to title and text, query id to text, and query id to passage id to grade.
Corpus = dict[str, dict[str, str]]
Queries = dict[str, str]
Qrels = dict[str, dict[str, int]]


def load(suite: Suite | str, setting: str = "") -> tuple[Corpus, Queries, Qrels]:
    """A setting of a suite as BEIR's data.

    Passages have the ids and exactly the texts that an encoder reads here. Queries without a relevant passage in the pool are
    left out, so that BEIR's means are over the same queries.

    Args:
        suite: a suite or the name of one, see :func:`hybrid_bench.load_suite`: ``xquad-r/de/en`` has one setting.
        setting: of a suite that has several: query set and pool, ``en:de`` or ``en:all``.

    Raises:
        HybridBenchError: if the suite has several settings and none is named, or its passages or queries are no texts.
    """
    loaded = load_suite(suite) if isinstance(suite, str) else suite
    chosen = parse_settings([setting] if setting else [], loaded.settings)
    if len(chosen) != 1:
        raise HybridBenchError(
            f"{loaded.name} has {len(loaded.settings)} settings, and BEIR's data are of one",
            f"Name one, e.g. load({loaded.name!r}, {loaded.settings[0].name!r}).",
        )
    queries, qrels = _judged(loaded, chosen[0])
    corpus = {doc_id: {"title": title, "text": text} for doc_id, title, text in _passages(loaded, chosen[0])}
    return corpus, queries, qrels


def export(suite: Suite | str, folder: Path, settings: Sequence[str] = (), *, overwrite: bool = False) -> list[Path]:
    """Write settings of a suite as folders in BEIR's layout, which ``GenericDataLoader(folder).load("test")`` reads.

    Args:
        suite: a suite or the name of one.
        folder: to write; of several settings each is a folder in it, ``en-all``.
        settings: kinds of settings (``monolingual``), or pairs (``en:de``, ``en:all``); all by default.
        overwrite: replace folders that are there.

    Returns:
        The folders of the settings.

    Raises:
        HybridBenchError: if a folder is there already, or the suite is not of texts.
    """
    loaded = load_suite(suite) if isinstance(suite, str) else suite
    chosen = parse_settings(settings, loaded.settings)
    alone = len(loaded.settings) == 1
    folders = {folder if alone else folder / setting.name.replace(":", "-"): setting for setting in chosen}
    for to in folders:
        if to.exists() and any(to.iterdir() if to.is_dir() else [to]) and not overwrite:
            raise HybridBenchError(f"{to} is there already", "Choose another folder, or replace it with --overwrite.")
    for to, setting in folders.items():
        _write(loaded, setting, to)
    return list(folders)


def _write(suite: Suite, setting: Setting, to: Path) -> None:
    """Write a folder under a temporary name, then rename it."""
    part = to.absolute().with_name(f".{to.absolute().name}.part")
    shutil.rmtree(part, ignore_errors=True)
    (part / "qrels").mkdir(parents=True)
    queries, qrels = _judged(suite, setting)
    with (part / "corpus.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        for doc_id, title, text in _passages(suite, setting):
            file.write(_line({"_id": doc_id, "title": title, "text": text, "metadata": {}}))
    with (part / "queries.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_line({"_id": query_id, "text": text, "metadata": {}}) for query_id, text in queries.items())
    with (part / "qrels" / "test.tsv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, delimiter="\t", lineterminator="\n")
        rows.writerow(["query-id", "corpus-id", "score"])  # BEIR's loader drops the first line, whatever it is
        rows.writerows((query_id, doc_id, grade) for query_id, judged in qrels.items() for doc_id, grade in judged.items())
    if to.is_dir():
        shutil.rmtree(to)
    part.replace(to)


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False) + "\n"


def _passages(suite: Suite, setting: Setting) -> Iterator[tuple[str, str, str]]:
    """(id, title, text) of every passage of a pool; title and text joined are what an encoder reads."""
    for name in suite.pool(setting.pool):
        collection = suite.collection(name)
        if collection.modality != "text":
            raise HybridBenchError(f"the collection {name} of {suite.name} is of {collection.modality}s", "BEIR is of texts.")
        for item, record in zip(suite.passage_stream(name), collection.passages(), strict=True):
            title, text = getattr(record, "title", None) or "", getattr(record, "text", None) or ""
            content = str(item.content)
            joined = title and f"{title} {text}".strip() == content.strip()
            yield (item.id, title, text) if joined else (item.id, "", content)


def _judged(suite: Suite, setting: Setting) -> tuple[Queries, Qrels]:
    """The queries that have a relevant passage in the pool, and all judgements there; the last of a pair counts."""
    if suite.query_set(setting.query_set).modality != "text":
        raise HybridBenchError(f"the queries {setting.query_set} of {suite.name} are no texts", "BEIR is of texts.")
    pool = set(suite.pool(setting.pool))
    qrels: Qrels = {}
    for judgement in suite.query_set(setting.query_set).judgements():
        if judgement.collection in pool:
            found = qrels.setdefault(judgement.query_id, {})
            found[suite.trec_id(judgement.collection, judgement.doc_id)] = judgement.relevance
    queries = {
        query.id: str(query.content)
        for query in suite.queries(setting.query_set)
        if any(grade > 0 for grade in qrels.get(query.id, {}).values())
    }
    return queries, {query_id: qrels[query_id] for query_id in queries}
