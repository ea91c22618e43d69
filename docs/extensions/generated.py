"""Writes the pages that are made from the code into ``docs/reference`` before Sphinx reads its sources."""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from extensions import commands, encoders, file_formats, python_api, repository_files, suites

#: What gives pages: path without suffix to Markdown.
GENERATORS = (commands.pages, encoders.pages, file_formats.pages, python_api.pages, repository_files.pages, suites.pages)
#: Inside the folder of sources; git ignores it.
FOLDER = "reference/generated"


def pages() -> dict[str, str]:
    """Path of every generated page, without its suffix and inside :data:`FOLDER`, to its Markdown."""
    return {path: text for generate in GENERATORS for path, text in generate().items()}


def write(app: Sphinx) -> None:
    """Write the pages that changed, and remove those that are no longer made."""
    folder = Path(app.srcdir) / FOLDER
    found = {folder / f"{path}.md": text for path, text in pages().items()}
    for path in set(folder.rglob("*.md")) - found.keys():
        path.unlink()
    for path, text in found.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Write the pages when the builder is there."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
