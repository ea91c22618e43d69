"""The result record: its schema, writing and reading."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from hybrid_bench.datasets.settings import SettingKind
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.results.ranks import Ranks
from hybrid_bench.support import atomic

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

SCHEMA_VERSION = 1


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Score(_Strict):
    """One measure in one setting, averaged over its queries."""

    suite: str
    setting: SettingKind
    query_language: str
    pool: str
    measure: str
    value: float = Field(allow_inf_nan=False)
    queries: int = Field(ge=1)


class RanksFile(_Strict):
    """The ranks that the scores were computed from, in a file beside the result."""

    file: str = Field(pattern=r"^[^/\\]+\.ranks\.tsv\.gz$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Provenance(_Strict):
    """What has to be the same to get the same scores."""

    command: str
    versions: dict[str, str]
    fingerprint: str
    #: language to sha256 of what was encoded of it, see :func:`hybrid_bench.support.hashing.texts_hash`
    passages: dict[str, str]
    queries: dict[str, str]
    passage_text: str
    dtype: str
    device: str
    ties: str = "score as float32 descending, then document id descending"
    depth: str = "the whole pool"


class Result(_Strict):
    """One encoder on one suite.

    The same inputs give the same file, byte for byte, but for ``timings``.
    """

    schema_version: Literal[1] = 1
    suite: str
    encoder: dict[str, Any]
    primary: str
    notes: tuple[str, ...] = ()
    provenance: Provenance
    rows: tuple[Score, ...]
    ranks_file: RanksFile | None = None
    #: "<query language>:<pool>" to sha256 of the uncompressed run in the folder ``<stem>.runs`` beside the result
    runs: dict[str, str] = {}
    #: phase to seconds of wall time
    timings: dict[str, float] = {}

    _ranks: Ranks | None = PrivateAttr(default=None)
    _folder: Path | None = PrivateAttr(default=None)

    @property
    def name(self) -> str:
        """The encoder's name."""
        return str(self.encoder["name"])

    @property
    def stem(self) -> str:
        """The file's name without its ending: the encoder, and whatever was chosen other than by default."""
        parts = [self.name.replace("/", "__")]
        if self.provenance.passage_text != "sentence":
            parts.append(self.provenance.passage_text)
        if self.provenance.dtype != "fp32":
            parts.append(self.provenance.dtype)
        return ".".join(parts)

    @property
    def runs_folder(self) -> Path | None:
        """Where the runs are that the scores were computed from; None if there are none, or the result was not read."""
        return self._folder / f"{self.stem}.runs" if self.runs and self._folder else None

    @property
    def scores(self) -> pd.DataFrame:
        """Long-form scores: suite, setting, query_language, pool, measure, value, queries."""
        import pandas as pd

        return pd.DataFrame([row.model_dump() for row in self.rows], columns=list(Score.model_fields))

    @property
    def ranks(self) -> Ranks:
        """The ranks of the relevant passages, read from the file beside the result at first use.

        Raises:
            HybridBenchError: if the result has none, or the file is missing or another one.
        """
        if self._ranks is None:
            if self.ranks_file is None or self._folder is None:
                raise HybridBenchError(
                    f"the result of {self.name} on {self.suite} has no ranks",
                    "Evaluate it again; runs that are cut, as those of large collections are, have none.",
                )
            self._ranks = Ranks.read(self._folder / self.ranks_file.file, self.ranks_file.sha256)
        return self._ranks

    def with_ranks(self, ranks: Ranks) -> Result:
        """The same result that names these ranks."""
        content = ranks.to_bytes()
        named = RanksFile(file=f"{self.stem}.ranks.tsv.gz", sha256=hashlib.sha256(content).hexdigest())
        result = self.model_copy(update={"ranks_file": named})
        result._ranks = ranks
        return result

    @property
    def has_ranks(self) -> bool:
        """Whether :attr:`ranks` are there, in memory or in a file beside the result."""
        return self._ranks is not None or self.ranks_file is not None

    def holding(self, ranks: Ranks) -> Result:
        """The same result with ranks in memory alone: it names no file of them, and none is written."""
        result = self.model_copy()
        result._ranks = ranks
        return result

    def matrix(self, measure: str | None = None) -> pd.DataFrame:
        """Heat-map data: query languages by pools, of one measure."""
        chosen = self.scores[self.scores["measure"] == (measure or self.primary)]
        if chosen.empty:
            known = ", ".join(sorted({row.measure for row in self.rows}))
            raise HybridBenchError(f"the result has no measure {measure or self.primary!r}", f"It has: {known}.")
        return chosen.pivot(index="query_language", columns="pool", values="value")

    def table(self) -> Table:
        """The summary, for a terminal: every setting and every language."""
        from hybrid_bench.results.tables import languages

        return languages(self)

    def to_json(self) -> str:
        """The file's text, one score a line."""
        fields = self.model_dump(mode="json")
        rows = fields.pop("rows")
        timings = fields.pop("timings")
        if not self.runs:
            del fields["runs"]
        head = json.dumps(fields, indent=1, ensure_ascii=False)[:-2]
        body = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
        return f'{head},\n "rows": [\n{body}\n ],\n "timings": {json.dumps(timings)}\n}}\n'

    def save(self, folder: Path | str = "results") -> Path:
        """Write ``<folder>/<suite>/<encoder>.json`` and the ranks beside it; returns the path of the result."""
        target = Path(folder) / self.suite.replace("/", "__")
        target.mkdir(parents=True, exist_ok=True)
        if self._ranks is not None and self.ranks_file is not None:
            atomic.write(target / self.ranks_file.file, self._ranks.to_bytes())
        path = target / f"{self.stem}.json"
        atomic.write(path, self.to_json().encode())
        return path

    @classmethod
    def read(cls, path: Path | str) -> Result:
        """Read and check a result.

        Raises:
            HybridBenchError: if it is missing, not a result, or of a newer schema.
        """
        path = Path(path)
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise HybridBenchError(f"cannot read {path}: {error.strerror}") from error
        except ValueError as error:
            raise HybridBenchError(f"{path} is not JSON: {error}", "Is it whole? Evaluate again to make it anew.") from error
        version = fields.get("schema_version") if isinstance(fields, dict) else None
        if not isinstance(version, int):
            raise HybridBenchError(f"{path} is not a result of hybrid-bench: it has no schema_version")
        if version > SCHEMA_VERSION:
            raise HybridBenchError(
                f"{path} has schema version {version}; this version of hybrid-bench reads up to {SCHEMA_VERSION}",
                "Run: python -m pip install --upgrade hybrid-bench",
            )
        try:
            result = cls.model_validate(fields)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise HybridBenchError(
                f"{path} is not a valid result: {where}: {first['msg']} ({error.error_count()} findings)"
            ) from error
        result._folder = path.parent
        return result
