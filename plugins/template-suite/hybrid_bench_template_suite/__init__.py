"""The suite ``garden-faq``: questions and answers of a community garden, in German and in English."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from importlib import resources
from typing import Any, NamedTuple

from hybrid_bench import Collection, Judgement, QuerySet, Suite
from hybrid_bench.plugin import ALL, language_settings

__all__ = ["SUITE"]

_LANGUAGES = ("de", "en")


class Answer(NamedTuple):
    """A passage."""

    doc_id: str
    text: str

    def default_text(self) -> str:
        """The text that is encoded and searched."""
        return self.text


class Question(NamedTuple):
    """A query."""

    query_id: str
    text: str

    def default_text(self) -> str:
        """The text that is searched with."""
        return self.text


@functools.cache
def _read(language: str) -> dict[str, Any]:
    # Read when it is needed, so that `hybrid-bench suites` reads no data.
    return json.loads((resources.files(__package__) / f"{language}.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def _answers(language: str) -> Iterator[Answer]:
    return (Answer(doc_id, text) for doc_id, text in _read(language)["passages"].items())


def _questions(language: str) -> Iterator[Question]:
    return (Question(query_id, text) for query_id, text in _read(language)["queries"].items())


def _judgements(language: str) -> Iterator[Judgement]:
    """The answer to a question has the same id in both languages and is relevant in both."""
    for query_id, doc_id in _read(language)["relevant"].items():
        for collection in _LANGUAGES:
            yield Judgement(query_id, collection, doc_id, relevance=1)


_COLLECTIONS = tuple(Collection(name, functools.partial(_answers, name), language=name) for name in _LANGUAGES)
_QUERY_SETS = tuple(
    QuerySet(name, functools.partial(_questions, name), functools.partial(_judgements, name), language=name)
    for name in _LANGUAGES
)

SUITE = Suite(
    name="garden-faq",
    description="6 questions to a community garden, in German and English",
    query_sets=_QUERY_SETS,
    collections=_COLLECTIONS,
    # Each language on each collection, and on the pool of both.
    settings=language_settings(_QUERY_SETS, _COLLECTIONS),
    pools={ALL: _LANGUAGES},
    primary="nDCG@10",
    licence="CC0 1.0",
    # BibTeX of the paper that a user of the suite cites; `hybrid-bench report --citations` prints it.
    citation="@misc{garden-faq, title = {Questions to a community garden}, author = {{The Hybrid Bench authors}}, year = {2026}}",
)
