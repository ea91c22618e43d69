"""Generator of malformed submissions: each is a valid one with a single defect and, unless stated, correct checksums."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hybrid_bench.submissions import checksums
from hybrid_bench.submissions.format import vectors
from tests.submissions.examples import DEPTH, Example

FIELDS = ("description", "licence", "training_data", "hardware", "contact")
TEXTS = {
    "script": "<script>alert(1)</script>",
    "image": "fast <img src=x onerror=alert(1)>",
    "link": "see [here](https://phish.invalid)",
    "javascript": "javascript:alert(1)",
    "entity": "&#60;script&#62;",
    "comment": "<!-- gone -->",
    "right-to-left": "exe.\u202egnp",
    "isolate": "a\u2066b\u2069",
    "zero-width": "a\u200bb",
    "filler": "a\u3164b",
    "variation": "a\ufe0fb",
    "joiner": "a\u034fb",
    "user-info": "see https://github.com@evil.invalid/",
    "look-alike": "see https://g\u0456thub.com/",
    "look-alike-ascii": "see https://rnicrosoft.com/",
    "subdomain": "https://github.com.evil.invalid/",
    "byte-order": "\ufeffa",
    "bell": "a\u0007b",
    "terminal": "\u001b[31mred",
    "line": "a\nb",
    "separator": "a\u2028b",
    "delete": "a\u007fb",
    "private": "a\ue000b",
    "todo": "TODO",
    "fill-in": "please <fill in>",
    "your": "your name",
    "empty": "",
    "blank": "   ",
    "edges": " a ",
    "long": "a" * 501,
}
NAMES = {
    "climbs": "../x", "absolute": "/etc/passwd", "slash": "a/b", "backslash": "a\\b", "space": "a b", "script": "<script>",
    "empty": "", "parts": "a__b", "accent": "\u00e9", "cyrillic": "t\u0456ny", "right-to-left": "\u202eynit", "hidden": ".tiny",
    "dots": "a..b", "long": "a" * 65, "nul": "a\u0000", "line": "tiny\n", "dash": "tiny-", "other": "someone-else",
}  # fmt: skip
#: (name, start of the replaced line, replacement)
VALUES = [
    ("format", "format = 1", "format = 2"),
    ("format-true", "format = 1", "format = true"),
    ("format-float", "format = 1", "format = 1.0"),
    ("format-text", "format = 1", 'format = "1"'),
    ("unknown-field", "format = 1", "format = 1\nscore = 0.99"),
    ("unknown-card-field", 'licence = "Apache-2.0"', 'licence = "Apache-2.0"\nrank = 1'),
    ("unknown-suite-field", 'kind = "ranks"', 'kind = "ranks"\nscore = 1.0'),
    ("parameters-text", "parameters", 'parameters = "many"'),
    ("parameters-negative", "parameters", "parameters = -1"),
    ("parameters-float", "parameters", "parameters = 1.5"),
    ("parameters-true", "parameters", "parameters = true"),
    ("parameters-huge", "parameters", "parameters = 10000000000000000"),
    ("dimension-zero", "dimension", "dimension = 0"),
    ("dimension-nan", "dimension", "dimension = nan"),
    ("dimension-list", "dimension", "dimension = [64]"),
    ("similarity", "similarity", 'similarity = "euclid"'),
    ("strategy", "batch_strategy", 'batch_strategy = "best"'),
    ("hybrid-without-alpha", "batch_strategy", 'batch_strategy = "hybrid"'),
    ("alpha-without-hybrid", "batch_strategy", 'batch_strategy = "none"\nalpha = 0.5'),
    ("alpha-nan", "batch_strategy", 'batch_strategy = "hybrid"\nalpha = nan'),
    ("alpha-infinite", "batch_strategy", 'batch_strategy = "hybrid"\nalpha = inf'),
    ("alpha-large", "batch_strategy", 'batch_strategy = "hybrid"\nalpha = 2'),
    ("code-http", "licence", 'licence = "MIT"\ncode = "http://a.invalid"'),
    ("code-javascript", "licence", 'licence = "MIT"\ncode = "javascript:alert(1)"'),
    ("code-data", "licence", 'licence = "MIT"\ncode = "data:text/html,x"'),
    ("code-file", "licence", 'licence = "MIT"\ncode = "file:///etc/passwd"'),
    ("code-quote", "licence", 'licence = "MIT"\ncode = "https://a.invalid/\\"onclick=x"'),
    ("code-space", "licence", 'licence = "MIT"\ncode = "https://a.invalid/ b"'),
    ("code-user", "licence", 'licence = "MIT"\ncode = "https://github.com@evil.invalid/"'),
    ("code-international", "licence", 'licence = "MIT"\ncode = "https://g\u0456thub.invalid/"'),
    ("model-path", "licence", 'licence = "MIT"\nmodel = "../../weights"'),
    ("model-url", "licence", 'licence = "MIT"\nmodel = "https://a.invalid/x"'),
    ("language", "licence", 'licence = "MIT"\ntraining_languages = ["<b>"]'),
    ("languages", "licence", f'licence = "MIT"\ntraining_languages = {["en"] * 301}'),
    ("prefix-bell", "query_prefix", 'query_prefix = "a\\u0007"'),
    ("prefix-right-to-left", "query_prefix", 'query_prefix = "a\\u202e"'),
    ("kind", 'kind = "ranks"', 'kind = "scores"'),
    ("runs-without-depth", 'kind = "ranks"', 'kind = "runs"'),
    ("depth-zero", 'kind = "ranks"', 'kind = "ranks"\ndepth = 0'),
    ("depth-with-vectors", 'kind = "ranks"', 'kind = "ranks"\ndepth = 10'),
    ("passage-text", "passage_text", 'passage_text = "everything"'),
    ("features-of-texts", 'kind = "ranks"', f'kind = "ranks"\nfeatures = "{"0" * 64}"'),
    ("features-short", 'kind = "ranks"', 'kind = "ranks"\nfeatures = "0"'),
    ("trained-on", "trained_on", 'trained_on = "maybe"'),
    ("data", "data", f'data = "{"0" * 64}"'),
    ("data-short", "data", 'data = "0"'),
    ("vectors-hash", "sha256", 'sha256 = "none"'),
    ("vectors-bytes", "bytes", "bytes = -5"),
    ("claim-nan", '"monolingual AP"', '"monolingual AP" = nan'),
    ("claim-huge", '"monolingual AP"', '"monolingual AP" = 1e308'),
    ("claim-long", '"monolingual AP"', f'"monolingual AP" = 1{"0" * 400}'),
    ("claim-negative", '"monolingual AP"', '"monolingual AP" = -0.5'),
    ("claim-true", '"monolingual AP"', '"monolingual AP" = true'),
    ("claim-infinite", '"monolingual AP"', '"monolingual AP" = inf'),
    ("claim-text", '"monolingual AP"', '"monolingual AP" = "best"'),
    ("claim-script", '"monolingual AP"', '"<script>" = 1.0'),
    ("date", "licence", "licence = 2024-01-01"),
    ("table-for-text", "licence", "licence = {a = 1}"),
]  # fmt: skip
SUITES = {
    "climbs": "../mini", "absolute": "/etc", "unknown": "no-such-suite", "entry": "cord19/trec-covid", "folder": "tests",
    "upper": "MINI", "miracl": "miracl/xx/dev/../../..",
}  # fmt: skip


class Malformed(NamedTuple):
    """A malformed submission.

    Attributes:
        name: unique name.
        rules: the rules of which one must be reported.
        file: the file that must be reported.
        change: introduces the defect into a valid submission.
        runs: whether the valid submission is one of runs.
    """

    name: str
    rules: set[str]
    file: str
    change: Callable[[Example], None]
    runs: bool = False


CARD = "submission.toml"
TABLE = "mini.ranks.tsv.gz"
VECTORS = "mini.vectors.safetensors"


def everything() -> Iterator[Malformed]:
    """All malformed submissions, in a fixed order."""
    yield from _texts()
    yield from _names()
    yield from _values()
    yield from _files()
    yield from _cards()
    yield from _tables()
    yield from _vector_headers()
    yield from _vector_values()
    yield from _runs()


def _field(line: str, replacement: str) -> Callable[[Example], None]:
    """Replace the first line that starts with ``line``."""

    def change(example: Example) -> None:
        pattern = re.compile(rf"^{re.escape(line)}.*$", re.MULTILINE)
        example.edit(lambda text: pattern.sub(lambda _: replacement, text, count=1))

    return change


def _texts() -> Iterator[Malformed]:
    for field in FIELDS:
        for name, text in TEXTS.items():
            quoted = json.dumps(text).replace("\x7f", "\\u007f")
            line = f"{field} = {quoted}"
            yield Malformed(f"text-{field}-{name}", {"text", "placeholder", "schema"}, CARD, _field(field, line))


def _names() -> Iterator[Malformed]:
    for field in ("org", "name", "revision"):
        for name, text in NAMES.items():
            yield Malformed(f"{field}-{name}", {"name"}, CARD, _field(field, f"{field} = {json.dumps(text)}"))


def _values() -> Iterator[Malformed]:
    for name, line, replacement in VALUES:
        yield Malformed(f"value-{name}", {"schema", "text", "suite"}, CARD, _field(line, replacement))
    for name, suite in SUITES.items():

        def change(example: Example, suite: str = suite) -> None:
            example.edit(lambda text: text.replace('[suites."mini"', f"[suites.{json.dumps(suite)}").replace(
                "[suites.mini", f"[suites.{json.dumps(suite)}"
            ))  # fmt: skip

        yield Malformed(f"suite-{name}", {"schema", "suite"}, CARD, change)
    for field in (
        "description",
        "licence",
        "training_data",
        "hardware",
        "contact",
        "batch_strategy",
        "org",
        "data",
        "trained_on",
    ):
        yield Malformed(f"missing-{field}", {"schema", "name"}, CARD, _field(f"{field} = ", ""))


def _files() -> Iterator[Malformed]:
    def file(name: str, file: str, rules: set[str], change: Callable[[Path], None], *, seal: bool = False) -> Malformed:
        def changed(example: Example) -> None:
            change(example.folder)
            if seal:
                checksums.seal(example.folder)

        return Malformed(f"file-{name}", rules, file, changed)

    def link(target: str, name: str) -> Callable[[Path], None]:
        def change(folder: Path) -> None:
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to(target)

        return change

    def moved_and_linked(folder: Path) -> None:
        folder.rename(folder.with_name("elsewhere"))
        folder.symlink_to(folder.with_name("elsewhere"))

    def parent_linked(folder: Path) -> None:
        parent = folder.parent
        parent.rename(parent.with_name("elsewhere"))
        parent.symlink_to(parent.with_name("elsewhere"))

    yield file("link-to-passwords", TABLE, {"folder"}, link("/etc/passwd", TABLE))
    yield file("link-card", CARD, {"folder"}, link("/etc/passwd", CARD))
    yield file("link-sums", "SHA256SUMS", {"folder"}, link("/etc/passwd", "SHA256SUMS"))
    yield file("link-nowhere", TABLE, {"folder"}, link("nowhere", TABLE))
    yield file("link-to-itself", TABLE, {"folder"}, link(TABLE, TABLE))
    yield file("link-zero", TABLE, {"folder"}, link("/dev/zero", TABLE))
    yield file("link-runs", "mini.runs", {"folder"}, link("/etc", "mini.runs"))
    yield file("folder-is-a-link", ".", {"folder"}, moved_and_linked)
    yield file("parent-is-a-link", ".", {"folder"}, parent_linked)
    yield file("pipe", TABLE, {"folder"}, lambda folder: ((folder / TABLE).unlink(), os.mkfifo(folder / TABLE))[1])
    yield file("folder-for-table", TABLE, {"folder"}, lambda folder: ((folder / TABLE).unlink(), (folder / TABLE).mkdir())[1])
    extra = {
        "code": "encode.py", "pickle": "ranks.pkl", "hidden": ".hidden", "hook": "conftest.py", "array": "ranks.npy",
        "vectors": VECTORS, "html": "index.html", "line-break": "a\nb", "script": "<script>", "escape": "\x1b[31m",
    }  # fmt: skip
    for name, extra_name in extra.items():
        shown = extra_name if extra_name.replace(".", "").isalnum() else ascii(extra_name)
        yield file(f"extra-{name}", shown, {"folder"}, lambda folder, n=extra_name: (folder / n).write_bytes(b"x"), seal=True)
    yield file("empty-runs", "mini.runs", {"folder"}, lambda folder: (folder / "mini.runs").mkdir())
    yield file("empty-other-runs", "x.runs", {"folder"}, lambda folder: (folder / "x.runs").mkdir())
    yield file("many", ".", {"folder"}, lambda folder: [(folder / f"f{n}").touch() for n in range(500)] and None)
    yield file("no-card", CARD, {"folder"}, lambda folder: (folder / CARD).unlink(), seal=True)
    yield file("no-table", TABLE, {"coverage"}, lambda folder: (folder / TABLE).unlink(), seal=True)
    yield file("no-sums", "SHA256SUMS", {"folder"}, lambda folder: (folder / "SHA256SUMS").unlink())

    def sums(name: str, file_name: str, change: Callable[[str], str]) -> Malformed:
        def changed(folder: Path) -> None:
            path = folder / "SHA256SUMS"
            path.write_bytes(change(path.read_text()).encode("utf-8", "surrogateescape"))

        return file(f"sums-{name}", file_name, {"sums", "encoding", "size"}, changed)

    yield sums("empty", CARD, lambda text: "")
    yield sums("other-hash", TABLE, lambda text: "0" * 64 + text[64:])
    yield sums("order", "SHA256SUMS", lambda text: "".join(reversed(text.splitlines(keepends=True))))
    yield sums("carriage-returns", "SHA256SUMS", lambda text: text.replace("\n", "\r\n"))
    yield sums("twice", "SHA256SUMS", lambda text: text + text)
    yield sums("climbs", "SHA256SUMS", lambda text: text + f"{'0' * 64}  ../../etc/passwd\n")
    yield sums("absent", "nothing.gz", lambda text: text + f"{'0' * 64}  nothing.gz\n")
    yield sums("no-line-end", "SHA256SUMS", lambda text: text[:-1])
    yield sums("upper-case", "SHA256SUMS", str.upper)
    yield sums("bytes", "SHA256SUMS", lambda text: text + "\udcff")
    yield sums("large", "SHA256SUMS", lambda text: text * 2000)


def _cards() -> Iterator[Malformed]:
    def card(name: str, rules: set[str], change: Callable[[bytes], bytes]) -> Malformed:
        return Malformed(f"card-{name}", rules, CARD, lambda e: e.replace(e.card, change(e.card.read_bytes())))

    yield card("50-megabytes", {"size"}, lambda text: text + b"# " + b"x" * (50 << 20))
    yield card("duplicate-key", {"toml"}, lambda text: b"format = 1\n" + text)
    yield card("duplicate-table", {"toml"}, lambda text: text + b"\n[card]\n")
    yield card("not-utf-8", {"encoding"}, lambda text: b"# \xff\xfe\n" + text)
    yield card("surrogate", {"encoding"}, lambda text: b"# \xed\xa0\x80\n" + text)
    yield card("nul", {"encoding"}, lambda text: text + b"\x00")
    yield card("escape", {"encoding"}, lambda text: b"# \x1b[31m\n" + text)
    yield card("empty", {"schema"}, lambda text: b"")
    yield card("cut", {"toml", "schema"}, lambda text: text[:-40])
    yield card("deep", {"toml", "schema", "size"}, lambda text: b"x = " + b"[" * 60_000 + b"]" * 60_000 + b"\n" + text)
    yield card("deep-tables", {"toml", "schema", "size"}, lambda text: text + b"\n[" + b".".join([b"a"] * 20_000) + b"]\n")
    yield card("many-digits", {"toml", "schema", "size"}, lambda text: b"x = " + b"9" * 100_000 + b"\n" + text)
    yield card("hexadecimal", {"toml", "schema", "size"}, lambda text: b"x = 0x" + b"f" * 100_000 + b"\n" + text)
    yield card("deep-in-one-line", {"toml", "schema"}, lambda text: b"x = " + b"[" * 8000 + b"]" * 8000 + b"\n" + text)
    yield card("deep-tables-in-one-line", {"toml", "schema"}, lambda text: text + b"\n[" + b".".join([b"a"] * 8000) + b"]\n")
    yield card("digits-in-one-line", {"toml", "schema"}, lambda text: b"x = " + b"9" * 16_000 + b"\n" + text)
    yield card("many-keys", {"toml", "schema"}, lambda text: b"".join(b"k%d = 1\n" % n for n in range(5_000)) + text)
    yield card("json", {"toml"}, lambda text: b'{"format": 1}')
    yield card("pickle", {"toml", "encoding"}, lambda text: pickle.dumps(Bomb()))
    yield card("byte-order-mark", {"toml"}, lambda text: b"\xef\xbb\xbf" + text)


class Bomb:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, ("touch /tmp/hybrid-bench-was-unpickled",))


def _tables() -> Iterator[Malformed]:
    def raw(name: str, rules: set[str], change: Callable[[bytes], bytes]) -> Malformed:
        return Malformed(f"table-{name}", rules, TABLE, lambda e: e.replace(e.table, change(e.table.read_bytes())))

    def text(name: str, rules: set[str], change: Callable[[str], str]) -> Malformed:
        return Malformed(f"table-{name}", rules, TABLE, lambda e: e.edit_table(change))

    def line(name: str, rules: set[str], change: Callable[[list[str]], list[str]], at: int = 7) -> Malformed:
        """Modify the cells of one line."""

        def changed(whole: str) -> str:
            lines = whole.split("\n")
            lines[at] = "\t".join(change(lines[at].split("\t")))
            return "\n".join(lines)

        return text(name, rules, changed)

    def rank(name: str, word: str, column: int = 3) -> Malformed:
        def change(cells: list[str]) -> list[str]:
            words = cells[column].split(" ")
            return [*cells[:column], " ".join([word, *words[1:]]), *cells[column + 1 :]]

        return line(f"rank-{name}", {"ranks", "coverage"}, change)

    def archive(_: bytes) -> bytes:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as file:
            file.writestr("../../../tmp/hybrid-bench-climbed-out", "x")
        return content.getvalue()

    def array(_: bytes) -> bytes:
        content = io.BytesIO()
        np.save(content, np.array([Bomb()], dtype=object), allow_pickle=True)
        return gzip.compress(content.getvalue())

    yield raw("bomb", {"size"}, lambda _: _zeros(200 << 20))
    yield raw("bomb-of-lines", {"size"}, lambda _: gzip.compress(b"1\t1\t1\t1\t1\n" * 10_000_000, 1))
    yield raw("cut", {"gzip"}, lambda packed: packed[: len(packed) // 2])
    yield raw("cut-before-its-sum", {"gzip"}, lambda packed: packed[:-8])
    yield raw("wrong-sum", {"gzip"}, lambda packed: packed[:-8] + b"\0" * 8)
    yield raw("followed", {"gzip"}, lambda packed: packed + b"x")
    yield raw("two-streams", {"gzip"}, lambda packed: packed + gzip.compress(b"x"))
    yield raw("empty", {"gzip"}, lambda _: b"")
    yield raw("bytes", {"gzip"}, lambda _: bytes(range(256)) * 10)
    yield raw("zip-that-climbs", {"gzip"}, archive)
    yield raw("unpacked", {"gzip"}, gzip.decompress)
    yield raw("pickle", {"gzip"}, lambda _: pickle.dumps(Bomb()))
    yield raw("packed-pickle", {"encoding", "table"}, lambda _: gzip.compress(pickle.dumps(Bomb())))
    yield raw("packed-object-array", {"encoding", "table"}, array)
    yield raw("large", {"size"}, lambda packed: packed + b"\0" * (17 << 20))
    yield raw("zlib", {"gzip"}, lambda packed: zlib.compress(gzip.decompress(packed)))
    yield text("nothing", {"table"}, lambda _: "")
    yield text("header-alone", {"coverage"}, lambda whole: whole.split("\n")[0] + "\n")
    yield text("other-header", {"table"}, lambda whole: whole.replace("same20", "same10", 1))
    yield text("no-header", {"table"}, lambda whole: whole.split("\n", 1)[1])
    yield text("no-line-end", {"table"}, lambda whole: whole[:-1])
    yield text("carriage-returns", {"table", "encoding"}, lambda whole: whole.replace("\n", "\r\n"))
    yield text("nul", {"encoding"}, lambda whole: whole + "\0\n")
    yield text("not-utf-8", {"encoding"}, lambda whole: whole + "\udcff\n")
    yield text("blank-line", {"table"}, lambda whole: whole + "\n")
    yield text("query-missing", {"coverage"}, lambda whole: "\n".join(whole.split("\n")[:5] + whole.split("\n")[6:]))
    yield text("query-twice", {"coverage"}, lambda whole: "\n".join(whole.split("\n")[:6] + whole.split("\n")[5:]))
    yield text("language-missing", {"coverage"}, lambda whole: "\n".join(t for t in whole.split("\n") if "\tde\t" not in t))
    yield text("not-sorted", {"table"}, lambda whole: "\n".join([whole.split("\n")[0], *whole.split("\n")[-2:0:-1], ""]))
    yield line("query-unknown", {"coverage"}, lambda cells: ["nobody", *cells[1:]])
    yield line("query-script", {"coverage"}, lambda cells: ["<script>alert(1)</script>", *cells[1:]])
    yield line("language-unknown", {"coverage"}, lambda cells: [cells[0], "xx", *cells[2:]])
    yield line("column-missing", {"table"}, lambda cells: cells[:-1])
    yield line("column-more", {"table"}, lambda cells: [*cells, "1"])
    yield line("ranks-too-few", {"coverage"}, lambda cells: [*cells[:3], cells[3].rpartition(" ")[0], cells[4]])
    yield line("ranks-too-many", {"coverage"}, lambda cells: [*cells[:3], f"{cells[3]} 1", cells[4]])
    yield line("ranks-by-two-spaces", {"coverage"}, lambda cells: [*cells[:3], cells[3].replace(" ", "  "), cells[4]])
    yield line("ranks-empty", {"coverage", "ranks"}, lambda cells: [*cells[:3], "", cells[4]])
    yield line("ranks-swapped", {"ranks"}, lambda cells: [*cells[:3], cells[4], cells[3]])
    yield line("ranks-all-alike", {"ranks"}, lambda cells: [*cells[:4], " ".join(["9"] * len(cells[4].split(" ")))])
    yield line("ranks-all-first", {"ranks"}, lambda cells: [*cells[:4], " ".join(["1"] * len(cells[4].split(" ")))])
    for name, word in {
        "zero": "0", "negative": "-1", "fraction": "1.5", "nan": "nan", "infinite": "inf", "exponent": "1e1", "padded": "01",
        "plus": "+1", "underscore": "1_0", "arabic": "\u0661", "hexadecimal": "0x1", "huge": "9" * 30, "beyond": "99999999",
        "32-bit": "4294967297", "none": "-", "script": "<b>", "pool": "100000", "superscript": "\u00b2",
    }.items():  # fmt: skip
        yield rank(name, word)
        yield rank(f"all-{name}", word, column=4)
    for name, word in {"large": "21", "negative": "-1", "none": "-", "nan": "nan", "impossible": "99"}.items():
        yield line(f"same20-{name}", {"ranks"}, lambda cells, w=word: [*cells[:2], w, *cells[3:]])
    yield Malformed("table-no-read-permission-needed", {"ranks"}, TABLE, lambda e: e.edit_table(_perfect))


def _perfect(whole: str) -> str:
    """Rank 1 for every relevant passage, which is impossible for two passages of a pool."""
    head, *lines = whole[:-1].split("\n")
    cells = [line.split("\t") for line in lines]
    return "\n".join([head, *("\t".join([*c[:3], *(" ".join(["1"] * len(x.split(" "))) for x in c[3:])]) for c in cells), ""])


def _zeros(count: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(count >> 20)), packer.flush()])


def _vector_headers() -> Iterator[Malformed]:
    def raw(name: str, change: Callable[[bytes], bytes], rules: set[str] | None = None) -> Malformed:
        def changed(example: Example) -> None:
            assert example.vectors is not None
            example.set_vectors(change(example.vectors.read_bytes()))

        return Malformed(f"vectors-{name}", rules or {"vectors-file"}, VECTORS, changed)

    def header(name: str, change: Callable[[dict[str, Any]], object], rules: set[str] | None = None) -> Malformed:
        def changed(content: bytes) -> bytes:
            size = int.from_bytes(content[:8], "little")
            fields = json.loads(content[8 : 8 + size])
            change(fields)
            return _with_header(json.dumps(fields).encode(), content[8 + size :])

        return raw(name, changed, rules)

    first, second = "passages/ar", "passages/de"

    def entry(name: str, **fields: Any) -> Malformed:
        return header(name, lambda h: h[first].update(fields))

    yield raw("empty", lambda _: b"")
    yield raw("short", lambda _: b"abc")
    yield raw("cut", lambda content: content[:-1])
    yield raw("followed", lambda content: content + b"x")
    yield raw("header-long", lambda content: (1 << 62).to_bytes(8, "little") + content[8:])
    yield raw("header-longer-than-file", lambda content: len(content).to_bytes(8, "little") + content[8:])
    yield raw("header-of-100-megabytes", lambda _: (100 << 20).to_bytes(8, "little") + b" " * (1 << 20))
    yield raw("header-empty", lambda _: _with_header(b"", b""))
    yield raw("header-list", lambda content: _with_header(b"[]", b""))
    yield raw("header-number", lambda content: _with_header(b"1", b""))
    yield raw("header-deep", lambda content: _with_header(b"[" * 100_000, b""))
    yield raw("header-digits", lambda content: _with_header(b"9" * 100_000, b""))
    yield raw("header-not-utf-8", lambda content: _with_header(b'{"\xff": 1}', b""), {"encoding", "vectors-file"})
    yield raw("header-twice", lambda content: _with_header(b'{"a": {}, "a": {}}', b""))
    yield raw("pickle", lambda _: pickle.dumps(Bomb()))
    yield raw("torch-archive", lambda _: b"PK\x03\x04" + pickle.dumps(Bomb()) * 9)
    yield raw("array-file", lambda _: b"\x93NUMPY\x01\x00" + b"x" * 200)
    yield entry("dtype-float32", dtype="F32")
    yield entry("dtype-bfloat16", dtype="BF16")
    yield entry("dtype-unknown", dtype="<script>")
    yield entry("dtype-number", dtype=16)
    yield entry("shape-huge", shape=[1 << 40, 1 << 40])
    yield entry("shape-negative", shape=[-1, 64])
    yield entry("shape-zero", shape=[0, 64])
    yield entry("shape-one", shape=[64])
    yield entry("shape-float", shape=[75.0, 64])
    yield entry("shape-true", shape=[True, True])
    yield entry("shape-text", shape="75x64")
    yield entry("offsets-negative", data_offsets=[-100, 0])
    yield entry("offsets-reversed", data_offsets=[100, 0])
    yield entry("offsets-beyond", data_offsets=[1 << 30, (1 << 30) + 75 * 128])
    yield entry("offsets-huge", data_offsets=[0, 1 << 62])
    yield entry("more-fields", code="x")
    yield header("overlap", lambda h: h[first].update(data_offsets=h[second]["data_offsets"]))
    yield header("missing", lambda h: h.pop(first))
    yield header("unknown", lambda h: h.update({"../../x": h.pop(first)}))
    yield header("metadata", lambda h: h.update(__metadata__={"a": 1}))
    yield header("metadata-list", lambda h: h.update(__metadata__=[]))
    yield header("not-an-object", lambda h: h.update({first: 1}))
    yield header("transposed", lambda h: h[first].update(shape=h[first]["shape"][::-1]))


def _with_header(header: bytes, rest: bytes) -> bytes:
    return len(header).to_bytes(8, "little") + header + rest


def _vector_values() -> Iterator[Malformed]:
    def values(name: str, change: Callable[[dict[str, np.ndarray]], object], rules: set[str] | None = None) -> Malformed:
        def changed(example: Example) -> None:
            import safetensors.numpy

            assert example.vectors is not None
            arrays = {key: array.copy() for key, array in safetensors.numpy.load_file(example.vectors).items()}
            change(arrays)
            example.set_vectors(vectors.to_bytes(arrays))

        return Malformed(f"values-{name}", rules or {"vectors-values"}, VECTORS, changed)

    def row(value: float) -> Callable[[dict[str, np.ndarray]], object]:
        return lambda arrays: arrays["passages/de"].__setitem__(3, value)

    yield values("nan", row(np.nan))
    yield values("one-nan", lambda arrays: arrays["queries/en"].__setitem__((2, 5), np.nan))
    yield values("infinite", row(np.inf))
    yield values("minus-infinite", row(-np.inf))
    yield values("zero", row(0))
    yield values("denormal", row(6e-8))
    yield values("all-zero", lambda arrays: [array.fill(0) for array in arrays.values()])
    yield values("all-denormal", lambda arrays: [array.fill(6e-8) for array in arrays.values()])
    yield values("double-length", lambda arrays: arrays["queries/en"].__imul__(2))
    yield values("largest", lambda arrays: [array.fill(65504) for array in arrays.values()])
    ranks = {"vectors-ranks"}
    yield values("passages-reversed", lambda arrays: arrays.update({"passages/de": arrays["passages/de"][::-1]}), ranks)
    yield values("passages-shifted", lambda arrays: arrays.update({"passages/en": np.roll(arrays["passages/en"], 1, 0)}), ranks)
    yield values("queries-reversed", lambda arrays: arrays.update({"queries/en": arrays["queries/en"][::-1]}), ranks)
    yield values("two-queries-swapped", lambda arrays: _swap(arrays["queries/es"], 0, 1), ranks)
    yield values("languages-swapped", lambda arrays: _swap_keys(arrays, "queries/en", "queries/es"), ranks)
    yield values("negated", lambda arrays: arrays.update({"queries/en": -arrays["queries/en"]}), ranks)
    yield values("one-vector-copied", lambda arrays: arrays["passages/en"].__setitem__(0, arrays["passages/en"][9]), ranks)
    yield values("other-dimension", lambda arrays: arrays.update({k: _wider(a) for k, a in arrays.items()}), {"vectors-file"})
    yield values(
        "dimensions-differ", lambda arrays: arrays.update({"queries/en": _wider(arrays["queries/en"])}), {"vectors-file"}
    )
    yield values("row-missing", lambda arrays: arrays.update({"queries/en": arrays["queries/en"][1:]}), {"vectors-file"})
    yield Malformed("values-another-file", {"vectors-hash"}, VECTORS, _unnamed)


def _unnamed(example: Example) -> None:
    assert example.vectors is not None
    content = bytearray(example.vectors.read_bytes())
    content[-2] ^= 1
    example.vectors.write_bytes(content)


def _swap(array: np.ndarray, one: int, other: int) -> None:
    array[[one, other]] = array[[other, one]]


def _swap_keys(arrays: dict[str, np.ndarray], one: str, other: str) -> None:
    arrays[one], arrays[other] = arrays[other], arrays[one]


def _wider(array: np.ndarray) -> np.ndarray:
    return np.concatenate([array, np.zeros((len(array), 8), np.float16)], axis=1)


def _runs() -> Iterator[Malformed]:
    file = "mini.runs/de-all.trec.gz"

    def text(name: str, rules: set[str], change: Callable[[str], str]) -> Malformed:
        return Malformed(f"run-{name}", rules, file, lambda e: e.edit_table(change, e.folder / file), runs=True)

    def line(name: str, change: Callable[[list[str]], list[str]], rules: set[str] | None = None, at: int = 1) -> Malformed:
        def changed(whole: str) -> str:
            lines = whole.split("\n")
            lines[at] = " ".join(change(lines[at].split(" ")))
            return "\n".join(lines)

        return text(name, rules or {"run"}, changed)

    def raw(name: str, rules: set[str], content: Callable[[], bytes]) -> Malformed:
        return Malformed(f"run-{name}", rules, file, lambda e: e.replace(e.folder / file, content()), runs=True)

    yield raw("10-million-lines", {"size", "coverage", "run"}, lambda: gzip.compress(b"q Q0 d 1 1.0 t\n" * 10_000_000, 1))
    yield raw("bomb", {"size", "run"}, lambda: _zeros(200 << 20))
    yield raw("one-long-line", {"size", "run"}, lambda: gzip.compress(b"q" * (1 << 20)))
    yield raw("pickle", {"gzip"}, lambda: pickle.dumps(Bomb()))
    yield raw("empty", {"gzip"}, lambda: b"")
    yield text("10-million-valid-lines", {"size"}, lambda whole: whole * 300)
    yield text("twice", {"size", "run"}, lambda whole: whole + whole)
    yield text("not-utf-8", {"encoding"}, lambda whole: "\udcff" + whole)
    yield text("no-line-end", {"run"}, lambda whole: whole[:-1])
    yield text("order", {"run"}, lambda whole: "\n".join([*whole.split("\n")[1::-1], *whole.split("\n")[2:]]))
    yield text("queries-interleaved", {"run"}, lambda whole: "\n".join(_interleaved(whole.split("\n"))))
    yield line("score-nan", lambda cells: [*cells[:4], "nan", cells[5]])
    yield line("score-infinite", lambda cells: [*cells[:4], "inf", cells[5]])
    yield line("score-overflows", lambda cells: [*cells[:4], "1e39", cells[5]])
    yield line("score-text", lambda cells: [*cells[:4], "best", cells[5]])
    yield line("score-arabic", lambda cells: [*cells[:4], "\u0661.5", cells[5]])
    yield line("score-rises", lambda cells: [*cells[:4], "9.0", cells[5]])
    yield line("rank-skips", lambda cells: [*cells[:3], "3", *cells[4:]])
    yield line("rank-text", lambda cells: [*cells[:3], "two", *cells[4:]])
    yield line("document-unknown", lambda cells: [*cells[:2], "de-none", *cells[3:]])
    yield line("document-of-no-pool", lambda cells: [*cells[:2], "../../x", *cells[3:]])
    yield line("query-unknown", lambda cells: ["nobody", *cells[1:]], {"coverage"})
    yield line("column-missing", lambda cells: cells[:5])
    yield line("tabs", lambda cells: ["\t".join(cells)])
    yield line("literal", lambda cells: [cells[0], "q0", *cells[2:]])
    yield line("document-twice", lambda cells: [*cells[:2], "FIRST", *cells[3:]])
    yield text("deeper-than-stated", {"run", "size"}, _one_more)

    def missing(example: Example) -> None:
        (example.folder / file).unlink()
        checksums.seal(example.folder)

    yield Malformed("run-missing", {"coverage"}, file, missing, runs=True)
    extra = "mini.runs/xx-all.trec.gz"
    yield Malformed("run-of-no-setting", {"folder"}, extra, lambda e: e.replace(e.folder / extra, b"x"), runs=True)


def _interleaved(lines: list[str]) -> list[str]:
    return [*lines[: DEPTH - 1], lines[DEPTH], lines[DEPTH - 1], *lines[DEPTH + 1 :]]


def _one_more(whole: str) -> str:
    """A fifth passage for the first query, instead of the first one of the second query."""
    lines = whole.split("\n")
    first, second = lines[DEPTH - 1].split(" "), lines[DEPTH].split(" ")
    lines[DEPTH] = " ".join([first[0], "Q0", second[2], str(DEPTH + 1), "-9.0", first[5]])
    return "\n".join(lines)
