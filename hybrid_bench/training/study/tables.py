"""The scores of a study: by strategy, by language, and tests of significance."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.compare import compare
from hybrid_bench.results.record import Result
from hybrid_bench.support import toml
from hybrid_bench.training.study.arms import BASE, ScoredArm

if TYPE_CHECKING:
    import pandas as pd

#: The columns of the paper's tables: heading to (setting, measure).
COLUMNS = {
    "mono AP": ("monolingual", "AP"),
    "cross AP": ("cross-lingual", "AP"),
    "multi AP": ("multilingual", "AP"),
    "mono R@1": ("monolingual", "R@1"),
    "cross R@1": ("cross-lingual", "R@1"),
    "multi R@10": ("multilingual", "R@10"),
    "RankDistance": ("multilingual", "RankDistance"),
}
PUBLISHED = "elmahdy-2024"
#: Suffix of a strategy's name for the encoder with the averaged weights of all seeds.
AVERAGED = ", weights averaged"
#: The label of the base.
NO_TRAINING = "no fine-tuning"
_PUBLISHED_KEYS = ("suite", "system", "setting", "query_language", "measure", "value")


class Published(NamedTuple):
    """Published scores of a paper, and their source."""

    figures: list[dict[str, str]]
    source: dict[str, Any]


def read_published(folder: Path) -> Published:
    """Read the paper's scores.

    Raises:
        HybridBenchError: if a file is missing or has other columns.
    """
    tables, source = (folder / f"{PUBLISHED}{ending}" for ending in (".tsv", ".toml"))
    for path in (tables, source):
        if not path.is_file():
            raise HybridBenchError(f"there are no published figures {path}", "Give their folder with --published.")
    rows = list(csv.DictReader(tables.read_text(encoding="utf-8").splitlines(), delimiter="\t"))
    if not rows or set(rows[0]) != set(_PUBLISHED_KEYS):
        raise HybridBenchError(
            f"{tables} does not have the columns {', '.join(_PUBLISHED_KEYS)}", "Give the folder of the paper's figures."
        )
    return Published(rows, toml.load(source))


def label(scored: ScoredArm) -> str:
    """The label of an arm in tables: its strategy, its alpha or weight if not the recipe's, and whether weights are averaged."""
    arm = scored.arm
    if arm.strategy == BASE:
        return NO_TRAINING
    varied = arm.alpha if arm.swept else arm.weight
    name = arm.strategy if varied is None else f"{arm.strategy}({varied:g})"
    return name if arm.seed is not None else f"{name}{AVERAGED}"


def by_language(result: Result) -> pd.DataFrame:
    """A table of query languages by :data:`COLUMNS`, with a row ``mean``; cross-lingual scores are averaged over pools."""
    import pandas as pd

    scores = result.scores
    columns = {}
    for heading, (setting, measure) in COLUMNS.items():
        rows = scores[(scores["setting"] == setting) & (scores["measure"] == measure)]
        if len(rows):
            columns[heading] = rows.groupby("query_set", sort=True)["value"].mean()
    frame = pd.DataFrame(columns)
    frame.loc["mean"] = frame.mean()
    return frame.rename_axis("language")


def over_seeds(scored: Sequence[ScoredArm], suite: str) -> dict[str, tuple[pd.DataFrame, pd.DataFrame, int]]:
    """Label to (mean of :func:`by_language` over seeds, standard deviation (NaN for one seed), number of seeds)."""
    import pandas as pd

    tables: dict[str, list[pd.DataFrame]] = {}
    for one in scored:
        tables.setdefault(label(one), []).append(by_language(one.results[suite]))
    found = {}
    for name, frames in tables.items():
        stacked = pd.concat(frames, keys=range(len(frames)))
        groups = stacked.groupby(level="language", sort=False)
        found[name] = (groups.mean(), groups.std(ddof=1), len(frames))
    return found


def published_means(published: Published, suite: str) -> dict[str, dict[str, float]]:
    """System to column heading to the paper's mean over languages."""
    found: dict[str, dict[str, float]] = {}
    headings = {place: heading for heading, place in COLUMNS.items()}
    for row in published.figures:
        place = (row["setting"], row["measure"])
        if row["suite"] == suite and row["query_language"] == "mean" and place in headings:
            found.setdefault(row["system"], {})[headings[place]] = float(row["value"])
    return found


def significance(scored: Sequence[ScoredArm], suite: str) -> pd.DataFrame:
    """Compare ``hybrid`` with every other arm of the same seed (averaged with averaged), with the paired tests of ``compare``.

    Returns:
        One row per comparison, seed, setting and measure: against, seed (``all`` for averaged weights), setting, measure, a
        (the other), b (hybrid), difference, effect, and p of both tests, corrected within each comparison.
    """
    import pandas as pd

    hybrid = [one for one in scored if one.arm.strategy == "hybrid" and not one.arm.swept]
    own = {one.arm.seed: one.results[suite] for one in hybrid}
    frames = []
    for one in scored:
        if one in hybrid:
            continue
        for seed in own if one.arm.strategy == BASE else [one.arm.seed]:
            if seed in own:
                frame = compare(one.results[suite], own[seed])
                frame.insert(0, "seed", seed if seed is not None else "all")
                frame.insert(0, "against", label(one))
                frames.append(frame)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
