"""The files of published datasets: their addresses and hashes, one TOML file a dataset beside this module."""

from __future__ import annotations

import functools
from importlib import resources
from pathlib import Path
from typing import Any

from hybrid_bench.datasets.downloads import fetch
from hybrid_bench.support.toml import loads


@functools.cache
def source(name: str) -> dict[str, Any]:
    """What is stated of a dataset: address, licence, citation, and the hashes of its files."""
    text = resources.files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return loads(text, f"{name}.toml")


def file(name: str, url: str, path: str, md5: str) -> Path:
    """A file of a dataset, downloaded once and checked.

    Args:
        name: of the dataset, and of its folder in that of ir_datasets.
        url: its address.
        path: of the file in the folder.
        md5: its hash.

    Raises:
        HybridBenchError: as by :func:`hybrid_bench.datasets.downloads.fetch`.
    """
    from ir_datasets.util import home_path

    return fetch(url, Path(home_path()) / name / path, md5)
