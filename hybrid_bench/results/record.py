"""The result record: its schema, writing and reading."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, PrivateAttr, ValidationError, field_validator, model_validator

from hybrid_bench.datasets.settings import Attribute, Setting
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.results import runs as trec
from hybrid_bench.results.files import file_stem, free_variant, identity_of, is_taken, name_problem, read_fields, suite_folder
from hybrid_bench.results.json_text import DEEPEST, is_deeper, json_text
from hybrid_bench.results.parts import Attributes, Provenance, RanksFile, RunFile, Score, Strict
from hybrid_bench.results.ranks import Ranks
from hybrid_bench.results.schema_1 import converted
from hybrid_bench.support import atomic, lazy_exports

if TYPE_CHECKING:
    import pandas as pd


class Result(Strict):
    """One encoder or searcher on one suite.

    The same inputs give the same file, byte for byte, except for ``timings``.
    """

    #: of this form of the file
    schema_version: Literal[2] = 2
    #: the suite's name, with its restrictions: ``mini+de+en``
    suite: str
    #: the card of the encoder, or what identifies a searcher; ``name`` is always there
    encoder: dict[str, Any]
    #: end of the files' names, where another result has the usual name
    variant: str = Field(default="", pattern=r"^([0-9a-f]{8}|[0-9a-f]{16})?$")
    #: the measure that a summary shows
    primary: str
    #: what a reader of the scores has to know
    notes: tuple[str, ...] = ()
    #: query set to what its queries have in common
    query_sets: dict[str, Attributes]
    #: collection to what its passages have in common
    collections: dict[str, Attributes]
    #: pool of several collections to their names
    pools: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    #: what has to be the same to get the same scores
    provenance: Provenance
    #: the scores
    rows: tuple[Score, ...]
    #: the ranks of the relevant passages; none if the suite was searched to a depth
    ranks_file: RanksFile | None = None
    #: the runs that scores were computed from, of large suites
    runs: tuple[RunFile, ...] = ()
    #: phase to seconds of wall time
    timings: dict[str, float] = Field(default_factory=dict)

    _ranks: Ranks | None = PrivateAttr(default=None)
    _path: Path | None = PrivateAttr(default=None)

    @field_validator("encoder")
    @classmethod
    def _described(cls, encoder: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(encoder.get("name"), str):
            raise ValueError("its name is missing or not a text")
        if problem := name_problem(encoder["name"]):
            raise ValueError(problem)
        if is_deeper(encoder, DEEPEST):
            raise ValueError(f"it is nested more than {DEEPEST} deep")
        return encoder

    @field_validator("suite")
    @classmethod
    def _named(cls, suite: str) -> str:
        if problem := name_problem(suite):
            raise ValueError(problem)
        return suite

    @model_validator(mode="after")
    def _consistent(self) -> Result:
        scores = Counter((row.query_set, row.pool, row.measure) for row in self.rows)
        if len(scores) < len(self.rows):
            query_set, pool, measure = scores.most_common(1)[0][0]
            raise ValueError(f"two scores are of {measure!r} in {query_set!r} on {pool!r}")
        if len({setting[:2] for setting in self.settings}) < len(self.settings):
            raise ValueError("a query set on a pool has two kinds of setting")
        if self.primary not in {measure for _, _, measure in scores}:
            raise ValueError(f"no score is of its primary measure {self.primary!r}")
        return self

    @property
    def name(self) -> str:
        """The encoder's name."""
        return str(self.encoder["name"])

    @property
    def stem(self) -> str:
        """See :func:`hybrid_bench.results.files.file_stem`."""
        return file_stem(self.name, self.provenance.passage_text, self.provenance.dtype, self.variant)

    @property
    def identity(self) -> str:
        """Two results with the same identity have the same scores, up to rounding on another machine."""
        return self.provenance.identity or identity_of(json.loads(self.to_json()))

    @property
    def path(self) -> Path | None:
        """The file that the result was read from; None if it was computed."""
        return self._path

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
        if self._path is None:
            return {}
        folder = self._path.with_name(f"{self.stem}.runs")
        early = self._path.with_name(f"{self.name.replace('/', '__')}.runs")  # of schema version 1, whatever was computed in
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
            if self.ranks_file is None or self._path is None:
                raise HybridBenchError(
                    f"the result of {self.name} on {self.suite} has no ranks",
                    "Run the evaluation again; runs that are cut at a depth, as those of large collections, have none.",
                )
            self._ranks = Ranks.read(self._path.with_name(self.ranks_file.file), self.ranks_file.sha256)
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
        """Heat-map data: query sets by pools, of one measure.

        Args:
            measure: as the scores name it; by default the suite's primary measure.

        Returns:
            (query sets, pools) the value of each setting; NaN where a query set is not asked on a pool.

        Raises:
            HybridBenchError: if the result does not have the measure.
        """
        chosen = self.scores[self.scores["measure"] == (measure or self.primary)]
        if chosen.empty:
            known = ", ".join(sorted({row.measure for row in self.rows}))
            raise HybridBenchError(f"the result has no measure {measure or self.primary!r}", f"It has: {known}.")
        return chosen.pivot(index="query_set", columns="pool", values="value")

    if TYPE_CHECKING:

        def per_query(self, measures: Sequence[str] = ()) -> pd.DataFrame:
            """See :func:`hybrid_bench.measures.per_query.per_query`."""

    else:
        per_query = lazy_exports.method("hybrid_bench.measures.per_query:per_query")

    def __repr__(self) -> str:
        """What it is of; :attr:`scores` has its content."""
        return f"<Result of {self.name} on {self.suite}: {len(self.rows)} scores>"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """The tables that ``evaluate`` prints, for notebooks."""
        from hybrid_bench.results.tables import html

        return html(self)

    def __eq__(self, other: object) -> bool:
        """Whether everything that is written is equal, and ranks that are only held in memory; not where it was read from."""
        if not isinstance(other, Result) or self.to_json() != other.to_json():
            return False
        return self.ranks_file is not None or self._ranks == other._ranks

    def __hash__(self) -> int:
        return hash(self.to_json())

    def to_json(self) -> str:
        """The file's text, one score a line."""
        return json_text(self.model_dump(mode="json"))

    def save(self, folder: Path | str = "results", *, overwrite: bool = False) -> Path:
        """Write ``<folder>/<suite>/<encoder>.json`` and the ranks beside it.

        A result of the same name but another identity is kept: this one's files are then named ``<encoder>.<variant>``.

        Args:
            folder: of results.
            overwrite: replace a result of the same name, whatever it is of.

        Returns:
            The path of the result.
        """
        target = suite_folder(Path(folder), self.suite)
        target.mkdir(parents=True, exist_ok=True)
        saved = self
        if not overwrite and is_taken(target / f"{self.stem}.json", self.identity):
            usual = file_stem(self.name, self.provenance.passage_text, self.provenance.dtype)
            saved = self._as_variant(free_variant(target, usual, self.identity), target)
        path = target / f"{saved.stem}.json"
        with contextlib.ExitStack() as stack:
            if saved.ranks_file is not None:  # renamed once the result is written: a full disk leaves both as they were
                ranks = stack.enter_context(atomic.writing(target / saved.ranks_file.file))
                ranks.write_bytes(saved.ranks.to_bytes())
            atomic.write(path, saved.to_json().encode())
        return path

    def _as_variant(self, variant: str, target: Path) -> Result:
        """The same result under another name; its runs in the folder are renamed too."""
        result = self.model_copy(update={"variant": variant})
        if self.runs and (runs := target / f"{self.stem}.runs").exists():
            runs.rename(target / f"{result.stem}.runs")
        return result.with_ranks(self.ranks) if self.ranks_file is not None else result

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
            where = ".".join(map(str, first["loc"])) or "result"
            found = f"{where if where.isprintable() else ascii(where)}: {first['msg']} ({error.error_count()} findings)"
            raise HybridBenchError(
                f"{path} is not a valid result: {found}", "Correct it, or run the evaluation again."
            ) from error
        result._path = path
        return result
