"""Writing the folder of a new submission."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.submissions.checksums import seal
from hybrid_bench.submissions.format import rank_table, schema
from hybrid_bench.submissions.format.rank_table import RankTable


@dataclass(frozen=True)
class PackedSuite:
    """One suite of a new submission.

    Attributes:
        name: the suite.
        table: its ranks.
        entry: the fields of its ``SuiteEntry`` in submission.toml.
        vectors: the vectors file, outside the submission's folder; None without vectors.
        largest: (score, difference) of the mean score that differs most from the evaluation that was packed; None if there
            is nothing to compare.
    """

    name: str
    table: RankTable
    entry: dict[str, Any]
    vectors: Path | None = None
    largest: tuple[str, float] | None = None


@dataclass(frozen=True)
class Packed:
    """A submission that was written.

    Attributes:
        folder: its folder.
        suites: its suites.
        missing: the fields of the card that still have to be filled in.
    """

    folder: Path
    suites: list[PackedSuite]
    missing: list[str]


def new(out: Path, org: str, name: str, revision: str) -> Path:
    """The path of a new submission's folder.

    Raises:
        HybridBenchError: if it exists already, or a name is invalid.
    """
    for what, value in (("org", org), ("name", name), ("revision", revision)):
        if not schema.is_name(value):
            raise HybridBenchError(
                f"{value!r} is not a valid {what} of a submission",
                f"Set --{what} to up to 64 letters, digits, '.', '_', '+' and '-', without '__' and '..'.",
            )
    folder = out / f"{org}__{name}" / revision
    if folder.exists():
        raise HybridBenchError(f"{folder} exists already", "A revision does not change; choose another with --revision.")
    return folder


def write(folder: Path, card: Mapping[str, Any], packed: Sequence[PackedSuite]) -> None:
    """Write the folder of a submission atomically.

    Args:
        folder: ``.../<org>__<name>/<revision>``, must not exist.
        card: the fields of the card.
        packed: the suites.
    """
    org, _, name = folder.parent.name.partition("__")
    head = {"format": schema.FORMAT, "org": org, "name": name, "revision": folder.name}
    text = [_lines(head), "\n[card]\n", _lines(card)]
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    try:
        for part in packed:
            (unfinished / f"{schema.stem(part.name)}{rank_table.SUFFIX}").write_bytes(part.table.to_bytes())
            plain = {key: value for key, value in part.entry.items() if not isinstance(value, dict)}
            text += [f"\n[suites.{json.dumps(part.name)}]\n", _lines(plain)]
            for key, value in part.entry.items():
                if isinstance(value, dict):
                    text += [f"\n[suites.{json.dumps(part.name)}.{key}]\n", _lines(value)]
        (unfinished / schema.FILE).write_text("".join(text), encoding="utf-8")
        seal(unfinished)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _lines(fields: Mapping[str, Any]) -> str:
    """Fields as TOML; texts, numbers and lists are written as in JSON."""
    return "".join(f"{_key(key)} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in fields.items())


def _key(key: str) -> str:
    return key if key.replace("_", "").isalnum() and key.isascii() else json.dumps(key)
