"""Packing a submission of a searcher without vectors, such as BM25, from its results."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_bench.datasets.groups import groups_of
from hybrid_bench.datasets.hashes import passages_hash, queries_hash
from hybrid_bench.datasets.resolvers import load_suite
from hybrid_bench.datasets.settings import ALL
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.measures.bias_scores import GROUP_DEPTH
from hybrid_bench.results import runs as trec
from hybrid_bench.results.record import Result
from hybrid_bench.submissions import card as cards
from hybrid_bench.submissions import folder as folders
from hybrid_bench.submissions import packing, rescoring
from hybrid_bench.submissions.folder import Packed, PackedSuite
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.format import rank_table_reader
from hybrid_bench.submissions.format.findings import Report
from hybrid_bench.submissions.format.rank_table import RankTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hybrid_bench.submissions.format.expected import SuiteData

#: sha256 of an empty run.
_EMPTY = hashlib.sha256(b"").hexdigest()


def pack(
    files: Sequence[Path], out: Path, *, org: str, name: str | None = None, revision: str | None = None, card: Path | None = None
) -> Packed:
    """Write a submission from the results of a searcher; nothing is searched again.

    Args:
        files: results of different suites, with their ranks and runs next to them.
        out: the folder of submissions.
        org: the submitting person or institution.
        name: defaults to the searcher's name.
        revision: defaults to a prefix of the fingerprint of the first result.
        card: a TOML file with fields of the card that a result does not state, and a table ``trained_on``.

    Raises:
        HybridBenchError: if the revision exists already, the results are of different searchers or of the same suite, or a
            result is not of a whole suite.
    """
    results = [Result.read(file) for file in files]
    first = results[0]
    for file, result in zip(files, results, strict=True):
        if result.encoder != first.encoder and _without_suite(result) != _without_suite(first):
            raise HybridBenchError(f"{file} is of a different searcher than {files[0]}", "Pack each searcher separately.")
    if len({result.suite for result in results}) < len(results):
        raise HybridBenchError(f"two results are of the same suite: {first.suite}", "Give one result per suite.")
    name = name or first.name.rpartition("/")[2]
    revision = revision or first.provenance.fingerprint[:12]
    folder = folders.new(out, org, name, revision)
    stated = cards.read_stated(card)
    described = {"description": first.encoder.get("description"), "similarity": "lexical"}
    fields = cards.fields(described, stated)
    pool_dependent = fields["similarity"] == described["similarity"]
    packed = [_suite(file, result, pool_dependent) for file, result in zip(files, results, strict=True)]
    for part in packed:
        part.entry["trained_on"] = cards.trained_on(part.name, stated)
    folders.write(folder, fields, packed)
    return Packed(folder, packed, cards.missing(fields))


def _without_suite(result: Result) -> dict[str, Any]:
    """The description of a searcher without the parts that depend on the suite, such as analyzers per language."""
    return {key: value for key, value in result.encoder.items() if not isinstance(value, dict)}


def _suite(file: Path, result: Result, pool_dependent: bool) -> PackedSuite:
    if not result.runs:
        raise HybridBenchError(
            f"{file} is not a result from runs",
            "Pack an encoder by name instead: hybrid-bench submit pack ENCODER",
        )
    data = suite_data.load(result.suite)
    _check_data(file, result, data)
    table = RankTable(result.ranks, _same_group(file, result, data) if data.pooled else {}, data.attribute)
    # Parse the table as the check will, so that no invalid table is written.
    report = Report()
    depth = result.provenance.depth if table.cut() else None
    read = rank_table_reader.parse(table.text(), data, depth, report, file.name, pool_dependent=pool_dependent)
    if read is None or report.failed:
        first = report.findings[0]
        raise HybridBenchError(f"{file}: {first.message}", first.remedy or "Search the whole suite, then pack.")
    entry: dict[str, Any] = {"kind": "ranks", "passage_text": result.provenance.passage_text, "data": data.digest}
    if depth is not None:
        entry["depth"] = depth
    if result.provenance.dtype != "fp32":  # else there may be no vectors at all
        entry["dtype"] = result.provenance.dtype
    recomputed = rescoring.scored_table(read, data, depth)
    entry["claimed"] = packing.claimed(recomputed)
    return PackedSuite(result.suite, table, entry, largest=packing.largest_difference(result, recomputed))


def _check_data(file: Path, result: Result, data: SuiteData) -> None:
    """Reject a result on texts other than those of the installed suite."""
    provenance = result.provenance
    suite = load_suite(result.suite)  # with its images, where ``data`` has their names
    of_queries = {name: queries_hash(suite, name) for name in data.judged}
    of_passages = {of.name: passages_hash(suite, of.name) for of in suite.collections}
    if provenance.queries != of_queries or provenance.passages != of_passages:
        raise HybridBenchError(
            f"{file} does not cover all texts of the installed {result.suite}", "Search the whole suite again, then pack."
        )


def _same_group(file: Path, result: Result, data: SuiteData) -> dict[str, NDArray[np.int32]]:
    """Query set to (queries,) passages of its language or domain among the top 20, from the runs on the pool of all."""
    suite = data.suite
    group_of = groups_of(suite, data.attribute)
    of_passage = {doc_id: group_of[name] for name, ids in data.passage_ids.items() for doc_id in ids}
    files = {setting.query_set: (setting, path) for setting, path in result.run_files.items() if setting.pool == ALL}
    found = {}
    for name, ranks in result.ranks.by_query_set.items():
        if not data.has_own(name):
            continue
        setting, path = files.get(name, (None, file.parent / trec.file_name(name, ALL)))
        sha256 = result.run_hashes[setting] if setting else None
        if trec.digest(path) != sha256:
            raise HybridBenchError(
                f"{path} is not the run that {file} was scored from: it is missing, truncated or replaced",
                f"Run: hybrid-bench reproduce {file}",
            )
        run = {} if sha256 == _EMPTY else trec.read(path)
        group = getattr(suite.query_set(name), data.attribute)
        of_query = (
            sum(of_passage[hit.doc_id] == group for hit in run.get(query_id, [])[:GROUP_DEPTH]) for query_id in ranks.query_ids
        )
        found[name] = np.fromiter(of_query, dtype=np.int32, count=len(ranks.query_ids))
    return found
