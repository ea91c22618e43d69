"""Parallel sentences: a file a language, and the same line of each is the same sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.training.data.readers.reading import Reading, text_of
from hybrid_bench.training.data.table import ParallelRow

EMPTY = "empty lines"


def read(source: str, files: Mapping[str, Path], articles: Path | None = None, prefix: str = "") -> Reading:
    """Read files line by line.

    A sentence is both question and passage of its row, in each language. As no text is ever paired with itself, such rows
    are in cross-lingual batches alone: a translation is to be found for a sentence.

    Args:
        source: the name of the source, for the rows.
        files: language to its file.
        articles: a file with the id of the document that each line is from.
        prefix: put before the line numbers to make ids; sources of several sets of files need it.

    Raises:
        HybridBenchError: if there are fewer than two languages, or the files differ in their number of lines.
    """
    if len(files) < 2:
        raise HybridBenchError(f"{source} is in {len(files)} language", "Parallel sentences need two or more.")
    lines = {language: _lines(path) for language, path in files.items()}
    first, *others = lines
    for language in others:
        if len(lines[language]) != len(lines[first]):
            raise HybridBenchError(
                f"the files of {source} are not parallel: {files[first]} has {len(lines[first])} lines, "
                f"{files[language]} has {len(lines[language])}",
                "Line n of each has to be the same sentence.",
            )
    titles: Sequence[str] = _lines(articles) if articles else [""] * len(lines[first])
    if len(titles) != len(lines[first]):
        raise HybridBenchError(f"{articles} has {len(titles)} lines, and the sentences of {source} are {len(lines[first])}")
    reading = Reading([])
    width = len(str(len(titles)))
    for number, title in enumerate(titles):
        texts = {language: own[number].strip() for language, own in lines.items()}
        for language in [language for language, text in texts.items() if not text]:
            reading.left_out[language, EMPTY] += 1
            del texts[language]
        if len(texts) > 1:
            name = f"{source}:{prefix}{number + 1:0{width}}"
            reading.rows.append(ParallelRow(name, source, title and f"{source}:{title}", texts, dict(texts)))
    return reading


def _lines(path: Path) -> list[str]:
    # Not splitlines(): sentences may hold characters that Unicode counts as line ends.
    text = text_of(path).replace("\r\n", "\n")
    return text.removesuffix("\n").split("\n") if text else []
