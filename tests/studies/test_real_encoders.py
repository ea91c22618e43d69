"""The committed figures on AfriQA and SQuADShifts against a second reading of the data and NumPy alone, from stored vectors.

`tox run -e studies` runs it. Vectors that are not in the store are encoded: half an hour for each encoder on two cores.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hybrid_bench import Encoder, Suite, evaluate, load_encoder, load_suite
from hybrid_bench.datasets.judged import judged_queries
from hybrid_bench.embeddings.store import EmbeddingStore
from hybrid_bench.plugin import Item, Role
from hybrid_bench.support import cache
from tests.conftest import ROOT
from tests.evaluation import second_reading
from tests.evaluation.second_reading import Encode

STUDIES = ROOT / "leaderboards" / "studies" / "robustness"
READ = {"afriqa": second_reading.afriqa, "squadshifts": second_reading.squadshifts}


def committed() -> pd.DataFrame:
    """The means by query set in the committed tables."""
    tables = pd.concat([pd.read_csv(file, keep_default_na=False) for file in sorted(STUDIES.glob("*/robustness.csv"))])
    means = tables[(tables["statistic"] == "mean") & (tables["name"] != "all") & tables["suite"].isin(READ)]
    return means[means["encoder"].str.endswith("me5-small")]


FIGURES = committed()


def stored(encoder: Encoder, suite: Suite) -> Encode:
    """Gives the stored vectors of a query set, a collection or all collections.

    By place and not by text: bf16 vectors of one text differ in the last bits with the texts that it is encoded with.
    """
    store = EmbeddingStore(cache.home() / "embeddings")
    known: dict[tuple[Role, tuple[str, ...]], np.ndarray] = {}

    def add(role: Role, items: Sequence[Item], passage_text: str) -> tuple[list[str], np.ndarray]:
        texts = [str(item.content) for item in items]
        vectors = store.vectors(encoder, role, texts, passage_text=passage_text)
        known[role, tuple(texts)] = vectors
        return texts, vectors

    parts = [add("passage", suite.passages(collection.name), "sentence") for collection in suite.collections]
    known["passage", tuple(text for texts, _ in parts for text in texts)] = np.concatenate([vectors for _, vectors in parts])
    for part in judged_queries(suite).values():
        add("query", part.queries, "")
    return lambda texts, role: known[role, tuple(texts)]


@pytest.mark.parametrize(("of", "name"), sorted(set(zip(FIGURES["suite"], FIGURES["encoder"], strict=True))))
def test_figures(of: str, name: str, shared: Path) -> None:
    suite, encoder = load_suite(of), load_encoder(name, dtype="bf16", device="cpu")
    table = FIGURES[(FIGURES["suite"] == of) & (FIGURES["encoder"] == name)].set_index(["group", "name"])["value"].astype(float)
    kinds = {(setting.query_set, setting.pool): setting.kind for setting in suite.settings}
    encode = stored(encoder, suite)
    value = {(row.query_set, row.pool): row.value for row in evaluate(encoder, suite).rows if row.measure == "AP"}
    for asked in READ[of](suite, shared):
        expected = second_reading.average_precision(asked, encode)
        assert value[asked.query_set, asked.pool] == pytest.approx(expected, abs=1e-6)
        assert table[kinds[asked.query_set, asked.pool], asked.query_set] == pytest.approx(expected, abs=2e-6)
