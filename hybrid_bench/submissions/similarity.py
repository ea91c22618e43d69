"""Similarity of submissions: how much the ranks or runs of one are those of another, exactly and by short signatures.

Two figures are reported: the share of equal ranks, and the correlation of the logarithms of ranks. A signature is a random
projection of those logarithms; the cosine of two signatures estimates the correlation. Signatures of many submissions are
searched with a k-d tree, so that only similar pairs are read and compared. The projection has no secret: it is the same for
everyone.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import xxhash

from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.format import rank_table, run_files, schema, untrusted
from hybrid_bench.submissions.format.untrusted import RejectedFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hybrid_bench.submissions.format.schema import SuiteEntry

    Signature = NDArray[np.float32]  # (SIZE,), of unit length; zero if there is nothing to compare

#: Length of a signature.
SIZE = 32
_NUMBERS = re.compile(r"[0-9]{1,9}(?: [0-9]{1,9})*")
#: Ranks up to this one are often equal in good encoders: in tables they count as one and the same.
_SHALLOW = 20
#: With fewer deep ranks than this, all ranks are compared.
_MIN_DEEP = 100
#: Ranks of a run that are compared.
_TOP = 10
#: The largest depth of a run; a copy may state another one than the original.
_DEEPEST = 1000
#: Signatures with at least this cosine are of submissions that are compared exactly.
_NEAR = 0.85
#: The largest (share of equal ranks, correlation) without a copy. Encoders that were fine-tuned alike from one checkpoint have
#: 5 % of the deep ranks in common and a correlation of .98; noise of 2 % in the vectors leaves 20 % and .998.
_MOST_DEEP = (0.15, 0.995)
_MOST_SHALLOW = (0.8, 0.998)
_MOST_RUNS = (0.5, 0.98)
#: The same within one organisation, which may fine-tune encoders alike. Such have 15 % and .997 on FLORES-200, where all encoders
#: fail in the same languages; noise of 5 % in the vectors leaves 26 % and .9998 there.
_MOST_OF_ONE_ORG = (0.2, 0.9995)


class Ranked(NamedTuple):
    """The ranks that a submission states on a suite.

    Attributes:
        keys: (n,) uint64, ascending: hashes of what is ranked.
        ranks: (n,) int64, from 1.
        runs: whether they come from runs, where the keys are the retrieved passages.
    """

    keys: NDArray[np.uint64]
    ranks: NDArray[np.int64]
    runs: bool

    def weights(self) -> NDArray[np.float64]:
        """(n,) unit vector: logarithms of ranks, centred, for tables; 1 / log2(1 + rank) for runs."""
        if self.runs:
            values = 1 / np.log2(1 + self.ranks)
        else:
            floor = _SHALLOW if (self.ranks > _SHALLOW).sum() >= _MIN_DEEP else 1
            values = np.log(np.maximum(self.ranks, floor))
            values = values - values.mean()
        length = np.linalg.norm(values)
        return values / length if length else values

    def signature(self) -> Signature:
        """See the module."""
        weights = self.weights()
        hashes = _mixed(self.keys)
        bits = (((hashes >> np.uint64(bit)) & np.uint64(1)).astype(np.float64) * 2 - 1 for bit in range(SIZE))
        found = np.array([signs @ weights for signs in bits], dtype=np.float32)
        length = np.linalg.norm(found)
        return (found / length).astype(np.float32) if length else found


class Similarity(NamedTuple):
    """How similar two submissions are on a suite.

    Attributes:
        equal: share of equal ranks, in [0, 1]; of those beyond the shallow ones if there are enough.
        correlation: of the logarithms of ranks (tables), or cosine of the discounted ranks (runs).
        most: the largest share and correlation of two encoders that do not copy each other.
    """

    equal: float
    correlation: float
    most: tuple[float, float]

    @property
    def copied(self) -> bool:
        """Whether they are too similar to come from two encoders."""
        return self.equal > self.most[0] or self.correlation > self.most[1]

    @property
    def copied_within(self) -> bool:
        """Whether they are too similar even for two encoders that one organisation has trained alike."""
        equal, correlation = map(max, self.most, _MOST_OF_ONE_ORG)
        return self.equal > equal or self.correlation > correlation

    @property
    def related(self) -> bool:
        """Whether one is likely derived from the other."""
        return self.correlation > 0.95 * self.most[1]

    def __str__(self) -> str:
        return f"{self.equal:.1%} of the ranks are equal, correlation {self.correlation:.4f}"


def compare(one: Ranked, other: Ranked) -> Similarity:
    """Compare two submissions on a suite."""
    if one.runs != other.runs:
        return Similarity(0.0, 0.0, _MOST_RUNS)
    _, first, second = np.intersect1d(one.keys, other.keys, assume_unique=True, return_indices=True)
    ours, theirs = one.ranks[first], other.ranks[second]
    correlation = float(one.weights()[first] @ other.weights()[second])
    deep = np.maximum(ours, theirs) > _SHALLOW
    if not one.runs and deep.sum() >= _MIN_DEEP:
        return Similarity(float((ours == theirs)[deep].mean()), correlation, _MOST_DEEP)
    total = max(len(one.keys), len(other.keys), 1)
    return Similarity(float((ours == theirs).sum()) / total, correlation, _MOST_RUNS if one.runs else _MOST_SHALLOW)


def near(signatures: Mapping[Path, Signature]) -> Iterator[tuple[Path, Path]]:
    """Pairs of submissions with similar signatures, each in the order of the mapping; not a pass over all pairs."""
    from scipy.spatial import KDTree

    paths = [path for path, signature in signatures.items() if signature.any()]
    if len(paths) < 2:
        return
    pairs = KDTree(np.stack([signatures[path] for path in paths])).query_pairs(np.sqrt(2 - 2 * _NEAR), output_type="ndarray")
    for first, second in sorted(map(tuple, pairs.tolist()), key=lambda pair: pair[::-1]):
        yield paths[first], paths[second]


def is_near(one: Signature, other: Signature) -> bool:
    """Whether two signatures are similar enough for an exact comparison."""
    return bool(one @ other >= _NEAR)


def ranked(folder: Path, suite: str, entry: SuiteEntry) -> Ranked | None:
    """Read the ranks of a submission on a suite; None if they cannot be read."""
    if not suite_data.known(suite):
        return None
    first = schema.stem(suite)
    limits = {f"{first}{rank_table.SUFFIX}": 0} if entry.kind == "ranks" else _limits(suite, first)
    try:
        files = tuple((name, (folder / name).lstat().st_mtime_ns, limit) for name, limit in limits.items())
    except OSError:
        return None
    return _read(folder, suite, files)


def _limits(suite: str, first: str) -> dict[str, int]:
    """File of a run to the maximum size of its content."""
    data = suite_data.load(suite)
    judged = run_files.settings(data)
    return {
        f"{first}{run_files.SUFFIX}/{name}": run_files.unpacked_limit(len(judged[setting]) * _DEEPEST)
        for name, setting in run_files.file_names(data).items()
    }


@functools.lru_cache(maxsize=64)
def _read(folder: Path, suite: str, files: tuple[tuple[str, int, int], ...]) -> Ranked | None:
    try:
        if files[0][0].endswith(rank_table.SUFFIX):
            return _of_table(folder / files[0][0], suite)
        return _of_runs({folder / name: limit for name, _, limit in files})
    except (RejectedFile, ValueError, IndexError):
        return None  # reported by other rules


def _of_table(path: Path, suite: str) -> Ranked | None:
    data = suite_data.load(suite)
    packed = untrusted.unpacked(path, rank_table.PACKED_LIMIT, rank_table.unpacked_limit(data))
    cells = (line.split("\t") for line in untrusted.text(b"".join(packed)).splitlines()[1:])
    numbers = " ".join(of[-1 if of[1] in data.on_all else -2] for of in cells).replace(rank_table.NONE, "0")
    if not _NUMBERS.fullmatch(numbers):
        return None
    ranks = np.fromstring(numbers, dtype=np.int64, sep=" ")
    ranks[ranks <= 0] = ranks.max(initial=0) + 1
    return Ranked(np.arange(len(ranks), dtype=np.uint64), ranks, runs=False)


def _of_runs(limits: Mapping[Path, int]) -> Ranked:
    found: dict[int, int] = {}
    for path, limit in limits.items():
        rest = b""
        for block in untrusted.unpacked(path, run_files.PACKED_LIMIT, limit):
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                query_id, _, doc_id, rank = line.split(b" ", 4)[:4]
                if len(rank) <= 2 and int(rank) <= _TOP:
                    found[xxhash.xxh3_64_intdigest(b" ".join((path.name.encode(), query_id, doc_id)))] = int(rank)
    keys = np.fromiter(found.keys(), dtype=np.uint64, count=len(found))
    ranks = np.fromiter(found.values(), dtype=np.int64, count=len(found))
    order = np.argsort(keys)
    return Ranked(keys[order], ranks[order], runs=True)


def _mixed(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hashes of numbers (the finalizer of splitmix64)."""
    mixed = keys + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))
