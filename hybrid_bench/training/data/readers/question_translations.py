"""Questions with translations but without passages: the format of Mintaka."""

from __future__ import annotations

from pathlib import Path

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.training.data.readers.reading import ReadResult, read_json
from hybrid_bench.training.data.table import ParallelRow


def read(source: str, path: Path, language: str) -> ReadResult:
    """Read a JSON list of ``{"id", "question", "translations": {"de": ...}}``, with ``question`` in ``language``.

    As with parallel sentences, a question is both question and passage of its row; see :mod:`.sentence_pairs`.

    Raises:
        HybridBenchError: if the file has another format.
    """
    reading = ReadResult([])
    try:
        for record in read_json(path):
            texts = {language: record["question"], **record["translations"]}
            texts = {own: text.strip() for own, text in texts.items() if text and text.strip()}
            reading.rows.append(ParallelRow(record["id"], source, "", texts, dict(texts)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HybridBenchError(
            f"{path} is not a list of questions with translations: {type(error).__name__}: {error}",
            'The format is JSON: [{"id", "question", "translations": {"de": "..."}}].',
        ) from error
    return reading
