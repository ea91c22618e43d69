"""What a suite expects of a submission: its queries, their relevant passages, and the sizes of its pools."""

from __future__ import annotations

import functools
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybrid_bench.datasets.judged import Questions, questions_of
from hybrid_bench.datasets.resolvers import SUITES, load_suite
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import UnknownNameError
from hybrid_bench.results.ranks import LanguageRanks

if TYPE_CHECKING:
    from collections.abc import Sequence

_ONE_OF_MIRACL = r"miracl/[a-z]{2}/dev"


@dataclass(frozen=True)
class Relevant:
    """A relevant passage of a query."""

    doc_id: str
    language: str
    relevance: int


class SuiteData:
    """A suite as its judgements have it; passages are read where they are asked for, for those of MIRACL are many."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        self.questions: dict[str, Questions] = questions_of(suite)
        #: Whether there is a pool of all languages.
        self.pooled = suite.pooled and len(suite.passage_languages) > 1

    @functools.cached_property
    def relevant(self) -> dict[str, dict[str, list[Relevant]]]:
        """Query language to query id, in the suite's order, to the relevant passages by ascending document id."""
        found: dict[str, dict[str, list[Relevant]]] = {}
        for language, part in self.questions.items():
            of_query: dict[str, list[Relevant]] = {query.id: [] for query in part.queries}
            for query_id, doc_id, relevance in sorted(set(part.judgements)):
                if query_id in of_query:
                    pool = doc_id.partition("-")[0] if self.pooled else self.pool_of(language)
                    of_query[query_id].append(Relevant(doc_id, pool, relevance))
            found[language] = of_query
        return found

    @functools.cached_property
    def unranked(self) -> dict[str, LanguageRanks]:
        """Query language to the relevant passages of its queries, in the order of the grid: by document id descending."""
        found = {}
        for language, part in self.relevant.items():
            pairs = [(number, pair) for number, of_query in enumerate(part.values()) for pair in reversed(of_query)]
            nowhere = np.zeros(len(pairs), dtype=np.int32)
            found[language] = LanguageRanks(
                query_ids=list(part),
                query=np.array([number for number, _ in pairs], dtype=np.int32),
                passage_language=np.array([pair.language for _, pair in pairs]),
                doc_id=[pair.doc_id for _, pair in pairs],
                relevance=np.array([pair.relevance for _, pair in pairs], dtype=np.int32),
                rank=nowhere,
                rank_all=nowhere,
            )
        return found

    def pool_of(self, query_language: str) -> str:
        """The one pool that a query language is asked on, where there is no pool of all."""
        return query_language if not self.suite.pooled else self.suite.passage_languages[0]

    @functools.cached_property
    def passage_ids(self) -> dict[str, Sequence[str]]:
        """Language to the ids of its passages, in the collection's order."""
        return {language: [doc.doc_id for doc in self.suite.docs(language)] for language in self.suite.passage_languages}

    @functools.cached_property
    def pool_sizes(self) -> dict[str, int]:
        """Language to the number of its passages; empty where counting them would mean to download Wikipedia."""
        return {language: len(ids) for language, ids in self.passage_ids.items()} if self.pooled else {}

    @functools.cached_property
    def digest(self) -> str:
        """sha256 of the judgements and of the ids and texts of the queries that count: ranks on other data have another."""
        digest = hashlib.sha256(f"{self.suite.name}\n".encode())
        for language, part in self.questions.items():
            for query_id, text in part.queries:
                digest.update(f"{language}\t{query_id}\t{text}\n".encode())
            for query_id, doc_id, relevance in sorted(set(part.judgements)):
                digest.update(f"{language}\t{query_id}\t{doc_id}\t{relevance}\n".encode())
        return digest.hexdigest()


def known(name: str) -> bool:
    """Whether submissions can be on a suite of this name: a registered one or one language of MIRACL, never a path."""
    return name in SUITES or re.fullmatch(_ONE_OF_MIRACL, name) is not None


@functools.lru_cache(maxsize=8)
def load(name: str) -> SuiteData:
    """Load what a suite expects.

    Raises:
        HybridBenchError: if there are no submissions on it, or its files cannot be had.
    """
    if not known(name):
        raise UnknownNameError("suite for submissions", name, [*SUITES, "miracl/yo/dev"])
    return SuiteData(load_suite(name))
