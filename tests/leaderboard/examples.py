"""Example leaderboards: submissions of random vectors on MLQA-R, and the published figures of this repository."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

import numpy as np

from hybrid_bench.submissions.checksums import seal
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.format.rank_table import RankTable
from hybrid_bench.submissions.ranking import ranks_of
from hybrid_bench.support import atomic

ROOT = Path(__file__).parent.parent.parent
SUITE = "mlqa-r"
#: Name to (amount of noise, seed); the last two are equally good.
DRAWN = {"sharp": (0.4, 5), "blurred": (0.8, 5), "blurred-too": (0.8, 6)}

_CARD = """\
format = 1
org = "{org}"
name = "{name}"
revision = "{revision}"

[card]
description = "Random vectors, {name}"
licence = "CC0-1.0"
parameters = {parameters}
dimension = 16
pooling = "mean"
query_prefix = "query: "
training_data = "none: its vectors are random"
batch_strategy = "hybrid"
alpha = 0.5
hardware = "one core"
contact = "https://github.com/castorini"

[suites."{suite}"]
kind = "ranks"
data = "{data}"
trained_on = "{trained_on}"
"""


@functools.cache
def table(noise: float, seed: int, suite: str = SUITE) -> RankTable:
    """Ranks of random vectors in which a question and its answers share a direction; more noise gives worse ranks."""
    data = suite_data.load(suite)
    draw = np.random.default_rng(seed)
    passages = {language: draw.normal(size=(len(ids), 16)) for language, ids in data.passage_ids.items()}
    position = {doc_id: (language, at) for language, ids in data.passage_ids.items() for at, doc_id in enumerate(ids)}
    query_ids = sorted({query_id for part in data.relevant.values() for query_id in part})
    meaning = dict(zip(query_ids, draw.normal(size=(len(query_ids), 16)), strict=True))
    queries = {}
    for language, part in data.relevant.items():
        for query_id, relevant in part.items():
            for passage in relevant:
                found, at = position[passage.doc_id]
                passages[found][at] = meaning[query_id] + 0.3 * noise * draw.normal(size=16)
        queries[language] = np.array([meaning[query_id] + noise * draw.normal(size=16) for query_id in part])
    arrays = {f"queries/{language}": array for language, array in queries.items()}
    arrays |= {f"passages/{language}": array for language, array in passages.items()}
    return ranks_of(
        {name: (array / np.linalg.norm(array, axis=1, keepdims=True)).astype(np.float16) for name, array in arrays.items()}, data
    )


def submit(
    folder: Path,
    name: str,
    ranks: RankTable,
    *,
    org: str = "drawn",
    revision: str = "1.0",
    trained_on: str = "no",
    parameters: int = 1000,
    claimed: dict[str, float] | None = None,
    suite: str = SUITE,
) -> Path:
    """Write a submission; returns its folder."""
    target = folder / "submissions" / f"{org}__{name}" / revision
    target.mkdir(parents=True)
    card = _CARD.format(
        org=org,
        name=name,
        revision=revision,
        suite=suite,
        data=suite_data.load(suite).digest,
        trained_on=trained_on,
        parameters=parameters,
    )
    if claimed:
        card += f'[suites."{suite}".claimed]\n' + "".join(f'"{score}" = {value}\n' for score, value in claimed.items())
    atomic.write(target / "submission.toml", card.encode())
    atomic.write(target / f"{suite}.ranks.tsv.gz", ranks.to_bytes())
    seal(target)
    return target


def boards(folder: Path) -> Path:
    """A folder with the published figures and three submissions, one with a false claim."""
    shutil.copytree(ROOT / "leaderboards" / "published", folder / "published")
    submit(folder, "sharp", table(*DRAWN["sharp"]), parameters=2_500_000)
    submit(folder, "blurred", table(*DRAWN["blurred"]), trained_on="articles", claimed={"multilingual AP": 0.99})
    submit(folder, "blurred-too", table(*DRAWN["blurred-too"]), parameters=117_653_760)
    return folder
