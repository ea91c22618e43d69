"""The identity of a result, known before anything is computed, and the place of its files."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybrid_bench.datasets.settings import Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.evaluation.assemble import SearcherIdentity
from hybrid_bench.results.files import file_stem, free_variant, name_problem, suite_folder
from hybrid_bench.results.record import Result

#: What a card says of an encoder that changes no vector; its fingerprint identifies its weights.
_DESCRIPTION = frozenset(
    {
        "name", "description", "model", "revision", "base", "dimension", "parameters", "licence", "languages",
        "tuned_languages", "training_data", "trained_on_suites", "url", "citation",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Data:
    """The content of a suite, by hashes: collection to that of its passages, query set to those of its queries and judgements."""

    passages: Mapping[str, str]
    queries: Mapping[str, str]
    judgements: Mapping[str, str]


def digest(
    suite: Suite,
    searcher: SearcherIdentity,
    data: Data,
    *,
    settings: Sequence[Setting],
    measures: Sequence[str] = (),
    depth: int | None = None,
) -> str:
    """sha256 of everything that scores depend on; names and descriptions are not in it.

    Of versions, those that the searcher states are: of software that decides what is found, such as an index.

    Args:
        suite: restricted to the languages that are evaluated.
        searcher: that searches it.
        data: the suite's content.
        settings: that are searched.
        measures: that are computed.
        depth: passages of a query in runs, at most.
    """
    stated: dict[str, Any] = dataclasses.asdict(data) | {
        "card": {name: value for name, value in searcher.card.items() if name not in _DESCRIPTION},
        "fingerprint": searcher.fingerprint,
        "versions": dict(searcher.versions),
        "passage_text": searcher.passage_text,
        "dtype": searcher.dtype,
        "device": searcher.device.partition(":")[0],
        "storage": searcher.storage,
        "ties": searcher.ties,
        "pools": suite.pools,
        "drops_own": suite.drops_own,
        "settings": [list(setting) for setting in settings],
        "measures": sorted(measures),
        "depth": depth,
    }
    return hashlib.sha256(json.dumps(stated, sort_keys=True, default=str).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Target:
    """Where a result goes.

    Attributes:
        identity: of the result, see :func:`digest`.
        stem: of its files' names.
        variant: the end of the stem, where another result has the usual name.
        done: the result, if it is there already.
        damaged: whether it is there, and some of its ranks or runs are missing or damaged.
    """

    identity: str
    stem: str
    variant: str = ""
    done: Result | None = None
    damaged: bool = False


def target(
    results: Path | None,
    suite: Suite,
    searcher: SearcherIdentity,
    identity: str,
    *,
    overwrite: bool = False,
    keep: Collection[Path] = (),
) -> Target:
    """Find where a result goes, and whether it is there.

    Args:
        results: folder of results; None: the result is not looked for.
        suite: that is evaluated.
        searcher: that is evaluated.
        identity: of the result.
        overwrite: take the usual name, and compute the result again.
        keep: files that are not replaced all the same.

    Raises:
        HybridBenchError: if the name of the searcher or of the suite cannot be that of a file.
    """
    for what, name in (("encoder or run", searcher.name), ("suite", suite.name)):
        if problem := name_problem(name):
            raise HybridBenchError(f"the {what} {name[:60]!a} cannot have results: {problem}", "Choose another name.")
    named = searcher.name, searcher.passage_text, searcher.dtype
    stem = file_stem(*named)
    if results is None:
        return Target(identity, stem)
    folder = suite_folder(results, suite.name)
    if overwrite and folder / f"{stem}.json" not in keep:
        return Target(identity, stem)
    variant = free_variant(folder, stem, identity)
    stem = file_stem(*named, variant)
    path = folder / f"{stem}.json"
    done = _whole(path) if path.exists() else None
    return Target(identity, stem, variant, done, path.exists() and done is None)


def _whole(path: Path) -> Result | None:
    """The result in a file, with its ranks and runs; None if anything of it is missing or damaged."""
    try:
        result = Result.read(path)
        if result.ranks_file is not None:
            _ = result.ranks
    except HybridBenchError:
        return None
    return None if result.damaged_runs() else result


def renamed(searcher: SearcherIdentity, name: str) -> SearcherIdentity:
    """The same searcher by another name; unchanged if there is none.

    Raises:
        HybridBenchError: if an encoder cannot have this name.
    """
    if not name:
        return searcher
    EncoderCard.parse({"name": name, "backend": "static"}, f"--name {name!r}")
    return dataclasses.replace(searcher, card={**searcher.card, "name": name})


def difference(path: Path, result: Result) -> str:
    """What the result in a file differs in from another of the same name, in words."""
    try:
        other = Result.read(path)
    except HybridBenchError:
        return "it is not a result that can be read"
    of_cards = [name for name in {*result.encoder, *other.encoder} if result.encoder.get(name) != other.encoder.get(name)]
    parts = [("weights", "fingerprint"), ("passages", "passages"), ("queries", "queries"), ("judgements", "judgements")]
    parts += [(name, name) for name in ("device", "storage", "depth", "ties", "drops_own")]
    found = [what for what, name in parts if getattr(result.provenance, name) != getattr(other.provenance, name)]
    found += sorted(name for name in of_cards if name not in _DESCRIPTION)
    found += ["measures"] if {row.measure for row in result.rows} != {row.measure for row in other.rows} else []
    found += ["settings"] if set(result.settings) != set(other.settings) else []
    return f"it is of other {', '.join(found or ['options or an earlier version'])}"
