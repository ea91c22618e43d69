"""Packing a submission: the card, the ranks, the hashes, and the vectors beside it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from hybrid_bench.encoders.card import Pooling
from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.evaluate import evaluate
from hybrid_bench.results.record import Result
from hybrid_bench.submissions import ranking, rescoring
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.format import rank_table, schema, vectors
from hybrid_bench.submissions.format.rank_table import RankTable
from hybrid_bench.submissions.inspection import seal
from hybrid_bench.support import atomic, cache, toml
from hybrid_bench.support.progress import Progress

if TYPE_CHECKING:
    from hybrid_bench.results.ranks import Ranks
    from hybrid_bench.retrieval.exact.full_runs import FullRuns
    from hybrid_bench.submissions.format.expected import SuiteData

_TODO = "TODO"
_TRAINED_ON = "trained_on"


@dataclass(frozen=True)
class PackedSuite:
    """One suite of a submission.

    Attributes:
        name: the suite.
        table: its ranks.
        handed: its part of submission.toml.
        vectors: the file beside the submission; None if it has none.
        largest: the largest difference of a mean score to the evaluation of the same encoder without rounding to fp16;
            None where nothing was rounded.
    """

    name: str
    table: RankTable
    handed: dict[str, Any]
    vectors: Path | None = None
    largest: tuple[str, float] | None = None


@dataclass(frozen=True)
class Packed:
    """A submission that was written.

    Attributes:
        folder: where it lies.
        suites: what is in it.
        missing: the fields of the card that are still to be filled in.
    """

    folder: Path
    suites: list[PackedSuite]
    missing: list[str]


def pack(
    encoder: Encoder,
    suites: Sequence[str],
    out: Path,
    *,
    org: str,
    name: str | None = None,
    revision: str | None = None,
    card: Path | None = None,
    passage_text: str = "sentence",
    vectors_out: Path | None = None,
    store: Path | None = None,
    progress: Progress | None = None,
) -> Packed:
    """Evaluate an encoder from the store, and write what a submission is made of.

    The vectors are rounded to fp16, and the ranks are those that the rounded vectors give.

    Args:
        encoder: who encodes what the store does not hold.
        suites: names.
        out: the folder of submissions.
        org: who hands it in.
        name: by default the encoder's.
        revision: by default the encoder's revision, or the beginning of its fingerprint.
        card: a TOML file with the fields of the card that the encoder does not state itself, and a table ``trained_on``.
        passage_text: what the encoder reads of a passage.
        vectors_out: where the vectors go; by default into the cache.
        store: folder of the stored vectors.
        progress: where to report.

    Raises:
        HybridBenchError: if the revision exists already, a name cannot be one, or the evaluation fails.
    """
    name = name or encoder.card.name.rpartition("/")[2]
    revision = revision or encoder.card.revision or encoder.fingerprint[:12]
    folder = new_folder(out, org, name, revision)
    stated = stated_card(card)
    fields = card_fields(_of_encoder(encoder), stated)
    beside = (vectors_out or cache.home() / "vectors") / f"{org}__{name}" / revision
    packed = []
    for suite in suites:
        part = pack_suite(encoder, suite, beside, passage_text, store, progress)
        part.handed[_TRAINED_ON] = _trained_on(encoder, suite, stated)
        packed.append(part)
    write(folder, {"format": schema.FORMAT, "org": org, "name": name, "revision": revision}, fields, packed)
    return Packed(folder, packed, missing(fields))


def missing(fields: Mapping[str, Any]) -> list[str]:
    """The fields of a card that are still to be filled in."""
    return [field for field, value in fields.items() if value == _TODO]


def new_folder(out: Path, org: str, name: str, revision: str) -> Path:
    """Where a submission will lie; raises HybridBenchError if it is there already or a name cannot be one."""
    for what, value in (("org", org), ("name", name), ("revision", revision)):
        if not schema.is_name(value):
            raise HybridBenchError(
                f"{value!r} cannot be the {what} of a submission",
                f"Give another with --{what}: up to 64 letters, digits, '.', '_' and '-', no '__', no '..'.",
            )
    folder = out / f"{org}__{name}" / revision
    if folder.exists():
        raise HybridBenchError(f"{folder} is there already", "A revision does not change: give another with --revision.")
    return folder


def pack_suite(
    encoder: Encoder, name: str, beside: Path, passage_text: str, store: Path | None, progress: Progress | None
) -> PackedSuite:
    """Evaluate one suite; the vectors are written into the folder ``beside``."""
    data = suite_data.load(name)
    grids: list[FullRuns] = []

    def keep(full: FullRuns, ranks: Ranks) -> None:
        grids.append(full)

    result = evaluate(
        encoder,
        data.suite,
        passage_text=passage_text,  # type: ignore[arg-type]  # checked where it is used
        store=store,
        progress=progress,
        with_runs=keep,
    )
    handed: dict[str, Any] = {"kind": "ranks", "passage_text": passage_text, "data": data.digest}
    if not data.suite.pooled:
        handed["claimed"] = claimed(result)
        return PackedSuite(name, RankTable(result.ranks), handed)
    rounded = _halves(grids[0], data)
    content = vectors.to_bytes(rounded)
    path = beside / f"{schema.stem(name)}{vectors.SUFFIX}"
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(path, content)
    handed["vectors"] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    table = ranking.ranks_of(rounded, data)
    again = rescoring.scored_table(table, data)
    handed["claimed"] = claimed(again)
    return PackedSuite(name, table, handed, path, largest_difference(result, again))


def _halves(full: FullRuns, data: SuiteData) -> dict[str, np.ndarray]:
    """The vectors of a grid as fp16 arrays in the suite's order, scaled where fp16 or the exact product needs it."""
    columns = full.columns
    arrays = {
        f"passages/{language}": columns.vectors[[columns.position[doc_id] for doc_id in ids]]
        for language, ids in data.passage_ids.items()
    }
    start = 0
    for language, ids in full.query_ids.items():
        arrays[f"queries/{language}"] = full.vectors[start : start + len(ids)]
        start += len(ids)
    return {name: (array * _scale(name, arrays)).astype(np.float16) for name, array in arrays.items()}


