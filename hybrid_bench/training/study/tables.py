"""The figures of a study: by strategy, by language, and whether they differ by more than chance."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.compare import compare
from hybrid_bench.results.record import Result
from hybrid_bench.support import toml
from hybrid_bench.training.study.arms import BASE, Scored

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
#: Behind the name of a strategy: one encoder, whose weights are the mean of those of all seeds.
AVERAGED = ", weights averaged"
_PUBLISHED_KEYS = ("suite", "system", "setting", "query_language", "measure", "value")


class Published(NamedTuple):
    """Figures of a paper, and where they are from."""

    figures: list[dict[str, str]]
    source: dict[str, Any]


def read_published(folder: Path) -> Published:
    """The paper's figures.

    Raises:
        HybridBenchError: if the folder lacks them.
    """
    tables, source = (folder / f"{PUBLISHED}{ending}" for ending in (".tsv", ".toml"))
    for path in (tables, source):
        if not path.is_file():
            raise HybridBenchError(f"there are no published figures {path}", "Name the folder that has them: --published.")
    rows = list(csv.DictReader(tables.read_text(encoding="utf-8").splitlines(), delimiter="\t"))
    if not rows or set(rows[0]) != set(_PUBLISHED_KEYS):
        raise HybridBenchError(f"{tables} does not have the columns {', '.join(_PUBLISHED_KEYS)}")
    return Published(rows, toml.load(source))


def label(scored: Scored) -> str:
    """What a table calls an arm: its strategy, with its alpha where that is not the recipe's, and whether it is a mean."""
    arm = scored.arm
    if arm.strategy == BASE:
        return "no fine-tuning"
    name = f"hybrid({arm.alpha:g})" if arm.swept else arm.strategy
    return name if arm.seed is not None else f"{name}{AVERAGED}"


def by_language(result: Result) -> pd.DataFrame:
    """Query languages by :data:`COLUMNS`, and the row ``mean``; cross-lingual figures are means over the pools."""
    import pandas as pd

    scores = result.scores
    columns = {}
    for heading, (setting, measure) in COLUMNS.items():
        rows = scores[(scores["setting"] == setting) & (scores["measure"] == measure)]
        if len(rows):
            columns[heading] = rows.groupby("query_language", sort=True)["value"].mean()
    frame = pd.DataFrame(columns)
    frame.loc["mean"] = frame.mean()
    return frame.rename_axis("language")


def over_seeds(scored: Sequence[Scored], suite: str) -> dict[str, tuple[pd.DataFrame, pd.DataFrame, int]]:
    """Label to the mean of :func:`by_language` over seeds, its standard deviation (NaN for one seed), and the seeds."""
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
    """System to heading to the paper's mean."""
    found: dict[str, dict[str, float]] = {}
    headings = {place: heading for heading, place in COLUMNS.items()}
    for row in published.figures:
        place = (row["setting"], row["measure"])
        if row["suite"] == suite and row["query_language"] == "mean" and place in headings:
            found.setdefault(row["system"], {})[headings[place]] = float(row["value"])
    return found


def significance(scored: Sequence[Scored], suite: str) -> pd.DataFrame:
    """``hybrid`` against every other arm of its seed (means against means), by the paired tests of ``compare``.

    Returns:
        One row a comparison and seed: against, seed (``all`` for means), setting, measure, a (the other), b (hybrid),
        difference, effect, and p of both tests, corrected within each comparison.
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
