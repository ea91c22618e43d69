"""The training log: JSON lines with the loss of every step and every evaluation on the development set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hybrid_bench.support import atomic
from hybrid_bench.training.batches.batch import Batch

#: A batch with more language pairs than this is logged with their number.
_NAMED_PAIRS = 4


def append(path: Path, record: dict[str, Any]) -> None:
    """Append a record."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def truncate(path: Path, step: int) -> None:
    """Remove the records of steps after a checkpoint's step: they will be trained, and logged, again."""
    kept = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []:
        try:
            done = json.loads(line)["step"]
        except (ValueError, KeyError, TypeError, RecursionError):
            break
        if not isinstance(done, int) or done > step or not step:
            break
        kept.append(line + "\n")
    atomic.write(path, "".join(kept).encode())


def language_pairs(batch: Batch) -> str:
    """The language pairs of a batch as text, such as ``en-de``; the number of pairs if there are many."""
    pairs = sorted({str(pair) for pair in batch.pairs})
    return " ".join(pairs) if len(pairs) <= _NAMED_PAIRS else f"{len(pairs)} pairs"
