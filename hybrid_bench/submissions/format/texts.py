"""Rules for the texts of a card: visible characters, no placeholder, no markup, no deceptive link."""

from __future__ import annotations

import html
import re

from hybrid_bench.submissions.format.confusables import forms, latin
from hybrid_bench.support.characters import invisible

#: A text that states nothing: TODO alone or in capitals, ``your name``, ``<fill in>``, ``name@example.com``. Words of honest
#: texts are none: Spanish "todo", fill-in-the-middle, <mask>, <name@uni.edu>.
_PLACEHOLDERS = (
    re.compile(
        r"^\W*(todo|tbd|tba|fixme|x{3,}|lorem|fill[ -]?(me|this)?[ -]?in|change[ -]?me|placeholder|\?+)?\W*$", re.IGNORECASE
    ),
    re.compile(r"\b(TODO|TBD|TBA|FIXME|XXX+)\b|\?\?\?"),
    re.compile(
        r"\b(lorem ipsum|fill (me|this) in|please fill|insert (your|here)|placeholder (text|value|name))\b|"
        r"(^|[\[({<])\W*your[ _-](name|org|organi[sz]ation|model|e-?mail|licen[cs]e|url)(?=\W*$|\W*[\])}>]| (and|or|here)\b)|"
        r"(?<![\w-])example\.(com|org|net)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?<!\w)<(?!/?(s|mask|pad|unk|bos|eos|cls|sep|extra_id_\d+)>|[^\s<>@]+@[^\s<>@]+>|https?://)\w[^<>]{0,39}>(?!\w)",
        re.IGNORECASE,
    ),
)
_MARKUP = re.compile(
    r"<[/!?][^<>]*>|<!--|"  # closing tags, comments and instructions
    r"<\s*/?\s*(script|style|iframe|img|svg|math|object|embed|link|meta|form|input|video|audio|html|body|base|template)(?=[\s/>])|"
    r"<\s*(a|b|i|u|p|br|hr|h[1-6]|div|span|pre|code|table|t[dhr]|[uo]l|li)\s*/?>|"
    r"<\s*[a-z][\w-]*\s[^<>]*=[^<>]*>|"  # any tag with an attribute
    r"\]\(\s*\S*[/:.#]\S*|"  # a link of Markdown; "[NLI] (see the paper)" and "[1][2]" are text
    r"\b(javascript|vbscript):(?=[^\s\d])|\bdata:[\w.+-]+/[\w.+-]+[;,]",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&#?\w+;")
_TOKENS = re.compile(r"</(s|mask|pad|unk|bos|eos|cls|sep)>", re.IGNORECASE)

_LINK = re.compile(r"\b([a-z][a-z0-9+.-]*)://([^/?#\s]*)", re.IGNORECASE)
#: Words with a dot inside, as host names and e-mail addresses have.
_DOTTED = re.compile(r"[\w-]+(?:\.[\w-]+)+")
#: Sites that cards link to.
_SITES = (
    "github.com", "github.io", "gitlab.com", "huggingface.co", "arxiv.org", "aclanthology.org", "openreview.net", "doi.org",
    "zenodo.org", "kaggle.com", "modelscope.cn", "google.com", "microsoft.com", "openai.com", "nvidia.com", "meta.com",
)  # fmt: skip


class TextError(ValueError):
    """An invalid text in a card, with the rule that it violates."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


def prefix(text: str) -> str:
    """Reject invisible characters; instructions of encoders have line feeds."""
    if found := invisible(text, "\n\t"):
        raise TextError("text", f"contains the invisible character U+{ord(found):04X}")
    return text


def line(text: str) -> str:
    """Reject invisible characters, surrounding white space, placeholders, markup and deceptive links."""
    if found := invisible(text):
        raise TextError("text", f"contains the invisible character U+{ord(found):04X}")
    if text != text.strip():
        raise TextError("text", "starts or ends with white space")
    for pattern in _PLACEHOLDERS:
        if match := pattern.search(text):
            raise TextError("placeholder", f"contains a placeholder: {match.group()!a}")
    if markup := _markup(text):
        raise TextError("text", f"contains markup: {markup!a}")
    links(text)
    return text


def _markup(text: str) -> str:
    if match := _MARKUP.search(_TOKENS.sub("", text)):
        return match.group()
    entities = (found.group() for found in _ENTITY.finditer(text))
    return next((entity for entity in entities if html.unescape(entity) != entity), "")


def links(text: str) -> str:
    """Reject links that do not lead where they seem to: user information before the host, and look-alike hosts."""
    for link in _LINK.finditer(text):
        scheme, authority = link.groups()
        if scheme.lower() not in ("http", "https"):
            raise TextError("text", f"contains a link that is not https: {link.group()!a}")
        if "@" in authority or "%" in authority or "\\" in authority:
            raise TextError("text", f"contains a link with user information before its host: {link.group()!a}")
        _check_host(re.sub(r":\d*$", "", authority).rstrip(".,;)]"))
    for word in _DOTTED.findall(text):
        if re.search("[A-Za-z]", word):
            _check_spelling(word)
    return text


def _check_host(host: str) -> None:
    try:
        shown = host.encode("ascii").decode("idna") if host.isascii() and "xn--" in host.lower() else host
    except UnicodeError:
        raise TextError("text", f"contains a link to an invalid host: {host!a}") from None
    _check_spelling(shown)
    lower = shown.lower().removeprefix("www.")
    for site in _SITES:
        beyond = re.search(rf"(?:^|\.){re.escape(site)}[.-](.*)", lower)
        if lower == site or lower.endswith(f".{site}") or (beyond and len(beyond[1]) == 2):  # google.com.br
            continue
        if beyond or forms(lower) & forms(site):
            raise TextError("text", f"contains a link to a host that looks like {site}: {host!a}")


def _check_spelling(host: str) -> None:
    """Reject letters of other scripts that look like ASCII ones."""
    if not host.isascii() and latin(host).isascii():
        raise TextError("text", f"contains the look-alike of {latin(host)}: {host!a}")
