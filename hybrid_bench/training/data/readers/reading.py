"""The result of a reader, and reading of text and JSON files that may be compressed."""

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
class ReadResult:
    """The rows of a source, and the number of skipped records by (language, reason)."""

    rows: list[ParallelRow]
    skipped: Counter[tuple[str, str]] = field(default_factory=Counter)

    def table(self) -> ParallelTable:
        """The rows as a table."""
        return ParallelTable.from_rows(self.rows)


def read_json(path: Path) -> Any:
    """The content of a JSON file.

    Raises:
        ValueError: if it is not JSON, or a string has an unpaired surrogate, which UTF-8 cannot encode.
        HybridBenchError: as :func:`read_text`.
    """
    text = read_text(path)
    found = json.loads(text)
    if "\\ud" in text.lower():
        json.dumps(found, ensure_ascii=False).encode()
    return found


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, decompressed in memory if it is ``.gz`` or a ``.zip`` with one file.

    Raises:
        HybridBenchError: if it cannot be read, decompressed or decoded.
    """
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        elif path.suffix == ".zip":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                names = [name for name in archive.namelist() if not name.endswith("/")]
                if len(names) != 1:
                    raise HybridBenchError(f"{path} holds {len(names)} files", "Extract it and give the path of one file.")
                content = archive.read(names[0])
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise HybridBenchError(f"{path} is not UTF-8: {error}", "Convert it to UTF-8.") from error
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise HybridBenchError(f"cannot read {path}: {error}", "Check the path, or download the file again.") from error
