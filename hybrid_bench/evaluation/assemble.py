"""Assembly of a result from what a searcher found on a suite; every result is made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from hybrid_bench.datasets import limit
from hybrid_bench.datasets.parts import Collection, QuerySet
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.measures.mean_recall import mean_recall_rows
from hybrid_bench.results.parts import Attributes, Provenance, RunFile, Score
from hybrid_bench.results.ranks import Ranks
from hybrid_bench.results.record import Result
from hybrid_bench.support import versions

#: How equal scores are ordered unless a searcher does otherwise.
TIES = "score as float32 descending, then document id descending"


@dataclass(frozen=True)
class SearcherIdentity:
    """What a result states of the encoder or searcher.

    Attributes:
        card: ``name``, and everything else that scores depend on.
        fingerprint: two searchers that give different runs differ in it.
        versions: of software beyond what every result names.
        passage_text: the part of a passage that was read.
        dtype: compute dtype of vectors.
        device: compute device.
        storage: number format of vectors on disk, where it is not that of the computation.
        ties: how equal scores were ordered, before they were cut at the depth.
    """

    card: Mapping[str, Any]
    fingerprint: str
    versions: Mapping[str, str] = field(default_factory=dict)
    passage_text: str = "sentence"
    dtype: str = "fp32"
    device: str = "cpu"
    storage: Literal["fp16", "fp32"] | None = None
    ties: str = TIES

    @property
    def name(self) -> str:
        """The name on the card."""
        return str(self.card["name"])


@dataclass(frozen=True)
class Evidence:
    """What a searcher found, scored.

    Attributes:
        rows: scores, setting by setting.
        notes: what a reader of them has to know.
        passages: collection to the hash of its passages.
        queries: query set to the hash of the queries that count.
        ranks: of the relevant passages, where they are known.
        write_ranks: whether they are written beside the result.
        runs: the runs that the scores were computed from.
        depth: passages retrieved for a query at most; None if whole pools were ranked.
        timings: phase to seconds.
        judgements: query set to the hash of its relevant passages.
    """

    rows: Sequence[Score]
    notes: Sequence[str]
    passages: Mapping[str, str]
    queries: Mapping[str, str]
    ranks: Ranks | None = None
    write_ranks: bool = True
    runs: Sequence[RunFile] = ()
    depth: int | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    judgements: Mapping[str, str] = field(default_factory=dict)


def assemble(
    suite: Suite, searcher: SearcherIdentity, evidence: Evidence, *, command: str, identity: str = "", variant: str = ""
) -> Result:
    """Make a result.

    Args:
        suite: that was searched, restricted to the languages that were evaluated.
        searcher: that searched it.
        evidence: what it found.
        command: the command line that makes the result again.
        identity: digest of everything that scores depend on.
        variant: end of its files' names, where another result has the usual name.
    """
    rows = [*evidence.rows, *mean_recall_rows(suite, evidence.rows)]
    measures = list(dict.fromkeys(row.measure for row in rows))
    result = Result(
        suite=suite.name,
        encoder=dict(searcher.card),
        variant=variant,
        primary=suite.primary if suite.primary in measures else measures[0],
        notes=(*limit.note(suite), *evidence.notes),
        query_sets={of.name: _attributes(of) for of in suite.query_sets},
        collections={of.name: _attributes(of) for of in suite.collections},
        pools={name: tuple(inside) for name, inside in suite.pools.items()},
        provenance=Provenance(
            command=command,
            versions=versions.of_everything() | dict(searcher.versions),
            fingerprint=searcher.fingerprint,
            passages=dict(evidence.passages),
            queries=dict(evidence.queries),
            judgements=dict(evidence.judgements),
            identity=identity,
            passage_text=searcher.passage_text,
            dtype=searcher.dtype,
            device=searcher.device,
            storage=searcher.storage,
            ties=searcher.ties,
            depth=evidence.depth,
            drops_own=suite.drops_own,
        ),
        rows=tuple(rows),
        runs=tuple(evidence.runs),
        timings=dict(evidence.timings),
    )
    if evidence.ranks is None:
        return result
    return result.with_ranks(evidence.ranks) if evidence.write_ranks else result.holding(evidence.ranks)


def _attributes(of: QuerySet | Collection) -> Attributes:
    return Attributes(language=of.language, domain=of.domain, modality=of.modality)
