"""The figures of a board for its page's scripts, which sort, compare and recompute means."""

from __future__ import annotations

import json
from typing import Any

from hybrid_bench.leaderboard.board import Board, Row


def to_script(board: Board) -> str:
    """JSON for a ``<script type="application/json">``; no text in it can end the element."""
    fields = {
        "languages": board.query_languages,
        "columns": [{"key": column.key, "label": column.label, "decimals": column.decimals} for column in board.spec.columns],
        "rows": [_row(row) for row in (*board.rows, *board.published)],
    }
    text = json.dumps(fields, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _row(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "values": row.values,
        "by_language": row.by_language,
        "settings": row.settings,
        "languages": row.languages_of,
        "groups": row.groups,
    }
