"""Names and sentences of strangers, made harmless for each place where they are shown."""

from __future__ import annotations

import re
import unicodedata

_MARKDOWN = re.compile(r"([\\`*_\[\]#!|~^$]|^[-+=](?=\s|$|-|=)|(?<=^\d)[.)](?=\s|$)|(?<=^\d\d)[.)](?=\s|$))")
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
}  # fmt: skip
_LATEX_CHARACTERS = re.compile("|".join(map(re.escape, _LATEX)))


def visible(text: str) -> str:
    """The text on one line; characters that are not seen, or that turn the direction of others, become U+FFFD."""
    flat = " ".join(text.split())
    return "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn") else c for c in flat)


def markdown(text: str) -> str:
    """For a cell of a Markdown table or a line of text: nothing in it is read as markup, HTML or a mention."""
    safe = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", safe)


def latex(text: str) -> str:
    """For running text of LaTeX: no command and no special character is left."""
    return _LATEX_CHARACTERS.sub(lambda found: _LATEX[found[0]], visible(text))


def csv_cell(text: str) -> str:
    """For CSV that may be opened in a spreadsheet: text is never read as a formula."""
    safe = visible(text)
    return f"'{safe}" if safe[:1] in ("=", "+", "-", "@") else safe


def link(url: str) -> str:
    """A web address; empty for anything that is not http or https."""
    return url if re.fullmatch(r"https?://[^\s\"'<>\\`]+", url) else ""
