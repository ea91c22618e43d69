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

from hybrid_bench.datasets.languages import NAMES
from hybrid_bench.datasets.suite import Judgement, Suite
from hybrid_bench.errors import HybridBenchError

#: The qrels that are read when the folder has several and none is named.
_PREFERRED_SPLITS = ("test", "dev")


class FolderDoc(NamedTuple):
    """A passage of a local collection."""

    doc_id: str
    title: str
    text: str

    def default_text(self) -> str:
        """Title and text, as BEIR and ir_datasets join them."""
        return f"{self.title} {self.text}".strip()


class FolderQuery(NamedTuple):
    """A query of a local collection."""

    query_id: str
    text: str

    def default_text(self) -> str:
        """The query."""
        return self.text


#: A folder with a larger corpus file than this is streamed: some hundred thousand passages.
STREAMED_BYTES = 100_000_000

_Record = TypeVar("_Record", FolderDoc, FolderQuery)


def is_collection(path: Path) -> bool:
    """Whether ``path`` is a folder in BEIR's layout, a folder of such folders by language, or a qrels file of one."""
    return (path.suffix == ".tsv" and path.is_file()) or _corpus(path) is not None or bool(_language_folders(path))


def load(path: Path) -> Suite:
    """The suite of a folder, or of one of its qrels files (``folder/qrels/train.tsv``).

    A folder whose subfolders are named by language codes is one suite with a pool over its languages; document ids
    then start with the language. A language that the folder's name does not tell is ``und``.

    Raises:
        HybridBenchError: if a file is missing or malformed, an id occurs twice, or the qrels name a missing id.
    """
    if folders := _language_folders(path):
        languages = tuple(sorted(folders))
        collections = {language: _Collection(folders[language], None, f"{language}-") for language in languages}
    else:
        qrels = path if path.suffix == ".tsv" else None
        folder = path.parent.parent if qrels else path
        languages = (folder.resolve().name if folder.resolve().name in NAMES else "und",)
        collections = {languages[0]: _Collection(folder, qrels, "")}
    return Suite(
        name=path.resolve().name if path.suffix != ".tsv" else f"{path.resolve().parent.parent.name}/{path.stem}",
        description=f"local collection, {path}",
        languages=languages,
        passage_languages=languages,
        docs=lambda language: collections[language].docs(),
        queries=lambda language: collections[language].judged_queries(),
        judgements=lambda language: collections[language].judgements,
        pooled=len(languages) > 1,
        streamed=any(collection.bytes > STREAMED_BYTES for collection in collections.values()),
        folder="" if path.is_absolute() else path.as_posix(),
    )


def _corpus(folder: Path) -> Path | None:
    return _either(folder / "corpus.jsonl")


def _either(path: Path) -> Path | None:
    return next((file for file in (path, path.with_name(path.name + ".gz")) if file.is_file()), None)


def _language_folders(path: Path) -> dict[str, Path]:
    if not path.is_dir() or _corpus(path):
        return {}
    return {folder.name: folder for folder in path.iterdir() if folder.name in NAMES and _corpus(folder)}


class _Collection:
    def __init__(self, folder: Path, qrels: Path | None, prefix: str) -> None:
        self._folder = folder
        self._qrels = qrels
        self._prefix = prefix

    def docs(self) -> Iterator[FolderDoc]:
        corpus = _corpus(self._folder)
        if corpus is None:
            raise HybridBenchError(f"{self._folder} has no corpus.jsonl", "See BEIR's layout in the documentation.")
        yield from _records(
            corpus, lambda fields: FolderDoc(self._prefix + fields["_id"], fields.get("title") or "", fields["text"])
        )

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
        judged = {judgement.query_id for judgement in self.judgements}
        return [query for query in self._queries if query.query_id in judged]

    @functools.cached_property
    def judgements(self) -> list[Judgement]:
        path = self._qrels or self._chosen_qrels()
        query_ids = {query.query_id for query in self._queries}
        rows = list(_qrels_rows(path))
        absent = {self._prefix + own_id for _, (_, own_id, _) in rows}
        for doc in self.docs():  # one by one: the passages may be too many for memory, the judged ones are not
            absent.discard(doc.doc_id)
        judgements = []
        for number, (query_id, own_id, relevance) in rows:
            doc_id = self._prefix + own_id
            missing = query_id if query_id not in query_ids else own_id if doc_id in absent else None
            if missing is not None:
                what = "query" if missing is query_id else "passage"
                raise HybridBenchError(
                    f"{path}, line {number}: the {what} {missing!r} does not exist",
                    "Remove the line, or add the missing record.",
                )
            judgements.append(Judgement(query_id, doc_id, relevance))
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
    """The records of a file, each with an id of its own and a text."""
    line_of: dict[str, int] = {}
    for number, fields in _json_lines(path):
        record = make(fields)
        text = record.default_text()
        what = f"{path}, line {number}: the record with id {fields['_id']!r}"
        if not text.strip():
            raise HybridBenchError(f"{what} has no text", "Fill it in or leave it out.")
        if "\x00" in text:
            raise HybridBenchError(f"{what} holds a NUL byte", "Remove it from the line.")
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
        raise HybridBenchError(f"{path}, after line {number}: {error}", "The file is not whole or not UTF-8.") from error


def _json_line(line: str, where: str) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        raise HybridBenchError(f"{where}: not JSON: {error.msg} at column {error.colno}", "Mend the line.") from error
    for field in ("_id", "text"):
        if not isinstance(fields, dict) or not isinstance(fields.get(field), str):
            raise HybridBenchError(f"{where}: no text in field {field!r}", "Mend the line.")
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
        raise HybridBenchError(f"{path}, line {number}: expected query id, passage id and a whole number, by tabs") from error
