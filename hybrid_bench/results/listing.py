"""Rows of text as a data frame, for printing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def listing(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> pd.DataFrame:
    """A data frame whose index is the first column."""
    import pandas as pd

    return pd.DataFrame([list(row) for row in rows], columns=list(columns)).set_index(columns[0])
