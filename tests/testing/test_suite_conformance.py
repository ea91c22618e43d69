"""The conformance test of suites passes valid suites, and every broken suite fails for its own reason."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import PIL.Image
import pytest

from hybrid_bench import Collection, HybridBenchError, Image, Judgement, QuerySet, Setting, Suite
from hybrid_bench.plugin import ALL, ImagePassage, image_settings, language_settings
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


def passages(language: str) -> list[Record]:
    return [Record(f"d{number}", f"passage {number} in {language}") for number in range(3)]


def queries(language: str) -> list[Record]:
    return [Record("q1", f"question 1 in {language}"), Record("q2", f"question 2 in {language}")]


JUDGEMENTS = [Judgement("q1", "de", "d1", 1), Judgement("q1", "en", "d1", 1), Judgement("q2", "en", "d2", 0)]


def parts(languages: tuple[str, ...] = ("de", "en"), **german: Any) -> dict[str, Any]:
    """Query sets and collections; ``passages``, ``queries`` and ``judgements`` replace those of German."""
    of_german = {"passages": german.get("passages", lambda: passages("de"))}
    collections = [
        Collection(name, **(of_german if name == "de" else {"passages": lambda name=name: passages(name)}), language=name)
        for name in languages
    ]
    query_sets = [
        QuerySet(
            name,
            german.get("queries", lambda: queries("de")) if name == "de" else lambda name=name: queries(name),
            german.get("judgements", lambda: JUDGEMENTS) if name == "de" else lambda: JUDGEMENTS,
            language=name,
        )
        for name in languages
    ]
    return {"query_sets": tuple(query_sets), "collections": tuple(collections)}


def suite(**fields: Any) -> Suite:
    given = parts() | fields
    settings = language_settings(given["query_sets"], given["collections"])
    stated = {"name": "good", "description": "two languages", "settings": settings, "pools": {ALL: ("de", "en")}}
    return Suite(**(stated | given))


GOOD = suite()


def invalid(**fields: Any) -> Suite:
    """A suite that the constructor would refuse."""
    made = dataclasses.replace(GOOD)
    for name, value in fields.items():
        object.__setattr__(made, name, value)
    return made


def replaced(records: list[Record], place: int, *record: str) -> Callable[[], list[Record]]:
    return lambda: [*records[:place], Record(*record), *records[place + 1 :]]


def judged(*judgement: Any) -> Callable[[], list[Judgement]]:
    return lambda: [*JUDGEMENTS, Judgement(*judgement)]


def exhausted(records: Iterable[Any]) -> Callable[[], Iterable[Any]]:
    """A loader whose records can be read only once."""
    left = iter(list(records))
    return lambda: left


def picture(colour: str) -> Image:
    content = io.BytesIO()
    PIL.Image.new("RGB", (4, 4), colour).save(content, "PNG")
    return Image.from_bytes(content.getvalue(), f"{colour}.png")


def image_suite(*images: Any, modality: Any = "image") -> Suite:
    query_set = QuerySet("captions", lambda: [Record("q1", "red")], lambda: [Judgement("q1", "pictures", "0", 1)])
    records = [image if isinstance(image, Record) else ImagePassage(str(number), image) for number, image in enumerate(images)]
    collection = Collection("pictures", lambda: records, modality=modality)
    settings = image_settings([query_set], [("pictures", "image")])
    return Suite("good", "pictures", (query_set,), (collection,), settings)


TESTS = [name for name in dir(SuiteConformance) if name.startswith("test_")]


class TestMini(SuiteConformance):
    name = "mini"


class TestGood(SuiteConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def suite(cls) -> Suite:
        return GOOD


class TestLarge(SuiteConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def suite(cls) -> Suite:
        return dataclasses.replace(GOOD, large=True)


class TestImages(SuiteConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def suite(cls) -> Suite:
        return image_suite(picture("red"), picture("blue"))


class TestWithoutPools(SuiteConformance):
    """Ids have to be unique in their collection only."""

    @pytest.fixture(scope="class")
    @classmethod
    def suite(cls) -> Suite:
        given = parts()
        return suite(pools={}, settings=language_settings(given["query_sets"], given["collections"], pool=None))


SETTINGS = "test_settings_exist_and_refer_to_what_exists"
PASSAGES = "test_passages_have_unique_ids_and_content"
QUERIES = "test_queries_have_unique_ids_and_content"
JUDGED = "test_judgements_name_queries_and_passages_that_exist"
ANSWERED = "test_every_query_set_has_a_relevant_passage_in_some_setting"
TWICE = "test_loaders_give_the_same_records_twice"
IMAGES = "test_images_can_be_decoded"

#: What is wrong: a function that makes the suite, and all tests that have to fail, each with a part of its message.
BROKEN: dict[str, tuple[Callable[[], Suite], dict[str, str]]] = {
    "name": (lambda: suite(name="bad"), {"test_name_is_that_of_the_entry_point": "name='bad', the entry point is 'good'"}),
    "no settings": (
        lambda: suite(settings=()),
        {SETTINGS: "good has no setting", ANSWERED: "no query of 'de' has a passage of relevance 1 or more in a pool"},
    ),
    "unknown query set": (
        lambda: invalid(settings=(*GOOD.settings, Setting("fr", "de", "cross-lingual"))),
        {SETTINGS: "the setting fr:de names the query set 'fr', which does not exist"},
    ),
    "unknown pool": (
        lambda: invalid(settings=(*GOOD.settings, Setting("de", "fr", "cross-lingual"))),
        {SETTINGS: "the setting de:fr names the pool 'fr', which does not exist"},
    ),
    "unknown kind": (
        lambda: invalid(settings=(*GOOD.settings[1:], Setting("de", "de", "bilingual"))),  # type: ignore[arg-type]
        {SETTINGS: "the setting de:de is of the kind 'bilingual'"},
    ),
    "setting twice": (lambda: suite(settings=GOOD.settings * 2), {SETTINGS: "the setting de:de occurs twice"}),
    "pool of an unknown collection": (
        lambda: invalid(pools={ALL: ("de", "en", "fr")}),
        {SETTINGS: "the pool 'all' names the collection 'fr', which does not exist"},
    ),
    "language": (
        lambda: suite(collections=tuple(dataclasses.replace(of, language="german!") for of in GOOD.collections)),
        {"test_languages_are_valid_tags": "the language 'german!' of 'de' is not a valid BCP-47 tag"},
    ),
    "passage without text": (
        lambda: suite(**parts(passages=replaced(passages("de"), 0, "d0", " "))),
        {PASSAGES: "passage of good/de with id 'de-d0' is empty"},
    ),
    "passage id twice": (
        lambda: suite(**parts(passages=replaced(passages("de"), 0, "d1", "again"))),
        {PASSAGES: "passage of good/de with id 'de-d1' occurs twice"},
    ),
    "passage id twice in a large suite": (
        lambda: suite(**parts(passages=replaced(passages("de"), 0, "d1", "again")), large=True),
        {PASSAGES: "an id occurs twice among the first passages of 'de'"},
    ),
    "query without text": (
        lambda: suite(**parts(queries=replaced(queries("de"), 0, "q1", ""))),
        {QUERIES: "query of good/de with id 'q1' is empty"},
    ),
    "query id twice": (
        lambda: suite(**parts(queries=replaced(queries("de"), 1, "q1", "again"), judgements=lambda: JUDGEMENTS[:2])),
        {QUERIES: "query of good/de with id 'q1' occurs twice"},
    ),
    "unknown query": (
        lambda: suite(**parts(judgements=judged("q3", "de", "d1", 1))),
        {JUDGED: "a judgement of the query set 'de' names the query 'q3', which does not exist"},
    ),
    "unknown collection": (
        lambda: suite(**parts(judgements=judged("q1", "fr", "d1", 1))),
        {JUDGED: "names the collection 'fr', which does not exist"},
    ),
    "unknown passage": (
        lambda: suite(**parts(judgements=judged("q1", "en", "d9", 1))),
        {JUDGED: "names the passage 'd9' of 'en', which does not exist"},
    ),
    "nothing relevant": (
        lambda: suite(**parts(judgements=lambda: [Judgement("q1", "de", "d1", 0)])),
        {ANSWERED: "no query of 'de' has a passage of relevance 1 or more in a pool that it is searched in"},
    ),
    "relevant passages in no pool that is searched": (
        lambda: suite(
            settings=(Setting("de", "de", "monolingual"), Setting("en", "en", "monolingual")),
            pools={},
            **parts(judgements=lambda: JUDGEMENTS[1:]),
        ),
        {ANSWERED: "no query of 'de' has a passage of relevance 1 or more in a pool that it is searched in"},
    ),
    "equal ids in a pool": (
        lambda: suite(unique_ids=True),
        {"test_trec_ids_are_unique_in_every_pool": "the pool 'all' has the TREC id 'd0' in 'de' and in 'en'"},
    ),
    "id with white space": (
        lambda: suite(**parts(passages=replaced(passages("de"), 0, "d 0", "text"))),
        {"test_trec_ids_are_unique_in_every_pool": "the id 'de-d 0' in 'de' holds white space"},
    ),
    "image that is none": (
        lambda: image_suite(picture("red"), Image.from_bytes(b"not a picture", "broken.png")),
        {IMAGES: "'pictures': cannot decode the image broken.png"},
    ),
    "text in a collection of images": (
        lambda: image_suite(picture("red"), Record("1", "blue")),
        {IMAGES: "'pictures' is of modality 'image' and holds a Record", PASSAGES: "is not of modality 'image'"},
    ),
    "exhausted passages": (
        lambda: suite(**parts(passages=exhausted(passages("de")))),
        {TWICE: "the passages of 'de' are 3 and then 0"},
    ),
    "exhausted queries": (
        lambda: suite(**parts(queries=exhausted(queries("de")))),
        {TWICE: "the queries of 'de' are 2 and then 0"},
    ),
    "exhausted judgements": (
        lambda: suite(**parts(judgements=exhausted(JUDGEMENTS))),
        {TWICE: "the judgements of 'de' are 3 and then 0"},
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_suite_fails_for_its_own_reason(what: str) -> None:
    make, expected = BROKEN[what]
    broken = make()
    conformance = SuiteConformance()
    conformance.name = "good"  # type: ignore[misc]
    failures = {}
    # An exhausted loader is detected by the first test that reads it.
    for test in expected if what.startswith("exhausted") else TESTS:
        try:
            getattr(conformance, test)(broken)
        except (AssertionError, HybridBenchError, pytest.fail.Exception) as error:
            failures[test] = str(error)
        except pytest.skip.Exception:
            pass
    assert failures.keys() == expected.keys()
    for test, fragment in expected.items():
        assert fragment in failures[test]


def test_every_test_of_a_suite_fails_for_some_suite() -> None:
    assert {test for _, expected in BROKEN.values() for test in expected} == set(TESTS)
