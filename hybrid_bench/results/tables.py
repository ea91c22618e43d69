"""Results as tables: as Markdown, LaTeX, HTML, CSV or JSON; for a terminal see :mod:`hybrid_bench.results.terminal`."""

from __future__ import annotations

import html as web
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, get_args

from hybrid_bench.errors import UnknownNameError
from hybrid_bench.results import latex
from hybrid_bench.results.record import Result
from hybrid_bench.results.stated_languages import left_out, without
from hybrid_bench.support import escaping

if TYPE_CHECKING:
    import pandas as pd

Format = Literal["table", "markdown", "latex", "html", "csv", "json"]
#: Bias measures that a table shows beside the primary measure.
BIAS = ("RankDistance", "SameLanguage@20", "SameDomain@20")
#: Kind of setting to its name in headings.
SHORT_KINDS = {
    "monolingual": "mono",
    "cross-lingual": "cross",
    "multilingual": "multi",
    "in-domain": "in-domain",
    "cross-domain": "cross-domain",
    "all-domain": "all-domain",
    "text-to-image": "text-to-image",
    "image-to-text": "image-to-text",
}


def by_query_set(result: Result) -> pd.DataFrame:
    """One row a query set, and a last one with the means.

    Each column is the mean over the pools of a kind of setting; the last row is the macro average of the columns over query
    sets, which is the mean over settings where every setting exists. Where query sets are languages, the table is that of the
    paper (arXiv 2408.10536). Languages that the encoder's card leaves out are marked with ``*``, and a row of means without
    them follows; see :mod:`hybrid_bench.results.stated_languages`.
    """
    frame, order = _by_query_set(result)
    languages = [result.query_sets[name].language for name in order if name in result.query_sets]
    missing = left_out(result)
    if missing:
        if (rest := without(result, missing)).rows:
            frame.loc[f"mean without {', '.join(missing)}"] = _by_query_set(rest)[0].loc["mean"]
        frame = frame.rename(lambda name: f"{name} *" if name in order and result.query_sets[name].language in missing else name)
    return frame.rename_axis("query language" if languages == order else "query set")


def _by_query_set(result: Result) -> tuple[pd.DataFrame, list[str]]:
    """The rows and their mean, and the names of the query sets."""
    scores = result.scores
    primary = scores[scores["measure"] == result.primary]
    columns = {
        f"{short} {result.primary}": primary[primary["setting"] == kind].groupby("query_set", sort=False)["value"].mean()
        for kind, short in SHORT_KINDS.items()
    }
    for measure in BIAS:
        columns[measure] = scores[scores["measure"] == measure].groupby("query_set", sort=False)["value"].mean()
    frame = _frame({name: column for name, column in columns.items() if len(column)})
    order = list(dict.fromkeys(scores["query_set"]))
    frame = frame.reindex(order)
    frame.loc["mean"] = frame.mean()
    return frame, order


def summary(result: Result) -> pd.DataFrame:
    """Every measure by kind of setting: the mean over the settings of that kind."""
    scores = result.scores
    frame = scores.pivot_table(index="measure", columns="setting", values="value", sort=False)
    return frame[[kind for kind in SHORT_KINDS if kind in frame]]


def side_by_side(results: Sequence[Result]) -> pd.DataFrame:
    """One row a result: the means of :func:`by_query_set`; another one for means without some languages.

    Results of one name are told apart by the names of their files.
    """
    import pandas as pd

    names = [result.name for result in results]
    rows: list[pd.Series[float]] = []
    labels, dtypes = [], []
    for result in results:
        name = result.stem if names.count(result.name) > 1 else result.name
        frame = by_query_set(result)
        for mean in dict.fromkeys(("mean", str(frame.index[-1]))):
            rows.append(frame.T[mean])
            labels.append(name + mean.removeprefix("mean"))
            dtypes.append(result.provenance.dtype)
    return with_dtype(pd.DataFrame(rows, index=labels).rename_axis("encoder"), dtypes)


