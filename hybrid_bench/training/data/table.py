"""The parallel table: one row per question, with its text and its answer passage in one or more languages."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from hybrid_bench.errors import HybridBenchError, UnknownNameError
from hybrid_bench.support.optional import need

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa

#: The fields that a row has in each language. The passage of a question is a ``sentence`` of the paragraph ``context``;
#: ``translator`` names the model of machine-translated texts.
Part = Literal["question", "sentence", "context", "translator"]
PARTS: tuple[Part, ...] = get_args(Part)
_KEYS = ("id", "source", "article")
#: Rows per block of the hash. Changing it changes every hash.
_HASHED_ROWS = 4096


@dataclass
class ParallelRow:
    """A question and its answer passage, each by language. A language may have only one of them."""

    id: str
    source: str
    article: str = ""
    question: dict[str, str] = field(default_factory=dict)
    sentence: dict[str, str] = field(default_factory=dict)
    context: dict[str, str] = field(default_factory=dict)
    translator: dict[str, str] = field(default_factory=dict)


class ParallelTable:
    """Rows keyed by source and question id, in an Arrow table.

    Columns: ``id``, ``source``, ``article`` (a title, or empty), and nullable ``question.<language>``,
    ``sentence.<language>``, ``context.<language>``, ``translator.<language>``. A loaded table is memory-mapped.

    Args:
        dataset: a dataset with these columns.

    Raises:
        HybridBenchError: if a key column is missing.
    """

    def __init__(self, dataset: datasets.Dataset) -> None:
        missing = [key for key in _KEYS if key not in dataset.column_names]
        if missing:
            raise HybridBenchError(f"the table of training data has no column {missing[0]}", "Build it again.")
        self.dataset = dataset

    @classmethod
    def from_rows(cls, rows: Iterable[ParallelRow]) -> ParallelTable:
        """Create a table from rows.

        Raises:
            HybridBenchError: if there is no row, an id is empty, or two rows have the same (source, id).
        """
        need("data", "a table of training data", "datasets")
        import pyarrow as pa
        from datasets import Dataset

        listed = list(rows)
        if not listed:
            raise HybridBenchError("there is no row of training data", "Check that the files are complete.")
        _check_ids((row.source, row.id) for row in listed)
        columns: dict[str, list[str | None]] = {key: [getattr(row, key) for row in listed] for key in _KEYS}
        for part in PARTS:
            for language in sorted({language for row in listed for language in getattr(row, part)}):
                columns[f"{part}.{language}"] = [getattr(row, part).get(language) for row in listed]
        table = pa.table({name: pa.array(values, pa.large_string()) for name, values in columns.items()})
        return cls(Dataset(table.select(_ordered(columns))))

    @classmethod
    def load(cls, folder: Path) -> ParallelTable:
        """Open a saved table, memory-mapped.

        Raises:
            HybridBenchError: if the folder does not hold a table.
        """
        need("data", "a table of training data", "datasets")
        from datasets import Dataset, load_from_disk

        try:
            found = load_from_disk(str(folder))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise HybridBenchError(
                f"{folder} does not hold a table of training data: {error}", "Create one with `hybrid-bench training-data build`."
            ) from error
        if not isinstance(found, Dataset):
            raise HybridBenchError(
                f"{folder} holds several datasets, not one table of training data",
                "Create a table with `hybrid-bench training-data build`.",
            )
        return cls(found)

    def save(self, folder: Path) -> None:
        """Write the table atomically. Equal tables give equal bytes.

        Raises:
            HybridBenchError: if the folder is not empty.
        """
        from datasets import Dataset, disable_progress_bars, enable_progress_bars, is_progress_bar_enabled

        if folder.exists() and any(folder.iterdir()):
            raise HybridBenchError(f"{folder} is not empty", "Choose another folder, or delete it.")
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
        progress_bars = is_progress_bar_enabled()
        disable_progress_bars()
        try:
            # The default fingerprint depends on the time; this one on the content only.
            Dataset(self.arrow().combine_chunks(), fingerprint=self.hash[:16]).save_to_disk(str(temporary), num_shards=1)
            if folder.exists():
                folder.rmdir()
            temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            if progress_bars:
                enable_progress_bars()

    def __len__(self) -> int:
        return len(self.dataset)

    @property
    def languages(self) -> tuple[str, ...]:
        """Every language with a question or a sentence, sorted."""
        return tuple(sorted({name.partition(".")[2] for name in self.dataset.column_names if name.startswith(PARTS[:2])}))

    @functools.cached_property
    def sources(self) -> tuple[str, ...]:
        """The sources of the rows, sorted."""
        return tuple(sorted(set(self.key_column("source"))))

    @functools.cached_property
    def hash(self) -> str:
        """SHA-256 of the content; independent of empty columns and of the storage layout."""
        import pyarrow as pa
        import pyarrow.compute as pc

        digest = hashlib.sha256()
        table = self.arrow()
        for start in range(0, len(self), _HASHED_ROWS):
            places = pa.array(np.arange(start, min(start + _HASHED_ROWS, len(self))))
            for name in sorted(table.column_names):
                texts = table.column(name).cast(pa.large_string()).take(places).combine_chunks()
                if texts.null_count < len(texts):
                    lengths = pc.fill_null(pc.binary_length(texts), -1).to_numpy(zero_copy_only=False).astype("<i8")
                    digest.update(f"{name}\0{len(texts)}\0".encode() + lengths.tobytes())
                    content = pc.fill_null(texts, "").buffers()[2]
                    digest.update(memoryview(content)[: lengths.clip(0).sum()] if content else b"")
        return digest.hexdigest()

    def arrow(self) -> pa.Table:
        """The rows as an Arrow table; not copied unless rows were selected."""
        table: pa.Table = self.dataset.data.table
        return table if self.dataset._indices is None else table.take(self.dataset._indices.column(0))

    def rows_as_dicts(self) -> Iterator[dict[str, str | None]]:
        """The rows in order, as dictionaries of column names to values; a thousand in memory at a time."""
        for batch in self.dataset.with_format("arrow").iter(1000):
            yield from batch.to_pylist()

    def rows(self) -> Iterator[ParallelRow]:
        """The rows in order."""
        for raw in self.rows_as_dicts():
            row = ParallelRow(str(raw["id"]), str(raw["source"]), str(raw["article"]))
            for name, value in raw.items():
                part, dot, language = name.partition(".")
                if dot and value is not None:
                    getattr(row, part)[language] = value
            yield row

    def key_column(self, column: str) -> list[str]:
        """The values of ``id``, ``source`` or ``article``, one per row."""
        values: list[str] = list(self.dataset[column])
        return values

    def column(self, part: Part, language: str) -> Iterator[str | None]:
        """The values of a field in a language, one per row; None where a row has none."""
        name = f"{part}.{language}"
        if name not in self.dataset.column_names:
            yield from (None for _ in range(len(self)))
            return
        for batch in self.dataset.select_columns([name]).with_format("arrow").iter(1000):
            yield from batch.column(0).to_pylist()

    def texts(self, part: Part, language: str, rows: Sequence[int] | np.ndarray) -> list[str]:
        """The values of a field in a language for some rows, in their order.

        Raises:
            HybridBenchError: if a row has none.
        """
        found = []
        for row, text in zip(rows, self.texts_or_none(part, language, rows), strict=True):
            if text is None:
                raise HybridBenchError(
                    f"row {row} of the training data has no {part} in {language}", "Choose rows that have it in this language."
                )
            found.append(text)
        return found

    def texts_or_none(self, part: Part, language: str, rows: Sequence[int] | np.ndarray) -> list[str | None]:
        """The same, with None where a row has no value."""
        import pyarrow as pa

        name = f"{part}.{language}"
        if name not in self.dataset.column_names:
            return [None] * len(rows)
        indices = self.dataset._indices
        wanted = pa.array(np.asarray(rows, dtype=np.int64))
        places = wanted if indices is None else indices.column(0).take(wanted)
        # Read from Arrow directly: indexing the Dataset takes a hundred times as long.
        found: list[str | None] = self.dataset.data.table.column(name).take(places).to_pylist()
        return found

    def counts(self, part: Part = "question") -> dict[str, int]:
        """Language to the number of rows that have this field."""
        return {language: sum(text is not None for text in self.column(part, language)) for language in self.languages}

    def select(self, rows: Sequence[int] | np.ndarray) -> ParallelTable:
        """Some rows, in this order, without copying them."""
        return ParallelTable(self.dataset.select(np.asarray(rows, dtype=np.int64)))

    def with_sources(self, sources: Iterable[str]) -> ParallelTable:
        """The rows of some sources.

        Raises:
            UnknownNameError: if the table has no row of one of them.
        """
        wanted = set(sources)
        for source in wanted - set(self.sources):
            raise UnknownNameError("source of this training data", source, self.sources)
        return self.select([row for row, source in enumerate(self.key_column("source")) if source in wanted])

    @staticmethod
    def concat(tables: Sequence[ParallelTable]) -> ParallelTable:
        """The concatenated rows of several tables, with the languages of all of them.

        Raises:
            HybridBenchError: if there is no table, or two rows have the same (source, id).
        """
        import pyarrow as pa
        from datasets import Dataset

        if not tables:
            raise HybridBenchError("there is no training data to concatenate", "Name a source.")
        _check_ids(pair for table in tables for pair in zip(table.key_column("source"), table.key_column("id"), strict=True))
        joined = pa.concat_tables([table.arrow() for table in tables], promote_options="permissive")
        return ParallelTable(Dataset(joined.select(_ordered(joined.column_names))))


def _ordered(names: Iterable[str]) -> list[str]:
    """The canonical order of columns: keys first, then by name."""
    return [*_KEYS, *sorted(set(names) - set(_KEYS))]


def _check_ids(pairs: Iterable[tuple[str, str]]) -> None:
    seen: set[tuple[str, str]] = set()
    for source, row_id in pairs:
        if not row_id:
            raise HybridBenchError(f"a row of {source or 'the training data'} has no id", "Give every row a unique id.")
        if (source, row_id) in seen:
            raise HybridBenchError(f"{source} has two rows with the id {row_id!r}", "Give every row a unique id.")
        seen.add((source, row_id))
