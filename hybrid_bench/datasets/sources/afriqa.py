"""AfriQA (arXiv 2305.06897): questions in African languages, each with a human translation and a gold passage.

The files have one JSON object a line. A passage is a title and a text; equal ones are one passage, whatever file they are in. A
row without a text (null) states no gold passage: its question is left out. The passages of all splits are searched; the test
questions are asked.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from hybrid_bench.datasets.sources import published
from hybrid_bench.datasets.sources.records import TextPassage
from hybrid_bench.errors import HybridBenchError

NAME = "afriqa"
#: BCP-47 tag of the questions to AfriQA's code, in the order of tables.
LANGUAGES = {
    "bem": "bem",
    "fon": "fon",
    "ha": "hau",
    "ig": "ibo",
    "rw": "kin",
    "sw": "swa",
    "tw": "twi",
    "yo": "yor",
    "zu": "zul",
}
#: Tag of the questions to the language of their passages.
PIVOTS = {language: "fr" if language == "fon" else "en" for language in LANGUAGES}
#: What the values of a :class:`Row` are called in the files.
_FIELDS = ("id", "question_lang", "question_translated", "title", "context")


class Row(NamedTuple):
    """A question with its gold passage; what is null, or ``NaN`` as pandas writes it, in the file is empty.

    Attributes:
        id: unique in its file.
        question: in the African language.
        translation: the same by a human translator, in the passage's language.
        title: of the passage; empty if it is not stated.
        text: of the passage.
    """

    id: str
    question: str
    translation: str
    title: str
    text: str


@dataclass(frozen=True)
class Pool:
    """The passages of one language and the questions on them.

    Attributes:
        passages: each once, those of the test questions first.
        questions: tag to question id to the question.
        translations: the same of the translated questions.
        relevant: question id to the id of its passage.
    """

    passages: list[TextPassage] = field(default_factory=list)
    questions: dict[str, dict[str, str]] = field(default_factory=dict)
    translations: dict[str, dict[str, str]] = field(default_factory=dict)
    relevant: dict[str, str] = field(default_factory=dict)


@functools.cache
def load(pivot: str) -> Pool:
    """The passages in English (``en``) or French (``fr``), and the questions on them."""
    pool = Pool()
    known: dict[tuple[str, str], str] = {}
    languages = [language for language in LANGUAGES if PIVOTS[language] == pivot]
    for split in ("test", "dev", "train"):
        for language in languages:
            if (path := _file(language, split)) is None:
                continue
            for row in read(path):
                doc_id = known.setdefault((row.title, row.text), f"{pivot}-{len(known):04d}")
                if len(known) > len(pool.passages):
                    pool.passages.append(TextPassage(doc_id, row.title, row.text))
                if split == "test":
                    question_id = f"{language}-{row.id}"
                    pool.questions.setdefault(language, {})[question_id] = row.question
                    pool.translations.setdefault(language, {})[question_id] = row.translation
                    pool.relevant[question_id] = doc_id
    return pool


def _file(language: str, split: str) -> Path | None:
    """The file of a language and split; None if none is published."""
    source = published.source(NAME)
    code = LANGUAGES[language]
    name = f"{code}.{PIVOTS[language]}.{split}"
    md5 = source["md5"].get(name)
    return md5 and published.file(NAME, source["url"].format(folder=code, file=name), f"{name}.json", md5)


def read(path: Path) -> Iterator[Row]:
    """The rows of a file that have a passage.

    Raises:
        HybridBenchError: that names the file and line of the first row that is malformed, or has the id of another.
    """
    seen: set[str] = set()
    number = 0
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):  # noqa: B007 - errors name it
                fields = json.loads(line, parse_constant=lambda _: None)
                row = Row(*(fields[name] or "" for name in _FIELDS))
                if not all(isinstance(value, str) for value in row) or not row.id or row.id in seen:
                    raise ValueError(f"a value is no text, or the id {row.id!a} is there twice")
                seen.add(row.id)
                if row.text.strip():
                    yield row
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise HybridBenchError(
            f"{path}, line {number}: not a question of AfriQA: {type(error).__name__}: {str(error)[:200]!a}",
            "Delete the file and run again, so that it is downloaded again.",
        ) from error
