"""Training data by name: got through the download layer, checked by hash, read as parallel tables."""

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
from hybrid_bench.training.data.own_data import BuiltFolder, JsonLines, OwnData, own_data
from hybrid_bench.training.data.readers import jsonl, question_translations, sentence_pairs, sentence_spans, squad
from hybrid_bench.training.data.readers.reading import Reading
from hybrid_bench.training.data.table import ParallelTable


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
    """A named source of training data, as ``sources.toml`` states it.

    One that ``extends`` another has its files, read in another way, and what it does not state itself.
    """

    kind: Literal["squad", "sentence-pairs", "sentence-spans", "question-translations"]
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
        """Of the source, and of its files where they have their own."""
        return tuple(dict.fromkeys((self.licence, *(file.licence for file in self.files if file.licence))))


@functools.cache
def sources() -> dict[str, Source]:
    """The sources that this project knows, by name."""
    text = resources.files(__package__).joinpath("sources.toml").read_text(encoding="utf-8")
    tables = loads(text, "sources.toml")
    return {name: Source.model_validate(tables.get(own.get("extends"), {}) | own) for name, own in tables.items()}


def stated(name: str) -> dict[str, Any]:
    """What a source is, for accounts and keys: as ``sources.toml`` has it, or the hashes of a user's own data."""
    own = _own(name)
    return own.stated() if own else sources()[name].model_dump(exclude_defaults=True)


def hashes(stated: Mapping[str, Any]) -> set[str]:
    """Of what :func:`stated` gives, the hashes of all that is read: two sources with equal ones are the same data."""
    parts = [stated, stated.get("articles") or {}, *stated.get("files", ())]
    return {part[key] for part in parts for key in ("md5", "sha256", "hash") if key in part}


def is_there(name: str) -> bool:
    """Whether a source is known, or a user's own data that are where they are said to be."""
    own = _looks_own(name)
    return own.is_there() if own else name in sources()


def called(name: str) -> str:
    """What the rows of a source call it: a user's own data are known by the name of the file, without endings."""
    own = _looks_own(name)
    return own.title if own else name


def read_source(name: str) -> Reading:
    """Read a source by name, or :mod:`a user's own data <hybrid_bench.training.data.own_data>`.

    Raises:
        UnknownNameError: if it is neither.
        HybridBenchError: if a file cannot be got or read.
    """
    if own := _own(name):
        return own.read()
    source = sources()[name]
    if source.kind == "squad":
        return squad.read(name, _by_language(name, source), aligned_to=source.aligned_to)
    if source.kind == "sentence-pairs":
        return _sentence_pairs(name, source)
    if source.kind == "sentence-spans":
        return sentence_spans.read(_sentence_pairs(name, source), source.spans)
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
    if lines := JsonLines.named(name):
        return jsonl.read(lines.title, lines.path).table()  # rows keep the sources that they state
    if name not in sources() and (path.is_file() or ("=" not in name and path.suffix)):
        return squad.read(path.name.partition(".")[0], {language: [path]}).table()
    return read_source(name).table()


def _looks_own(name: str) -> OwnData | None:
    """What a name stands for by its looks, there or not; None for a source that this project knows, and for nothing."""
    return None if name in sources() else own_data(name)


def _own(name: str) -> OwnData | None:
    """The user's own data of this name; None if it is a source that this project knows."""
    own = _looks_own(name)
    if name in sources() or (own and (own.is_there() or not isinstance(own, BuiltFolder))):
        return own
    raise UnknownNameError(
        "source of training data",
        name,
        sources(),
        "Your own data: a path that ends in .jsonl, a folder of `training-data build`, or name:en=file,de=file.",
    )


def _by_language(name: str, source: Source) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for file in source.files:
        found.setdefault(file.language, []).append(file.get(name, prefix=f"{file.language}-"))
    return found


def _sentence_pairs(name: str, source: Source) -> Reading:
    folder = source.extends or name
    articles = source.articles.get(folder) if source.articles else None
    whole = Reading([])
    for part in dict.fromkeys(file.set for file in source.files):
        files = {file.language: file.get(folder) for file in source.files if file.set == part}
        reading = sentence_pairs.read(name, files, articles, prefix=part and f"{part}:")
        whole.rows += reading.rows
        whole.left_out += reading.left_out
    if not whole.rows:
        raise HybridBenchError(f"{name} has no sentence", "Check that its files are whole.")
    return whole
