"""Results that tell encoders apart no more."""

from __future__ import annotations

from hybrid_bench.datasets.settings import SettingKind
from hybrid_bench.results.record import Result

#: A mean above this is saturated.
SATURATED = 0.98


def saturated(result: Result) -> dict[SettingKind, float]:
    """Kind of settings to its mean by the primary measure, where that is above :data:`SATURATED`."""
    of_kind: dict[SettingKind, list[float]] = {}
    for row in result.rows:
        if row.measure == result.primary:
            of_kind.setdefault(row.setting, []).append(row.value)
    means = {kind: sum(found) / len(found) for kind, found in of_kind.items()}
    return {kind: mean for kind, mean in means.items() if mean > SATURATED}
