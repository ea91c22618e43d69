"""Parallel question answering data: one row a question, with its text and its answer passage in every language there is."""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np

from hybrid_bench.errors import HybridBenchError, UnknownNameError
from hybrid_bench.support.optional import need
from hybrid_bench.training.data.text_keys import text_key

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa

#: What a row holds in a language. The passage of a question is the ``sentence`` of the paragraph ``context``.
#: ``translator`` names what made the texts of a language that were translated by machine.
Part = Literal["question", "sentence", "context", "translator"]
PARTS: tuple[Part, ...] = get_args(Part)
_KEYS = ("id", "source", "article")
#: Rows that are hashed at once. Part of what the hash means.
_HASHED_ROWS = 4096


@dataclass
class ParallelRow:
    """A question and its answer passage, each by language. A language may have the one without the other."""

    id: str
    source: str
    article: str = ""
    question: dict[str, str] = field(default_factory=dict)
    sentence: dict[str, str] = field(default_factory=dict)
    context: dict[str, str] = field(default_factory=dict)
    translator: dict[str, str] = field(default_factory=dict)


class DevSplit(NamedTuple):
    """A table in two parts that share no article and no passage."""

    training: ParallelTable
    dev: ParallelTable


class ParallelTable:
    """Rows keyed by question id, in Arrow.

    Columns: ``id``, ``source``, ``article`` (a title, or empty), and nullable ``question.<language>``,
    ``sentence.<language>``, ``context.<language>``, ``translator.<language>``. A table that was loaded is memory-mapped: it
    takes no memory until its rows are read.
    """

    def __init__(self, dataset: datasets.Dataset) -> None:
        missing = [key for key in _KEYS if key not in dataset.column_names]
        if missing:
            raise HybridBenchError(f"a table of parallel questions without the column {missing[0]}", "Build it again.")
        self.dataset = dataset

    @classmethod
    def of(cls, rows: Iterable[ParallelRow]) -> ParallelTable:
        """Make a table of rows.

        Raises:
            HybridBenchError: on no row at all, an empty id, or one (source, id) in two rows.
        """
        need("data", "a table of training data", "datasets")
        import pyarrow as pa
        from datasets import Dataset

        listed = list(rows)
        if not listed:
            raise HybridBenchError("there is no row of training data", "Check that the files are whole.")
        _check_ids((row.source, row.id) for row in listed)
        columns: dict[str, list[str | None]] = {key: [getattr(row, key) for row in listed] for key in _KEYS}
        for part in PARTS:
            for language in sorted({language for row in listed for language in getattr(row, part)}):
                columns[f"{part}.{language}"] = [getattr(row, part).get(language) for row in listed]
        table = pa.table({name: pa.array(values, pa.large_string()) for name, values in columns.items()})
        return cls(Dataset(table.select(_ordered(columns))))

    @classmethod
    def load(cls, folder: Path) -> ParallelTable:
        """Open a saved table, memory-mapped."""
        need("data", "a table of training data", "datasets")
        from datasets import Dataset, load_from_disk

        try:
            found = load_from_disk(str(folder))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise HybridBenchError(
                f"{folder} holds no table of training data: {error}", "`hybrid-bench training-data build` makes one."
            ) from error
        if not isinstance(found, Dataset):
            raise HybridBenchError(f"{folder} holds several datasets, not one table of training data")
        return cls(found)

    def save(self, folder: Path) -> None:
        """Write the table, whole or not at all: equal tables give equal bytes."""
        from datasets import Dataset, disable_progress_bars, enable_progress_bars, is_progress_bar_enabled

        if folder.exists() and any(folder.iterdir()):
            raise HybridBenchError(f"{folder} is not empty", "Name another folder, or delete it.")
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
        talkative = is_progress_bar_enabled()
        disable_progress_bars()
        try:
            # datasets' own fingerprint holds the time; ours is the content.
            Dataset(self.arrow().combine_chunks(), fingerprint=self.hash[:16]).save_to_disk(str(temporary), num_shards=1)
            if folder.exists():
                folder.rmdir()
            temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            if talkative:
                enable_progress_bars()

    def __len__(self) -> int:
        return len(self.dataset)

    @property
    def languages(self) -> tuple[str, ...]:
        """Every language that has a question or a sentence."""
        return tuple(sorted({name.partition(".")[2] for name in self.dataset.column_names if name.startswith(PARTS[:2])}))

    @functools.cached_property
    def sources(self) -> tuple[str, ...]:
        """The sources of the rows, sorted."""
        return tuple(sorted(set(self.strings("source"))))

    @functools.cached_property
    def hash(self) -> str:
        """SHA-256 of the content. Empty columns and the way the rows are stored do not matter."""
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
        """The rows as an Arrow table; without a copy where no rows were selected."""
        table: pa.Table = self.dataset.data.table
        return table if self.dataset._indices is None else table.take(self.dataset._indices.column(0))

    def raw_rows(self) -> Iterator[dict[str, str | None]]:
        """The rows one after the other, a thousand in memory at a time."""
        for batch in self.dataset.with_format("arrow").iter(1000):
            yield from batch.to_pylist()

    def rows(self) -> Iterator[ParallelRow]:
        """The rows as objects."""
        for raw in self.raw_rows():
            row = ParallelRow(str(raw["id"]), str(raw["source"]), str(raw["article"]))
            for name, value in raw.items():
                part, dot, language = name.partition(".")
                if dot and value is not None:
                    getattr(row, part)[language] = value
            yield row

    def strings(self, column: str) -> list[str]:
        """A whole key column: ``id``, ``source`` or ``article``."""
        values: list[str] = list(self.dataset[column])
        return values

    def column(self, part: Part, language: str) -> Iterator[str | None]:
        """One part in one language, row by row; nothing but None where the table has none of it."""
        name = f"{part}.{language}"
        if name not in self.dataset.column_names:
            yield from (None for _ in range(len(self)))
            return
        for batch in self.dataset.select_columns([name]).with_format("arrow").iter(1000):
            yield from batch.column(0).to_pylist()

    def texts(self, part: Part, language: str, rows: Sequence[int] | np.ndarray) -> list[str]:
        """One part in one language of these rows.

        Raises:
            HybridBenchError: if a row has none.
        """
        import pyarrow as pa

        indices = self.dataset._indices
        wanted = np.asarray(rows, dtype=np.int64)
        places = pa.array(wanted) if indices is None else indices.column(0).take(pa.array(wanted))
        # Straight from Arrow: a Dataset's own access costs a hundred times the time of the read.
        found: list[str] = self.dataset.data.table.column(f"{part}.{language}").take(places).to_pylist()
        for row, text in zip(wanted, found, strict=True):
            if text is None:
                raise HybridBenchError(f"row {row} of the training data has no {part} in {language}")
        return found

    def counts(self, part: Part = "question") -> dict[str, int]:
        """How many rows have this part, by language."""
        return {language: sum(text is not None for text in self.column(part, language)) for language in self.languages}

    def select(self, rows: Sequence[int] | np.ndarray) -> ParallelTable:
        """These rows, in this order, without copying them."""
        return ParallelTable(self.dataset.select(np.asarray(rows, dtype=np.int64)))

    def only(self, sources: Iterable[str]) -> ParallelTable:
        """The rows of these sources.

        Raises:
            UnknownNameError: if the table has no row of one of them.
        """
        wanted = set(sources)
        for source in wanted - set(self.sources):
            raise UnknownNameError("source of this training data", source, self.sources)
        return self.select([row for row, source in enumerate(self.strings("source")) if source in wanted])

    @staticmethod
    def concat(tables: Sequence[ParallelTable]) -> ParallelTable:
        """The rows of several tables one after the other; languages that one lacks are empty in its rows.

        Raises:
            HybridBenchError: if one (source, id) is in two of them.
        """
        import pyarrow as pa
        from datasets import Dataset

        if not tables:
            raise HybridBenchError("there is no training data to put together", "Name a source.")
        _check_ids(pair for table in tables for pair in zip(table.strings("source"), table.strings("id"), strict=True))
        joined = pa.concat_tables([table.arrow() for table in tables], promote_options="permissive")
        return ParallelTable(Dataset(joined.select(_ordered(joined.column_names))))

    def split_dev(self, size: int | float, seed: int, wanted: np.ndarray | None = None) -> DevSplit:
        """Hold whole articles out until ``size`` rows (or that share of them, below 1) are held out.

        Only rows that are ``wanted`` ((rows,) bool; None: all) are counted and in the dev part; the others of a held-out article
        leave the training part too, and so does every row that has a passage of one that is held out. A row without an article
        is an article of its own.

        Raises:
            HybridBenchError: if nothing would be left to train on.
        """
        keys = [
            article or f"\0{source}\0{row}"
            for article, source, row in zip(*map(self.strings, ("article", "source", "id")), strict=True)
        ]
        sizes = Counter(keys if wanted is None else itertools.compress(keys, wanted))
        target = size if isinstance(size, int) else round(size * sum(sizes.values()))
        held: set[str] = set()
        taken = 0
        names = sorted(sizes)
        for index in np.random.default_rng(seed).permutation(len(names)):
            if taken >= target:
                break
            held.add(names[index])
            taken += sizes[names[index]]
        inside = np.array([key in held for key in keys], dtype=bool)
        outside = ~inside & ~self._with_passages_of(inside)
        if not outside.any():
            raise HybridBenchError(
                f"holding {target} rows out for the dev set leaves no row to train on ({len(self)} rows, {len(sizes)} articles)",
                "Ask for a smaller dev set.",
            )
        dev = inside if wanted is None else inside & wanted
        return DevSplit(self.select(np.flatnonzero(outside)), self.select(np.flatnonzero(dev)))

    def _with_passages_of(self, chosen: np.ndarray) -> np.ndarray:
        """Which rows have a passage, in some language, that one of the chosen rows has.  # (rows,) bool."""
        found = np.zeros(len(self), dtype=bool)
        for language in self.languages:
            keys = [text and text_key(text) for text in self.column("sentence", language)]
            held = {key for key, inside in zip(keys, chosen, strict=True) if inside and key}
            found |= np.array([key in held for key in keys], dtype=bool)
        return found


def _ordered(names: Iterable[str]) -> list[str]:
    """One order of columns, however a table came about."""
    return [*_KEYS, *sorted(set(names) - set(_KEYS))]


def _check_ids(pairs: Iterable[tuple[str, str]]) -> None:
    seen: set[tuple[str, str]] = set()
    for source, row_id in pairs:
        if not row_id:
            raise HybridBenchError(f"a row of {source or 'the training data'} has no id", "Give every row its own id.")
        if (source, row_id) in seen:
            raise HybridBenchError(f"{source} has two rows with the id {row_id!r}", "Give every row its own id.")
        seen.add((source, row_id))
