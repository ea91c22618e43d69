"""TREC runs: in memory in canonical order, on disk as gzipped text."""

from __future__ import annotations

import collections
import contextlib
import gzip
import hashlib
import io
import os
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO, cast

import numpy as np

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.results.run_lines import LineReader
from hybrid_bench.support import atomic

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: The end of a run file's name, after the query set and the pool.
RUN_SUFFIX = ".trec.gz"


class Hit(NamedTuple):
    """A passage that was found, with its score (a float32 value)."""

    doc_id: str
    score: float


#: Query id to the passages found, in canonical order. A query that found nothing has an empty list.
Run = Mapping[str, Sequence[Hit]]


def canonical(hits: Iterable[tuple[str, float]], depth: int | None = None) -> list[Hit]:
    """Order as trec_eval does: score as float32 descending, then document id descending; and cut.

    Raises:
        HybridBenchError: if a score is not a finite number or a document occurs twice.
    """
    found = list(hits)
    ids = [doc_id for doc_id, _ in found]
    # Float32 values are exact as Python floats, so that what is compared is what trec_eval compares.
    scores = np.array([score for _, score in found], dtype=np.float32)
    finite = np.isfinite(scores)
    if not finite.all():
        bad = ids[int(np.argmin(finite))]
        raise HybridBenchError(f"the score of document {bad!r} is not a finite number", "Correct the searcher that gave it.")
    if len(set(ids)) < len(ids):
        twice = collections.Counter(ids).most_common(1)[0][0]
        raise HybridBenchError(f"document {twice!r} was found twice for one query", "Give every document its own id.")
    ordered = sorted(zip(scores.tolist(), ids, strict=True), reverse=True)[:depth]
    return [Hit(doc_id, score) for score, doc_id in ordered]


class RunWriter:
    """Writes one gzipped TREC run, query by query, atomically: an interrupted writer leaves the earlier file.

    Scores are written with as many digits as are needed to read the same float32 back.

    Args:
        path: of the file.
        tag: the run's name, in its last column; spaces become ``_``.
        identity: of what the run is of; in the header of the file, see :func:`identity_of`.
    """

    def __init__(self, path: Path, tag: str, identity: str = "") -> None:
        self._path = path
        self._temporary = atomic.temporary_name(path)
        self._header = f"{identity}.trec" if identity else ""
        self._tag = tag_of(tag)
        self._sha256 = hashlib.sha256()

    def __enter__(self) -> RunWriter:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._raw = self._temporary.open("wb")
        self._packed = gzip.GzipFile(self._header, "wb", 6, self._raw, mtime=0)
        return self

    def add(self, query_id: str, doc_ids: Iterable[str], scores: NDArray[np.float32]) -> None:
        """Write the passages found for a query, in canonical order."""
        text = lines(query_id, doc_ids, scores, self._tag).encode()
        self._sha256.update(text)
        with atomic.naming(self._path):
            self._packed.write(text)

    def add_run(self, run: Run) -> None:
        """Write some queries.

        Raises:
            HybridBenchError: if an id holds white space, which a TREC run cannot hold.
        """
        check_ids({*run, *(doc_id for hits in run.values() for doc_id, _ in hits)})
        for query_id, hits in run.items():
            self.add(query_id, [hit.doc_id for hit in hits], np.array([hit.score for hit in hits], dtype=np.float32))

    @property
    def sha256(self) -> str:
        """Of what was written, uncompressed; :func:`digest` gives the same."""
        return self._sha256.hexdigest()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                with atomic.naming(self._path):
                    self._packed.close()
                    self._raw.flush()
                    os.fsync(self._raw.fileno())
                    self._raw.close()
                    self._temporary.replace(self._path)
        finally:
            for file in (self._packed, self._raw):
                with contextlib.suppress(OSError):  # on a full disk, closing tries to write again
                    file.close()
            self._temporary.unlink(missing_ok=True)


def tag_of(name: str) -> str:
    """The last column of the run of a searcher."""
    return "_".join(name.split()) or "hybrid-bench"


def lines(query_id: str, doc_ids: Iterable[str], scores: NDArray[np.float32], tag: str) -> str:
    """The lines of a query, whose passages are in canonical order."""
    found = zip(doc_ids, scores.astype(str).tolist(), strict=True)
    return "".join(f"{query_id} Q0 {doc_id} {rank} {score} {tag}\n" for rank, (doc_id, score) in enumerate(found, start=1))


