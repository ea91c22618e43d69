"""Results of earlier schema versions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hybrid_bench.datasets.settings import ALL
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.results import runs as trec
from hybrid_bench.results.record import SCHEMA_VERSION, Result, read_fields
from hybrid_bench.support import atomic

_DEPTH = re.compile(r"(\d+) passages a query")
_STORED = re.compile(r"Passage vectors are stored in (fp16|fp32); queries are not rounded\.")
#: What version 1 called a language that was not stated.
_UNKNOWN = "und"


def converted(fields: dict[str, Any], path: Path) -> dict[str, Any]:
    """The fields of a result of schema version 1 as version 2 has them; scores stay as they are.

    In version 1 every query set and every collection was one language, and the only pool of several was that of all.

    Args:
        fields: the content of the file.
        path: of the file, for errors.

    Raises:
        HybridBenchError: if a field is missing or malformed.
    """
    try:
        return _converted(fields)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        what = f"{error.args[0]}: Field required" if isinstance(error, KeyError) else str(error)
        raise HybridBenchError(f"{path} is not a valid result: {what}", "Run the evaluation again.") from error


def _converted(fields: dict[str, Any]) -> dict[str, Any]:
    new = {key: value for key, value in fields.items() if key not in ("suite", "encoder", "provenance", "rows", "runs")}
    suite, encoder, provenance, rows = (fields[key] for key in ("suite", "encoder", "provenance", "rows"))
    provenance = dict(provenance)
    depth = _DEPTH.fullmatch(provenance.pop("depth", ""))
    notes = list(fields.get("notes", ()))
    stored = next((match for note in notes if (match := _STORED.fullmatch(note))), None)
    collections = list(provenance["passages"])
    pools = {ALL: collections} if len(collections) > 1 and any(row["pool"] == ALL for row in rows) else {}
    return new | {
        "schema_version": 2,
        "suite": suite,
        "encoder": encoder,
        "notes": [note for note in notes if not _STORED.fullmatch(note)],
        "query_sets": _languages(provenance["queries"]),
        "collections": _languages(collections),
        "pools": pools,
        "provenance": provenance | {"depth": int(depth[1]) if depth else None, "storage": stored[1] if stored else None},
        "rows": [{"query_set" if key == "query_language" else key: value for key, value in row.items()} for row in rows],
        "runs": [_run(pair, sha256) for pair, sha256 in fields.get("runs", {}).items()],
    }


def _languages(names: Iterable[str]) -> dict[str, dict[str, str]]:
    return {name: {} if name in (ALL, _UNKNOWN) else {"language": name} for name in names}


def _run(pair: str, sha256: str) -> dict[str, str]:
    query_set, _, pool = pair.partition(":")
    return {"query_set": query_set, "pool": pool, "file": trec.file_name(query_set, pool), "sha256": sha256}


def migrate(path: Path) -> bool:
    """Rewrite a result of an earlier schema version, with its ranks, in the present one, and move its runs to its folder.

    In version 1 all results of an encoder had their runs in the same folder; runs of another result stay where they are.

    Returns:
        Whether anything had to be written.

    Raises:
        HybridBenchError: if the file is not a result, or its ranks are missing or not those that it names.
    """
    if read_fields(path)["schema_version"] == SCHEMA_VERSION:
        return False
    result = Result.read(path)
    if result.has_ranks:
        ranks = result.ranks
        result = result.with_ranks(ranks)
        if result.ranks_file is not None:
            atomic.write(path.parent / result.ranks_file.file, ranks.to_bytes())
    folder = path.parent / f"{result.stem}.runs"
    early = {file.parent for file in result.run_files.values()} - {folder}
    if early and not result.damaged_runs():
        early.pop().rename(folder)
    atomic.write(path, result.to_json().encode())
    return True
