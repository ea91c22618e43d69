"""What a suite expects of a submission: queries, relevant passages and pool sizes."""

from __future__ import annotations

import functools
import hashlib
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


@dataclass(frozen=True)
class Relevant:
    """A relevant passage of a query."""

    doc_id: str
    language: str
    relevance: int


class SuiteData:
    """The judged queries of a suite; passages are read on first use, because a suite may have millions."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        self.questions: dict[str, Questions] = questions_of(suite)
        #: Whether there is a pool of all languages.
        self.pooled = suite.pooled and len(suite.passage_languages) > 1

    @functools.cached_property
    def relevant(self) -> dict[str, dict[str, list[Relevant]]]:
        """Query language to query id (in the suite's order) to relevant passages, sorted by ascending document id."""
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
        """Query language to the relevant passages of its queries, sorted by descending document id, with ranks 0."""
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
        """The only pool of a query language in a suite without a pool of all languages."""
        return query_language if not self.suite.pooled else self.suite.passage_languages[0]

    @functools.cached_property
    def passage_ids(self) -> dict[str, Sequence[str]]:
        """Language to passage ids, in the collection's order."""
        return {language: [doc.doc_id for doc in self.suite.docs(language)] for language in self.suite.passage_languages}

    @functools.cached_property
    def pool_sizes(self) -> dict[str, int]:
        """Language to number of passages; empty for suites that are not pooled, whose collections may be too large to read."""
        return {language: len(ids) for language, ids in self.passage_ids.items()} if self.pooled else {}

    @functools.cached_property
    def digest(self) -> str:
        """sha256 of the judged queries (ids and texts) and the judgements; identifies the data that ranks were computed on."""
        digest = hashlib.sha256(f"{self.suite.name}\n".encode())
        for language, part in self.questions.items():
            for query_id, text in part.queries:
                digest.update(f"{language}\t{query_id}\t{text}\n".encode())
            for query_id, doc_id, relevance in sorted(set(part.judgements)):
                digest.update(f"{language}\t{query_id}\t{doc_id}\t{relevance}\n".encode())
        return digest.hexdigest()


def known(name: str) -> bool:
    """Whether a suite accepts submissions: a registered suite, or the dev split of one of its languages; never a path.

    ``miracl/sw/dev`` is such a split: an ir_datasets id that starts with the registered suite ``miracl``.
    """
    if name in SUITES:
        return True
    suite, _, split = name.partition("/")
    return suite in SUITES and split in {f"{language}/dev" for language in SUITES.get(suite).languages} and _is_dataset(name)


def _is_dataset(dataset_id: str) -> bool:
    import ir_datasets

    return dataset_id in ir_datasets.registry


@functools.lru_cache(maxsize=8)
def load(name: str) -> SuiteData:
    """Load what a suite expects.

    Raises:
        HybridBenchError: if the suite does not accept submissions, or its files cannot be obtained.
    """
    if not known(name):
        raise UnknownNameError("suite for submissions", name, [*SUITES, "miracl/yo/dev"])
    return SuiteData(load_suite(name))
