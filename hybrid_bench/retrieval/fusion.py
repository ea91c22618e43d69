"""Fusion: several runs of the same queries as one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, get_args

from hybrid_bench.errors import HybridBenchError, UnknownNameError
from hybrid_bench.results.runs import Hit, Run, canonical

Method = Literal["rrf", "interpolation"]
Normalisation = Literal["raw", "min-max", "z-score"]

#: Of reciprocal rank fusion. Source: Cormack et al. (SIGIR 2009).
RRF_K = 60


def fuse(
    runs: Sequence[Run],
    method: str = "rrf",
    *,
    normalisation: str = "raw",
    weights: Sequence[float] | None = None,
    rrf_k: int = RRF_K,
    depth: int | None = 1000,
) -> dict[str, list[Hit]]:
    """Fuse runs.

    Every query of any run is in the fusion. ``rrf`` adds up ``1 / (rrf_k + rank)`` over the runs that found a passage, its
    ranks counted in canonical order. ``interpolation`` adds up ``weight * score`` after normalising the scores of each query in
    each run: ``raw`` leaves them, ``min-max`` maps them to 0...1, ``z-score`` to mean 0 and standard deviation 1. A passage
    that a run did not find counts with 0 there; by z-score with that query's lowest score.

    Args:
        runs: two or more.
        method: ``rrf`` or ``interpolation``.
        normalisation: of the scores, for ``interpolation``.
        weights: one a run, for ``interpolation``; equal weights that sum to 1 by default.
        rrf_k: the constant of ``rrf``.
        depth: passages of each run that are looked at, and passages that are kept; None for all.

    Raises:
        HybridBenchError: on an unknown method or normalisation, fewer than two runs, or weights that do not fit.
    """
    _check(runs, method, normalisation, weights, rrf_k)
    parts = list(weights) if weights else [1 / len(runs)] * len(runs)
    fused: dict[str, list[Hit]] = {}
    for query_id in dict.fromkeys(query_id for run in runs for query_id in run):
        total: dict[str, float] = {}
        lists = [canonical(run.get(query_id, ()), depth) for run in runs]
        if method == "rrf":
            for hits in lists:
                for rank, hit in enumerate(hits, start=1):
                    total[hit.doc_id] = total.get(hit.doc_id, 0.0) + 1 / (rrf_k + rank)
        else:
            everything = dict.fromkeys(hit.doc_id for hits in lists for hit in hits)
            total = dict.fromkeys(everything, 0.0)
            for hits, weight in zip(lists, parts, strict=True):
                scores = _NORMALISE[normalisation](hits)
                missing = min(scores.values(), default=0.0) if normalisation == "z-score" else 0.0
                for doc_id in everything:
                    total[doc_id] += weight * scores.get(doc_id, missing)
        fused[query_id] = canonical(total.items(), depth)
    return fused


def _check(runs: Sequence[Run], method: str, normalisation: str, weights: Sequence[float] | None, rrf_k: int) -> None:
    if method not in get_args(Method):
        raise UnknownNameError("fusion method", method, get_args(Method))
    if normalisation not in get_args(Normalisation):
        raise UnknownNameError("normalisation", normalisation, get_args(Normalisation))
    if method == "rrf" and (normalisation != "raw" or weights):
        raise HybridBenchError("rrf looks at ranks alone: it has neither weights nor a normalisation", "Use interpolation.")
    if len(runs) < 2:
        raise HybridBenchError(f"fusion needs two runs or more, not {len(runs)}", "Name another run.")
    if weights is not None and (len(weights) != len(runs) or not all(map(math.isfinite, weights))):
        raise HybridBenchError(f"{len(weights)} weights do not fit {len(runs)} runs", "Give one finite number for each run.")
    if rrf_k < 0:
        raise HybridBenchError(f"rrf needs a constant of 0 or more, not {rrf_k}", f"The usual one is {RRF_K}.")
    if not set(runs[0]).intersection(*runs[1:]):
        raise HybridBenchError("the runs have no query in common", "Fuse runs of the same queries.")


def _raw(hits: Sequence[Hit]) -> dict[str, float]:
    return dict(hits)


def _min_max(hits: Sequence[Hit]) -> dict[str, float]:
    """To 0...1; all 1 where all scores are the same."""
    if not hits:
        return {}
    low, high = hits[-1].score, hits[0].score
    return {hit.doc_id: (hit.score - low) / (high - low) if high > low else 1.0 for hit in hits}


def _z_score(hits: Sequence[Hit]) -> dict[str, float]:
    """To mean 0 and (population) standard deviation 1; all 0 where all scores are the same."""
    if not hits:
        return {}
    mean = math.fsum(hit.score for hit in hits) / len(hits)
    spread = math.sqrt(math.fsum((hit.score - mean) ** 2 for hit in hits) / len(hits))
    return {hit.doc_id: (hit.score - mean) / spread if spread else 0.0 for hit in hits}


_NORMALISE: dict[str, Callable[[Sequence[Hit]], dict[str, float]]] = {"raw": _raw, "min-max": _min_max, "z-score": _z_score}
