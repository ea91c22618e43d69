"""Our figures beside published ones."""

from __future__ import annotations

import csv
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

from hybrid_bench import HybridBenchError, Result
from hybrid_bench.support import toml as tables

if TYPE_CHECKING:
    import pandas as pd

_SOURCE = "pyserini-miracl-2cr"

#: The name of a result to the system's name in the published table.
_SYSTEMS = {
    "castorini/mdpr-tied-pft-msmarco": "mdpr-tied-pft-msmarco",
    "castorini/mdpr-tied-pft-msmarco-ft-all": "mdpr-tied-pft-msmarco-ft-all",
    "facebook/mcontriever-msmarco": "mcontriever-tied-pft-msmarco",
}


class Figure(NamedTuple):
    """One published number.

    Attributes:
        suite: an ir_datasets id.
        system: as the source calls it.
        measure: as ir_measures writes it.
        value: as it is printed.
    """

    suite: str
    system: str
    measure: str
    value: str


def figures() -> list[Figure]:
    """All published figures that come with this plugin: MIRACL by BM25, mDPR, their hybrid, and mContriever."""
    text = resources.files(f"{__package__}.published").joinpath(f"{_SOURCE}.tsv").read_text(encoding="utf-8")
    return [Figure(*row) for row in list(csv.reader(text.splitlines(), delimiter="\t"))[1:]]


def source() -> dict[str, Any]:
    """Where the figures are from: title, url, licence, citation."""
    name = f"{_SOURCE}.toml"
    return tables.loads(resources.files(f"{__package__}.published").joinpath(name).read_text(encoding="utf-8"), name)


def beside(result: Result) -> pd.DataFrame:
    """A result's scores with the published ones of every system on the same suite and measure.

    Returns:
        One row a (system, measure): ours where the system is the same, published, and the difference.

    Raises:
        HybridBenchError: if nothing was published on the suite.
    """
    import pandas as pd

    system = _SYSTEMS.get(result.name, result.name)
    ours = {row.measure: row.value for row in result.rows if row.setting == "monolingual"}
    languages = {row.query_language for row in result.rows}
    on_suite = [figure for figure in figures() if figure.suite == result.suite]
    if not on_suite or len(languages) != 1:
        suites = sorted({figure.suite for figure in figures()})
        raise HybridBenchError(
            f"there are no published figures on {result.suite}", f"There are for {', '.join(suites[:4])}, ... (all of MIRACL)."
        )
    rows = []
    for figure in on_suite:
        own = ours.get(figure.measure) if figure.system == system else None
        published = float(figure.value)
        rows.append((figure.system, figure.measure, own, published, None if own is None else own - published))
    columns = ["system", "measure", "ours", "published", "difference"]
    return pd.DataFrame(rows, columns=columns).set_index("system").astype({"ours": float, "difference": float})
