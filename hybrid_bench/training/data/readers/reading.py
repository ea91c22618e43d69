"""What a reader gives back: the rows, and what it could not use."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.training.data.table import ParallelRow, ParallelTable


@dataclass
class Reading:
    """The rows of a source, and how many records were left out, by language and reason."""

    rows: list[ParallelRow]
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)

    def table(self) -> ParallelTable:
        """The rows as a table."""
        return ParallelTable.of(self.rows)


def json_of(path: Path) -> Any:
    """What a file of JSON holds.

    Raises:
        ValueError: if it is no JSON, or a text in it holds half a character, as escapes can and UTF-8 cannot.
        HybridBenchError: as :func:`text_of`.
    """
    text = text_of(path)
    found = json.loads(text)
    if "\\ud" in text.lower():
        json.dumps(found, ensure_ascii=False).encode()
    return found


def text_of(path: Path) -> str:
    """The text of a file, unpacked where it is ``.gz`` or a ``.zip`` with one file in it. Nothing is written.

    Raises:
        HybridBenchError: if it cannot be read, unpacked or decoded.
    """
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        elif path.suffix == ".zip":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                names = [name for name in archive.namelist() if not name.endswith("/")]
                if len(names) != 1:
                    raise HybridBenchError(f"{path} holds {len(names)} files", "Unpack it and name the one to read.")
                content = archive.read(names[0])
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise HybridBenchError(f"{path} is not UTF-8: {error}", "Convert it first.") from error
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise HybridBenchError(f"cannot read {path}: {error}", "Check the name, or get the file again.") from error
