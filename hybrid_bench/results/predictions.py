"""Runs in the JSON files of other evaluators: BEIR's results, and the predictions that mteb saves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hybrid_bench.datasets.trec_ids import problem_of
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.results.runs import Hit, Run, canonical

#: Beside the subsets in a file of mteb.
_MODEL = "mteb_model_meta"
#: The split that is read where a file has several, in this order.
_PREFERRED_SPLITS = ("test", "dev")
_LAYOUT = (
    "A ranking is {query id: {document id: score}}, as BEIR has it, or {subset: {split: {query id: {document id: score}}}}, as "
    "mteb saves it."
)
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Predictions:
    """The content of a file.

    Attributes:
        runs: subset to its run; of a file of BEIR, which has none, an empty name.
        name: of the model; empty if it is not stated.
        revision: of the model; empty if it is not stated.
        notes: what a reader of the scores has to know.
    """

    runs: Mapping[str, Run]
    name: str = ""
    revision: str = ""
    notes: tuple[str, ...] = ()


def read(path: Path) -> Predictions | None:
    """Read a file of BEIR or mteb.

    Returns:
        None if the file is a result of this program, or cannot be read as JSON, which the reader of results reports.

    Raises:
        HybridBenchError: if it holds something else than rankings, a score is not a finite number, an id is malformed or occurs
            twice, or no query has found anything.
    """
    try:
        content = json.loads(path.read_bytes().decode("utf-8-sig"), object_pairs_hook=_object)
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or isinstance(content.get("schema_version", {}), int):
        return None
    try:
        found = _subsets(content, path)
        if not any(hits for run in found.runs.values() for hits in run.values()):
            raise HybridBenchError("no query has found a document", _LAYOUT)
    except HybridBenchError as error:
        raise HybridBenchError(f"{path}: {error.problem}", error.remedy) from None
    return found


class _Twice(dict[str, Any]):
    """An object in which a key occurs twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Twice(found)


def _subsets(content: dict[str, Any], path: Path) -> Predictions:
    model = content.get(_MODEL)
    stated = model if isinstance(model, dict) and all(isinstance(value, str | None) for value in model.values()) else None
    subsets = {name: value for name, value in _fields(content).items() if stated is None or name != _MODEL}
    inner = [value for of_subset in subsets.values() for value in _fields(of_subset).values()]
    if not any(isinstance(value, dict) for value in inner):
        return Predictions({"": _run(subsets)})
    runs, notes = {}, []
    for name, of_subset in subsets.items():
        splits = _fields(of_subset)
        if not splits:
            raise HybridBenchError(f"the subset {name!r} has no split", _LAYOUT)
        split = next((one for one in (*_PREFERRED_SPLITS, *splits) if one in splits), "")
        runs[name] = _run(_fields(splits[split]))
        if len(splits) > 1:
            notes.append(f"Of the splits of {name} in {path.name} ({', '.join(splits)}), {split} was read.")
    stated = stated or {}
    return Predictions(runs, stated.get("model_name") or "", stated.get("revision") or "", tuple(notes))


def _fields(value: Any) -> dict[str, Any]:
    """The fields of an object."""
    if not isinstance(value, dict):
        raise HybridBenchError(f"it has {json.dumps(value)[:40]} where an object belongs", _LAYOUT)
    if isinstance(value, _Twice):
        raise HybridBenchError("a name or an id occurs twice in one object", "Keep the right one.")
    return value


def _run(rankings: Mapping[str, Any]) -> dict[str, list[Hit]]:
    return {query_id: canonical(_scores(query_id, _fields(scores))) for query_id, scores in rankings.items()}


def _scores(query_id: str, scores: Mapping[str, Any]) -> list[tuple[str, float]]:
    for name in (query_id, *scores):
        if problem := problem_of(name):
            raise HybridBenchError(f"of the query or document {name[:60]!a}, {problem}", "Correct the file.")
    for doc_id, score in scores.items():
        number = isinstance(score, int | float) and not isinstance(score, bool)
        if not number or not abs(score) <= _LARGEST:
            raise HybridBenchError(
                f"the score of document {doc_id!a:.60} for query {query_id!a:.60} is not a finite number of float32", _LAYOUT
            )
    return [(doc_id, float(score)) for doc_id, score in scores.items()]
