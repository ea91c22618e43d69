"""The probability of each (source, batch kind): exact in the strategy's alpha, as close as possible to the sources' weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hybrid_bench.errors import HybridBenchError, UnknownNameError
from hybrid_bench.training.batches.strategies import BatchKind


@dataclass(frozen=True)
class Share:
    """The probability that a batch has this source and this kind."""

    source: str
    kind: BatchKind
    probability: float


def shares(alpha: float, weights: Mapping[str, float], monolingual: set[str], cross_lingual: set[str]) -> list[Share]:
    """The probability of every (source, kind).

    The kinds always add up to ``alpha`` and ``1 - alpha``. Sources keep their weights as far as that allows: if the sources
    that can only provide one kind weigh more than that kind, they share it and the other sources share the other kind.

    Args:
        alpha: the share of monolingual batches.
        weights: source to its share of the batches; need not add up to 1.
        monolingual: the sources that can fill monolingual batches.
        cross_lingual: the sources that can fill cross-lingual batches.

    Raises:
        HybridBenchError: if no source can fill a kind that alpha requires.
    """
    for kind, part, able in (("monolingual", alpha, monolingual), ("cross-lingual", 1 - alpha, cross_lingual)):
        if part > 0 and not any(weights[source] > 0 for source in able):
            remedy = {
                "monolingual": "Add a source of questions with answer passages, or choose cross.",
                "cross-lingual": "Add a language or a source, use a smaller batch, or choose mono.",
            }[kind]
            raise HybridBenchError(f"no source can fill a {kind} batch, but {part:.0%} of the batches should be {kind}", remedy)
    usable = {source: weight for source, weight in weights.items() if source in monolingual | cross_lingual and weight > 0}
    only_mono = {source: weight for source, weight in usable.items() if source not in cross_lingual}
    only_cross = {source: weight for source, weight in usable.items() if source not in monolingual}
    both = {source: weight for source, weight in usable.items() if source in monolingual & cross_lingual}
    total = sum(usable.values())
    mono_part, cross_part = sum(only_mono.values()) / total, sum(only_cross.values()) / total
    if mono_part > alpha:
        parts = {"monolingual": _spread(alpha, only_mono), "cross-lingual": _spread(1 - alpha, only_cross | both)}
    elif cross_part > 1 - alpha:
        parts = {"monolingual": _spread(alpha, only_mono | both), "cross-lingual": _spread(1 - alpha, only_cross)}
    else:
        parts = {
            "monolingual": _spread(mono_part, only_mono) | _spread(alpha - mono_part, both),
            "cross-lingual": _spread(cross_part, only_cross) | _spread(1 - alpha - cross_part, both),
        }
    kinds: tuple[BatchKind, ...] = ("monolingual", "cross-lingual")
    return [Share(source, kind, part) for kind in kinds for source, part in sorted(parts[kind].items()) if part > 0]


def _spread(part: float, weights: Mapping[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    return {source: part * weight / total for source, weight in weights.items()}


def checked_weights(weights: Mapping[str, float] | None, rows: Mapping[str, int]) -> dict[str, float]:
    """Validate the weights of the sources; None: in proportion to their numbers of rows.

    Raises:
        HybridBenchError: if a weight is negative or infinite, a source has none, or all are 0.
        UnknownNameError: if a weight is for an unknown source.
    """
    if weights is None:
        return {source: float(count) for source, count in rows.items()}
    for source, weight in weights.items():
        if source not in rows:
            raise UnknownNameError("source of this training data", source, rows)
        if not 0 <= weight < float("inf"):
            raise HybridBenchError(f"the weight of the source {source} is {weight}", "Use a finite number of at least 0.")
    missing = sorted(set(rows) - set(weights))
    if missing:
        raise HybridBenchError(
            f"the source {missing[0]} has no weight, but others have", "Give every source a weight (0 excludes it), or none."
        )
    if not any(weights.values()):
        raise HybridBenchError("every source has the weight 0", "Give at least one a weight above 0.")
    return dict(weights)