def _scale(name: str, arrays: Mapping[str, np.ndarray]) -> np.float32:
    """A power of two that makes the longest vector of a role shorter than 4; 1 for unit vectors."""
    role = name.partition("/")[0]
    longest = max(float(np.linalg.norm(array, axis=1).max()) for key, array in arrays.items() if key.startswith(role))
    return np.float32(1 if longest <= 1.5 else 2.0 ** (1 - np.ceil(np.log2(longest))))


def largest_difference(result: Result, again: Result) -> tuple[str, float]:
    """The mean score that differs most and by how much, relative to it where it is a rank and not a share."""
    before, after = rescoring.mean_scores(result), rescoring.mean_scores(again)
    difference = {
        score: abs(after[score] - value) / max(1.0, abs(value))
        for score, value in before.items()
        if score in after and "median" not in score  # a median moves by whole ranks
    }
    return max(difference.items(), key=lambda item: item[1])


def claimed(result: Result) -> dict[str, float]:
    """The means that a packed submission claims: they are recomputed and compared, never believed."""
    wanted = (result.primary, "RankDistance")
    return {score: round(value, 6) for score, value in rescoring.mean_scores(result).items() if score.split(" ")[1] in wanted}


def stated_card(path: Path | None) -> dict[str, Any]:
    """The fields of a TOML file for ``--card``.

    Raises:
        HybridBenchError: if it cannot be read or has a field that a card does not have.
    """
    if path is None:
        return {}
    try:
        fields = toml.load(path)
    except OSError as error:
        raise HybridBenchError(f"cannot read {path}: {error.strerror}") from error
    known = {*schema.Card.model_fields, _TRAINED_ON}
    if unknown := sorted(fields.keys() - known):
        raise HybridBenchError(f"{path}: a card has no field {unknown[0]!r}", f"It has: {', '.join(sorted(known))}.")
    return fields


def card_fields(known: Mapping[str, Any], stated: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a card in the schema's order; a required one that nobody states is left to be filled in."""
    fields: dict[str, Any] = {}
    for name, field in schema.Card.model_fields.items():
        value = stated.get(name, known.get(name))
        if value not in (None, "", (), []):
            fields[name] = value
        elif field.is_required():
            fields[name] = _TODO
    return fields


def _of_encoder(encoder: Encoder) -> dict[str, Any]:
    """What an encoder's own card states of a submission's."""
    card = encoder.card
    public = bool(card.model) and not Path(card.model).is_absolute() and card.model != "."
    return {
        "description": card.description,
        "licence": card.licence,
        "model": card.model if public else None,
        "base": card.base,
        "code": card.url if card.url.startswith("https://") else None,
        "parameters": card.parameters,
        "dimension": card.dimension,
        "pooling": card.pooling if card.pooling in get_args(Pooling) else None,
        "similarity": card.similarity,
        "query_prefix": card.query_prefix,
        "passage_prefix": card.passage_prefix,
        "max_length": card.max_length,
        "training_data": card.training_data,
    }


def _trained_on(encoder: Encoder, suite: str, stated: Mapping[str, Any]) -> str:
    of_suite = stated.get(_TRAINED_ON, {}).get(suite)
    if of_suite is not None:
        return str(of_suite)
    trained_on = encoder.card.trained_on_suites
    return "not stated" if trained_on is None else "suite" if suite in trained_on else "no"


def write(folder: Path, head: Mapping[str, Any], card: Mapping[str, Any], packed: Sequence[PackedSuite]) -> None:
    """Write a submission's folder, whole or not at all."""
    text = [_lines(head), "\n[card]\n", _lines(card)]
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    try:
        for part in packed:
            (unfinished / f"{schema.stem(part.name)}{rank_table.SUFFIX}").write_bytes(part.table.to_bytes())
            plain = {key: value for key, value in part.handed.items() if not isinstance(value, dict)}
            text += [f"\n[suites.{json.dumps(part.name)}]\n", _lines(plain)]
            for key, value in part.handed.items():
                if isinstance(value, dict):
                    text += [f"\n[suites.{json.dumps(part.name)}.{key}]\n", _lines(value)]
        (unfinished / schema.FILE).write_text("".join(text), encoding="utf-8")
        seal(unfinished)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _lines(fields: Mapping[str, Any]) -> str:
    """Fields as TOML, whose texts, numbers and lists are written as JSON's."""
    return "".join(f"{_key(key)} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in fields.items())


def _key(key: str) -> str:
    return key if key.replace("_", "").isalnum() and key.isascii() else json.dumps(key)
