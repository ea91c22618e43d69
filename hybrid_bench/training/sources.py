"""Training data by name: got through the download layer, checked by hash, read as parallel tables.

Beside the names of ``sources.toml``, three kinds of a user's own data have names:

- ``data/my.jsonl``: JSON lines;
- ``data/mix``: a folder that ``hybrid-bench training-data build`` wrote;
- ``my:en=squad-en.json,de=squad-de.json``: files in SQuAD's format that share ids; with ``.txt``, parallel sentences.
"""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from hybrid_bench.datasets.downloads import fetch
from hybrid_bench.errors import HybridBenchError, UnknownNameError
from hybrid_bench.toml import loads
from hybrid_bench.training.parallel import ParallelRow, ParallelTable
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
    """What a source is, for accounts and keys: as ``sources.toml`` has it, or the hashes of a user's own data."""
    if _is_file(name):
        return {"file": Path(name).name, "sha256": hashlib.sha256(_content(Path(name))).hexdigest()}
    if "=" in name:
        files = _own_files(name)
        hashed = ((language, hashlib.sha256(_content(path)).hexdigest()) for language, path in files.items())
        return {"files": [{"language": language, "sha256": sha256} for language, sha256 in hashed]}
    if name not in sources() and Path(name).is_dir():
        return {"folder": Path(name).name, "hash": ParallelTable.load(Path(name)).hash}
    return _known(name).model_dump(exclude_defaults=True)


def hashes(stated: Mapping[str, Any]) -> set[str]:
    """Of what :func:`stated` gives, the hashes of all that is read: two sources with equal ones are the same data."""
    parts = [stated, stated.get("articles") or {}, *stated.get("files", ())]
    return {part[key] for part in parts for key in ("md5", "sha256", "hash") if key in part}


def is_gone(name: str) -> bool:
    """Whether a source is a user's own data that are not where they were."""
    paths = _own_files(name).values() if "=" in name else [Path(name)]
    return name not in sources() and not all(path.exists() for path in paths)


def called(name: str) -> str:
    """What the rows of a source call it: a user's own data are known by the name of the file, without endings."""
    if "=" in name:
        return name.partition(":")[0]
    return Path(name).name.partition(".")[0] if _is_file(name) or "/" in name else name


def read_source(name: str) -> Reading:
    """Read a source by name, or a user's own data (see the module); its rows carry what it is :func:`called`.

    Raises:
        UnknownNameError: if it is neither.
        HybridBenchError: if a file cannot be got or read.
    """
    if _is_file(name):
        reading = jsonl.read(called(name), Path(name))
        return Reading(_as_one(reading.rows, called(name)), reading.left_out)
    if "=" in name:
        files = _own_files(name)
        if all(path.name.endswith((".txt", ".txt.gz")) for path in files.values()):
            return sentence_pairs.read(called(name), files)
        return squad.read(called(name), {language: [path] for language, path in files.items()})
    if name not in sources() and Path(name).is_dir():
        return Reading(_as_one(ParallelTable.load(Path(name)).rows(), called(name)))
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
    if _is_file(name):
        return jsonl.read(called(name), path).table()
    if name not in sources() and (path.is_file() or ("=" not in name and path.suffix)):
        return squad.read(path.name.partition(".")[0], {language: [path]}).table()
    return read_source(name).table()


def _is_file(name: str) -> bool:
    return name.endswith((".jsonl", ".jsonl.gz"))


def _as_one(rows: Iterable[ParallelRow], source: str) -> list[ParallelRow]:
    """Rows of one source or of several as those of one; an id that several have keeps its source before it."""
    listed = list(rows)
    times = Counter(row.id for row in listed)
    return [replace(row, source=source, id=row.id if times[row.id] == 1 else f"{row.source}:{row.id}") for row in listed]


def _own_files(name: str) -> dict[str, Path]:
    """The files of ``my:en=squad-en.json,de=squad-de.json``, by language."""
    title, colon, listed = name.partition(":")
    pairs = [part.partition("=") for part in listed.split(",")]
    if not colon or not title or not all(language.strip() and path.strip() for language, _, path in pairs):
        raise HybridBenchError(f"{name!r} names no files", "Write name:language=file,language=file.")
    languages = [language.strip() for language, _, _ in pairs]
    if len(set(languages)) < len(languages):
        raise HybridBenchError(f"{name!r} has a language twice", "Give one file a language.")
    return {language.strip(): Path(path.strip()) for language, _, path in pairs}


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise HybridBenchError(f"cannot read {path}: {error.strerror}", "Check the name.") from error


def _known(name: str) -> Source:
    if name not in sources():
        raise UnknownNameError(
            "source of training data",
            name,
            sources(),
            "Your own data: a path that ends in .jsonl, a folder of `training-data build`, or name:en=file,de=file.",
        )
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
