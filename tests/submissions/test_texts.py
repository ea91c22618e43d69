"""Rules for texts: hostile and unfinished ones are refused, those of honest cards are not."""

from __future__ import annotations

import contextlib
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from hybrid_bench.submissions.format import schema, texts
from hybrid_bench.support import escaping
from tests.submissions.honest import LINES

_LINE: TypeAdapter[str] = TypeAdapter(schema.Line)
_PREFIX: TypeAdapter[str] = TypeAdapter(schema.Prefix)
INVISIBLE = [
    0x3164, 0x115F, 0x1160, 0xFFA0, 0x034F, 0x17B4, 0x180B, 0x180E, 0x200B, 0x200C, 0x200D, 0x200E, 0x202E, 0x2060, 0x2066,
    0x2800,     0xFE00, 0xFE0F, 0xFEFF, 0xAD,
    0xE0001, 0xE0041, 0xE0100, 0xE01EF, 0xE000, 0x7F, 0x1B, 0x2028, 0xFFF9, 0x1D173, 0x2065, 0xFFF0,
]  # fmt: skip
REFUSED = [
    "TODO", "todo", "Todo.", "TBD", "licence: TODO", "FIXME later", "XXX", "???", "is this right???", "-", "your name",
    "<your name>", "Your model", "(your email)", "<fill in>", "please <fill in>", "fill in", "fill me in", "placeholder",
    "change me",     "lorem ipsum dolor", "insert your text", "me@example.com", "https://example.org/x", "<model name>",
    "<script>alert(1)</script>", "fast <img src=x onerror=alert(1)>", "<img src=x", "<b>bold</b>", "a<br>b", "<!-- gone -->",
    "</div>", "<custom on=x>", "see [here](https://phish.invalid)", "[x](a.html)", "javascript:alert(1)", "data:text/html,x",
    "&#60;script&#62;", "&lt;b&gt;", "&amp;",
    "https://github.com@evil.invalid/", "https://user:pass@evil.invalid", "see https://github.com%40evil.invalid", "ftp://a.invalid/x",
    "https://g\u0456thub.com/x", "https://xn--gthub-n4a.com", "https://\u0430\u0440\u0440\u04cf\u0435.com", "https://githvb.com.github.io.evil.net",
    "https://github.com.evil.invalid/x", "https://arxiv.org-papers.invalid", "https://rnicrosoft.com", "https://www.rnicrosoft.com/x",
    "https://hugg1ngface.co/x", "mail a@g\u0456thub.com", "org on g\u0456thub.com", "https://xn--\u0456.com", "https://xn--a\uffff.com",
]  # fmt: skip


def test_there_are_a_hundred_honest_lines() -> None:
    assert len(set(LINES)) == len(LINES) >= 100


@pytest.mark.parametrize("line", LINES)
def test_an_honest_line_is_accepted_and_shown_as_it_is(line: str) -> None:
    assert _LINE.validate_python(line) == line
    assert escaping.visible(line) == " ".join(line.split())


@pytest.mark.parametrize("line", REFUSED)
def test_a_hostile_or_unfinished_line_is_refused(line: str) -> None:
    with pytest.raises(ValidationError, match="contains"):
        _LINE.validate_python(line)


@pytest.mark.parametrize("code", INVISIBLE, ids="U+{:04X}".format)
def test_an_invisible_character_is_refused_everywhere(code: int) -> None:
    for adapter in (_LINE, _PREFIX):
        with pytest.raises(ValidationError, match=f"invisible character U\\+{code:04X}"):
            adapter.validate_python(f"a{chr(code)}b")
    assert escaping.visible(f"a{chr(code)}b") in ("a\ufffdb", "a b")


def test_prefixes_are_instructions() -> None:
    for prefix in ("query: ", "Instruct: Given a question, retrieve passages\nQuery: ", "<|query|>\t"):
        assert _PREFIX.validate_python(prefix) == prefix


@pytest.mark.parametrize(
    "url", ["https://github.com@evil.invalid/", "https://github.com.evil.invalid/", "https://rnicrosoft.com/"]
)
def test_links_of_code_and_paper_have_the_same_rule(url: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(schema.Url).validate_python(url)


@settings(max_examples=500)
@given(
    text=st.text(max_size=60) | st.from_regex(re.compile(r"[a-z<>\[\]()&;:/.@ ]{0,40}"), fullmatch=True), at=st.integers(0, 99)
)
def test_any_text_is_accepted_or_refused_by_a_rule(text: str, at: int) -> None:
    mixed = LINES[at][: at // 2] + text + LINES[at][at // 2 :]
    try:
        assert texts.line(mixed) == mixed
    except texts.TextError as error:
        assert error.rule in ("text", "placeholder")
        assert str(error).isascii()


def test_long_texts_take_linear_time() -> None:
    start = time.process_time()
    for part in ("<a ", "](", "&a", "http://", "your ", "a.b", "<", "TODO"[:3], "\u0456.", "xn--"):
        texts_of = (part * 500)[:500]
        with contextlib.suppress(texts.TextError):
            texts.line(texts_of.strip())
    assert time.process_time() - start < 30  # another order of time would take minutes
