"""Rank agreement of two suites: whether one orders encoders as the other does."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.results.record import Result
from hybrid_bench.training.study.tables import AVERAGED, NO_TRAINING, by_language

#: The figures that are compared.
FIGURES = ("mono AP", "cross AP", "multi AP", "RankDistance")
#: Fewer encoders have no order worth comparing.
LEAST_ENCODERS = 3
_COLUMNS = ("suite", "strategy", "alpha", "seed", "language", "column", "value")

#: Suite to encoder to figure to value.
Figures = dict[str, dict[str, dict[str, float]]]


class Agreement(NamedTuple):
    """How two suites order the same encoders by a figure.

    Attributes:
        figure: one of :data:`FIGURES`.
        encoders: number of encoders.
        spearman, kendall: rank correlations, from -1 to 1; Kendall's is tau-b, which accounts for ties. NaN if a suite gives all
            encoders the same value.
        p: two-sided p of Kendall's tau, exact for few encoders without ties.
        alike: the pairs of encoders that both suites order alike.
        pairs: the pairs of encoders.
    """

    figure: str
    encoders: int
    spearman: float
    kendall: float
    p: float
    alike: int
    pairs: int


def read(paths: Sequence[Path], base: str) -> Figures:
    """Read the figures of results, as means over languages.

    Args:
        paths: results (``.json``), folders of results, and tables of studies (``strategies.csv``).
        base: the base of the studies, which their tables do not state; names their encoders, e.g. ``mono-<base>-seed1``.

    Raises:
        HybridBenchError: if a file is neither, there is none, or an encoder has different figures on a suite in two files.
    """
    found: Figures = {}
    for path in paths:
        files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
        if not files:
            raise HybridBenchError(
                f"{path} holds no result", "Give results, e.g. results/xquad-r/me5-small.json, or their folder."
            )
        for file in files:
            rows = _of_study(file, base) if file.suffix == ".csv" else [_of_result(file)]
            for suite, encoder, figures in rows:
                known = found.setdefault(suite, {}).setdefault(encoder, figures)
                if known != figures:
                    raise HybridBenchError(
                        f"{encoder} has two results on {suite} with different figures", f"Leave out {file} or the other one."
                    )
    return found


def agreement(one: Mapping[str, Mapping[str, float]], other: Mapping[str, Mapping[str, float]]) -> list[Agreement]:
    """Compare the order of the encoders that two suites have in common, by each figure that both have.

    Args:
        one: encoder to figure to value, on one suite.
        other: the same on another suite.

    Raises:
        HybridBenchError: if they have fewer than :data:`LEAST_ENCODERS` encoders in common.
    """
    from scipy.stats import kendalltau, spearmanr

    shared = sorted(one.keys() & other.keys())
    if len(shared) < LEAST_ENCODERS:
        raise HybridBenchError(
            f"{len(shared)} encoders have results on both suites", f"Evaluate at least {LEAST_ENCODERS} encoders on both."
        )
    found = []
    for figure in FIGURES:
        values = [(one[name][figure], other[name][figure]) for name in shared if figure in one[name] and figure in other[name]]
        if len(values) < LEAST_ENCODERS:
            continue
        left, right = zip(*values, strict=True)
        varied = len(set(left)) > 1 and len(set(right)) > 1
        tau = kendalltau(left, right) if varied else None
        pairs = list(itertools.combinations(values, 2))
        alike = sum((a - c) * (b - d) > 0 for (a, b), (c, d) in pairs)
        rho = float(spearmanr(left, right).statistic) if varied else float("nan")
        kendall, p = (float(tau.statistic), float(tau.pvalue)) if tau is not None else (float("nan"), float("nan"))
        found.append(Agreement(figure, len(values), rho, kendall, p, alike, len(pairs)))
    return found


def _of_result(path: Path) -> tuple[str, str, dict[str, float]]:
    result = Result.read(path)
    return result.suite, result.name, _means(by_language(result).loc["mean"].to_dict())


def _of_study(path: Path, base: str) -> list[tuple[str, str, dict[str, float]]]:
    import pandas as pd

    try:
        table = pd.read_csv(path, dtype={"seed": "Int64"}, keep_default_na=False, na_values={"seed": "", "value": ""})
        table = table[table["language"] == "mean"]
        if tuple(table.columns) != _COLUMNS:
            raise ValueError(f"its columns are {', '.join(map(str, table.columns))}")
        return [
            (
                str(suite),
                _encoder_name(str(strategy), seed, base),
                _means(dict(zip(rows["column"], rows["value"].astype(float), strict=True))),
            )
            for (suite, strategy, seed), rows in table.groupby(["suite", "strategy", "seed"], dropna=False, sort=False)
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HybridBenchError(
            f"{path} is not the table of a study: {error}", "Give the strategies.csv of `hybrid-bench study strategies`."
        ) from error


def _encoder_name(label: str, seed: object, base: str) -> str:
    """The name of an arm's encoder, from its label in a table; the opposite of :func:`.tables.label`."""
    if label == NO_TRAINING:
        return base
    strategy = label.removesuffix(AVERAGED)
    name, bracket, alpha = strategy.removesuffix(")").partition("(")
    stem = f"{name}-{alpha}-{base}" if bracket else f"{name}-{base}"
    return stem if label.endswith(AVERAGED) else f"{stem}-seed{seed}"


def _means(figures: Mapping[Any, Any]) -> dict[str, float]:
    return {figure: float(figures[figure]) for figure in FIGURES if figure in figures}
