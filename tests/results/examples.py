"""A small result that was not computed."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid_bench import Result
from hybrid_bench.results.ranks import LanguageRanks, Ranks
from hybrid_bench.results.record import Provenance, Score

#: (query language, pool, measure) to value, of two languages and a pool of both.
VALUES = {
    ("de", "de", "AP"): 0.5, ("de", "en", "AP"): 0.25, ("de", "th", "AP"): 0.125, ("de", "all", "AP"): 0.0625,
    ("en", "de", "AP"): 0.375, ("en", "en", "AP"): 0.75, ("en", "th", "AP"): 0.25, ("en", "all", "AP"): 0.5,
    ("de", "de", "R@1"): 0.0, ("en", "en", "R@1"): 1.0,
    ("de", "all", "RankDistance"): 30.0, ("en", "all", "RankDistance"): 1010.0,
    ("de", "all", "SameLanguage@20"): 0.25, ("en", "all", "SameLanguage@20"): 0.75,
}  # fmt: skip


def kind(language: str, pool: str) -> Any:
    return "multilingual" if pool == "all" else "monolingual" if pool == language else "cross-lingual"


def ranks(first: int = 1) -> Ranks:
    return Ranks(
        {
            "de": LanguageRanks(
                query_ids=["q1", "q2"],
                query=np.array([0, 0, 1], np.int32),
                passage_language=np.array(["de", "en", "de"]),
                doc_id=["de-0001", "en-0001", "de-0002"],
                relevance=np.array([1, 2, 1], np.int32),
                rank=np.array([first, 1, 7], np.int32),
                rank_all=np.array([3, 1, 12], np.int32),
            ),
            "en": LanguageRanks(
                query_ids=["q1"],
                query=np.array([0], np.int32),
                passage_language=np.array(["en"]),
                doc_id=["en-0001"],
                relevance=np.array([1], np.int32),
                rank=np.array([2], np.int32),
                rank_all=np.array([2], np.int32),
            ),
        }
    )


def result(**fields: Any) -> Result:
    """The values above as a result, with ranks that do not belong to them."""
    provenance = {
        "command": "hybrid-bench evaluate tiny",
        "versions": {"python": "3.11.7"},
        "fingerprint": "f",
        "passages": {"de": "1" * 64, "en": "2" * 64},
        "queries": {"de": "3" * 64, "en": "4" * 64},
        "passage_text": "sentence",
        "dtype": "fp32",
        "device": "cpu",
    } | fields.pop("provenance", {})
    rows = tuple(
        Score(suite="mini", setting=kind(language, pool), query_language=language, pool=pool, measure=m, value=value, queries=2)
        for (language, pool, m), value in fields.pop("values", VALUES).items()
    )
    given = {"suite": "mini", "encoder": {"name": "tiny"}, "primary": "AP", "timings": {"encode": 1.5}} | fields
    return Result(provenance=Provenance(**provenance), rows=rows, **given).with_ranks(ranks())
