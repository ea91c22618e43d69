"""The parts of a suite: collections and query sets, their records and judgements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, TypeVar

from hybrid_bench.datasets.images import Image, Input, Modality
from hybrid_bench.errors import UnknownNameError

#: What the encoder reads of a passage that is a sentence of a paragraph.
PassageText = Literal["sentence", "sentence+context"]


class Item(NamedTuple):
    """A query or a passage as an encoder reads it.

    Attributes:
        id: of a query, unique in its query set; of a passage, its TREC id (:meth:`Suite.trec_id`).
        content: a text, or an image.
    """

    id: str
    content: Input


class Judgement(NamedTuple):
    """The relevance of a passage to a query.

    Attributes:
        query_id: of a query in the query set that the judgement belongs to.
        collection: name of the passage's collection.
        doc_id: of the passage, in its collection.
        relevance: the grade; passages of grade 1 or more are relevant.
    """

    query_id: str
    collection: str
    doc_id: str
    relevance: int


class Passage(Protocol):
    """A record of a collection of texts, as ir_datasets has them. One of images has ``doc_id`` and ``image``."""

    @property
    def doc_id(self) -> str:
        """Unique in its collection."""

    def default_text(self) -> str:
        """The text to index."""


class Query(Protocol):
    """A record of a query set of texts, as ir_datasets has them. One of images has ``query_id`` and ``image``."""

    @property
    def query_id(self) -> str:
        """Unique in its query set."""

    def default_text(self) -> str:
        """The text to search with."""


class ImagePassage(NamedTuple):
    """A record of a collection of images."""

    doc_id: str
    image: Image


class ImageQuery(NamedTuple):
    """A record of a query set of images."""

    query_id: str
    image: Image


@dataclass(frozen=True)
class Collection:
    """Passages that belong together.

    Attributes:
        name: unique in its suite; letters, digits, ``.``, ``_``, ``+`` and single ``-`` between them.
        passages: gives the records; called more than once, never before they are needed.
        language: BCP-47 tag; None if the collection has no language or several.
        domain: None if it is not stated.
        modality: of the passages.
        count: gives the number of passages, where it is known without reading them.
    """

    name: str
    passages: Callable[[], Iterable[Passage | ImagePassage]]
    language: str | None = None
    domain: str | None = None
    modality: Modality = "text"
    count: Callable[[], int | None] = lambda: None


@dataclass(frozen=True)
class QuerySet:
    """Queries that belong together, with their judgements.

    Attributes:
        name: unique among the suite's query sets; as :attr:`Collection.name`.
        queries: gives the records; called more than once, never before they are needed.
        judgements: gives the judgements of all its queries, over all collections of the suite.
        language: BCP-47 tag; None if the query set has no language or several.
        domain: None if it is not stated.
        modality: of the queries.
        may_be_empty: whether texts may be empty, as some of published sets are; elsewhere an empty query is an error.
    """

    name: str
    queries: Callable[[], Iterable[Query | ImageQuery]]
    judgements: Callable[[], Iterable[Judgement]]
    language: str | None = None
    domain: str | None = None
    modality: Modality = "text"
    may_be_empty: bool = False


_Part = TypeVar("_Part", Collection, QuerySet)


def named(parts: Mapping[str, _Part], name: str, what: str) -> _Part:
    """The part of this name.

    Raises:
        UnknownNameError: if there is none; it calls it what is said here.
    """
    if name not in parts:
        raise UnknownNameError(what, name, parts)
    return parts[name]
