"""Vectors that other programs computed: read from files, and checked against the texts of a suite."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, get_args

import numpy as np

from hybrid_bench.datasets import texts
from hybrid_bench.datasets.images import Input
from hybrid_bench.datasets.parts import PassageText
from hybrid_bench.datasets.resolvers import load_suite
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.datasets.texts import Kind, TextsManifest, TextsPart
from hybrid_bench.embeddings import vector_files
from hybrid_bench.embeddings.vector_files import VectorFile
from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.encoders.checked import UNIT_TOLERANCE
from hybrid_bench.encoders.protocol import Role
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support.hashing import TextsDigest

if TYPE_CHECKING:
    from numpy.typing import NDArray

_KINDS: dict[Role, Kind] = {"query": "queries", "passage": "passages"}
#: Rows that are checked at a time.
_AT_ONCE = 8192


@dataclass(frozen=True)
class _Part:
    """A query set or a collection whose vectors are checked.

    Attributes:
        file: with the vectors.
        rows: id to the number of its row.
        unit: whether all vectors are of unit length, up to rounding.
        sha256: of the vectors as float32 in the order of the texts.
    """

    file: VectorFile
    rows: dict[str, int]
    unit: bool
    sha256: str


class GivenVectors:
    """The vectors of a suite's texts, by id. It takes the place of an encoder in an evaluation; nothing is encoded.

    Attributes:
        card: of the encoder that computed them, with their dimension.
        fingerprint: sha256 of all vectors as float32 in the order of the texts, whatever files they are in.
        dtype: of the files: ``fp32``, ``bf16`` or ``fp16``.
        device: what computed them is not known.
        suite: its name.
        passage_text: the part of a passage that was read.
        folder: where they are.
        stated: options of the command line that make the card, for the command of a result.
    """

    device = "not stated"

    def __init__(
        self,
        folder: Path,
        suite: Suite,
        card: EncoderCard,
        parts: dict[tuple[Kind, str], _Part],
        passage_text: PassageText,
        stated: Mapping[str, str],
    ) -> None:
        (first_name, first), *others = ((f"{kind}/{name}", part.file) for (kind, name), part in parts.items())
        for name, file in others:
            for what, one, other in (
                ("dimension", file.rows.shape[1], first.rows.shape[1]),
                ("dtype", file.dtype, first.dtype),
            ):
                if one != other:
                    raise HybridBenchError(
                        f"the vectors of {name} ({file.path.name}) have {what} {one}, those of {first_name} {other}",
                        f"Queries and passages need vectors of one {what}.",
                    )
        dimension = int(first.rows.shape[1])
        if card.dimension not in (None, dimension):
            raise HybridBenchError(
                f"the vectors in {folder} have dimension {dimension}, the card of {card.name} says {card.dimension}",
                "Correct the card, or remove its dimension.",
            )
        self.card = card.model_copy(update={"dimension": dimension})
        self.dtype = first.dtype
        self.suite = suite.name
        self.passage_text = passage_text
        self.folder = folder
        self.stated = stated
        self._parts = parts
        self._scaled = card.similarity == "cosine" and not all(part.unit for part in parts.values())
        self.fingerprint = hashlib.sha256("".join(part.sha256 for part in parts.values()).encode()).hexdigest()

    def of(self, role: Role, name: str, ids: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of some texts of a part: (ids, dimension) float32.

        With similarity ``cosine``, vectors that are all of unit length, up to rounding, are taken as they are; else all of them
        are normalised.

        Raises:
            HybridBenchError: if the part was not loaded.
        """
        part = self._parts.get((_KINDS[role], name))
        if part is None:
            raise HybridBenchError(f"the vectors of {_KINDS[role]}/{name} were not loaded", "Load those of all languages.")
        found = part.file.vectors(np.fromiter((part.rows[text_id] for text_id in ids), np.int64, len(ids)))
        return (found / _lengths(found)[:, None]).astype(np.float32) if self._scaled else found

    def check_use(self, suite: Suite, passage_text: PassageText) -> None:
        """Check that they are of the texts that are evaluated.

        Raises:
            HybridBenchError: if they are of another suite or passage text.
        """
        if suite.base_name != self.suite:
            raise HybridBenchError(f"the vectors in {self.folder} are of {self.suite}, not of {suite.base_name}", "Load its own.")
        if passage_text != self.passage_text:
            raise HybridBenchError(
                f"the vectors in {self.folder} are of the passage text {self.passage_text!r}, not {passage_text!r}",
                f"Use --passage-text {self.passage_text}, or embed the other texts.",
            )

    def describe(self) -> str:
        """What is evaluated, in one line."""
        card = self.card
        scaled = " (normalised)" if self._scaled else ""
        form = f"{self.dtype}; dimension {card.dimension}; similarity {card.similarity}{scaled}"
        return f"{card.name}: vectors of {self.folder}; {form}"


