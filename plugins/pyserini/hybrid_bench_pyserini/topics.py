"""Export of queries as topics for Pyserini's commands."""

from __future__ import annotations

import json
from pathlib import Path

from hybrid_bench import HybridBenchError, load_suite
from hybrid_bench.plugin import UnknownNameError


def write(suite: str, file: Path, language: str | None = None) -> int:
    """Write the queries of a suite as JSON topics; returns their number.

    JSON, because Pyserini strips whitespace around queries in TSV files, which changes the vectors of some encoders, and
    converts numeric ids to integers.

    Args:
        suite: the name of a suite, or an ir_datasets id.
        file: the file to write; must end in ``.json``, by which Pyserini detects the format.
        language: query language; required if the suite has several.

    Raises:
        HybridBenchError: if the suite has several languages and none is given, or the file cannot be written.
    """
    if file.suffix != ".json":
        raise HybridBenchError(
            f"{file} does not end in .json, by which Pyserini detects the format", "Use a name such as topics.json."
        )
    loaded = load_suite(suite)
    names = [queries.name for queries in loaded.query_sets]
    if language is None and len(names) > 1:
        raise HybridBenchError(f"{suite} has queries in several languages", f"Choose one with --language: {', '.join(names)}.")
    chosen = language or names[0]
    if chosen not in names:
        raise UnknownNameError(f"query language of {suite}", chosen, names)
    topics = {query.id: {"title": query.content} for query in loaded.queries(chosen)}
    try:
        file.write_text(json.dumps(topics, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    except OSError as error:
        raise HybridBenchError(f"cannot write {file}: {error.strerror}") from error
    return len(topics)
