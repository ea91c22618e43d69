"""The result record: its schema, writing and reading."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator

from hybrid_bench.datasets.images import Modality
from hybrid_bench.datasets.settings import Attribute, Setting, SettingKind
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.results import runs as trec
from hybrid_bench.results.ranks import Ranks
from hybrid_bench.results.schema_1 import converted
from hybrid_bench.support import atomic

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 2


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Attributes(_Strict):
    """What the queries of a query set, or the passages of a collection, have in common."""

    language: str | None = None
    domain: str | None = None
    modality: Modality = "text"


class Score(_Strict):
    """One measure in one setting, averaged over its queries."""

    suite: str
    setting: SettingKind
    query_set: str
    pool: str
    measure: str
    value: float = Field(allow_inf_nan=False)
    queries: int = Field(ge=1)


class RanksFile(_Strict):
    """The ranks that the scores were computed from, in a file beside the result."""

    file: str = Field(pattern=r"^[^/\\]+\.ranks\.tsv\.gz$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class RunFile(_Strict):
    """A TREC run that scores were computed from, in the folder ``<stem>.runs`` beside the result."""

    query_set: str
    pool: str
    file: str = Field(pattern=r"^[^/\\]+\.trec\.gz$")
    #: of the uncompressed run
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Provenance(_Strict):
    """What has to be the same to get the same scores."""

    command: str
    versions: dict[str, str]
    fingerprint: str
    #: collection to the hash of what was encoded, see :func:`hybrid_bench.datasets.hashes.items_hash`
    passages: dict[str, str]
    #: query set to the hash of the queries that count
    queries: dict[str, str]
    passage_text: str
    #: what vectors were computed in
    dtype: str
    device: str
    #: number format of the passages' vectors on disk, where it is not that of the computation
    storage: Literal["fp16", "fp32"] | None = None
    ties: str = "score as float32 descending, then document id descending"
    #: passages retrieved for a query at most; None: the whole pool was ranked
    depth: int | None = Field(default=None, ge=1)
    #: whether the passage with the query's id was left out of what the query finds, see :class:`hybrid_bench.Suite`
    drops_own: bool = False


def file_stem(name: str, passage_text: str, dtype: str) -> str:
    """The name of a result's files without their endings: the encoder, and what differs from the defaults.

    Args:
        name: of the encoder or searcher.
        passage_text: what was read of a passage.
        dtype: what was computed in.
    """
    parts = [name.replace("/", "__")]
    parts += [passage_text] if passage_text != "sentence" else []
    parts += [dtype] if dtype != "fp32" else []
    return ".".join(parts)


def runs_folder(results: Path, suite: str, stem: str) -> Path:
    """Where the runs of a result are: ``<results>/<suite>/<stem>.runs``."""
    return results / suite.replace("/", "__") / f"{stem}.runs"


class Result(_Strict):
    """One encoder or searcher on one suite.

    The same inputs give the same file, byte for byte, except for ``timings``.
    """

    schema_version: Literal[2] = 2
    suite: str
    encoder: dict[str, Any]
    primary: str
    notes: tuple[str, ...] = ()
    query_sets: dict[str, Attributes]
    collections: dict[str, Attributes]
    #: pool of several collections to their names
    pools: dict[str, tuple[str, ...]] = {}
    provenance: Provenance
    rows: tuple[Score, ...]
    ranks_file: RanksFile | None = None
    runs: tuple[RunFile, ...] = ()
    #: phase to seconds of wall time
    timings: dict[str, float] = {}

    _ranks: Ranks | None = PrivateAttr(default=None)
    _folder: Path | None = PrivateAttr(default=None)

    @field_validator("encoder")
    @classmethod
    def _named(cls, encoder: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(encoder.get("name"), str) or not encoder["name"]:
            raise ValueError("its name is missing or not a text")
        return encoder

    @property
    def name(self) -> str:
        """The encoder's name."""
        return str(self.encoder["name"])

    @property
    def stem(self) -> str:
        """See :func:`file_stem`."""
        return file_stem(self.name, self.provenance.passage_text, self.provenance.dtype)

    @property
    def settings(self) -> tuple[Setting, ...]:
        """The settings that were scored, in the order of the rows."""
        return tuple(dict.fromkeys(Setting(row.query_set, row.pool, row.setting) for row in self.rows))

    def groups(self, attribute: Attribute) -> dict[str, str | None]:
        """Collection to its language or domain."""
        return {name: getattr(of, attribute) for name, of in self.collections.items()}

    @property
    def run_files(self) -> Mapping[Setting, Path]:
        """Setting to the run that its scores were computed from; empty if there are none, or the result was not read."""
        if self._folder is None:
            return {}
        folder = self._folder / f"{self.stem}.runs"
        early = self._folder / f"{self.name.replace('/', '__')}.runs"  # of schema version 1, whatever was computed in
        folder = folder if folder.exists() or not early.exists() else early
        kinds = {(setting.query_set, setting.pool): setting for setting in self.settings}
        found = ((kinds.get((run.query_set, run.pool)), folder / run.file) for run in self.runs)
        return {setting: path for setting, path in found if setting is not None}

    @property
    def run_hashes(self) -> Mapping[Setting, str]:
        """Setting to the sha256 of its uncompressed run."""
        hashes = {(run.query_set, run.pool): run.sha256 for run in self.runs}
        pairs = ((setting, hashes.get((setting.query_set, setting.pool))) for setting in self.settings)
        return {setting: sha256 for setting, sha256 in pairs if sha256 is not None}

    def damaged_runs(self) -> list[Setting]:
        """The settings whose run beside the result is missing, truncated, or not the one that was scored."""
        hashes = self.run_hashes
        return [setting for setting, path in self.run_files.items() if trec.digest(path) != hashes[setting]]

    @property
    def scores(self) -> pd.DataFrame:
        """Long-form scores: suite, setting, query_set, pool, measure, value, queries."""
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
                    "Run the evaluation again; runs that are cut at a depth, as those of large collections, have none.",
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
        """Whether :attr:`ranks` are available, in memory or in a file beside the result."""
        return self._ranks is not None or self.ranks_file is not None

    def holding(self, ranks: Ranks) -> Result:
        """The same result with ranks in memory alone: it names no file of them, and none is written."""
        result = self.model_copy()
        result._ranks = ranks
        return result

    def matrix(self, measure: str | None = None) -> pd.DataFrame:
        """Heat-map data: query sets by pools, of one measure."""
        chosen = self.scores[self.scores["measure"] == (measure or self.primary)]
        if chosen.empty:
            known = ", ".join(sorted({row.measure for row in self.rows}))
            raise HybridBenchError(f"the result has no measure {measure or self.primary!r}", f"It has: {known}.")
        return chosen.pivot(index="query_set", columns="pool", values="value")

    def to_json(self) -> str:
        """The file's text, one score a line."""
        fields = self.model_dump(mode="json")
        rows, timings, runs = fields.pop("rows"), fields.pop("timings"), fields.pop("runs")
        for name in ("query_sets", "collections"):
            fields[name] = {of: {k: v for k, v in one.items() if v is not None} for of, one in fields[name].items()}
        head = json.dumps(fields, indent=1, ensure_ascii=False)[:-2]
        parts = [f'{head},\n "rows": [\n{_lines(rows)}\n ]']
        parts += [f' "runs": [\n{_lines(runs)}\n ]'] if runs else []
        parts += [f' "timings": {json.dumps(timings)}\n}}\n']
        return ",\n".join(parts)

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
        """Read and check a result; one of schema version 1 is converted.

        Raises:
            HybridBenchError: if it is missing, not a result, or of a newer schema.
        """
        path = Path(path)
        fields = read_fields(path)
        if fields["schema_version"] == 1:
            fields = converted(fields, path)
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


def _lines(records: list[dict[str, Any]]) -> str:
    return ",\n".join("  " + json.dumps(record, ensure_ascii=False) for record in records)


def read_fields(path: Path) -> dict[str, Any]:
    """The content of a result's file, of a schema version that this version reads."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise HybridBenchError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise HybridBenchError(f"{path} is not JSON: {error}", "It may be truncated; run the evaluation again.") from error
    version = fields.get("schema_version") if isinstance(fields, dict) else None
    if not isinstance(version, int):
        raise HybridBenchError(f"{path} is not a result of hybrid-bench: it has no schema_version")
    if version > SCHEMA_VERSION:
        raise HybridBenchError(
            f"{path} has schema version {version}; this version of hybrid-bench reads up to {SCHEMA_VERSION}",
            "Run: python -m pip install --upgrade hybrid-bench",
        )
    return fields  # type: ignore[no-any-return]
