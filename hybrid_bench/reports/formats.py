"""The tables of a report as Markdown, LaTeX, HTML, CSV and JSON."""

from __future__ import annotations

import html as web
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hybrid_bench.reports.comparisons import BETTER, WORSE
from hybrid_bench.reports.table import Table
from hybrid_bench.results import latex as tex
from hybrid_bench.support import escaping

if TYPE_CHECKING:
    import pandas as pd

_LATEX_MARKS = {BETTER: "$\\dagger$", WORSE: "$\\ddagger$"}


def markdown(table: Table, *, second: bool = False) -> str:
    """A table with its caption; the best value of a column in bold, the second underlined if that is asked for."""
    styles = ("**{}**", "<u>{}</u>" if second else "{}")
    head = ["encoder", *(escaping.markdown(column.label) for column in table.columns)]
    lines = [head, ["---", *["---:"] * len(table.columns)]]
    for row, name in enumerate(table.rows):
        cells = [_styled(table, row, at, styles) + _mark(table, row, at, "<sup>{}</sup>") for at in range(len(table.columns))]
        lines.append([escaping.markdown(name), *cells])
    return "".join("| " + " | ".join(line) + " |\n" for line in lines) + f"\n{escaping.markdown(table.caption)}\n"


def html(table: Table, *, second: bool = False) -> str:
    """A ``<table>`` with its caption."""
    styles = ("<b>{}</b>", "<u>{}</u>" if second else "{}")
    head = "".join(f'<th scope="col">{_web(label)}</th>' for label in ("encoder", *(column.label for column in table.columns)))
    lines = [f"<table>\n<caption>{_web(table.caption)}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>"]
    for row, name in enumerate(table.rows):
        cells = "".join(
            f'<td align="right">{_styled(table, row, at, styles)}{_mark(table, row, at, "<sup>{}</sup>")}</td>'
            for at in range(len(table.columns))
        )
        lines.append(f'<tr><th scope="row" align="left">{_web(name)}</th>{cells}</tr>')
    return "\n".join([*lines, "</tbody>", "</table>", ""])


def latex(table: Table, *, second: bool = False) -> str:
    r"""A ``table`` with caption and label, for ``\input{...}``."""
    styles = ("\\textbf{{{}}}", "\\underline{{{}}}" if second else "{}")
    columns = range(len(table.columns))
    rows = [[escaping.latex(name), *(_styled(table, row, at, styles) for at in columns)] for row, name in enumerate(table.rows)]
    marks = [[_latex_mark(table.marks.get((row, at), "")) for at in columns] for row in range(len(rows))]
    texts = [
        [name, *(table.columns[at].format(table.means[at][row]) + table.marks.get((row, at), "") for at in columns)]
        for row, name in enumerate(table.rows)
    ]
    body = tex.tabular(
        ["encoder", *(column.label for column in table.columns)],
        rows,
        texts,
        [False, *[True] * len(table.columns)],
        marks=marks if table.marks else None,
        rules=[1] if table.baseline == 0 else [],
        gap=2,
    )
    caption = _latex_text(table.caption)
    head = [tex.PREAMBLE, "\\begin{table}", "\\centering", "\\small", "\\setlength{\\tabcolsep}{4pt}"]
    return "\n".join(
        [*head, f"\\caption{{{caption}}}", f"\\label{{tab:{table.label}}}", f"\\par\\medskip\n{body}\\end{{table}}", ""]
    )


def long(tables: Sequence[Table]) -> pd.DataFrame:
    """One row a value: suite, table, encoder, column, setting, measure, value, place, mark."""
    import pandas as pd

    rows = [
        {
            "suite": table.suite,
            "table": table.name,
            "encoder": name,
            "column": column.label,
            "setting": column.kind,
            "measure": column.measure,
            "value": table.means[at][row],
            "place": table.places(at)[row] or None,
            "mark": table.marks.get((row, at), ""),
        }
        for table in tables
        for row, name in enumerate(table.rows)
        for at, column in enumerate(table.columns)
    ]
    return pd.DataFrame(rows).astype({"place": "Int64"}).set_index("suite")


def csv(tables: Sequence[Table]) -> str:
    """:func:`long` as CSV, with names that a spreadsheet does not take for formulas."""
    frame = long(tables).reset_index()
    for column in ("suite", "encoder", "column"):
        frame[column] = frame[column].map(escaping.csv_cell)
    return str(frame.to_csv(index=False, lineterminator="\n"))


def record(table: Table) -> dict[str, Any]:
    """Everything that a table has, for JSON; a value that there is not is null."""
    tests = [
        {
            "column": table.columns[one.column].label,
            "a": table.rows[one.a],
            "b": table.rows[one.b],
            "difference": one.difference,
            "p": one.p,
            "p_holm": one.corrected,
            "questions": one.queries,
        }
        for one in table.comparisons
    ]
    return {
        "name": table.name,
        "suite": table.suite,
        "caption": table.caption,
        "baseline": None if table.baseline is None else table.rows[table.baseline],
        "test": table.test,
        "level": table.level,
        "unit": table.unit,
        "columns": [{"label": of.label, "setting": of.kind, "measure": of.measure, "better": of.better} for of in table.columns],
        "rows": [
            {
                "encoder": name,
                "values": {
                    of.label: None if means[row] != means[row] else means[row]
                    for of, means in zip(table.columns, table.means, strict=True)
                },
                "marks": {of.label: mark for at, of in enumerate(table.columns) if (mark := table.marks.get((row, at)))},
            }
            for row, name in enumerate(table.rows)
        ],
        "comparisons": tests,
        "notes": list(table.notes),
    }


def to_json(tables: Sequence[Table]) -> str:
    """The records of tables as JSON."""
    return json.dumps({"tables": [record(table) for table in tables]}, indent=1, ensure_ascii=False) + "\n"


def _styled(table: Table, row: int, column: int, styles: tuple[str, str]) -> str:
    """A value in the style of its place."""
    shown = table.columns[column].format(table.means[column][row])
    place = table.places(column)[row]
    return styles[place - 1].format(shown) if place in (1, 2) else shown


def _mark(table: Table, row: int, column: int, form: str) -> str:
    mark = table.marks.get((row, column), "")
    return form.format(mark) if mark else ""


def _latex_mark(mark: str) -> str:
    return f"\\textsuperscript{{{_latex_text(mark)}}}" if mark else ""


def _latex_text(text: str) -> str:
    safe = escaping.latex(text)
    for mark, command in _LATEX_MARKS.items():
        safe = safe.replace(mark, command)
    return safe


def _web(text: str) -> str:
    return web.escape(escaping.visible(text))
