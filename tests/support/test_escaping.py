"""Untrusted text is never interpreted as markup, commands or formulas."""

from __future__ import annotations

import csv
import io
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_bench.support import escaping

HOSTILE = [
    "<script>alert(1)</script>",
    "a | b | c",
    "[click](javascript:alert(1))",
    "![](https://evil/x.png)",
    "`code` **bold** __init__ ~~no~~ $x$",
    "\u202egnp.exe",
    "two\nlines\x00\x1b[31m",
    r"\input{/etc/passwd}",
    "100% & #1 _x_ ^2 ~ {y}",
    '=HYPERLINK("https://evil")',
]
#: Concatenations of hostile and random texts.
TEXTS = st.lists(st.sampled_from(HOSTILE) | st.text(), min_size=1, max_size=4).map("".join)


@given(TEXTS)
def test_invisible_characters_are_replaced(text: str) -> None:
    found = escaping.visible(text)
    assert not [c for c in found if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")]
    assert "\n" not in found


@given(TEXTS)
def test_markdown_has_no_bare_markup(text: str) -> None:
    found = escaping.markdown(text)
    assert "<" not in found
    assert ">" not in found
    bare = re.sub(r"\\.", "", found)
    assert not set(bare) & set("\\`*_[]|#~$!")


@given(TEXTS)
def test_latex_has_no_bare_command(text: str) -> None:
    found = escaping.latex(text)
    allowed = r"\\(textbackslash|textasciitilde|textasciicircum|textless|textgreater|textbar|textquotedbl)\{\}|\\[{}$&#_%]"
    assert not set(re.sub(allowed, "", found)) & set('\\{}$&#_%~^<>|"')


def test_escaped_text_stays_readable() -> None:
    assert escaping.markdown("me5-small (v1.0), E=mc") == "me5-small (v1.0), E=mc"
    assert escaping.markdown("1. not a list") == r"1\. not a list"
    assert escaping.latex("50% of a_b") == r"50\% of a\_b"
    assert escaping.csv_cell("me5-small") == "me5-small"


@given(TEXTS)
def test_a_cell_of_csv_is_no_formula(text: str) -> None:
    cell = escaping.csv_cell(text)
    assert cell[:1] not in tuple("=+-@")
    line = io.StringIO()
    csv.writer(line).writerow([cell, "x"])
    assert next(csv.reader(io.StringIO(line.getvalue()))) == [cell, "x"]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//evil", 'https://a"b', "https://a b", ""]
)
def test_only_web_addresses_become_links(url: str) -> None:
    assert escaping.link(url) == ""


def test_a_web_address_is_kept() -> None:
    assert escaping.link("https://arxiv.org/abs/2408.10536") == "https://arxiv.org/abs/2408.10536"
