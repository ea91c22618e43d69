"""Links at the head of every page, read from a folder of leaderboards."""

from __future__ import annotations

from pathlib import Path

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support import escaping, toml

#: Label to address: https, or a path relative to the site.
FILE = "links.toml"


def read(folder: Path) -> dict[str, str]:
    """The links of ``links.toml``, in order; none if there is no such file.

    Raises:
        HybridBenchError: if a value is neither an http(s) address nor a relative path.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    links = toml.load(path)
    for label, address in links.items():
        if not isinstance(address, str) or not (escaping.link(address) or escaping.relative(address)):
            raise HybridBenchError(
                f"{path}: {label}: {address!r} is not an address",
                'Give https://..., or a path relative to the site: "../README.md".',
            )
    return links
