"""A board as Markdown, CSV, JSON and LaTeX."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any

from hybrid_bench.leaderboard.board import Board, Row
from hybrid_bench.leaderboard.entry import DIGITS
from hybrid_bench.leaderboard.levels import LEVELS
from hybrid_bench.leaderboard.specs import Column
from hybrid_bench.reports.letters import shortened
from hybrid_bench.support import escaping

#: Number of characters that are shown of a licence.
_BRIEF = 24

#: Text columns after the figures, in order.
FACTS: dict[str, Callable[[Row], str]] = {
    "checked": lambda row: row.level,
    "zero-shot": lambda row: row.zero_shot,
    "passage text": lambda row: row.passage_text,
    "strategy": lambda row: row.strategy if row.alpha is None else f"{row.strategy} (alpha {row.alpha:g})",
    "parameters": lambda row: count(row.parameters),
    "dimension": lambda row: "" if row.dimension is None else str(row.dimension),
    "licence": lambda row: row.licence,
    "revision": lambda row: row.revision,
}
GROUPS = (
    "Letters: recomputed rows that share a letter in a column do not differ significantly "
    "(paired t-test over questions, one observation per question across languages; Holm correction over all pairs and columns; "
    "level .05); a-d stands for a, b, c and d."
)
PUBLISHED = "Published figures are copied from their sources, not recomputed, and excluded from the significance groups."


def means(board: Board) -> str:
    """What figures are means over, and the column with their number."""
    return f"Every figure is a mean over {board.spec.part}s; `{board.spec.by}s` is their number."


def count(number: int | None) -> str:
    """Abbreviate a number: 117654272 as 117.7M; empty for None."""
    if number is None:
        return ""
    for size, unit in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.1f}{unit}"
    return str(number)


def brief(text: str) -> str:
    """The beginning of a text, up to the end of its first phrase; the whole text if it is short."""
    if len(text) <= _BRIEF:
        return text
    first = re.split(r"\s*[;,(]", text, maxsplit=1)[0]
    return f"{first[:_BRIEF].rstrip()} …"


def markdown(board: Board) -> str:
    """Markdown: a table of recomputed rows, one of published rows, and the sources."""
    text = [f"# {board.spec.title}\n\n{escaping.markdown(board.spec.about)}\n\n## Recomputed\n\n"]
    facts = FACTS | {"licence": lambda row: brief(row.licence)}
    text.append(_markdown_table(board, board.rows, facts) if board.rows else "No submission yet.\n")
    text.append(f"\n{GROUPS} {means(board)}\n" if len(board.rows) > 1 else f"\n{means(board)}\n")
    if any(brief(row.licence) != row.licence for row in board.rows):
        text.append(f"\nLicences in full: [{board.spec.name}.csv]({board.spec.name}.csv).\n")
    false = [row.name for row in board.rows if row.claimed is False]
    text += [f"\nThe claimed scores of {escaping.markdown(name)} were not confirmed.\n" for name in false]
    text.append("\n" + "".join(f"- **{level}**: {LEVELS[level]}\n" for level in board.levels))
    text += [f"\n{escaping.markdown(note)}\n" for note in board.notes]
    if board.published:
        source = {"zero-shot": FACTS["zero-shot"], "source": lambda row: row.source}
        text.append(f"\n## Published\n\n{PUBLISHED}\n\n{_markdown_table(board, board.published, source)}")
    for name, found in board.sources.items():
        text.append(f"\n- **{escaping.markdown(name)}**: {escaping.markdown(found.title)}, <{escaping.link(found.url)}>\n")
        text += [f"  - {label}: {escaping.markdown(note)}\n" for label, note in found.remarks()]
    return "".join(text)


def _markdown_table(board: Board, rows: tuple[Row, ...], facts: dict[str, Callable[[Row], str]]) -> str:
    columns = board.spec.columns
    head = ["encoder", *(column.label for column in columns), f"{board.spec.by}s", *facts]
    lines = [head, ["---", *["---:"] * (len(columns) + 1), *["---"] * len(facts)]]
    for row in rows:
        figures = [_figure(row, column, " {}") for column in columns]
        texts = [escaping.markdown(fact(row)) for fact in facts.values()]
        lines.append([escaping.markdown(row.name + row.mark), *figures, str(row.languages or ""), *texts])
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _figure(row: Row, column: Column, letters: str) -> str:
    groups = shortened(row.groups.get(column.key, ""))
    return column.format(row.values.get(column.key)) + (letters.format(groups) if groups else "")


def table(board: Board) -> str:
    """CSV with one row per encoder; ``checked`` distinguishes published rows."""
    columns = board.spec.columns
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    compared = [column for column in columns if column.compared]
    writer.writerow(
        ["encoder", *(c.key for c in columns), *(f"{c.key}_groups" for c in compared), f"{board.spec.by}s"]
        + [name.replace(" ", "_").replace("-", "_") for name in FACTS]
        + ["source"]
    )
    exact = FACTS | {"parameters": lambda row: "" if row.parameters is None else str(row.parameters)}
    for row in (*board.rows, *board.published):
        writer.writerow(
            [escaping.csv_cell(row.name), *(c.format(row.values.get(c.key)) for c in columns)]
            + [row.groups.get(c.key, "") for c in compared]
            + [row.languages or "", *(escaping.csv_cell(fact(row)) for fact in exact.values()), row.source]
        )
    return text.getvalue()


def record(board: Board) -> dict[str, Any]:
    """The complete content of a board, for JSON."""
    spec = board.spec
    return {
        "suite": spec.name,
        "version": spec.version,
        "data": dict(sorted(board.data.items())),
        "about": spec.about,
        "columns": [
            {
                "key": c.key,
                "label": c.label,
                "setting": c.setting,
                "measure": c.measure,
                "higher_is_better": c.higher_is_better if c.compared else None,
            }
            for c in spec.columns
        ],
        "recomputed": [_record(row) for row in board.rows],
        "published": [_record(row) for row in board.published],
        "groups": GROUPS,
        "levels": {level: LEVELS[level] for level in board.levels},
        "notes": list(board.notes),
        "sources": {name: source.model_dump(exclude_defaults=True) for name, source in board.sources.items()},
    }


def _record(row: Row) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "encoder": row.name,
        "checked": row.level,
        "values": rounded(row.values),
        "by_language": rounded(row.by_language),
    }
    if row.published:
        return fields | {"zero_shot": row.zero_shot, "source": row.source}
    return (
        fields
        | {
            "groups": row.groups,
            "revision": row.revision,
            "zero_shot": row.zero_shot,
            "passage_text": row.passage_text,
            "strategy": row.strategy,
            "alpha": row.alpha,
            "parameters": row.parameters,
            "dimension": row.dimension,
            "licence": row.licence,
            "claimed_scores_hold": row.claimed,
        }
        | ({"left_out": row.left_out, "values_without_them": rounded(row.covered)} if row.left_out else {})
    )


def rounded(values: Any) -> Any:
    """Values at any depth of dicts, with the digits that are the same on every machine."""
    return {key: rounded(of) for key, of in values.items()} if isinstance(values, dict) else round(values, DIGITS)


def to_json(value: object) -> str:
    """Serialize as deterministic JSON."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def latex(board: Board) -> str:
    r"""A LaTeX table for ``\input{...}``; requires ``\usepackage{booktabs}``."""
    columns = board.spec.columns
    width = len(columns) + 3
    lines = [
        "% Needs \\usepackage{booktabs}. " + GROUPS,
        *(f"% {note}" for note in board.notes if note.startswith("* ")),
        f"\\begin{{tabular}}{{l{'r' * len(columns)}rl}}",
        "\\toprule",
        " & ".join(["Encoder", *(escaping.latex(c.label) for c in columns), "Parameters", "Checked"]) + " \\\\",
        "\\midrule",
    ]
    for row in board.rows:
        figures = [_figure(row, column, "\\textsuperscript{{{}}}") for column in columns]
        lines.append(" & ".join([escaping.latex(row.name + row.mark), *figures, count(row.parameters), row.level]) + " \\\\")
    if board.published:
        lines += ["\\midrule", f"\\multicolumn{{{width}}}{{l}}{{\\emph{{Published figures, not recomputed}}}} \\\\"]
    for row in board.published:
        figures = [column.format(row.values.get(column.key)) for column in columns]
        lines.append(" & ".join([escaping.latex(row.name), *figures, "", escaping.latex(row.source)]) + " \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", ""])
