"""The conformance test of a suite."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from hybrid_bench.datasets.resolvers import load_suite
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.retrieval.exact.columns import Columns


class SuiteConformance:
    """Whether a suite can be searched and scored.

    Subclass it as ``class TestMySuite(SuiteConformance)`` and set ``name``, or override the fixture ``suite``.

    Attributes:
        name: of the entry point in ``hybrid_bench.suites``.
    """

    name: ClassVar[str] = ""

    @pytest.fixture(scope="class")
    @classmethod
    def suite(cls) -> Suite:
        """The suite. Override it to test one that has no entry point."""
        assert cls.name, f"{cls.__name__} has no suite to test: set `name` to an entry point or override the fixture `suite`"
        return load_suite(cls.name)

    def test_its_name_is_that_of_its_entry_point(self, suite: Suite) -> None:
        """Who reads a result has to be able to load the suite by the name that stands there."""
        if not self.name:
            pytest.skip("set `name` to compare it with the suite")
        assert suite.name == self.name, f"the suite says name={suite.name!r}, the entry point is {self.name!r}"

    def test_it_has_settings(self, suite: Suite) -> None:
        """There is something to ask and something to search."""
        assert suite.settings(), f"{suite.name} has no setting: give it query languages and passage languages"

    def test_passages_have_ids_of_their_own_and_text(self, suite: Suite) -> None:
        """In every language."""
        for language in suite.passage_languages:
            try:
                suite.passage_texts(language)
            except HybridBenchError as error:
                pytest.fail(error.problem)

    def test_queries_have_ids_of_their_own_and_text(self, suite: Suite) -> None:
        """In every language."""
        for language in suite.languages:
            try:
                suite.query_texts(language)
            except HybridBenchError as error:
                pytest.fail(error.problem)

    def test_judgements_name_queries_and_passages_that_exist(self, suite: Suite) -> None:
        """A misspelt id would count as a passage that no search finds."""
        docs = {language: {doc.doc_id for doc in suite.docs(language)} for language in suite.passage_languages}
        pool = set().union(*docs.values())
        for language in suite.languages:
            queries = {query.query_id for query in suite.queries(language)}
            searched = pool if suite.pooled else docs.get(language, set())
            for query_id, doc_id, _ in suite.judgements(language):
                assert query_id in queries, f"a judgement in {language!r} names the query {query_id!r}, which does not exist"
                assert doc_id in searched, f"a judgement in {language!r} names the passage {doc_id!r}, which does not exist"

    def test_every_language_has_a_query_with_an_answer(self, suite: Suite) -> None:
        """A language where nothing is relevant has no score."""
        for language in suite.languages:
            assert any(judgement.relevance > 0 for judgement in suite.judgements(language)), (
                f"no query in {language!r} has a passage of relevance 1 or more"
            )

    def test_ids_of_a_pool_sort_by_language(self, suite: Suite) -> None:
        """Document ids start with their language, so that a pool is a range of them."""
        if not suite.pooled or len(suite.passage_languages) == 1:
            pytest.skip("the suite has no pool of several languages")
        ids = {language: [doc.doc_id for doc in suite.docs(language)] for language in suite.passage_languages}
        for language, of_language in ids.items():
            odd = [doc_id for doc_id in of_language if doc_id.partition("-")[0] != language]
            assert not odd, f"the passage {odd[0]!r} is in {language!r}: let its id start with '{language}-'"
        try:
            Columns.stack({language: np.empty((len(of_language), 0), np.float32) for language, of_language in ids.items()}, ids)
        except HybridBenchError as error:
            pytest.fail(error.problem)

    def test_it_gives_the_same_records_twice(self, suite: Suite) -> None:
        """A loader is called more than once; a generator that is used up is empty the second time."""
        for language in suite.passage_languages[:1]:
            first, second = ([doc.doc_id for doc in suite.docs(language)] for _ in range(2))
            assert first == second, f"docs({language!r}) gives {len(first)} passages and then {len(second)}"
        for language in suite.languages[:1]:
            once, again = (list(suite.judgements(language)) for _ in range(2))
            assert once == again, f"judgements({language!r}) gives {len(once)} judgements and then {len(again)}"
