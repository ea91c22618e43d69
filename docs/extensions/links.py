"""Links of Markdown files of the repository, as they have to be on the site.

The sources of this documentation link to other files of the repository by their relative paths, so that the links work
wherever the repository is shown. Files of the repository that are pages of the site too become links to these pages.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

#: The repository.
ROOT = Path(__file__).resolve().parent.parent.parent
#: Files of the repository to the page that is made of them.
_PAGES = (
    (r"README\.md", "index"),
    (r"CONTRIBUTING\.md", "reference/generated/contributing"),
    (r"CHANGELOG\.md", "reference/generated/changelog"),
    (r"benchmarks/README\.md", "reference/generated/benchmarks"),
    (r"leaderboards/README\.md", "reference/generated/submissions"),
    (r"plugins/README\.md", "reference/generated/plugins/index"),
    (r"plugins/([\w-]+)/README\.md", r"reference/generated/plugins/\1"),
    (r"leaderboards/(studies/.*)\.md", r"reference/generated/\1"),
    (r"leaderboards/([\w-]+)\.md", r"reference/generated/boards/\1"),
    (r"docs/(.*)\.md", r"\1"),
)
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s#]*)(#[^()\s]*)?\)")


def page_of(path: str) -> str | None:
    """The page that is made of a file of the repository, without its suffix; None if there is none.

    Args:
        path: inside the repository.
    """
    for pattern, page in _PAGES:
        if (found := re.fullmatch(pattern, path)) and (ROOT / path).is_file():
            return found.expand(page)
    return None


def relinked(text: str, folder: str) -> str:
    """Markdown with its relative links changed: to pages, to files that are downloaded, or to no link where neither exists.

    Args:
        text: Markdown of a file of the repository.
        folder: the file's, inside the repository.
    """

    def changed(found: re.Match[str]) -> str:
        picture, label, target, anchor = found.groups()
        if not target or re.match(r"\w+:", target) or target.startswith("/"):
            return found[0]
        path = posixpath.normpath(posixpath.join(folder, target))
        if page := page_of(path):
            return f"[{label}](/{page}.md{anchor or ''})"
        if (ROOT / path).is_file() and path.startswith("docs/"):
            return f"{picture}[{label}](/{path.removeprefix('docs/')})"
        if (ROOT / path).is_file():
            return f"{picture}[{label}](/../{path})"
        return label if label.startswith("`") else f"{label} (`{path}`)"

    return _LINK.sub(changed, text)


def _read(app: Sphinx, document: str, source: list[str]) -> None:
    if not document.startswith("reference/generated/"):
        source[0] = relinked(source[0], posixpath.dirname(f"docs/{document}"))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Change links when pages are read."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
