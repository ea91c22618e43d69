"""Training data by name: got through the download layer, checked by hash, read as parallel tables."""

from __future__ import annotations

import functools
import hashlib
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from hybrid_bench.datasets.downloads import fetch
from hybrid_bench.errors import HybridBenchError, UnknownNameError
from hybrid_bench.toml import loads
from hybrid_bench.training.parallel import ParallelTable
from hybrid_bench.training.readers import jsonl, question_translations, sentence_pairs, squad
from hybrid_bench.training.readers.reading import Reading


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Address(_Model):
    """A file elsewhere."""

    url: str
    md5: str

    def get(self, source: str, prefix: str = "") -> Path:
        """The file on this machine, downloaded at most once."""
        from ir_datasets.util import home_path

        name = self.url.rpartition("/")[2]
        return fetch(self.url, Path(home_path()) / "hybrid-bench-training" / source / f"{prefix}{name}", self.md5)


class SourceFile(Address):
    """A file of a source: its language, and the set of parallel files that it is in where a source has several."""

    language: str
    set: str = ""
    licence: str = ""


class Source(_Model):
    """A named source of training data, as ``sources.toml`` states it."""

    kind: Literal["squad", "sentence-pairs", "question-translations"]
    description: str
    licence: str
    files: tuple[SourceFile, ...]
    note: str = ""
    aligned_to: str | None = None
    articles: Address | None = None
    translated_to: tuple[str, ...] = ()

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of its files."""
        return tuple(dict.fromkeys([*(file.language for file in self.files), *self.translated_to]))

    @property
    def licences(self) -> tuple[str, ...]:
        """Of the source, and of its files where they have their own."""
        return tuple(dict.fromkeys((self.licence, *(file.licence for file in self.files if file.licence))))


@functools.cache
def sources() -> dict[str, Source]:
    """The sources that this project knows, by name."""
    text = resources.files(__package__).joinpath("sources.toml").read_text(encoding="utf-8")
    return {name: Source.model_validate(stated) for name, stated in loads(text, "sources.toml").items()}


def stated(name: str) -> dict[str, Any]:
    """What a source is, for accounts and keys: as ``sources.toml`` has it, or the hash of a file of JSON lines."""
    if _is_file(name):
        return {"file": Path(name).name, "sha256": hashlib.sha256(_content(Path(name))).hexdigest()}
    return _known(name).model_dump(exclude_defaults=True)


def read_source(name: str) -> Reading:
    """Read a source by name, or a file of JSON lines by its path (``my-data.jsonl``); its rows carry the name.

    Raises:
        UnknownNameError: if it is neither.
        HybridBenchError: if a file cannot be got or read.
    """
    if _is_file(name):
        return jsonl.read(Path(name).name.partition(".")[0], Path(name))
    source = _known(name)
    if source.kind == "squad":
        return squad.read(name, _by_language(name, source), aligned_to=source.aligned_to)
    if source.kind == "sentence-pairs":
        return _sentence_pairs(name, source)
    (file,) = source.files
    return question_translations.read(name, file.get(name), file.language)


def read_table(name: str, language: str) -> ParallelTable:
    """What a command is given as data: a source, JSON lines, a folder with a table, or a file in SQuAD's format.

    Args:
        name: see above.
        language: of the file, where it is in SQuAD's format.
    """
    path = Path(name)
    if path.is_dir():
        return ParallelTable.load(path)
    if name not in sources() and path.is_file() and not _is_file(name):
        return squad.read(path.name.partition(".")[0], {language: [path]}).table()
    return read_source(name).table()


def _is_file(name: str) -> bool:
    return name.endswith((".jsonl", ".jsonl.gz"))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise HybridBenchError(f"cannot read {path}: {error.strerror}", "Check the name.") from error


def _known(name: str) -> Source:
    if name not in sources():
        raise UnknownNameError("source of training data", name, sources(), "A path that ends in .jsonl is read as JSON lines.")
    return sources()[name]


def _by_language(name: str, source: Source) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for file in source.files:
        found.setdefault(file.language, []).append(file.get(name, prefix=f"{file.language}-"))
    return found


def _sentence_pairs(name: str, source: Source) -> Reading:
    articles = source.articles.get(name) if source.articles else None
    whole = Reading([])
    for part in dict.fromkeys(file.set for file in source.files):
        files = {file.language: file.get(name) for file in source.files if file.set == part}
        reading = sentence_pairs.read(name, files, articles, prefix=part and f"{part}:")
        whole.rows += reading.rows
        whole.left_out += reading.left_out
    if not whole.rows:
        raise HybridBenchError(f"{name} has no sentence", "Check that its files are whole.")
    return whole
