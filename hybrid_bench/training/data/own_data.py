"""A user's own training data, by the names that recipes and commands take.

- ``data/my.jsonl``: JSON lines;
- ``my:en=squad-en.json,de=squad-de.json``: files in SQuAD's format that share ids; with ``.txt``, parallel sentences;
- ``data/mix``: a folder that ``hybrid-bench training-data build`` wrote.
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
from hybrid_bench.training.data.readers.reading import Reading
from hybrid_bench.training.data.table import ParallelRow, ParallelTable

#: Beside a table that was built: the account of how it came about.
ACCOUNT = "mix.json"


@dataclass(frozen=True)
class JsonLines:
    """A file with a row a line."""

    title: str
    path: Path

    @classmethod
    def named(cls, name: str) -> JsonLines | None:
        """The file of this name, there or not; None if a file of JSON lines is not called so."""
        path = Path(name)
        return cls(path.name.partition(".")[0], path) if name.endswith((".jsonl", ".jsonl.gz")) else None

    def is_there(self) -> bool:
        """Whether there is such a file."""
        return self.path.is_file()

    def stated(self) -> dict[str, Any]:
        """What it is, by its hash."""
        return {"file": self.path.name, "sha256": _sha256(self.path)}

    def read(self) -> Reading:
        """Its rows, with the title as their source."""
        reading = jsonl.read(self.title, self.path)
        return Reading(_as_one(reading.rows, self.title), reading.left_out)


@dataclass(frozen=True)
class FilesByLanguage:
    """A file for each language: in SQuAD's format with shared ids, or sentences, a line each."""

    title: str
    files: dict[str, Path]

    def is_there(self) -> bool:
        """Whether all files are there."""
        return all(path.is_file() for path in self.files.values())

    def stated(self) -> dict[str, Any]:
        """What they are, by their hashes."""
        return {"files": [{"language": language, "sha256": _sha256(path)} for language, path in self.files.items()]}

    def read(self) -> Reading:
        """Their rows, with the title as their source."""
        if all(path.name.endswith((".txt", ".txt.gz")) for path in self.files.values()):
            return sentence_pairs.read(self.title, self.files)
        return squad.read(self.title, {language: [path] for language, path in self.files.items()})


@dataclass(frozen=True)
class BuiltFolder:
    """A folder with a parallel table."""

    title: str
    path: Path

    def is_there(self) -> bool:
        """Whether there is such a folder."""
        return self.path.is_dir()

    def stated(self) -> dict[str, Any]:
        """What it is, by its hash."""
        return {"folder": self.path.name, "hash": ParallelTable.load(self.path).hash} | self._licence()

    def _licence(self) -> dict[str, str]:
        """The licences of what it was built of, where the account beside the table has them."""
        try:
            sources = json.loads((self.path / ACCOUNT).read_text(encoding="utf-8"))["sources"].values()
            stated = {part.get("licence") for source in sources for part in (source, *source.get("files", ()))}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}
        known = sorted({licence for licence in stated if isinstance(licence, str)})
        return {"licence": " | ".join(known)} if known else {}

    def read(self) -> Reading:
        """Its rows, with the title as their source."""
        return Reading(_as_one(ParallelTable.load(self.path).rows(), self.title))


OwnData = JsonLines | FilesByLanguage | BuiltFolder


def own_data(name: str) -> OwnData | None:
    """What a name stands for (see the module), whether or not it is there; None if it looks like none of them.

    Raises:
        HybridBenchError: if the name should list files by language, and does not.
    """
    if lines := JsonLines.named(name):
        return lines
    if "=" in name:
        return FilesByLanguage(name.partition(":")[0], _listed_files(name))
    path = Path(name)
    if "/" in name or path.is_dir():
        return BuiltFolder(path.name, path)
    return None


def _listed_files(name: str) -> dict[str, Path]:
    """The files of ``my:en=squad-en.json,de=squad-de.json``, by language."""
    title, colon, listed = name.partition(":")
    pairs = [part.partition("=") for part in listed.split(",")]
    if not colon or not title or not all(language.strip() and path.strip() for language, _, path in pairs):
        raise HybridBenchError(f"{name!r} names no files", "Write name:language=file,language=file.")
    languages = [language.strip() for language, _, _ in pairs]
    if len(set(languages)) < len(languages):
        raise HybridBenchError(f"{name!r} has a language twice", "Give one file a language.")
    return {language.strip(): Path(path.strip()) for language, _, path in pairs}


def _as_one(rows: Iterable[ParallelRow], source: str) -> list[ParallelRow]:
    """Rows of one source or of several as those of one; an id that several have keeps its source before it."""
    listed = list(rows)
    times = Counter(row.id for row in listed)
    return [replace(row, source=source, id=row.id if times[row.id] == 1 else f"{row.source}:{row.id}") for row in listed]


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise HybridBenchError(f"cannot read {path}: {error.strerror}", "Check the name.") from error
