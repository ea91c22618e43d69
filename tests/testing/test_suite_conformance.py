"""The conformance test of suites passes ``mini``, and fails each broken suite for its own reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import pytest

from hybrid_bench import Judgement, Suite
from hybrid_bench.testing import SuiteConformance


class Record(NamedTuple):
    id: str
    text: str

    @property
    def doc_id(self) -> str:
        return self.id

    @property
    def query_id(self) -> str:
        return self.id

    def default_text(self) -> str:
        return self.text


def _docs(language: str) -> Iterable[Record]:
    return [Record(f"{language}-{number}", f"passage {number} in {language}") for number in range(3)]


def _queries(language: str) -> Iterable[Record]:
    return [Record("q1", f"question 1 in {language}"), Record("q2", f"question 2 in {language}")]


def _judgements(language: str) -> Iterable[Judgement]:
    return [Judgement("q1", "de-1", 1), Judgement("q1", "en-1", 1), Judgement("q2", "en-2", 0)]


GOOD = Suite("good", "two languages", ("de", "en"), ("de", "en"), _docs, _queries, _judgements, pooled=True)


def broken(**fields: object) -> Suite:
    return dataclasses.replace(GOOD, **fields)  # type: ignore[arg-type]


def changed(loader: Callable[[str], Iterable[Record]], place: int, record: Sequence[str]) -> Callable[[str], Iterable[Record]]:
    """The loader with one record replaced, in German alone."""

    def load(language: str) -> Iterable[Record]:
        records = list(loader(language))
        if language == "de":
            records[place] = Record(*record)
        return records

    return load


def judged(*judgement: object) -> Callable[[str], Iterable[Judgement]]:
    return lambda language: [*_judgements(language), Judgement(*judgement)]  # type: ignore[arg-type]


def used_up(language: str, _left: dict[str, Iterable[Record]] = {}) -> Iterable[Record]:  # noqa: B006 - that is the defect
    return _left.setdefault(language, iter(list(_docs(language))))


TESTS = [name for name in dir(SuiteConformance) if name.startswith("test_")]


class TestMini(SuiteConformance):
    name = "mini"


class TestGood(SuiteConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def suite(cls) -> Suite:
        return GOOD


class TestWithoutPools(SuiteConformance):
    """Ids need be unique in their language alone."""

    @pytest.fixture(scope="class")
    @classmethod
    def suite(cls) -> Suite:
        return broken(
            pooled=False,
            docs=lambda language: [Record("d1", f"in {language}")],
            judgements=lambda language: [Judgement("q1", "d1", 1)],
        )


#: What is wrong: the suite, the tests that have to fail, all of them, and what each has to say.
BROKEN: dict[str, tuple[Suite, dict[str, str]]] = {
    "name": (broken(name="bad"), {"test_its_name_is_that_of_its_entry_point": "name='bad', the entry point is 'good'"}),
    "no languages": (broken(languages=()), {"test_it_has_settings": "good has no setting"}),
    "passage without text": (
        broken(docs=changed(_docs, 0, ("de-0", " "))),
        {"test_passages_have_ids_of_their_own_and_text": "passage of good/de with id 'de-0' is empty"},
    ),
    "passage id twice": (
        broken(docs=changed(_docs, 0, ("de-1", "again"))),
        {
            "test_passages_have_ids_of_their_own_and_text": "passage of good/de with id 'de-1' occurs twice",
            "test_ids_of_a_pool_sort_by_language": "more than one language",
        },
    ),
    "query id twice": (
        broken(queries=changed(_queries, 1, ("q1", "again")), judgements=lambda _: [Judgement("q1", "de-1", 1)]),
        {"test_queries_have_ids_of_their_own_and_text": "query of good/de with id 'q1' occurs twice"},
    ),
    "unknown query": (
        broken(judgements=judged("q3", "de-1", 1)),
        {"test_judgements_name_queries_and_passages_that_exist": "names the query 'q3', which does not exist"},
    ),
    "unknown passage": (
        broken(judgements=judged("q1", "de-9", 1)),
        {"test_judgements_name_queries_and_passages_that_exist": "names the passage 'de-9', which does not exist"},
    ),
    "nothing relevant": (
        broken(judgements=lambda _: [Judgement("q1", "de-1", 0)]),
        {"test_every_language_has_a_query_with_an_answer": "no query in 'de' has a passage of relevance 1"},
    ),
    "id of another language": (
        broken(docs=changed(_docs, 0, ("en-7", "misplaced"))),
        {"test_ids_of_a_pool_sort_by_language": "the passage 'en-7' is in 'de': let its id start with 'de-'"},
    ),
    "used up": (broken(docs=used_up), {"test_it_gives_the_same_records_twice": "docs('de') gives 3 passages and then 0"}),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_suite_fails_for_its_own_reason(what: str) -> None:
    suite, expected = BROKEN[what]
    conformance = SuiteConformance()
    conformance.name = "good"  # type: ignore[misc]
    failures = {}
    # A generator that is used up is what it is only for the first test that looks.
    for test in expected if what == "used up" else TESTS:
        try:
            getattr(conformance, test)(suite)
        except (AssertionError, pytest.fail.Exception) as error:
            failures[test] = str(error)
        except pytest.skip.Exception:
            pass
    assert failures.keys() == expected.keys()
    for test, fragment in expected.items():
        assert fragment in failures[test]


def test_every_test_of_a_suite_fails_for_some_suite() -> None:
    assert {test for _, expected in BROKEN.values() for test in expected} == set(TESTS)
