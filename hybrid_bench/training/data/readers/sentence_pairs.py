"""Parallel sentences: one file per language, in which equal line numbers are translations of each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.training.data.readers.reading import ReadResult, read_text
from hybrid_bench.training.data.table import ParallelRow

EMPTY = "empty lines"


def read(source: str, files: Mapping[str, Path], articles: Path | None = None, prefix: str = "") -> ReadResult:
    """Read parallel files line by line.

    A sentence is both question and passage of its row, in each language. As a text is never paired with itself, such rows
    occur in cross-lingual batches only: the passage of a sentence is its translation.

    Args:
        source: the source of the rows.
        files: language to its file.
        articles: a file with the document id of each line.
        prefix: precedes line numbers in ids; needed by sources with several sets of files.

    Raises:
        HybridBenchError: if there are fewer than two languages, or the files differ in their number of lines.
    """
    if len(files) < 2:
        raise HybridBenchError(f"{source} has files in {len(files)} language", "Parallel sentences need two or more languages.")
    lines = {language: _lines(path) for language, path in files.items()}
    first, *others = lines
    for language in others:
        if len(lines[language]) != len(lines[first]):
            raise HybridBenchError(
                f"the files of {source} are not parallel: {files[first]} has {len(lines[first])} lines, "
                f"{files[language]} has {len(lines[language])}",
                "Line n must be the same sentence in every file.",
            )
    titles: Sequence[str] = _lines(articles) if articles else [""] * len(lines[first])
    if len(titles) != len(lines[first]):
        raise HybridBenchError(
            f"{articles} has {len(titles)} lines, but {source} has {len(lines[first])} sentences",
            "Give the file one document id per sentence.",
        )
    reading = ReadResult([])
    width = len(str(len(titles)))
    for number, title in enumerate(titles):
        texts = {language: own[number].strip() for language, own in lines.items()}
        for language in [language for language, text in texts.items() if not text]:
            reading.skipped[language, EMPTY] += 1
            del texts[language]
        if len(texts) > 1:
            name = f"{source}:{prefix}{number + 1:0{width}}"
            reading.rows.append(ParallelRow(name, source, title and f"{source}:{title}", texts, dict(texts)))
    return reading


def _lines(path: Path) -> list[str]:
    # Not splitlines(): sentences may hold characters that Unicode counts as line ends.
    text = read_text(path).replace("\r\n", "\n")
    return text.removesuffix("\n").split("\n") if text else []
