"""What to cite for a suite, in BibTeX."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from importlib import resources
from typing import Any

#: The entry of this software.
SOFTWARE = "hybrid-bench"


def cite(*keys: str) -> str:
    """The entries of ``sources/citations.bib`` with these keys, in order."""
    return _chosen(_own(), keys)


def of_entry(dataset: Any) -> str:
    """What ir_datasets says to cite for one of its entries; empty if it says nothing.

    Args:
        dataset: as ``ir_datasets.load`` returns it.
    """
    about: dict[str, Any] = (dataset.documentation() if hasattr(dataset, "documentation") else None) or {}
    if "bibtex" in about:
        return str(about["bibtex"]).strip()
    return _chosen(_of_ir_datasets(), [key for key in about.get("bibtex_ids", ()) if key in _of_ir_datasets()])


def merged(citations: Iterable[str]) -> str:
    """BibTeX of several citations, each entry once, in order."""
    found: dict[str, str] = {}
    for citation in citations:
        found |= {key: entry for key, entry in _entries(citation).items() if key not in found}
    return "\n\n".join(found.values())


def _chosen(entries: dict[str, str], keys: Iterable[str]) -> str:
    return "\n\n".join(entries[key] for key in keys)


def _entries(bibtex: str) -> dict[str, str]:
    """Key to entry; an entry begins with ``@`` at the beginning of a line."""
    parts = re.split(r"^(?=@)", bibtex, flags=re.MULTILINE)
    return {found[1]: part.strip() for part in parts if (found := re.match(r"@\w+\{([^,\s]+)", part))}


@functools.cache
def _own() -> dict[str, str]:
    return _entries(resources.files("hybrid_bench.datasets.sources").joinpath("citations.bib").read_text(encoding="utf-8"))


@functools.cache
def _of_ir_datasets() -> dict[str, str]:
    return _entries(resources.files("ir_datasets").joinpath("docs", "bibliography.bib").read_text(encoding="utf-8"))


MINI = cite(SOFTWARE)
XQUAD_R = cite("roy-etal-2020-lareqa", "artetxe-etal-2020-cross")
MLQA_R = cite("roy-etal-2020-lareqa", "lewis-etal-2020-mlqa")
MIRACL = cite("zhang-etal-2023-miracl")
SQUAD = cite("rajpurkar-etal-2016-squad")
