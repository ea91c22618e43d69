"""Lucene indexes: built atomically, with verified document counts and a manifest that identifies their content."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from hybrid_bench import HybridBenchError
from hybrid_bench.plugin import ALL, Item, texts_hash
from hybrid_bench_pyserini import java
from hybrid_bench_pyserini.analyzers import ENGLISH, Analysis, register

_MANIFEST = "hybrid-bench.json"
_LUCENE = "lucene"

#: (passage, text that Lucene indexes); the text is empty if the passage has no terms.
Prepared = tuple[Item, str]


class IndexKey(BaseModel):
    """Everything that the content of an index depends on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    suite: str
    pool: str
    #: sha256 of ids and texts, in order.
    passages: str
    #: Name of the analysis.
    analysis: str
    anserini: str

    @property
    def folder(self) -> str:
        """A folder name that is unique for the key."""
        digest = texts_hash([self.model_dump_json()])
        return f"bm25-{self.suite.strip('./').replace('/', '__')}-{self.pool}-{digest[:16]}"


class Manifest(BaseModel):
    """Manifest stored beside a complete index."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: int = 1
    key: IndexKey
    #: Number of passages in the collection.
    passages: int
    #: Number of documents in the index: the passages that have terms.
    indexed: int


class Index:
    """A complete index on disk.

    Attributes:
        folder: Lucene's files, which Pyserini's ``LuceneSearcher`` can open.
        manifest: describes its content.
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
    """Open the index of a key, or build it if it is missing, incomplete or corrupt.

    Args:
        root: folder of all indexes.
        key: identifies the content.
        passages: called to get the passages to index.
        analysis: Lucene's analyzer for the prepared text.
        threads: number of indexing threads.
        say: called with progress messages.

    Raises:
        HybridBenchError: if the collection is empty, Lucene indexed fewer passages than it was given, or the folder is not
            writable.
    """
    from filelock import FileLock

    folder = root / key.folder
    if folder.is_dir() and not os.access(root, os.W_OK):  # e.g. a cache of another user; it holds only complete indexes
        return open_index(folder, key)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if folder.exists():
                try:
                    return open_index(folder, key)
                except HybridBenchError as error:
                    say(f"{error.problem}; indexing again")
                    shutil.rmtree(folder)
            analyzers = "the analyzer of each language" if key.pool == ALL else key.analysis
            say(f"indexing {key.suite}, pool {key.pool} ({analyzers})")
            return _build(folder, key, passages(), analysis, threads)
    except OSError as error:
        raise HybridBenchError(
            f"cannot write the index {folder}: {error.strerror or error}",
            "Free disk space or choose another folder with --index.",
        ) from error


def open_index(folder: Path, key: IndexKey | None = None) -> Index:
    """Open an existing index.

    Raises:
        HybridBenchError: if it is incomplete or corrupt, or was built for another key.
    """
    try:
        manifest = Manifest.model_validate_json((folder / _MANIFEST).read_bytes())
    except (OSError, ValidationError) as error:
        raise HybridBenchError(f"the index {folder} is incomplete or corrupt", "Delete it; it is rebuilt when needed.") from error
    if key is not None and manifest.key != key:
        expected, found = key.model_dump(), manifest.key.model_dump()
        name = next(name for name in expected if expected[name] != found[name])
        raise HybridBenchError(
            f"{folder} was indexed with another {name}: {found[name]}, not {expected[name]}",
            "Choose another folder with --index, or omit the option.",
        )
    documents = _documents(folder / _LUCENE)
    if documents != manifest.indexed:
        raise HybridBenchError(
            f"the index {folder} has {documents} documents, expected {manifest.indexed}", "Delete it; it is rebuilt when needed."
        )
    return Index(folder, manifest)


def _build(folder: Path, key: IndexKey, passages: Iterable[Prepared], analysis: Analysis, threads: int) -> Index:
    """Build in a temporary folder, check the document count, and rename. The caller holds the lock."""
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    counts = {"passages": 0, "given": 0}
    try:
        partial.mkdir(parents=True)
        write_lucene(partial / _LUCENE, _counted(passages, counts), analysis, max(1, threads))
        if not counts["passages"]:
            raise HybridBenchError(f"{key.suite} has no passages in the pool {key.pool}", "Check its files.")
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
    """Index (id, contents) pairs with Anserini as Pyserini does, through one JSON-lines file per thread."""
    register()
    source = folder.with_name("json")
    source.mkdir()
    encode = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps would create an encoder for every passage
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
    """Number of documents in a Lucene index; -1 if it cannot be opened."""
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
