"""Small results that were not computed: one of today's schema, and files as schema version 1 wrote them."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hybrid_bench import Result
from hybrid_bench.results.parts import Attributes, Provenance, Score
from hybrid_bench.results.ranks import QuerySetRanks, Ranks

#: (query set, pool, measure) to value, of two languages, a third collection, and a pool of all.
VALUES = {
    ("de", "de", "AP"): 0.5, ("de", "en", "AP"): 0.25, ("de", "th", "AP"): 0.125, ("de", "all", "AP"): 0.0625,
    ("en", "de", "AP"): 0.375, ("en", "en", "AP"): 0.75, ("en", "th", "AP"): 0.25, ("en", "all", "AP"): 0.5,
    ("de", "de", "R@1"): 0.0, ("en", "en", "R@1"): 1.0,
    ("de", "all", "RankDistance"): 30.0, ("en", "all", "RankDistance"): 1010.0,
    ("de", "all", "SameLanguage@20"): 0.25, ("en", "all", "SameLanguage@20"): 0.75,
}  # fmt: skip


def kind(query_set: str, pool: str) -> Any:
    return "multilingual" if pool == "all" else "monolingual" if pool == query_set else "cross-lingual"


def ranks(first: int = 1) -> Ranks:
    return Ranks(
        {
            "de": QuerySetRanks(
                query_ids=["q1", "q2"],
                query=np.array([0, 0, 1], np.int32),
                collection=np.array(["de", "en", "de"]),
                doc_id=["de-0001", "en-0001", "de-0002"],
                relevance=np.array([1, 2, 1], np.int32),
                rank=np.array([first, 1, 7], np.int32),
                rank_in={"all": np.array([3, 1, 12], np.int32)},
            ),
            "en": QuerySetRanks(
                query_ids=["q1"],
                query=np.array([0], np.int32),
                collection=np.array(["en"]),
                doc_id=["en-0001"],
                relevance=np.array([1], np.int32),
                rank=np.array([2], np.int32),
                rank_in={"all": np.array([2], np.int32)},
            ),
        }
    )


PROVENANCE = {
    "command": "hybrid-bench evaluate tiny",
    "versions": {"python": "3.11.7"},
    "fingerprint": "f",
    "passages": {"de": "1" * 64, "en": "2" * 64, "th": "5" * 64},
    "queries": {"de": "3" * 64, "en": "4" * 64},
    "passage_text": "sentence",
    "dtype": "fp32",
    "device": "cpu",
}


def result(**fields: Any) -> Result:
    """The values above as a result, with ranks that do not belong to them."""
    rows = tuple(
        Score(suite="mini", setting=kind(query_set, pool), query_set=query_set, pool=pool, measure=m, value=value, queries=2)
        for (query_set, pool, m), value in fields.pop("values", VALUES).items()
    )
    given: dict[str, Any] = {
        "suite": "mini",
        "encoder": {"name": "tiny"},
        "primary": "AP",
        "query_sets": {name: Attributes(language=name) for name in ("de", "en")},
        "collections": {name: Attributes(language=name) for name in ("de", "en", "th")},
        "pools": {"all": ("de", "en", "th")},
        "provenance": Provenance(**PROVENANCE | fields.pop("provenance", {})),
        "timings": {"encode": 1.5},
    }
    return Result(rows=rows, **given | fields).with_ranks(ranks())


#: The file of the ranks above in schema version 1.
RANKS_1 = (
    "query_language\tquery_id\tpassage_language\tdoc_id\trelevance\trank\trank_all\n"
    "de\tq1\tde\tde-0001\t1\t1\t3\n"
    "de\tq1\ten\ten-0001\t2\t1\t1\n"
    "de\tq2\tde\tde-0002\t1\t7\t12\n"
    "en\tq1\ten\ten-0001\t1\t2\t2\n"
)


def schema_1(**fields: Any) -> dict[str, Any]:
    """The result above as schema version 1 has it; ``provenance`` is merged."""
    provenance = {
        **PROVENANCE,
        "ties": "score as float32 descending, then document id descending",
        "depth": "the whole pool",
    } | fields.pop("provenance", {})
    rows = [
        {
            "suite": "mini", "setting": kind(language, pool), "query_language": language, "pool": pool,
            "measure": measure, "value": value, "queries": 2,
        }
        for (language, pool, measure), value in VALUES.items()
    ]  # fmt: skip
    return {
        "schema_version": 1,
        "suite": "mini",
        "encoder": {"name": "tiny"},
        "primary": "AP",
        "notes": ["Read this."],
        "provenance": provenance,
        "rows": rows,
        "ranks_file": None,
        "timings": {"encode": 1.5},
    } | fields


def write_schema_1(folder: Path, stem: str, runs: Mapping[str, str] | None = None, **fields: Any) -> Path:
    """A result of schema version 1 with ranks, and with runs in the folder ``tiny.runs``.

    Args:
        folder: of the suite.
        stem: of the files' names.
        runs: ``<query language>:<pool>`` to the text of a run.
        fields: of the result.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ranks_file = folder / f"{stem}.ranks.tsv.gz"
    ranks_file.write_bytes(gzip.compress(RANKS_1.encode(), mtime=0))
    fields = {"ranks_file": {"file": ranks_file.name, "sha256": hashlib.sha256(ranks_file.read_bytes()).hexdigest()}} | fields
    if runs:
        fields["runs"] = {pair: hashlib.sha256(text.encode()).hexdigest() for pair, text in runs.items()}
        (folder / "tiny.runs").mkdir(exist_ok=True)
        for pair, text in runs.items():
            (folder / "tiny.runs" / f"{pair.replace(':', '-')}.trec.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    path = folder / f"{stem}.json"
    path.write_text(json.dumps(schema_1(**fields)), encoding="utf-8")
    return path
