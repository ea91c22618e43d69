"""The parts of a result record: attributes, scores, the files beside it, provenance."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from hybrid_bench.datasets.images import Modality
from hybrid_bench.datasets.settings import SettingKind


class Strict(BaseModel):
    """A record that is written: unknown fields and numbers that are not finite are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


#: What the names of a result's files hold beside the encoder's.
PartOfName = Annotated[str, Field(pattern=r"^[^/\\\x00-\x1f]{0,30}$")]


class Attributes(Strict):
    """What the queries of a query set, or the passages of a collection, have in common."""

    #: BCP-47 tag
    language: str | None = None
    #: name of the domain
    domain: str | None = None
    #: what the items are
    modality: Modality = "text"


class Score(Strict):
    """One measure in one setting, averaged over its queries."""

    #: name of the suite
    suite: str
    #: kind of the setting
    setting: SettingKind
    #: what is asked
    query_set: str
    #: what is searched
    pool: str
    #: as ir_measures writes it, or a measure of bias
    measure: str
    #: the mean over the queries
    value: float
    #: how many queries the mean is over
    queries: int = Field(ge=1, lt=2**53)


class RanksFile(Strict):
    """The ranks that the scores were computed from, in a file beside the result."""

    #: its name
    file: str = Field(pattern=r"^[^/\\\x00-\x1f]+\.ranks\.tsv\.gz$")
    #: of the file
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class RunFile(Strict):
    """A TREC run that scores were computed from, in the folder ``<stem>.runs`` beside the result."""

    #: what is asked
    query_set: str
    #: what is searched
    pool: str
    #: its name
    file: str = Field(pattern=r"^[^/\\\x00-\x1f]+\.trec\.gz$")
    #: of the uncompressed run
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Provenance(Strict):
    """What has to be the same to get the same scores."""

    #: makes the result again
    command: str
    #: package to version
    versions: dict[str, str]
    #: hash of the weights and of all that vectors depend on
    fingerprint: str
    #: collection to the hash of what was encoded, see :func:`hybrid_bench.datasets.hashes.items_hash`
    passages: dict[str, str]
    #: query set to the hash of the queries that count
    queries: dict[str, str]
    #: query set to the hash of its relevant passages and their grades; empty in results of earlier versions
    judgements: dict[str, str] = Field(default_factory=dict)
    #: digest of everything that scores depend on; empty in results of earlier versions
    identity: str = ""
    #: what the encoder read of a passage
    passage_text: PartOfName
    #: what vectors were computed in
    dtype: PartOfName
    #: what vectors were computed on
    device: str
    #: number format of the passages' vectors on disk, where it is not that of the computation
    storage: Literal["fp16", "fp32"] | None = None
    #: the order of passages with equal scores
    ties: str = "score as float32 descending, then document id descending"
    #: passages retrieved for a query at most; None: the whole pool was ranked
    depth: int | None = Field(default=None, ge=1)
    #: whether the passage with the query's id was left out of what the query finds, see :class:`hybrid_bench.Suite`
    drops_own: bool = False
