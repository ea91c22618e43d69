"""A user's own training data, in the forms that recipes and commands accept as a source.

- ``data/my.jsonl``: JSON lines;
- ``my:en=squad-en.json,de=squad-de.json``: SQuAD files with the same ids; files that end in ``.txt`` are parallel sentences;
- ``data/mix``: a folder written by ``hybrid-bench training-data build``.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.training.data.readers import jsonl, sentence_pairs, squad
from hybrid_bench.training.data.readers.reading import ReadResult
from hybrid_bench.training.data.table import ParallelRow, ParallelTable

#: The data manifest beside a table: sources with licences, skipped records, removed rows.
MANIFEST = "mix.json"


@dataclass(frozen=True)
class JsonLinesFile:
    """A JSON lines file.

    Attributes:
        name: the source of its rows: the file name without extensions.
        path: the file.
    """

    name: str
    path: Path

    @classmethod
    def parse(cls, text: str) -> JsonLinesFile | None:
        """The file of a path that ends in ``.jsonl`` or ``.jsonl.gz``, whether or not it exists; None for other texts."""
        path = Path(text)
        return cls(path.name.partition(".")[0], path) if text.endswith((".jsonl", ".jsonl.gz")) else None

    def exists(self) -> bool:
        """Whether the file exists."""
        return self.path.is_file()

    def info(self) -> dict[str, Any]:
        """File name and hash, for manifests and cache keys."""
        return {"file": self.path.name, "sha256": _sha256(self.path)}

    def read(self) -> ReadResult:
        """Its rows, with ``name`` as their source."""
        reading = jsonl.read(self.name, self.path)
        return ReadResult(_with_source(reading.rows, self.name), reading.skipped)


@dataclass(frozen=True)
class FilesByLanguage:
    """One file per language: SQuAD files with the same ids, or parallel sentences.

    Attributes:
        name: the source of the rows.
        files: language to file.
    """

    name: str
    files: dict[str, Path]

    def exists(self) -> bool:
        """Whether all files exist."""
        return all(path.is_file() for path in self.files.values())

    def info(self) -> dict[str, Any]:
        """Languages and hashes, for manifests and cache keys."""
        return {"files": [{"language": language, "sha256": _sha256(path)} for language, path in self.files.items()]}

    def read(self) -> ReadResult:
        """Their rows, with ``name`` as their source."""
        if all(path.name.endswith((".txt", ".txt.gz")) for path in self.files.values()):
            return sentence_pairs.read(self.name, self.files)
        return squad.read(self.name, {language: [path] for language, path in self.files.items()})


@dataclass(frozen=True)
class TableFolder:
    """A folder with a parallel table.

    Attributes:
        name: the source of its rows: the name of the folder.
        path: the folder.
    """

    name: str
    path: Path

    def exists(self) -> bool:
        """Whether the folder exists."""
        return self.path.is_dir()

    def info(self) -> dict[str, Any]:
        """Folder name, hash, and licences if they are known, for manifests and cache keys."""
        return {"folder": self.path.name, "hash": ParallelTable.load(self.path).hash} | self._licence()

    def _licence(self) -> dict[str, str]:
        """The licences in the manifest beside the table, if there is one."""
        try:
            sources = json.loads((self.path / MANIFEST).read_text(encoding="utf-8"))["sources"].values()
            stated = {part.get("licence") for source in sources for part in (source, *source.get("files", ()))}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}
        known = sorted({licence for licence in stated if isinstance(licence, str)})
        return {"licence": " | ".join(known)} if known else {}

    def read(self) -> ReadResult:
        """Its rows, with ``name`` as their source."""
        return ReadResult(_with_source(ParallelTable.load(self.path).rows(), self.name))


UserData = JsonLinesFile | FilesByLanguage | TableFolder


def user_data(text: str) -> UserData | None:
    """Parse one of the forms above, whether or not the files exist; None if the text has none of them.

    Raises:
        HybridBenchError: if a list of files by language is malformed.
    """
    if lines := JsonLinesFile.parse(text):
        return lines
    if "=" in text:
        return FilesByLanguage(text.partition(":")[0], _listed_files(text))
    path = Path(text)
    if "/" in text or path.is_dir():
        return TableFolder(path.name, path)
    return None


def _listed_files(text: str) -> dict[str, Path]:
    """The files of ``my:en=squad-en.json,de=squad-de.json``, by language."""
    name, colon, listed = text.partition(":")
    pairs = [part.partition("=") for part in listed.split(",")]
    if not colon or not name or not all(language.strip() and path.strip() for language, _, path in pairs):
        raise HybridBenchError(f"{text!r} is not a list of files", "Write name:language=file,language=file.")
    languages = [language.strip() for language, _, _ in pairs]
    if len(set(languages)) < len(languages):
        raise HybridBenchError(f"{text!r} has the same language twice", "Give one file per language.")
    return {language.strip(): Path(path.strip()) for language, _, path in pairs}


def _with_source(rows: Iterable[ParallelRow], source: str) -> list[ParallelRow]:
    """Set the source of rows; ids that occur in several sources are prefixed with the old source."""
    listed = list(rows)
    times = Counter(row.id for row in listed)
    return [replace(row, source=source, id=row.id if times[row.id] == 1 else f"{row.source}:{row.id}") for row in listed]


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise HybridBenchError(f"cannot read {path}: {error.strerror}", "Check the path.") from error
