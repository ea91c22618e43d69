"""Pages made of Markdown files of the repository: READMEs of plugins, reports of studies, and the rules for contributors."""

from __future__ import annotations

from extensions.links import ROOT, page_of, relinked

#: Files and patterns of files.
_FILES = (
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "benchmarks/README.md",
    "leaderboards/README.md",
    "leaderboards/[!R]*.md",
    "leaderboards/studies/**/*.md",
    "plugins/README.md",
    "plugins/*/README.md",
)
_GENERATED = "reference/generated/"


def pages() -> dict[str, str]:
    """Path of each page, without its suffix, to its Markdown."""
    found = {}
    for path in sorted(path for pattern in _FILES for path in ROOT.glob(pattern)):
        name = path.relative_to(ROOT).as_posix()
        page = str(page_of(name)).removeprefix(_GENERATED)
        found[page] = relinked(path.read_text(encoding="utf-8"), path.parent.relative_to(ROOT).as_posix())
    found["plugins/index"] += "\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"
    return found
