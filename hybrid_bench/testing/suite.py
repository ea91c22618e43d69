"""The conformance test of a suite."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import ClassVar

import langcodes
import pytest

from hybrid_bench.datasets.images import Image
from hybrid_bench.datasets.judged import qrels
from hybrid_bench.datasets.parts import Collection, ImagePassage, Passage, QuerySet
from hybrid_bench.datasets.resolvers import load_suite
from hybrid_bench.datasets.settings import KINDS, Setting
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import HybridBenchError

#: Records of a large suite's collections that are read, at most.
_READ_OF_LARGE = 1000


class SuiteConformance:
    """Tests whether a suite can be searched and scored.

    Subclass it as ``class TestMySuite(SuiteConformance)`` and set ``name``, or override the fixture ``suite``. Of a large suite
    only the first passages of every collection are read, and judgements are compared with queries only.

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

    def test_name_is_that_of_the_entry_point(self, suite: Suite) -> None:
        """The name in a result has to load the suite again."""
        if not self.name:
            pytest.skip("set `name` to compare it with the suite")
        assert suite.name == self.name, f"the suite has name={suite.name!r}, the entry point is {self.name!r}"

    def test_settings_exist_and_refer_to_what_exists(self, suite: Suite) -> None:
        """Each setting is a query set of the suite on a collection or pool of the suite, of a known kind, once."""
        assert suite.settings, f"{suite.name} has no setting: state which query set is searched in which pool"
        pools = _pools(suite)
        for setting in suite.settings:
            assert setting.query_set in {of.name for of in suite.query_sets}, (
                f"the setting {setting.name} names the query set {setting.query_set!r}, which does not exist"
            )
            assert setting.pool in pools, f"the setting {setting.name} names the pool {setting.pool!r}, which does not exist"
            assert setting.kind in KINDS, f"the setting {setting.name} is of the kind {setting.kind!r}; kinds are {KINDS}"
            assert suite.settings.count(setting) == 1, f"the setting {setting.name} occurs twice"
        for name, inside in suite.pools.items():
            unknown = set(inside) - {of.name for of in suite.collections}
            assert not unknown, f"the pool {name!r} names the collection {min(unknown)!r}, which does not exist"

    def test_languages_are_valid_tags(self, suite: Suite) -> None:
        """Languages are BCP-47 tags, such as ``de``, ``pt-BR`` or ``zh-Hans``."""
        for of in _parts(suite):
            assert of.language is None or langcodes.tag_is_valid(of.language), (
                f"the language {of.language!r} of {of.name!r} is not a valid BCP-47 tag"
            )

    def test_passages_have_unique_ids_and_content(self, suite: Suite) -> None:
        """In every collection."""
        for of in suite.collections:
            try:
                if suite.large:
                    items = list(itertools.islice(suite.passage_stream(of.name), _READ_OF_LARGE))
                    assert items, f"the collection {of.name!r} has no passages"
                    ids = {item.id for item in items}
                    assert len(ids) == len(items), f"an id occurs twice among the first passages of {of.name!r}"
                else:
                    items = suite.passages(of.name)
            except HybridBenchError as error:
                pytest.fail(error.problem)
            for item in items:
                assert item.content != "", f"the passage of {suite.name}/{of.name} with id {item.id!r} is empty"

    def test_queries_have_unique_ids_and_content(self, suite: Suite) -> None:
        """In every query set."""
        for of in suite.query_sets:
            try:
                suite.queries(of.name)
            except HybridBenchError as error:
                pytest.fail(error.problem)

    def test_trec_ids_are_unique_in_every_pool(self, suite: Suite) -> None:
        """Runs name passages only by their TREC ids."""
        pools = _pools(suite)
        for pool in dict.fromkeys(setting.pool for setting in _settings(suite)):
            collection_of: dict[str, str] = {}
            for of in pools[pool]:
                for doc_id in dict.fromkeys(record.doc_id for record in _records(suite, of)):
                    trec_id = suite.trec_id(of.name, doc_id)
                    other = collection_of.setdefault(trec_id, of.name)
                    assert other == of.name, (
                        f"the pool {pool!r} has the TREC id {trec_id!r} in {other!r} and in {of.name!r}: leave unique_ids out"
                    )
                    assert trec_id.split() == [trec_id], f"the id {trec_id!r} in {of.name!r} holds white space, and runs cannot"

    def test_judgements_name_queries_and_passages_that_exist(self, suite: Suite) -> None:
        """A misspelt id would count as a passage that no search finds."""
        passages = {of.name: {record.doc_id for record in _records(suite, of)} for of in suite.collections}
        for of in suite.query_sets:
            queries = {query.query_id for query in of.queries()}
            for judgement in of.judgements():
                what = f"a judgement of the query set {of.name!r} names the"
                assert judgement.query_id in queries, f"{what} query {judgement.query_id!r}, which does not exist"
                assert judgement.collection in passages, f"{what} collection {judgement.collection!r}, which does not exist"
                assert suite.large or judgement.doc_id in passages[judgement.collection], (
                    f"{what} passage {judgement.doc_id!r} of {judgement.collection!r}, which does not exist"
                )

    def test_every_query_set_has_a_relevant_passage_in_some_setting(self, suite: Suite) -> None:
        """A query set without one has no scores."""
        known = {collection.name for collection in suite.collections}
        for of in suite.query_sets:
            settings = [setting for setting in _settings(suite) if setting.query_set == of.name]
            queries = {query.query_id for query in of.queries()}
            judgements = [judgement for judgement in of.judgements() if judgement.collection in known]
            assert any(queries & qrels(suite, setting, judgements).keys() for setting in settings), (
                f"no query of {of.name!r} has a passage of relevance 1 or more in a pool that it is searched in"
            )

    def test_images_can_be_decoded(self, suite: Suite) -> None:
        """Every image of a collection or query set; of a large suite the first."""
        parts = [of for of in _parts(suite) if of.modality == "image"]
        if not parts:
            pytest.skip("the suite has no images")
        for of in parts:
            for record in _records(suite, of) if isinstance(of, Collection) else of.queries():
                image = getattr(record, "image", None)
                assert isinstance(image, Image), f"{of.name!r} is of modality 'image' and holds a {type(record).__name__}"
                try:
                    image.open()
                except HybridBenchError as error:
                    pytest.fail(f"{of.name!r}: {error.problem}")

    def test_loaders_give_the_same_records_twice(self, suite: Suite) -> None:
        """Loaders are called more than once; an exhausted generator would be empty the second time."""
        for collection in suite.collections:
            first, second = ([record.doc_id for record in _records(suite, collection)] for _ in range(2))
            assert first == second, f"the passages of {collection.name!r} are {len(first)} and then {len(second)}, or differ"
        for of in suite.query_sets:
            once, again = ([query.query_id for query in of.queries()] for _ in range(2))
            assert once == again, f"the queries of {of.name!r} are {len(once)} and then {len(again)}, or differ"
            judged, judged_again = (list(of.judgements()) for _ in range(2))
            assert judged == judged_again, (
                f"the judgements of {of.name!r} are {len(judged)} and then {len(judged_again)}, or differ"
            )


def _parts(suite: Suite) -> list[QuerySet | Collection]:
    return [*suite.query_sets, *suite.collections]


def _records(suite: Suite, of: Collection) -> Iterator[Passage | ImagePassage]:
    """The records of a collection; the first of a large suite."""
    return itertools.islice(of.passages(), _READ_OF_LARGE if suite.large else None)


def _settings(suite: Suite) -> list[Setting]:
    """The settings whose query set and pool exist."""
    query_sets = {of.name for of in suite.query_sets}
    return [setting for setting in suite.settings if setting.query_set in query_sets and setting.pool in _pools(suite)]


def _pools(suite: Suite) -> dict[str, list[Collection]]:
    """Pool to its collections, as far as they exist; each collection is a pool, too."""
    collections = {of.name: of for of in suite.collections}
    pools = {name: [of] for name, of in collections.items()}
    return pools | {name: [collections[one] for one in inside if one in collections] for name, inside in suite.pools.items()}