def write(run: Run, path: Path, tag: str, identity: str = "") -> str:
    """Write a run; see :class:`RunWriter`.

    Returns:
        sha256 of its uncompressed text, as :func:`digest` computes it.

    Raises:
        HybridBenchError: if an id holds white space, which a TREC run cannot hold.
    """
    with RunWriter(path, tag, identity) as file:
        file.add_run(run)
    return file.sha256


def identity_of(path: Path) -> str:
    """The identity in the header of a gzipped run, in its field for the name of the original file; empty if it has none."""
    try:
        with path.open("rb") as file:
            header = file.read(10 + 64 + len(".trec"))
    except OSError:
        return ""
    match = re.match(rb"\x1f\x8b\x08\x08.{6}([0-9a-f]{64})\.trec", header, re.DOTALL)
    return match[1].decode() if match else ""


def check_ids(ids: Iterable[str]) -> None:
    """Raise HybridBenchError if an id holds white space, which would be two columns of a run."""
    for name in ids:
        if name.split() != [name]:
            raise HybridBenchError(f"the id {name!r} cannot be written to a TREC run", "Give it a name without spaces.")


def digest(path: Path) -> str:
    """sha256 of a run file's uncompressed text; an empty string if the file is missing or truncated."""
    sha256 = hashlib.sha256()
    try:
        with _open(path) as file:
            while block := file.buffer.read(1 << 20):
                sha256.update(block)
    except (OSError, EOFError, zlib.error):
        return ""
    return sha256.hexdigest()


def read(path: Path, notes: list[str] | None = None) -> dict[str, list[Hit]]:
    """Read a TREC run, gzipped or not, and put it into canonical order, whatever its ranks and the order of its lines are.

    Args:
        path: of the run.
        notes: receives a sentence for each form of other programs that was accepted, such as lines without a tag.

    Raises:
        HybridBenchError: if the file is missing, truncated or malformed, a score is not a finite number, or a document occurs
            twice for a query.
    """
    found: dict[str, dict[str, float]] = {}
    lines = LineReader(path)
    number = 0
    try:
        with _open(path) as file:
            for number, text in enumerate(file, start=1):
                line = lines.read(text, number)
                if line is None:
                    continue
                of_query = found.setdefault(line.query_id, {})
                if line.doc_id in of_query:
                    raise lines.twice(number, line)
                of_query[line.doc_id] = line.score
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        raise HybridBenchError(f"cannot read the run {path}, after line {number}: {problem}", "Run the search again.") from error
    if not found:
        raise HybridBenchError(f"the run {path} is empty", "Run the search again.")
    if notes is not None:
        notes += [note for note in lines.notes() if note not in notes]
    return {query_id: canonical(hits.items()) for query_id, hits in found.items()}


def file_name(query_set: str, pool: str) -> str:
    """The name of a setting's run: ``en-all.trec.gz``, or ``zh-hans--all.trec.gz`` where a name has a hyphen itself."""
    between = "--" if "-" in query_set + pool else "-"
    return f"{query_set}{between}{pool}{RUN_SUFFIX}"


#: Compressed, as an evaluation writes them, or plain, as they are exported.
_FILE_NAME = re.compile(r"(?:(.+)--(.+)|([^-]+)-([^-]+))\.trec(?:\.gz)?")


def runs_in(folder: Path) -> dict[tuple[str, str], Path]:
    """The runs in a folder, by query set and pool.

    Raises:
        HybridBenchError: if there are none, a file's name does not tell its setting, or two are of the same setting.
    """
    found: dict[tuple[str, str], Path] = {}
    for path in sorted([*folder.glob("*.trec"), *folder.glob(f"*{RUN_SUFFIX}")]):
        match = _FILE_NAME.fullmatch(path.name)
        if match is None:
            raise HybridBenchError(
                f"the name of the run {path} does not tell its setting",
                f"Name runs <query set>-<pool>{RUN_SUFFIX}, or <query set>--<pool>{RUN_SUFFIX} where a name has a hyphen.",
            )
        setting = match[1] or match[3], match[2] or match[4]
        if setting in found:
            raise HybridBenchError(f"{found[setting]} and {path} are runs of the same setting", "Keep one of them.")
        found[setting] = path
    if not found:
        raise HybridBenchError(
            f"{folder} holds no runs",
            f"Runs are named <query set>-<pool>.trec or {RUN_SUFFIX}, as `evaluate --runs` and `runs export` write them.",
        )
    return found


def _open(path: Path) -> io.TextIOWrapper:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if packed:
        return cast(io.TextIOWrapper, cast(TextIO, gzip.open(path, "rt", encoding="utf-8-sig")))
    return path.open(encoding="utf-8-sig")
