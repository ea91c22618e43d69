"""A suite: what is searched, for which questions, in which settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, cast, get_args

from hybrid_bench.datasets.settings import ALL, Setting
from hybrid_bench.errors import HybridBenchError, UnknownNameError

#: What the encoder reads of a passage that is a sentence of a paragraph.
PassageText = Literal["sentence", "sentence+context"]


class Text(NamedTuple):
    """A query or a passage as an encoder reads it."""

    id: str
    text: str


class Judgement(NamedTuple):
    """A passage that is relevant to a query."""

    query_id: str
    doc_id: str
    relevance: int


class Doc(Protocol):
    """A record of ir_datasets that can be read as text."""

    @property
    def doc_id(self) -> str:
        """Unique in its pool."""

    def default_text(self) -> str:
        """The text to index."""


class Question(Protocol):
    """A query record of ir_datasets."""

    @property
    def query_id(self) -> str:
        """Unique in its language."""

    def default_text(self) -> str:
        """The text to search with."""


@dataclass(frozen=True)
class Suite:
    """A benchmark by name. Loaders are called when their records are needed, never before.

    Attributes:
        name: as it is asked for and as results record it.
        description: one line for listings.
        languages: the query languages.
        passage_languages: the languages of the collections, one collection each.
        docs: language to the records of its collection.
        queries: language to its query records.
        judgements: query language to the relevant passages of all its queries, over all collections of the suite.
        pooled: whether every query is also asked on the other languages' collections and on all of them together.
            Document ids are then unique over the languages and sort by language.
        primary: the measure that a summary shows, as ir_measures writes it.
        licence: of the data.
        note: what a reader of a score has to know.
        streamed: whether its collections are read as a stream and its pools searched to a depth, because they are, or may
            be, too large for a grid of all scores.
        count: language to the number of its passages, where that is known without reading them.
        folder: the relative path that it was loaded from, if it was; results name no place of one machine alone.
    """

    name: str
    description: str
    languages: tuple[str, ...]
    passage_languages: tuple[str, ...]
    docs: Callable[[str], Iterable[Doc]]
    queries: Callable[[str], Iterable[Question]]
    judgements: Callable[[str], Iterable[Judgement]]
    pooled: bool
    primary: str = "nDCG@10"
    licence: str = ""
    note: str = ""
    streamed: bool = False
    count: Callable[[str], int | None] = lambda _: None
    folder: str = ""

    @property
    def asked_as(self) -> str:
        """What ``--suite`` takes to load it again, where that can be told without an absolute path."""
        return self.folder or self.name

    def settings(self) -> list[Setting]:
        """Every (query language, pool), in the order of tables."""
        if not self.pooled:
            return [Setting(language, language) for language in self.languages if language in self.passage_languages]
        pools = [*self.passage_languages, *([ALL] if len(self.passage_languages) > 1 else [])]
        return [Setting(language, pool) for language in self.languages for pool in pools]

    def restrict(self, languages: Sequence[str]) -> Suite:
        """The same suite with these languages alone; the pool ``all`` shrinks with it.

        Raises:
            UnknownNameError: if a language is not in the suite.
        """
        known = {*self.languages, *self.passage_languages}
        for language in languages:
            if language not in known:
                raise UnknownNameError(f"language of {self.name}", language, known)
        kept = tuple(language for language in self.passage_languages if language in languages)
        prefixed = self.pooled and len(self.passage_languages) > 1

        def judgements(language: str) -> Iterable[Judgement]:
            return (j for j in self.judgements(language) if not prefixed or j.doc_id.partition("-")[0] in kept)

        return dataclasses.replace(
            self,
            judgements=judgements,
            languages=tuple(language for language in self.languages if language in languages),
            passage_languages=kept,
        )

    def passage_texts(self, language: str, passage_text: PassageText = "sentence") -> list[Text]:
        """What the encoder reads of every passage of a language, in the order of the collection.

        Raises:
            HybridBenchError: on an empty text, a NUL byte, an id that occurs twice, or ``sentence+context`` where
                passages have no paragraph.
        """
        read = _reader(passage_text, self.name)
        texts = [Text(doc.doc_id, read(doc)) for doc in self.docs(language)]
        return _checked(texts, f"passage of {self.name}/{language}")

    def passage_stream(self, language: str, passage_text: PassageText = "sentence") -> Iterator[Text]:
        """The same one by one, never all in memory. An id that occurs twice is found when both are retrieved, not here.

        Raises:
            HybridBenchError: on an empty text or a NUL byte.
        """
        read = _reader(passage_text, self.name)
        for doc in self.docs(language):
            text = Text(doc.doc_id, read(doc))
            _check_text(text, f"passage of {self.name}/{language}")
            yield text

    def query_texts(self, language: str) -> list[Text]:
        """Every query of a language, in the order of the collection; raises as :meth:`passage_texts` does."""
        texts = [Text(query.query_id, query.default_text()) for query in self.queries(language)]
        return _checked(texts, f"query of {self.name}/{language}")


def _reader(passage_text: PassageText, suite: str) -> Callable[[Doc], str]:
    if passage_text not in get_args(PassageText):
        raise UnknownNameError("passage text", passage_text, get_args(PassageText))
    if passage_text == "sentence":
        return lambda doc: doc.default_text()

    def with_context(doc: Doc) -> str:
        context = getattr(doc, "context", None)
        if context is None:
            raise HybridBenchError(f"passages of {suite} have no paragraph", "Use --passage-text sentence.")
        return f"{doc.default_text()} {cast(str, context)}"

    return with_context


def _checked(texts: list[Text], what: str) -> list[Text]:
    if not texts:
        raise HybridBenchError(f"there is no {what}", "Check that its files are whole.")
    seen: set[str] = set()
    for text_id, text in texts:
        if text_id in seen:
            raise HybridBenchError(f"the {what} with id {text_id!r} occurs twice", "Give every record its own id.")
        seen.add(text_id)
        _check_text(Text(text_id, text), what)
    return texts


def _check_text(text: Text, what: str) -> None:
    if not text.text.strip():
        raise HybridBenchError(f"the {what} with id {text.id!r} is empty", "Fill it in or leave it out.")
    if "\x00" in text.text:
        raise HybridBenchError(f"the {what} with id {text.id!r} holds a NUL byte", "Remove it from the file.")
