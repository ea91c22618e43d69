"""Local collections in BEIR's layout: ``corpus.jsonl[.gz]``, ``queries.jsonl[.gz]`` and ``qrels/*.tsv``."""

from __future__ import annotations

import csv
import functools
import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TextIO, TypeVar, cast

import langcodes

from hybrid_bench.datasets.parts import Collection, Judgement, QuerySet
from hybrid_bench.datasets.settings import ALL, Setting, language_settings
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import HybridBenchError

#: The qrels that are read when the folder has several and none is named.
_PREFERRED_SPLITS = ("test", "dev")


class FolderDoc(NamedTuple):
    """A passage of a local collection."""

    doc_id: str
    title: str
    text: str

    def default_text(self) -> str:
        """Title and text, joined as by BEIR and ir_datasets."""
        return f"{self.title} {self.text}".strip()


class FolderQuery(NamedTuple):
    """A query of a local collection."""

    query_id: str
    text: str

    def default_text(self) -> str:
        """The query."""
        return self.text


#: A folder with a larger corpus file than this is large: some hundred thousand passages.
LARGE_BYTES = 100_000_000
#: Name of the collection and query set of a folder whose name tells no language.
UNKNOWN = "und"

_Record = TypeVar("_Record", FolderDoc, FolderQuery)


def is_collection(path: Path) -> bool:
    """Whether ``path`` is a folder in BEIR's layout, a folder of such folders by language, or a qrels file of one."""
    return (path.suffix == ".tsv" and path.is_file()) or _corpus(path) is not None or bool(_language_folders(path))


def load(path: Path) -> Suite:
    """The suite of a folder, or of one of its qrels files (``folder/qrels/train.tsv``).

    A folder whose subfolders are named by BCP-47 language tags (``de``, ``pt-BR``, ``zh-hans``) is one suite with a pool over
    its languages. A folder that is not named by a language tag has no stated language.

    Raises:
        HybridBenchError: if a file is missing or malformed, an id occurs twice, the qrels name a missing id, or a subfolder
            with a collection is not named by a language tag.
    """
    folders = _language_folders(path)
    if folders:
        parts = {name: _Files(folder, None) for name, folder in sorted(folders.items())}
        _check_tags(path, folders)
    else:
        qrels = path if path.suffix == ".tsv" else None
        folder = path.parent.parent if qrels else path
        name = folder.resolve().name
        parts = {name if _names_a_language(name) else UNKNOWN: _Files(folder, qrels)}
    collections = tuple(Collection(name, files.passages, language=_language(name)) for name, files in parts.items())
    query_sets = tuple(
        QuerySet(name, files.judged_queries, functools.partial(files.judgements_in, name), language=_language(name))
        for name, files in parts.items()
    )
    several = len(parts) > 1
    return Suite(
        name=path.resolve().name if path.suffix != ".tsv" else f"{path.resolve().parent.parent.name}/{path.stem}",
        description=f"local collection, {path}",
        query_sets=query_sets,
        collections=collections,
        settings=language_settings(query_sets, collections)
        if several
        else (Setting(query_sets[0].name, collections[0].name, "monolingual"),),
        pools={ALL: tuple(parts)} if several else {},
        large=any(files.bytes > LARGE_BYTES for files in parts.values()),
        folder="" if path.is_absolute() else path.as_posix(),
        prefixed=bool(folders),
    )


def _language(name: str) -> str | None:
    return None if name == UNKNOWN else name


def _names_a_language(name: str) -> bool:
    """Whether a folder's name is a language tag rather than a word: many words of three letters are tags too."""
    return _is_tag(name) and len(langcodes.Language.get(name, normalize=False).language or "") == 2


def _is_tag(name: str) -> bool:
    """Whether a name is a BCP-47 tag; ``zh_CN``, which langcodes accepts, is not."""
    return "_" not in name and langcodes.tag_is_valid(name)


def _check_tags(path: Path, folders: Iterable[str]) -> None:
    for name in folders:
        if not _is_tag(name):
            raise HybridBenchError(
                f"the subfolder {name!r} of {path} holds a collection and is not named by a language tag",
                "Name it by a BCP-47 tag such as de, pt-BR or zh-hans, or name the subfolder itself as the suite.",
            )


def _corpus(folder: Path) -> Path | None:
    return _either(folder / "corpus.jsonl")


def _either(path: Path) -> Path | None:
    return next((file for file in (path, path.with_name(path.name + ".gz")) if file.is_file()), None)


def _language_folders(path: Path) -> dict[str, Path]:
    if not path.is_dir() or _corpus(path):
        return {}
    return {folder.name: folder for folder in path.iterdir() if _corpus(folder)}


