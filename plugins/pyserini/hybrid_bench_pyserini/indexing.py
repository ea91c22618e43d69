"""Lucene indexes that cannot lie: built whole or not at all, counted, and never taken for another's."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from hybrid_bench import ALL, HybridBenchError, Text, texts_hash
from hybrid_bench_pyserini import java
from hybrid_bench_pyserini.analyzers import ENGLISH, Analysis, register

_MANIFEST = "hybrid-bench.json"
_LUCENE = "lucene"

#: (passage, what Lucene is given of it); empty where nothing is left to index.
Prepared = tuple[Text, str]


class IndexKey(BaseModel):
    """What an index is of. Two keys differ wherever the indexes could."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    suite: str
    pool: str
    #: sha256 of ids and texts, in order
    passages: str
    #: how texts became terms
    analysis: str
    anserini: str

    @property
    def folder(self) -> str:
        """A name that tells indexes apart."""
        digest = texts_hash([self.model_dump_json()])
        return f"bm25-{self.suite.strip('./').replace('/', '__')}-{self.pool}-{digest[:16]}"


class Manifest(BaseModel):
    """What stands beside an index that is whole."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: int = 1
    key: IndexKey
    #: passages of the collection
    passages: int
    #: documents in the index: the passages but those of which nothing is left to index
    indexed: int


class Index:
    """A whole index on disk.

    Attributes:
        folder: of Lucene's files; Pyserini's ``LuceneSearcher`` opens it.
        manifest: what it is of.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder / _LUCENE
        self.manifest = manifest


def open_or_build(
    root: Path,
    key: IndexKey,
    passages: Callable[[], Iterable[Prepared]],
    analysis: Analysis,
    *,
    threads: int = 1,
    say: Callable[[str], None] = lambda message: None,
) -> Index:
    """The index of a key: the one that is there if it is whole, else a new one.

    Args:
        root: the folder of indexes.
        key: what it has to be of.
        passages: what to index.
        analysis: what Lucene does with the text.
        threads: of indexing.
        say: told what is going on.

    Raises:
        HybridBenchError: if the collection is empty, Lucene indexed fewer passages than there are, or the folder cannot be
            written.
    """
    from filelock import FileLock

    folder = root / key.folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if folder.exists():
                try:
                    return open_index(folder, key)
                except HybridBenchError as error:
                    say(f"{error.problem}; indexing again")
                    shutil.rmtree(folder)
            said = "each language by its own analyzer" if key.pool == ALL else key.analysis
            say(f"indexing {key.suite}, pool {key.pool} ({said})")
            return _build(folder, key, passages(), analysis, threads)
    except OSError as error:
        raise HybridBenchError(
            f"cannot write the index {folder}: {error.strerror or error}", "Make room, or choose another folder with --index."
        ) from error


def open_index(folder: Path, key: IndexKey | None = None) -> Index:
    """An index that is there.

    Raises:
        HybridBenchError: if it is not whole, is of another suite, version or analysis than ``key``, or is not one of ours.
    """
    try:
        manifest = Manifest.model_validate_json((folder / _MANIFEST).read_bytes())
    except (OSError, ValidationError) as error:
        raise HybridBenchError(f"{folder} is not a whole index", "Delete it; it is made again when it is needed.") from error
    if key is not None and manifest.key != key:
        ours, theirs = key.model_dump(), manifest.key.model_dump()
        name = next(name for name in ours if ours[name] != theirs[name])
        raise HybridBenchError(
            f"{folder} is an index of another {name}: {theirs[name]}, not {ours[name]}",
            "Name another folder with --index, or leave the option out.",
        )
    found = _documents(folder / _LUCENE)
    if found != manifest.indexed:
        raise HybridBenchError(
            f"{folder} holds {found} documents, and {manifest.indexed} were indexed", "Delete it; it is made again."
        )
    return Index(folder, manifest)


def _build(folder: Path, key: IndexKey, passages: Iterable[Prepared], analysis: Analysis, threads: int) -> Index:
    """Index beside ``folder``, count, and put in place; the caller holds the lock."""
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    counts = {"passages": 0, "given": 0}
    try:
        partial.mkdir(parents=True)
        write_lucene(partial / _LUCENE, _counted(passages, counts), analysis, max(1, threads))
        if not counts["passages"]:
            raise HybridBenchError(f"{key.suite} has no passages in the pool {key.pool}", "Check that its files are whole.")
        indexed = _documents(partial / _LUCENE)
        if indexed != counts["given"] or not indexed:
            raise HybridBenchError(
                f"Lucene indexed {indexed} of {counts['given']} passages of {key.suite}, pool {key.pool} "
                f"({counts['passages'] - counts['given']} more have no terms)",
                f"The analyzer was {key.analysis}, on {java.start()}; try another Java or --analyzer.",
            )
        manifest = Manifest(key=key, passages=counts["passages"], indexed=indexed)
        (partial / _MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
        for path in (partial / _MANIFEST, partial):
            _sync(path)
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Index(folder, manifest)


def write_lucene(folder: Path, documents: Iterable[tuple[str, str]], analysis: Analysis, threads: int) -> None:
    """Index (id, contents) pairs as Pyserini does: JSON lines beside the index, one file a thread, read by Anserini."""
    register()
    source = folder.with_name("json")
    source.mkdir()
    encode = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps would make an encoder for every passage
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context((source / f"{n}.jsonl").open("w", encoding="utf-8")) for n in range(threads)]
        for file, (doc_id, contents) in zip(itertools.cycle(files), documents, strict=False):
            file.write(encode({"id": doc_id, "contents": contents}) + "\n")
    options = ["-collection", "JsonCollection", "-generator", "DefaultLuceneDocumentGenerator", "-quiet"]
    options += ["-input", str(source), "-index", str(folder), "-threads", str(threads)]
    if analysis.java_class != ENGLISH:
        options += ["-language", analysis.code]
    java.load("io.anserini.index.IndexCollection").main(options)
    shutil.rmtree(source)


def _counted(passages: Iterable[Prepared], counts: dict[str, int]) -> Iterator[tuple[str, str]]:
    for passage, contents in passages:
        counts["passages"] += 1
        if contents.strip():
            counts["given"] += 1
            yield passage.id, contents


def _documents(folder: Path) -> int:
    """How many documents a Lucene index holds; -1 if it cannot be opened."""
    from jnius import JavaException

    store = java.load("org.apache.lucene.store.FSDirectory").open(java.load("java.nio.file.Paths").get(str(folder)))
    try:
        reader = java.load("org.apache.lucene.index.DirectoryReader").open(store)
        try:
            return int(reader.numDocs())
        finally:
            reader.close()
    except JavaException:
        return -1
    finally:
        store.close()


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
