"""Files in SQuAD's format that share question ids: the original and its translations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.training.data import sentences
from hybrid_bench.training.data.readers.reading import Reading, json_of
from hybrid_bench.training.data.table import ParallelRow

#: Reasons for which a record is left out, as reports say them.
UNANSWERABLE = "unanswerable questions"
NO_PASSAGE = "passages: the answer is not in the paragraph"
REPEATED = "questions read already"
NOT_ALIGNED = "questions that the language of alignment does not have"


def read(source: str, files: Mapping[str, Sequence[Path]], aligned_to: str | None = None) -> Reading:
    """Read the files of each language and put together what has one id.

    The passage of a question is the sentence of its paragraph that holds its answer (:mod:`.sentences` has the rule): the
    first answer of its list that is in the paragraph, at the occurrence nearest to the stated offset, or without an offset
    at its only occurrence. A question whose answer is not found stays, without a passage: it can ask for passages of other
    languages. Where a language has several files, the first that has an id counts.

    Args:
        source: the name of the source, for the rows.
        files: language to its files: JSON, ``.gz`` or ``.zip``.
        aligned_to: leave out questions that this language does not have.

    Raises:
        HybridBenchError: if a file is not in SQuAD's format, or a language shares no id with any other.
    """
    reading = Reading([])
    rows: dict[str, ParallelRow] = {}
    ids: dict[str, set[str]] = {}
    for language, paths in files.items():
        ids[language] = set()
        for path in paths:
            _read_file(path, language, source, rows, ids[language], reading)
    _check_overlap(source, ids)
    if aligned_to is not None:
        if aligned_to not in ids:
            raise HybridBenchError(f"{source} is to be aligned to {aligned_to!r}, and has no file of it", "Add the file.")
        for language, own in ids.items():
            if lost := len(own - ids[aligned_to]):
                reading.left_out[language, NOT_ALIGNED] += lost
        rows = {row_id: row for row_id, row in rows.items() if row_id in ids[aligned_to]}
    reading.rows = list(rows.values())
    return reading


def _read_file(path: Path, language: str, source: str, rows: dict[str, ParallelRow], ids: set[str], reading: Reading) -> None:
    try:
        articles = json_of(path)["data"]
        paragraphs = [(article.get("title", ""), paragraph) for article in articles for paragraph in article["paragraphs"]]
        for title, paragraph in paragraphs:
            context: str = paragraph["context"]
            spans: list[tuple[int, int]] | None = None
            for qa in paragraph["qas"]:
                if qa.get("is_impossible"):
                    reading.left_out[language, UNANSWERABLE] += 1
                    continue
                question: str = qa["question"].strip()
                if not question:
                    raise HybridBenchError(f"{path}: the question {qa['id']} is empty", "Fill it in or leave it out.")
                if not isinstance(qa["id"], str):
                    raise TypeError(f"the id {qa['id']!r} is not a text")
                if qa["id"] in ids:
                    reading.left_out[language, REPEATED] += 1
                    continue
                ids.add(qa["id"])
                row = rows.setdefault(qa["id"], ParallelRow(qa["id"], source, title.replace("_", " ")))
                row.question[language] = question
                offset = _answer_offset(context, qa.get("answers") or [])
                if offset is None:
                    reading.left_out[language, NO_PASSAGE] += 1
                    continue
                spans = sentences.spans(context) if spans is None else spans
                start, end = sentences.holding(spans, offset)
                row.sentence[language] = context[start:end]
                row.context[language] = context
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HybridBenchError(
            f"{path} is not in SQuAD's format: {type(error).__name__}: {error}",
            'It has to be JSON: {"data": [{"title", "paragraphs": [{"context", "qas": [{"id", "question", "answers"}]}]}]}.',
        ) from error


def _answer_offset(context: str, answers: Sequence[Mapping[str, Any]]) -> int | None:
    """Where the first answer that is in the paragraph stands there; None if none is."""
    for answer in answers:
        text = answer["text"].strip()
        stated = answer.get("answer_start")
        places = _occurrences(context, text) if text else []
        if stated is not None and places:
            return min(places, key=lambda place: (abs(place - int(stated)), place))
        if len(places) == 1:
            return places[0]
    return None


def _occurrences(context: str, text: str) -> list[int]:
    places = []
    place = context.find(text)
    while place >= 0:
        places.append(place)
        place = context.find(text, place + 1)
    return places


def _check_overlap(source: str, ids: Mapping[str, set[str]]) -> None:
    for language, own in ids.items():
        others = [other for name, other in ids.items() if name != language]
        if not own:
            raise HybridBenchError(f"the files of {source} in {language!r} have no answerable question", "Leave them out.")
        if others and not own & set().union(*others):
            raise HybridBenchError(
                f"the {len(own)} question ids of {source} in {language!r} are in no other language (one: {sorted(own)[0]})",
                "Translations have to keep the ids of the original; read this language as a source of its own.",
            )
