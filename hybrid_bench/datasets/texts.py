"""The texts of a suite as files for programs that embed them, and the manifest that says which texts they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hybrid_bench.datasets.judged import judged_in
from hybrid_bench.datasets.parts import Item, PassageText
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import HybridBenchError, UnknownNameError
from hybrid_bench.support import atomic
from hybrid_bench.support.hashing import TextsDigest, texts_hash
from hybrid_bench.support.optional import need

#: The two kinds of parts, and the names of their folders.
Kind = Literal["queries", "passages"]
TextsFormat = Literal["jsonl", "parquet"]

FILE = "manifest.json"
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
#: Texts of a group of rows in Parquet.
_ROWS = 4096
#: Line ends of Unicode, at which ``str.splitlines`` and some programs break a line.
_LINE_ENDS = str.maketrans({end: f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"})


class TextsPart(BaseModel):
    """A query set or a collection: the number of its texts, and the hash of their ids and contents in order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    count: int = Field(ge=1)
    sha256: _Sha256


class TextsManifest(BaseModel):
    """Which texts a folder is of. Hashes are those of results (``provenance.queries``, ``provenance.passages``).

    Attributes:
        suite: its name.
        passage_text: the part of a passage that is read.
        queries: query set to its queries that have a relevant passage in the suite.
        passages: collection to its passages.
        sha256: of all the above.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    suite: str
    passage_text: PassageText
    queries: dict[str, TextsPart]
    passages: dict[str, TextsPart]
    sha256: str = ""

    def parts(self, kind: Kind) -> dict[str, TextsPart]:
        """The parts of a kind, by name."""
        return self.queries if kind == "queries" else self.passages

    @property
    def checksum(self) -> str:
        """sha256 of the other fields."""
        words = [self.suite, self.passage_text]
        for kind in get_args(Kind):
            for name, part in sorted(self.parts(kind).items()):
                words += [kind, name, str(part.count), part.sha256]
        return texts_hash(words)

    @classmethod
    def read(cls, folder: Path) -> TextsManifest:
        """Read the manifest of a folder.

        Raises:
            HybridBenchError: if it is missing or damaged.
        """
        path = folder / FILE
        again = f"Copy {FILE} from the folder that `hybrid-bench texts export` wrote."
        try:
            manifest = cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise HybridBenchError(f"cannot read {path}, which says what the vectors are of: {error.strerror}", again) from error
        except ValidationError as error:
            raise HybridBenchError(f"{path} is not a manifest of texts: {error.errors()[0]['msg']}", again) from error
        if manifest.sha256 != manifest.checksum:
            raise HybridBenchError(f"{path} was changed: its checksum does not match", again)
        return manifest


def items(suite: Suite, kind: Kind, name: str, passage_text: PassageText) -> Iterator[Item]:
    """The texts of a part in order: all passages of a collection, or the queries of a set that have a relevant passage."""
    if kind == "passages":
        return suite.passage_stream(name, passage_text)
    return iter(judged_in(suite, name).queries)


def names(suite: Suite, kind: Kind) -> list[str]:
    """The names of a suite's parts of a kind."""
    return [part.name for part in (suite.query_sets if kind == "queries" else suite.collections)]


def folder_of(root: Path, suite: str) -> Path:
    """The folder of a suite's texts or vectors below that of all suites."""
    return root / suite.replace("/", "__")


def export(
    suite: Suite,
    out: Path,
    *,
    passage_text: PassageText = "sentence",
    languages: Sequence[str] = (),
    formats: Sequence[str] = ("jsonl",),
    say: Callable[[str], object] = lambda message: None,
) -> Path:
    """Write the texts that an evaluation on a suite embeds, without prefixes, and their manifest.

    Args:
        suite: not restricted.
        out: gets a folder ``<suite>`` with ``queries/<query set>.texts.<format>`` and ``passages/<collection>.texts.<format>``.
        passage_text: the part of a passage that is read.
        languages: that are written; all by default. The queries of a language are the same ones whatever others are written.
        formats: ``jsonl``, ``parquet`` or both.
        say: called with a message for each part.

    Returns:
        The suite's folder.

    Raises:
        HybridBenchError: if the suite has images, a language or format is unknown, or a file cannot be written.
    """
    for name in formats:
        if name not in get_args(TextsFormat):
            raise UnknownNameError("format of texts", name, get_args(TextsFormat))
    if "image" in suite.modalities:
        raise HybridBenchError(f"{suite.name} has images, and only texts can be exported", "Evaluate an encoder by its name.")
    asked = suite.restrict(languages) if languages else suite
    folder = folder_of(out, suite.name)
    found: dict[str, dict[str, TextsPart]] = {kind: {} for kind in get_args(Kind)}
    for kind in get_args(Kind):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for name in names(asked, kind):
            part = _write(items(suite, kind, name, passage_text), folder / kind, name, formats)
            if part is None:
                say(f"{kind} {name}: none has a relevant passage")
                continue
            found[kind][name] = part
            say(f"{kind} {name}: {part.count:,} texts")
    manifest = TextsManifest(suite=suite.name, passage_text=passage_text, **cast(Any, found))
    manifest = manifest.model_copy(update={"sha256": manifest.checksum})
    atomic.write(folder / FILE, (manifest.model_dump_json(indent=1) + "\n").encode())
    return folder


class _Writer(Protocol):
    """Writes texts into one file."""

    def write(self, texts: Sequence[Item]) -> None:
        """Add some texts."""


def _write(texts: Iterator[Item], folder: Path, name: str, formats: Sequence[str]) -> TextsPart | None:
    """Write a part in all formats; None, and no file, if it has no text."""
    batch = list(islice(texts, _ROWS))
    if not batch:
        return None
    count, digest = 0, TextsDigest()
    with ExitStack() as stack:
        writers = [_writer(stack, folder / f"{name}.texts.{style}") for style in formats]
        while batch:
            for text in batch:
                digest.update(text)
            for writer in writers:
                writer.write(batch)
            count += len(batch)
            batch = list(islice(texts, _ROWS))
    return TextsPart(count=count, sha256=digest.hexdigest())


def _writer(stack: ExitStack, path: Path) -> _Writer:
    made = _Parquet if path.suffix == ".parquet" else _JsonLines
    return made(stack, stack.enter_context(atomic.writing(path)))


class _JsonLines:
    def __init__(self, stack: ExitStack, path: Path) -> None:
        self._file = stack.enter_context(path.open("w", encoding="utf-8", newline="\n"))

    def write(self, texts: Sequence[Item]) -> None:
        for text in texts:
            line = json.dumps({"id": text.id, "text": text.content}, ensure_ascii=False)
            self._file.write(f"{line.translate(_LINE_ENDS)}\n")


class _Parquet:
    def __init__(self, stack: ExitStack, path: Path) -> None:
        need("parquet", "Parquet", "pyarrow")
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._schema = pa.schema([("id", pa.string()), ("text", pa.string())])
        self._file = stack.enter_context(pq.ParquetWriter(path, self._schema))

    def write(self, texts: Sequence[Item]) -> None:
        import pyarrow as pa

        columns = {"id": [text.id for text in texts], "text": [text.content for text in texts]}
        self._file.write_table(pa.table(columns, schema=self._schema))
