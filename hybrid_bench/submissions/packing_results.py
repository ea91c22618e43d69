"""Packing a submission of a searcher that has no vectors, such as BM25: its results are at hand already."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_bench.datasets.hashes import passages_hash, queries_hash
from hybrid_bench.datasets.settings import ALL, Setting
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.measures.scores import SAME_LANGUAGE_DEPTH
from hybrid_bench.results import runs as trec
from hybrid_bench.results.record import Result
from hybrid_bench.submissions import packing, rescoring
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.format import rank_table, schema
from hybrid_bench.submissions.format.findings import Report
from hybrid_bench.submissions.format.rank_table import RankTable
from hybrid_bench.submissions.packing import Packed, PackedSuite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hybrid_bench.submissions.format.expected import SuiteData

#: sha256 of a run in which no query found anything.
_NOTHING = hashlib.sha256(b"").hexdigest()
_DEPTH = re.compile(r"(\d+) passages a query")


def pack(
    files: Sequence[Path], out: Path, *, org: str, name: str | None = None, revision: str | None = None, card: Path | None = None
) -> Packed:
    """Write what a submission is made of, from the results of a searcher: nothing is searched again.

    Args:
        files: results, each of another suite, with their ranks and runs beside them.
        out: the folder of submissions.
        org: who hands it in.
        name: by default the searcher's.
        revision: by default the beginning of the fingerprint of the first result.
        card: a TOML file with the fields of the card that a result does not state, and a table ``trained_on``.

    Raises:
        HybridBenchError: if the revision exists already, or a result is not of these suites, has no ranks or other searchers.
    """
    results = [Result.read(file) for file in files]
    first = results[0]
    for file, result in zip(files, results, strict=True):
        if result.encoder != first.encoder and _without_suite(result) != _without_suite(first):
            raise HybridBenchError(f"{file} is not of the same searcher as {files[0]}", "Pack each searcher on its own.")
    if len({result.suite for result in results}) < len(results):
        raise HybridBenchError(f"two results are of the same suite: {first.suite}", "Give one for each suite.")
    name = name or first.name.rpartition("/")[2]
    revision = revision or first.provenance.fingerprint[:12]
    folder = packing.new_folder(out, org, name, revision)
    stated = packing.stated_card(card)
    described = {"description": first.encoder.get("description"), "similarity": "lexical"}
    fields = packing.card_fields(described, stated)
    packed = [_suite(file, result) for file, result in zip(files, results, strict=True)]
    for part in packed:
        part.handed["trained_on"] = str(stated.get("trained_on", {}).get(part.name, "not stated"))
    packing.write(folder, {"format": schema.FORMAT, "org": org, "name": name, "revision": revision}, fields, packed)
    return Packed(folder, packed, packing.missing(fields))


def _without_suite(result: Result) -> dict[str, Any]:
    """What a searcher is on whatever suite; how it takes the languages of one apart is the suite's."""
    return {key: value for key, value in result.encoder.items() if not isinstance(value, dict)}


def _suite(file: Path, result: Result) -> PackedSuite:
    if not result.runs:
        raise HybridBenchError(
            f"{file} is not a result from runs, as searchers without vectors have",
            "Pack an encoder by its name: hybrid-bench submit pack ENCODER",
        )
    data = suite_data.load(result.suite)
    _check_data(file, result, data)
    table = RankTable(result.ranks, _same_language(file, result, data) if data.pooled else {})
    # As whoever checks it will: a table that would be refused is not written.
    report = Report()
    depth = _depth(result) if table.cut() else None
    read = rank_table.parse(table.text(), data, depth, report, file.name)
    if read is None or report.failed:
        raise HybridBenchError(f"{file}: {report.findings[0].message}", "Was it made with all languages and settings?")
    handed: dict[str, Any] = {"kind": "ranks", "passage_text": result.provenance.passage_text, "data": data.digest}
    if depth is not None:
        handed["depth"] = depth
    again = rescoring.scored_table(read, data, depth)
    handed["claimed"] = packing.claimed(again)
    return PackedSuite(result.suite, table, handed, largest=packing.largest_difference(result, again))


def _depth(result: Result) -> int:
    """Passages a query that count as found."""
    match = _DEPTH.fullmatch(result.provenance.depth)
    if match is None:
        raise HybridBenchError(f"the result of {result.name} on {result.suite} does not say how deep its runs are")
    return int(match[1])


def _check_data(file: Path, result: Result, data: SuiteData) -> None:
    """Refuse a result of other texts than the suite has here."""
    provenance = result.provenance
    of_queries = {language: queries_hash(data.suite, language) for language in data.questions}
    of_passages = {language: passages_hash(data.suite, language) for language in data.suite.passage_languages}
    if provenance.queries != of_queries or provenance.passages != of_passages:
        raise HybridBenchError(
            f"{file} is not of all texts of {result.suite} as it is here", "Search the whole suite again, then pack."
        )


def _same_language(file: Path, result: Result, data: SuiteData) -> dict[str, NDArray[np.int32]]:
    """Query language to how many of the first passages of all are in that language, from the runs of the pool of all."""
    language_of = {doc_id: language for language, ids in data.passage_ids.items() for doc_id in ids}
    found = {}
    for language, ranks in result.ranks.by_language.items():
        pair = f"{language}:{ALL}"
        path = (result.runs_folder or file.parent) / trec.file_name(Setting(language, ALL))
        if pair not in result.runs or trec.digest(path) != result.runs[pair]:
            raise HybridBenchError(
                f"{path} is not the run that {file} was scored from: it is missing, truncated or another one",
                f"Run: hybrid-bench reproduce {file}",
            )
        run = {} if result.runs[pair] == _NOTHING else trec.read(path)
        of_query = (
            sum(language_of[hit.doc_id] == language for hit in run.get(query_id, [])[:SAME_LANGUAGE_DEPTH])
            for query_id in ranks.query_ids
        )
        found[language] = np.fromiter(of_query, dtype=np.int32, count=len(ranks.query_ids))
    return found
