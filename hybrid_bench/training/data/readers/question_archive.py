"""Questions and their translations, in an archive with one file of JSON lines per language (MKQA, arXiv 2007.15207)."""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.training.data.readers.reading import ReadResult
from hybrid_bench.training.data.table import ParallelRow

#: Bytes of a file in the archive that are read; the largest of MKQA's has 400 kB.
_LARGEST = 64 << 20
#: The language in a file's name: ``mkqa-zh_cn.jsonl`` has ``zh``.
_LANGUAGE = re.compile(r"-([a-z]{2,3})(?:_[a-z]+)?\.jsonl$")


def read(source: str, path: Path) -> ReadResult:
    """Read files ``<name>-<language>.jsonl`` with lines ``{"id": "<question>_<language>", "lang", "question"}``.

    A question is both question and passage of its row, as parallel sentences are; see :mod:`.sentence_pairs`.

    Raises:
        HybridBenchError: if the archive or a file in it has another format, or a file has the same question twice.
    """
    rows: dict[str, ParallelRow] = {}
    try:
        for name, text in _files(path):
            stated = _LANGUAGE.search(name)
            if stated is None:
                raise ValueError(f"the name {name} does not end in a language")
            language = stated[1]
            for line in text.splitlines():
                record = json.loads(line)
                question, row_id = record["question"].strip(), record["id"].removesuffix(f"_{record['lang']}")
                row = rows.setdefault(row_id, ParallelRow(row_id, source))
                if language in row.question:
                    raise ValueError(f"{name} has the question {row_id} twice")
                f"{question}{row_id}".encode()  # raises on an unpaired surrogate
                if question:
                    row.question[language] = row.sentence[language] = question
    except (
        OSError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RuntimeError,
    ) as error:
        raise HybridBenchError(
            f"{path} is not an archive of questions: {type(error).__name__}: {error}", "Download it again."
        ) from error
    return ReadResult([row for row in rows.values() if len(row.question) > 1])


def _files(path: Path) -> Iterator[tuple[str, str]]:
    """The name and the text of each file of JSON lines, by name."""
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        for info in sorted(archive.infolist(), key=lambda one: one.filename):
            if info.filename.endswith(".jsonl"):
                if info.file_size > _LARGEST:
                    raise ValueError(f"{info.filename} has {info.file_size} bytes")
                yield info.filename.rpartition("/")[2], archive.read(info).decode()
