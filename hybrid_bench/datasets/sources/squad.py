"""SQuAD's format: paragraphs and questions on them, cut into sentences as LAReQA does (arXiv 2004.05484)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hybrid_bench.datasets.sources.records import LanguageCollection, SentencePassage, passage_id
from hybrid_bench.errors import HybridBenchError

#: Where sentences end: at line breaks, and after a mark, with the quotes and brackets that close behind it, if the next word
#: begins with a capital letter of Western Europe or Romania, a digit, a quotation mark or a bracket.
_END = re.compile(r"\n+|[.!?]+[\"')\]]*(?=\s+[A-ZÀ-ÞĂȘȚ\d\"'(\[“‘„])")


def sentences(text: str) -> list[tuple[int, int]]:
    """The (start, end) of the sentences of a paragraph that nobody has cut, without white space around them.

    A sentence ends at a line break, or after ``.``, ``!`` or ``?`` before a word that looks like a beginning. An abbreviation
    before a name ends one too: the rule is simple enough to be stated. Marks alone before one are left out.
    """
    ends = [*((match.end(), match[0]) for match in _END.finditer(text)), (len(text), "")]
    found, start = [], 0
    for end, marks in ends:
        piece = text[start:end]
        if piece.strip() and piece.strip() != marks:
            first = start + len(piece) - len(piece.lstrip())
            found.append((first, first + len(piece.strip())))
        start = end
    return found


def read(path: Path, prefix: str, *, every_annotator: bool = False) -> LanguageCollection:
    """Read a file; arguments as of :func:`parse`.

    Raises:
        HybridBenchError: if it is not JSON in UTF-8, or as by :func:`parse`.
    """
    try:
        file = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise HybridBenchError(f"{path} is not JSON in UTF-8: {str(error)[:200]!a}", "Delete it and run again.") from error
    try:
        return parse(file, prefix, every_annotator=every_annotator)
    except HybridBenchError as error:
        raise HybridBenchError(f"{path}: {error.problem}", "Delete it and run again.") from error


def parse(file: Any, prefix: str, *, every_annotator: bool = False) -> LanguageCollection:
    """Cut the paragraphs of a file into passages.

    Every sentence is a passage, duplicates kept: those of ``sentence_breaks`` where the file states them, else those of
    :func:`sentences`. The relevant passage of a question is the one in which its answer starts, and other sentences of the same
    paragraph with identical text.

    Args:
        file: the parsed JSON.
        prefix: of the ids of passages: the language, or the name of the collection.
        every_annotator: whether all of a question's answers count, or the first alone.

    Raises:
        HybridBenchError: if the file has another structure, an id is there twice, or an answer starts outside every sentence of
            its paragraph.
    """
    passages: list[SentencePassage] = []
    questions: dict[str, str] = {}
    relevant: dict[str, list[str]] = {}
    try:
        for number, (title, paragraph) in enumerate(_paragraphs(file)):
            context: str = paragraph["context"]
            spans = paragraph["sentence_breaks"] if "sentence_breaks" in paragraph else sentences(context)
            cut = [
                SentencePassage(passage_id(prefix, number, index), context[start:end], title, context)
                for index, (start, end) in enumerate(spans)
            ]
            passages.extend(cut)
            for question in paragraph["qas"]:
                name, text, answers = question["id"], question["question"], question["answers"]
                if name in questions or not name or not text.strip() or not answers:
                    raise ValueError(f"the question {name!a} is there twice, or empty, or without an answer")
                offsets = [answer["answer_start"] for answer in answers[: None if every_annotator else 1]]
                held = {cut[_holding(spans, offset, name, prefix)].text for offset in offsets}
                questions[name] = text
                relevant[name] = [one.doc_id for one in cut if one.text in held]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise HybridBenchError(f"not a file in SQuAD's format: {type(error).__name__}: {str(error)[:200]!a}") from error
    return LanguageCollection(prefix, passages, questions, relevant)


def _paragraphs(file: Any) -> Iterator[tuple[str, Any]]:
    """(title of the article, paragraph) in the order of the file."""
    for article in file["data"]:
        title = article.get("title", "").replace("_", " ")
        yield from ((title, paragraph) for paragraph in article["paragraphs"])


def _holding(spans: Any, offset: int, question: str, prefix: str) -> int:
    """The number of the first sentence that contains an offset."""
    for index, (start, end) in enumerate(spans):
        if start <= offset < end:
            return index
    raise HybridBenchError(f"question {question} ({prefix}): no sentence of its paragraph holds offset {offset}")
