"""Sources of training data: known names (downloaded and hash-checked), and the user's own data."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from hybrid_bench.datasets.downloads import fetch
from hybrid_bench.errors import HybridBenchError, UnknownNameError
from hybrid_bench.support.toml import loads
from hybrid_bench.training.data.readers import (
    jsonl,
    question_archive,
    question_translations,
    sentence_pairs,
    sentence_spans,
    squad,
)
from hybrid_bench.training.data.readers.reading import ReadResult
from hybrid_bench.training.data.table import ParallelTable
from hybrid_bench.training.data.user_data import JsonLinesFile, TableFolder, UserData, user_data


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Address(_Model):
    """A file to download."""

    url: str
    md5: str

    def get(self, source: str, prefix: str = "") -> Path:
        """The local copy of the file, downloaded once."""
        from ir_datasets.util import home_path

        name = self.url.rpartition("/")[2]
        return fetch(self.url, Path(home_path()) / "hybrid-bench-training" / source / f"{prefix}{name}", self.md5)


class SourceFile(Address):
    """A file of a source: its language, and its set of parallel files if the source has several sets."""

    language: str
    set: str = ""
    licence: str = ""


class Source(_Model):
    """A named source of training data: an entry of ``sources.toml`` or ``parallel_text.toml``.

    A source that ``extends`` another inherits its files and all values that it does not set.
    """

    kind: Literal["squad", "sentence-pairs", "sentence-spans", "question-translations", "question-archive"]
    description: str
    licence: str
    files: tuple[SourceFile, ...]
    note: str = ""
    aligned_to: str | None = None
    articles: Address | None = None
    translated_to: tuple[str, ...] = ()
    extends: str = ""
    spans: int = 0

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of its files."""
        return tuple(dict.fromkeys([*(file.language for file in self.files), *self.translated_to]))

    @property
    def licences(self) -> tuple[str, ...]:
        """The licences of the source and of its files."""
        return tuple(dict.fromkeys((self.licence, *(file.licence for file in self.files if file.licence))))


@functools.cache
def sources() -> dict[str, Source]:
    """The sources of ``sources.toml`` and ``parallel_text.toml``, by name."""
    tables: dict[str, Any] = {}
    for file in ("sources.toml", "parallel_text.toml"):
        tables |= loads(resources.files(__package__).joinpath(file).read_text(encoding="utf-8"), file)
    for own in tables.values():
        root = own.pop("root", "")
        for one in own.get("files", ()):
            one["url"] = root + one["url"]
    return {name: Source.model_validate(tables.get(own.get("extends"), {}) | own) for name, own in tables.items()}


def source_info(name: str) -> dict[str, Any]:
    """The description of a source for manifests and cache keys: its entry of ``sources.toml``, or the hashes of own data.

    Raises:
        UnknownNameError: if there is no such source.
    """
    own = _user_data(name)
    return own.info() if own else sources()[name].model_dump(exclude_defaults=True)


def source_hashes(info: Mapping[str, Any]) -> set[str]:
    """The hashes of all files in the result of :func:`source_info`; sources with equal hashes are the same data."""
    parts = [info, info.get("articles") or {}, *info.get("files", ())]
    return {part[key] for part in parts for key in ("md5", "sha256", "hash") if key in part}


def source_exists(name: str) -> bool:
    """Whether a name is that of a known source, or of own data that exist."""
    own = _as_user_data(name)
    return own.exists() if own else name in sources()


def source_name(name: str) -> str:
    """The source of the rows: the name itself, or for own data the file name without extensions."""
    own = _as_user_data(name)
    return own.name if own else name


def read_source(name: str) -> ReadResult:
    """Read a source by name, or :mod:`own data <hybrid_bench.training.data.user_data>`.

    Raises:
        UnknownNameError: if it is neither.
        HybridBenchError: if a file cannot be downloaded or read.
    """
    if own := _user_data(name):
        return own.read()
    source = sources()[name]
    if source.kind == "squad":
        return squad.read(name, _by_language(name, source), aligned_to=source.aligned_to)
    if source.kind == "sentence-pairs":
        return _sentence_pairs(name, source)
    if source.kind == "sentence-spans":
        return sentence_spans.read(_sentence_pairs(name, source), source.spans)
    (file,) = source.files
    if source.kind == "question-archive":
        return question_archive.read(name, file.get(name))
    return question_translations.read(name, file.get(name), file.language)


def read_table(name: str, language: str) -> ParallelTable:
    """Read a command's input: a source, a JSON lines file, a folder with a table, or a single SQuAD file.

    Args:
        name: a name or a path.
        language: the language of a SQuAD file.
    """
    path = Path(name)
    if path.is_dir():
        return ParallelTable.load(path)
    if lines := JsonLinesFile.parse(name):
        return jsonl.read(lines.name, lines.path).table()  # rows keep their own sources
    if name not in sources() and (path.is_file() or ("=" not in name and path.suffix)):
        return squad.read(path.name.partition(".")[0], {language: [path]}).table()
    return read_source(name).table()


def _as_user_data(name: str) -> UserData | None:
    """The own data that a name denotes, whether or not they exist; None for known sources and other names."""
    return None if name in sources() else user_data(name)


def _user_data(name: str) -> UserData | None:
    """The own data that a name denotes; None for a known source.

    Raises:
        UnknownNameError: if it is neither.
    """
    own = _as_user_data(name)
    if name in sources() or (own and (own.exists() or not isinstance(own, TableFolder))):
        return own
    raise UnknownNameError(
        "source of training data",
        name,
        sources(),
        "For your own data, give a .jsonl file, a folder written by `training-data build`, or name:en=file,de=file.",
    )


def _by_language(name: str, source: Source) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for file in source.files:
        found.setdefault(file.language, []).append(file.get(name, prefix=f"{file.language}-"))
    return found


def _sentence_pairs(name: str, source: Source) -> ReadResult:
    folder = source.extends or name
    articles = source.articles.get(folder) if source.articles else None
    combined = ReadResult([])
    for part in dict.fromkeys(file.set for file in source.files):
        files = {file.language: file.get(folder, part and f"{part}-") for file in source.files if file.set == part}
        reading = sentence_pairs.read(name, files, articles, prefix=part and f"{part}:")
        combined.rows += reading.rows
        combined.skipped += reading.skipped
    if not combined.rows:
        raise HybridBenchError(f"{name} has no sentence", "Check that its files are complete.")
    return combined
