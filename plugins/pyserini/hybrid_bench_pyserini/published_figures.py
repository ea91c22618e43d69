"""Comparison of results with published figures."""

from __future__ import annotations

import csv
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

from hybrid_bench import HybridBenchError, Result
from hybrid_bench.plugin import toml as tables

if TYPE_CHECKING:
    import pandas as pd

_SOURCE = "pyserini-miracl-2cr"

#: Name of a result to the name of the same system in the published table.
_SYSTEMS = {
    "castorini/mdpr-tied-pft-msmarco": "mdpr-tied-pft-msmarco",
    "castorini/mdpr-tied-pft-msmarco-ft-all": "mdpr-tied-pft-msmarco-ft-all",
    "facebook/mcontriever-msmarco": "mcontriever-tied-pft-msmarco",
}


class Figure(NamedTuple):
    """One published number.

    Attributes:
        suite: an ir_datasets id.
        system: name in the source.
        measure: name in ir_measures.
        value: as printed in the source.
    """

    suite: str
    system: str
    measure: str
    value: str


def figures() -> list[Figure]:
    """The published figures in this plugin: BM25, mDPR, their hybrid, and mContriever on MIRACL."""
    text = resources.files(f"{__package__}.published").joinpath(f"{_SOURCE}.tsv").read_text(encoding="utf-8")
    return [Figure(*row) for row in list(csv.reader(text.splitlines(), delimiter="\t"))[1:]]


def source() -> dict[str, Any]:
    """Source of the figures: title, url, licence, citation."""
    name = f"{_SOURCE}.toml"
    return tables.loads(resources.files(f"{__package__}.published").joinpath(name).read_text(encoding="utf-8"), name)


def compare(result: Result) -> pd.DataFrame:
    """Compare a result with the published figures of every system on the same suite and measures.

    Returns:
        One row per (system, measure): the result's value if the system is the same, the published value, and the difference.

    Raises:
        HybridBenchError: if there are no published figures on the suite.
    """
    import pandas as pd

    system = _SYSTEMS.get(result.name, result.name)
    ours = {row.measure: row.value for row in result.rows if row.setting == "monolingual"}
    languages = {row.query_set for row in result.rows}
    on_suite = [figure for figure in figures() if figure.suite == result.suite]
    if not on_suite or len(languages) != 1:
        suites = sorted({figure.suite for figure in figures()})
        raise HybridBenchError(
            f"there are no published figures on {result.suite}", f"Available for {', '.join(suites[:4])}, ... (all of MIRACL)."
        )
    rows = []
    for figure in on_suite:
        own = ours.get(figure.measure) if figure.system == system else None
        published = float(figure.value)
        rows.append((figure.system, figure.measure, own, published, None if own is None else own - published))
    columns = ["system", "measure", "ours", "published", "difference"]
    return pd.DataFrame(rows, columns=columns).set_index("system").astype({"ours": float, "difference": float})