class _Files:
    """The files of one collection with its queries and qrels."""

    def __init__(self, folder: Path, qrels: Path | None) -> None:
        self._folder = folder
        self._qrels = qrels

    def passages(self) -> Iterator[FolderDoc]:
        corpus = _corpus(self._folder)
        if corpus is None:
            raise HybridBenchError(f"{self._folder} has no corpus.jsonl", "See BEIR's layout in the documentation.")
        yield from _records(corpus, lambda fields: FolderDoc(fields["_id"], fields.get("title") or "", fields["text"]))

    @property
    def bytes(self) -> int:
        """Of the passages' file."""
        corpus = _corpus(self._folder)
        return corpus.stat().st_size if corpus else 0

    @functools.cached_property
    def _queries(self) -> list[FolderQuery]:
        path = _either(self._folder / "queries.jsonl")
        if path is None:
            raise HybridBenchError(f"{self._folder} has no queries.jsonl", "See BEIR's layout in the documentation.")
        return list(_records(path, lambda fields: FolderQuery(fields["_id"], fields["text"])))

    def judged_queries(self) -> Iterable[FolderQuery]:
        judged = {query_id for query_id, _, _ in self._judgements}
        return [query for query in self._queries if query.query_id in judged]

    def judgements_in(self, collection: str) -> Iterator[Judgement]:
        return (Judgement(query_id, collection, doc_id, relevance) for query_id, doc_id, relevance in self._judgements)

    @functools.cached_property
    def _judgements(self) -> list[tuple[str, str, int]]:
        path = self._qrels or self._chosen_qrels()
        query_ids = {query.query_id for query in self._queries}
        rows = list(_qrels_rows(path))
        absent = {doc_id for _, (_, doc_id, _) in rows}
        for doc in self.passages():  # one by one: the passages may be too many for memory, the judged ones are not
            absent.discard(doc.doc_id)
        judgements = []
        for number, (query_id, doc_id, relevance) in rows:
            missing = query_id if query_id not in query_ids else doc_id if doc_id in absent else None
            if missing is not None:
                what = "query" if missing is query_id else "passage"
                raise HybridBenchError(
                    f"{path}, line {number}: the {what} {missing!r} does not exist",
                    "Remove the line, or add the missing record.",
                )
            judgements.append((query_id, doc_id, relevance))
        return judgements

    def _chosen_qrels(self) -> Path:
        files = {file.stem: file for file in sorted((self._folder / "qrels").glob("*.tsv"))}
        if len(files) == 1:
            return next(iter(files.values()))
        for split in _PREFERRED_SPLITS:
            if split in files:
                return files[split]
        found = ", ".join(f"qrels/{name}.tsv" for name in files) or "none"
        raise HybridBenchError(
            f"{self._folder} needs a qrels/test.tsv (found: {found})", "Name the qrels file itself as the suite."
        )


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return cast(TextIO, gzip.open(path, "rt", encoding="utf-8"))
    return path.open(encoding="utf-8")


def _records(path: Path, make: Callable[[dict[str, Any]], _Record]) -> Iterator[_Record]:
    """The records of a file, each with a unique id and a text."""
    line_of: dict[str, int] = {}
    for number, fields in _json_lines(path):
        record = make(fields)
        text = record.default_text()
        what = f"{path}, line {number}: the record with id {fields['_id']!r}"
        if not text.strip():
            raise HybridBenchError(f"{what} has no text", "Add its text or remove the record.")
        if "\x00" in text:
            raise HybridBenchError(f"{what} contains a NUL byte", "Remove it from the line.")
        if line_of.setdefault(fields["_id"], number) != number:
            raise HybridBenchError(
                f"{what} occurs twice, first in line {line_of[fields['_id']]}", "Give every record its own id."
            )
        yield record


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(number, fields) of every line that is not blank; each has an id and a text."""
    number = 0
    try:
        with _open(path) as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, _json_line(line, f"{path}, line {number}")
    except (UnicodeDecodeError, EOFError, OSError, zlib.error) as error:
        raise HybridBenchError(f"{path}, after line {number}: {error}", "The file is truncated, or not UTF-8.") from error


def _json_line(line: str, where: str) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        raise HybridBenchError(f"{where}: not JSON: {error.msg} at column {error.colno}", "Correct the line.") from error
    for field in ("_id", "text"):
        if not isinstance(fields, dict) or not isinstance(fields.get(field), str):
            raise HybridBenchError(f"{where}: no text in field {field!r}", "Correct the line.")
    return cast(dict[str, Any], fields)


def _qrels_rows(path: Path) -> Iterator[tuple[int, tuple[str, str, int]]]:
    number = 0
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.reader(file, delimiter="\t"), start=1):
                if (number == 1 and row[-1:] == ["score"]) or not row:
                    continue
                query_id, doc_id, relevance = row
                yield number, (query_id, doc_id, int(relevance))
    except UnicodeDecodeError as error:
        raise HybridBenchError(f"{path}, after line {number}: {error}", "The file is not UTF-8.") from error
    except ValueError as error:
        raise HybridBenchError(
            f"{path}, line {number}: expected query id, passage id and an integer, separated by tabs"
        ) from error
