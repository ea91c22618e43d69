"""Suites for tests of evaluations."""

from __future__ import annotations

from collections.abc import Mapping

from ir_datasets.formats import GenericDoc, GenericQuery

from hybrid_bench import Collection, Judgement, QuerySet, Suite
from hybrid_bench.plugin import language_settings
from tests.retrieval.examples import Example

Texts = Mapping[str, str]
Qrels = Mapping[str, Mapping[str, int]]

DOCS = {
    "de": {
        "1": "Der Fluss entspringt im Gebirge.",
        "2": "Es regnet oft.",
        "3": "Brot braucht Hefe.",
        "4": "Hefe treibt den Teig.",
    },
    "en": {"1": "Cats sleep all day.", "2": "The river rises in the mountains.", "9": "Bread needs yeast."},
}
QUERIES = {"de": {"a": "Wo entspringt der Fluss?", "b": "Was braucht Brot?", "c": "Wer bellt?"}, "en": {"a": "What needs yeast?"}}
QRELS: dict[str, Qrels] = {"de": {"a": {"1": 1, "2": 0}, "b": {"3": 1, "4": 2}, "c": {"2": 0}}, "en": {"a": {"9": 3}}}


def collection(name: str, texts: Texts, *, language: str | None = None, domain: str | None = None) -> Collection:
    """A collection of texts, by id."""
    return Collection(
        name, lambda: [GenericDoc(doc_id, text) for doc_id, text in texts.items()], language=language, domain=domain
    )


def query_set(
    name: str,
    texts: Texts,
    qrels: Mapping[str, Mapping[tuple[str, str], int]],
    *,
    language: str | None = None,
    domain: str | None = None,
) -> QuerySet:
    """A query set of texts, by id; ``qrels`` has (collection, passage id) to grade by query."""
    return QuerySet(
        name,
        lambda: [GenericQuery(query_id, text) for query_id, text in texts.items()],
        lambda: [
            Judgement(query_id, of, doc_id, grade) for query_id, judged in qrels.items() for (of, doc_id), grade in judged.items()
        ],
        language=language,
        domain=domain,
    )


def of_lists(*, qrels: Mapping[str, Qrels] = QRELS, docs: Mapping[str, Texts] = DOCS) -> Suite:
    """German and English collections without a common pool; their ids occur in both."""
    collections = tuple(collection(language, texts, language=language) for language, texts in docs.items())
    query_sets = tuple(
        query_set(
            language,
            QUERIES[language],
            {
                query_id: {(language, doc_id): grade for doc_id, grade in judged.items()}
                for query_id, judged in qrels[language].items()
            },
            language=language,
        )
        for language in docs
    )
    return Suite(
        name="lists",
        description="",
        query_sets=query_sets,
        collections=collections,
        settings=language_settings(query_sets, collections, pool=None),
        note="Made up.",
    )


def suite_of(example: Example) -> Suite:
    """The suite that an example is of; nothing of it can be read."""

    def nothing() -> list[object]:
        raise AssertionError("the suite was read")

    languages = tuple(example.ids)
    asked = tuple(dict.fromkeys(example.asked_in))
    return Suite(
        name="made-up",
        description="",
        query_sets=tuple(QuerySet(name, nothing, nothing, language=name) for name in asked),  # type: ignore[arg-type]
        collections=tuple(Collection(name, nothing, language=name) for name in languages),  # type: ignore[arg-type]
        settings=tuple(example.full_runs.settings),
        pools=example.pools,
        unique_ids=True,
    )
