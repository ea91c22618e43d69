"""The text of a result's file."""

from __future__ import annotations

import json
from typing import Any

#: Levels of a card, at most.
DEEPEST = 20


def is_deeper(value: object, depth: int) -> bool:
    """Whether tables and lists are nested deeper than some levels."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth < 0 or any(is_deeper(one, depth - 1) for one in inside)


def json_text(fields: dict[str, Any]) -> str:
    """The file's text, one score a line.

    Args:
        fields: of a result, as pydantic dumps them for JSON; they are changed.
    """
    for part, name in ((fields, "variant"), (fields["provenance"], "judgements"), (fields["provenance"], "identity")):
        if not part[name]:
            del part[name]
    rows, timings, runs = fields.pop("rows"), fields.pop("timings"), fields.pop("runs")
    for name in ("query_sets", "collections"):
        fields[name] = {of: {k: v for k, v in one.items() if v is not None} for of, one in fields[name].items()}
    head = json.dumps(fields, indent=1, ensure_ascii=False)[:-2]
    parts = [f'{head},\n "rows": [\n{_lines(rows)}\n ]']
    parts += [f' "runs": [\n{_lines(runs)}\n ]'] if runs else []
    parts += [f' "timings": {json.dumps(timings)}\n}}\n']
    return ",\n".join(parts)


def _lines(records: list[dict[str, Any]]) -> str:
    return ",\n".join("  " + json.dumps(record, ensure_ascii=False) for record in records)