def overview(results: Sequence[Result]) -> pd.DataFrame:
    """One row a result, on any suites: what it is of, its means by setting, and its file."""
    import pandas as pd

    rows = []
    for result in results:
        means = {str(of).removesuffix(f" {result.primary}"): value for of, value in _by_query_set(result)[0].loc["mean"].items()}
        about = {"encoder": result.name, "suite": result.suite, "dtype": result.provenance.dtype, "measure": result.primary}
        rows.append({**about, **means, "file": str(result.path or "")})
    order = ["encoder", "suite", "dtype", "measure", *SHORT_KINDS.values(), *BIAS, "file"]
    frame = pd.DataFrame(rows, columns=[name for name in order if any(name in row for row in rows)])
    return frame.set_index("encoder")


def with_dtype(frame: pd.DataFrame, dtypes: Sequence[str]) -> pd.DataFrame:
    """The frame with the compute dtype of each row in a column ``dtype``; unchanged if all of it was computed in fp32."""
    return frame.assign(dtype=list(dtypes)) if set(dtypes) - {"fp32"} else frame


def title(result: Result) -> str:
    """What a table of a result is called."""
    return f"{result.name} on {result.suite} ({result.provenance.passage_text}, {result.provenance.dtype})"


def html(result: Result) -> str:
    """The tables of a result and its notes as HTML."""
    parts = [("h4", title(result)), ("", render(by_query_set(result), "html")), ("", render(summary(result), "html"))]
    parts += [("p", note) for note in result.notes]
    return "".join(f"<{tag}>{web.escape(escaping.visible(text))}</{tag}>\n" if tag else text for tag, text in parts)


def listing(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> pd.DataFrame:
    """A data frame whose index is the first column."""
    import pandas as pd

    return pd.DataFrame([list(row) for row in rows], columns=list(columns)).set_index(columns[0])


def check_format(style: str) -> None:
    """Raise UnknownNameError if there is no such format."""
    if style not in get_args(Format):
        raise UnknownNameError("format", style, get_args(Format))


def render(frame: pd.DataFrame, style: str) -> str:
    """A data frame as text that can be piped.

    Raises:
        UnknownNameError: if there is no such format.
    """
    check_format(style)
    if style == "csv":
        return str(frame.to_csv())
    if style == "json":
        return str(frame.reset_index().to_json(orient="records", indent=1)) + "\n"
    if style == "html":
        return str(frame.to_html(na_rep="", float_format=cell, border=0)) + "\n"
    head = [str(frame.index.name or ""), *map(str, frame.columns)]
    if style == "latex":
        return _latex(frame, head)
    lines = [head, ["---", *["---:"] * len(frame.columns)]]
    lines += [[str(label), *map(cell, row)] for label, row in zip(frame.index, frame.to_numpy(), strict=True)]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _latex(frame: pd.DataFrame, head: list[str]) -> str:
    rows = [[str(label), *map(cell, row)] for label, row in zip(frame.index, frame.itertuples(index=False), strict=True)]
    numbers = [False, *(frame.iloc[:, at].dtype.kind in "if" for at in range(len(frame.columns)))]
    safe = [[escaping.latex(text) for text in row] for row in rows]
    means = [at for at, row in enumerate(rows) if row[0] == "mean"]
    return latex.PREAMBLE + "\n" + latex.tabular(head, safe, rows, numbers, rules=means)


def cell(value: object) -> str:
    """A value for readers: four digits after the point, one of large numbers, nothing for NaN."""
    if isinstance(value, float):
        if value != value:
            return ""
        if 0 < abs(value) < 5e-5:
            return f"{value:.0e}"
        return f"{value:.4f}" if abs(value) < 10 else f"{value:.1f}"
    return str(value)


def _frame(columns: dict[str, pd.Series[float]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(columns)