@dataclass(frozen=True)
class GivenSource:
    """The vectors of a collection for :func:`hybrid_bench.embeddings.encode_stream.encode_collection`."""

    vectors: GivenVectors
    collection: str
    device: str = "cpu"

    def __call__(self) -> Callable[[Sequence[tuple[str, Input]]], NDArray[np.float32]]:
        """A function from passages to their vectors."""
        return lambda items: self.vectors.of("passage", self.collection, [text_id for text_id, _ in items])


def load_vectors(
    folder: Path | str,
    suite: Suite | str,
    card: EncoderCard,
    *,
    passage_text: PassageText = "sentence",
    languages: Sequence[str] = (),
    stated: Mapping[str, str] = MappingProxyType({}),
) -> GivenVectors:
    """Read vectors of a suite's texts that another program computed; see docs/guides/vectors.md for the files.

    Args:
        folder: with the vectors, or with a subfolder of the suite's name that has them, and the manifest of the exported texts.
        suite: not restricted.
        card: of the encoder that computed them; its similarity decides how they are compared.
        passage_text: the part of a passage that was embedded.
        languages: whose vectors are read; all by default.
        stated: options of the command line that make the card, for the command of a result.

    Returns:
        What :func:`hybrid_bench.evaluate` takes in place of an encoder; arrays are read when they are needed.

    Raises:
        HybridBenchError: if the manifest is that of other texts; a part is missing or there twice; an id is missing, occurs twice
            or is not among the texts; or vectors are not finite, of different dimensions, or of another dtype than fp32, bf16 or
            fp16. The error names the file and the id.
    """
    whole = load_suite(suite) if isinstance(suite, str) else suite
    folder = Path(folder)
    inside = texts.folder_of(folder, whole.name)
    folder = inside if (inside / texts.FILE).is_file() else folder
    manifest = TextsManifest.read(folder)
    if (manifest.suite, manifest.passage_text) != (whole.name, passage_text):
        raise HybridBenchError(
            f"{folder} has vectors of {manifest.suite} ({manifest.passage_text}), not of {whole.name} ({passage_text})",
            f"Use --suite {manifest.suite} --passage-text {manifest.passage_text}, or embed the other texts.",
        )
    readers = vector_files.find(folder)
    asked = whole.restrict(languages) if languages else whole
    parts: dict[tuple[Kind, str], _Part] = {}
    for kind in get_args(Kind):
        for name in texts.names(asked, kind):
            if ids := _ids(folder, whole, manifest, kind, name):
                parts[kind, name] = _checked(_read(folder, f"{kind}/{name}", readers), ids, card)
    return GivenVectors(folder, whole, card, parts, passage_text, stated)


