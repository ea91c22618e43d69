"""Questions as topics that Pyserini's commands read."""

from __future__ import annotations

import json
from pathlib import Path

from hybrid_bench import HybridBenchError, UnknownNameError, load_suite


def write(suite: str, file: Path, language: str | None = None) -> int:
    """Write the questions of a suite in the JSON that Pyserini reads as it is; returns how many there are.

    From TSV files Pyserini strips the white space around questions, which changes the vectors of some encoders, and turns
    ids of digits into numbers.

    Args:
        suite: the name of a suite, or an ir_datasets id.
        file: its name has to end in ``.json``: Pyserini tells formats by it.
        language: of the questions.

    Raises:
        HybridBenchError: if the suite has several languages and none is named, or the file cannot be written.
    """
    if file.suffix != ".json":
        raise HybridBenchError(f"{file} does not end in .json, by which Pyserini knows the format", "Name it topics.json.")
    loaded = load_suite(suite)
    if language is None and len(loaded.languages) > 1:
        raise HybridBenchError(f"{suite} has questions in several languages", f"Name one: {', '.join(loaded.languages)}.")
    chosen = language or loaded.languages[0]
    if chosen not in loaded.languages:
        raise UnknownNameError(f"query language of {suite}", chosen, loaded.languages)
    questions = {query.id: {"title": query.text} for query in loaded.query_texts(chosen)}
    try:
        file.write_text(json.dumps(questions, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    except OSError as error:
        raise HybridBenchError(f"cannot write {file}: {error.strerror}") from error
    return len(questions)
