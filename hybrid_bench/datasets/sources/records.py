"""A collection in memory: the passages of one language, its questions, and which passage answers which question."""

# Not with `from __future__ import annotations`: the exporters of ir_datasets look at the types of a record's fields.

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class SentencePassage(NamedTuple):
    """A sentence of a paragraph, as LAReQA (arXiv 2004.05484) defines a passage."""

    doc_id: str
    text: str  #: the sentence
    title: str  #: the title of its article
    context: str  #: the paragraph that it stands in

    def default_text(self) -> str:
        """The sentence alone."""
        return self.text


class PooledPassage(NamedTuple):
    """A passage of a pool over several collections; its id starts with the language."""

    doc_id: str
    title: str
    text: str

    def default_text(self) -> str:
        """Title and text, as MIRACL's own entries join them."""
        return f"{self.title} {self.text}"


class TextPassage(NamedTuple):
    """A passage that is a text, with the title of what it is from where that is known."""

    doc_id: str
    title: str
    text: str

    def default_text(self) -> str:
        """Title and text, joined as by BEIR and ir_datasets."""
        return f"{self.title} {self.text}".strip()


class Question(NamedTuple):
    """A query that is a text."""

    query_id: str
    text: str

    def default_text(self) -> str:
        """The text."""
        return self.text


@dataclass(frozen=True)
class LanguageCollection:
    """What one language holds.

    Attributes:
        passages: in the order of the file.
        questions: question id to text, in the order of the file.
        relevant: question id to the ids of the passages *of this language* that answer it.
    """

    language: str
    passages: Sequence[SentencePassage]
    questions: Mapping[str, str]
    relevant: Mapping[str, Sequence[str]]


#: Makes the collection of a language; called at first use, and again only in another process.
CollectionLoader = Callable[[str], LanguageCollection]


def passage_id(language: str, paragraph: int, sentence: int) -> str:
    """``de-0012-03``: language, running number of the paragraph in its file, number of the sentence in it."""
    return f"{language}-{paragraph:04d}-{sentence:02d}"