def _ids(folder: Path, suite: Suite, manifest: TextsManifest, kind: Kind, name: str) -> list[str]:
    """The ids of a part's texts, which are those of the manifest."""
    digest, ids = TextsDigest(), []
    for item in texts.items(suite, kind, name, manifest.passage_text):
        digest.update(item)
        ids.append(item.id)
    stated = manifest.parts(kind).get(name)
    if ids and stated is None:
        raise HybridBenchError(
            f"{folder / texts.FILE} has no {kind}/{name}",
            "Export and embed the texts of all languages, or name some with --languages.",
        )
    if stated and stated != TextsPart(count=max(len(ids), 1), sha256=digest.hexdigest()):
        raise HybridBenchError(
            f"the vectors in {folder} are of other texts than those of {suite.name} here: {kind}/{name} differs",
            "Export the texts again, and embed them.",
        )
    return ids


def _read(folder: Path, part: str, readers: Mapping[str, Sequence[Callable[[], VectorFile]]]) -> VectorFile:
    found = readers.get(part, ())
    if not found:
        raise HybridBenchError(
            f"{folder} has no vectors of {part}",
            f"Write {part}.npy and {part}.ids.txt, {part}.parquet, {part}.jsonl, or an array of this name in a safetensors file.",
        )
    if len(found) > 1:
        files = " and ".join(str(read().path) for read in found)
        raise HybridBenchError(f"the vectors of {part} are there twice: {files}", "Remove one of them.")
    return found[0]()


def _checked(file: VectorFile, ids: list[str], card: EncoderCard) -> _Part:
    rows = _rows(file, ids)
    order = np.fromiter((rows[text_id] for text_id in ids), np.int64, len(ids))
    digest, unit = hashlib.sha256(), True
    for start in range(0, len(ids), _AT_ONCE):
        vectors = file.vectors(order[start : start + _AT_ONCE])
        finite = np.isfinite(vectors).all(axis=1)
        if not finite.all():
            raise HybridBenchError(
                f"{file.path}: the vector of {ids[start + int(np.argmin(finite))]!r} has NaN or infinity", "Embed the text again."
            )
        lengths = _lengths(vectors)
        if card.similarity == "cosine" and not lengths.all():
            raise HybridBenchError(
                f"{file.path}: the vector of {ids[start + int(np.argmin(lengths))]!r} has only zeros, which have no cosine",
                "Embed the text again, or state similarity = 'dot' on the card.",
            )
        unit = unit and bool((np.abs(lengths - 1) <= UNIT_TOLERANCE).all())
        digest.update(vectors.astype("<f4", copy=False).data)
    return _Part(file, rows, unit, digest.hexdigest())


def _lengths(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.linalg.norm(vectors.astype(np.float64), axis=1)
    return lengths


def _rows(file: VectorFile, ids: list[str]) -> dict[str, int]:
    """Id to the number of its row. Raises HybridBenchError unless the file has every id once and no other."""
    count, expected = len(file.rows), len(ids)
    stated = ids if file.ids is None else file.ids
    if len(stated) != count:
        transposed = ": it may be transposed" if file.rows.shape[1] == len(stated) else ""
        raise HybridBenchError(
            f"{file.path} has the shape {tuple(file.rows.shape)} for {len(stated):,} ids{transposed}", "Write one row a text."
        )
    rows = {text_id: number for number, text_id in enumerate(stated)}
    if len(rows) < count:
        twice = next(text_id for number, text_id in enumerate(stated) if rows[text_id] != number)
        raise HybridBenchError(f"{file.path} has the id {twice!r} twice", "Write every id once.")
    if missing := [text_id for text_id in ids if text_id not in rows]:
        raise HybridBenchError(
            f"{file.path} lacks {len(missing):,} of {expected:,} ids, first {missing[0]!r}", "Embed the text of every id."
        )
    if count > expected:
        known = set(ids)
        extra = next(text_id for text_id in stated if text_id not in known)
        raise HybridBenchError(f"{file.path} has the id {extra!r}, which is not among the texts", "Remove its row.")
    return rows
