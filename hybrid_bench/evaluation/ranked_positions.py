"""Ranked lists of positions, as IGLUE publishes them: of every caption the numbers of the images that were found, best first."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hybrid_bench.datasets.settings import Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.results.predictions import Predictions
from hybrid_bench.results.runs import Hit, Run

_FILE = re.compile(r"test_(?P<language>[\w-]+)_0_result\.json")
_LAYOUT = "A file is a list with the positions of the images for each caption: [[3, 17, ...], ...]"


def files(folder: Path) -> dict[str, Path]:
    """Language to its file, ``test_de_0_result.json``; empty if the folder has none."""
    if not folder.is_dir():
        return {}
    named = {match["language"]: path for path in sorted(folder.iterdir()) if (match := _FILE.fullmatch(path.name))}
    return named


def read(folder: Path, suite: Suite) -> tuple[Predictions, dict[Setting, Path]]:
    """Read the lists of a folder as runs from captions to images.

    Args:
        folder: with one file for each language.
        suite: that the lists are of; its order of captions and images is that of the positions.

    Returns:
        The runs by the name of their setting, and the files of the settings.

    Raises:
        HybridBenchError: if a file is malformed, or of other numbers of captions or images than the suite has.
    """
    asked = {one.query_set: one for one in suite.settings if one.kind == "text-to-image"}
    found = {asked[language]: path for language, path in files(folder).items() if language in asked}
    if not found:
        raise HybridBenchError(
            f"{folder} has lists of {', '.join(files(folder))}, and {suite.name} asks for images in none of these languages",
            "Name the suite that they are of, e.g. xflickrco/names.",
        )
    runs = {setting.name: _run(path, suite, setting) for setting, path in found.items()}
    return Predictions(runs, name=folder.resolve().name), found


def _run(path: Path, suite: Suite, setting: Setting) -> Run:
    queries = [query.id for query in suite.queries(setting.query_set)]
    passages = [passage.id for passage in suite.passages(setting.pool)]
    try:
        lists = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise HybridBenchError(f"cannot read {path}: {str(error)[:100]}", _LAYOUT) from error
    if not isinstance(lists, list) or len(lists) != len(queries):
        counted = len(lists) if isinstance(lists, list) else "no"
        raise HybridBenchError(f"{path} has {counted} lists for {len(queries)} captions of {suite.name}", _LAYOUT)
    return {query: _hits(positions, passages, path, query) for query, positions in zip(queries, lists, strict=True)}


def _hits(positions: Any, passages: Sequence[str], path: Path, query: str) -> list[Hit]:
    """The images at positions; scores descend from the number of positions to 1."""
    numbers = isinstance(positions, list) and all(type(one) is int and 0 <= one < len(passages) for one in positions)
    if not numbers or len(set(positions)) < len(positions):
        raise HybridBenchError(
            f"{path}: the list of caption {query!r} is not of different positions from 0 to {len(passages) - 1}", _LAYOUT
        )
    return [Hit(passages[at], float(len(positions) - rank)) for rank, at in enumerate(positions)]
