"""Escaping of untrusted text for each output format."""

from __future__ import annotations

import re

from hybrid_bench.support.characters import invisible

_MARKDOWN = re.compile(r"([\\`*_\[\]#!|~^$]|^[-+=](?=\s|$|-|=)|(?<=^\d)[.)](?=\s|$)|(?<=^\d\d)[.)](?=\s|$))")
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
}  # fmt: skip
_LATEX_CHARACTERS = re.compile("|".join(map(re.escape, _LATEX)))


def visible(text: str) -> str:
    """Join lines and replace invisible, control and bidirectional characters by U+FFFD."""
    flat = " ".join(text.split())
    while hidden := invisible(flat):
        flat = flat.replace(hidden, "\ufffd")
    return flat


def markdown(text: str) -> str:
    """Escape for Markdown tables and text, so that nothing is interpreted as markup or HTML."""
    safe = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", safe)


def latex(text: str) -> str:
    """Escape for LaTeX text: no commands or special characters remain."""
    return _LATEX_CHARACTERS.sub(lambda found: _LATEX[found[0]], visible(text))


def csv_cell(text: str) -> str:
    """Escape for CSV, so that spreadsheets do not interpret text as a formula."""
    safe = visible(text)
    return f"'{safe}" if safe[:1] in ("=", "+", "-", "@") else safe


def link(url: str) -> str:
    """The URL itself if it is http or https, else empty."""
    return url if re.fullmatch(r"https?://[^\s\"'<>\\`]+", url) else ""


def relative(path: str) -> str:
    """The path itself if it is a relative path of a file or page, with an anchor or without, else empty."""
    return path if re.fullmatch(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*/?(#[A-Za-z0-9._-]+)?", path) else ""
