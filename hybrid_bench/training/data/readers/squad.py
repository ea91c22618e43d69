"""SQuAD files: an original and its translations, with the same question ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.training.data import sentences
from hybrid_bench.training.data.readers.reading import ReadResult, read_json
from hybrid_bench.training.data.table import ParallelRow

#: Reasons for skipping a record, as shown in reports and manifests.
UNANSWERABLE = "unanswerable questions"
NO_PASSAGE = "passages: the answer is not in the paragraph"
REPEATED = "questions read already"
NOT_ALIGNED = "questions that the language of alignment does not have"


def read(source: str, files: Mapping[str, Sequence[Path]], aligned_to: str | None = None) -> ReadResult:
    """Read the files of each language and join the records with the same id to rows.

    The passage of a question is the sentence of its paragraph (see :mod:`hybrid_bench.training.data.sentences`) that contains
    the answer: the first listed answer that occurs in the paragraph, at the occurrence nearest to the stated offset, or
    without an offset at its only occurrence. A question whose answer is not found has no passage, but can be paired with
    passages in other languages. If several files of a language have the same id, the first is used.

    Args:
        source: the source of the rows.
        files: language to its files: JSON, ``.gz`` or ``.zip``.
        aligned_to: skip questions that this language does not have.

    Raises:
        HybridBenchError: if a file is not in SQuAD's format, or a language shares no id with any other.
    """
    reading = ReadResult([])
    rows: dict[str, ParallelRow] = {}
    ids: dict[str, set[str]] = {}
    for language, paths in files.items():
        ids[language] = set()
        for path in paths:
            _read_file(path, language, source, rows, ids[language], reading)
    _check_overlap(source, ids)
    if aligned_to is not None:
        if aligned_to not in ids:
            raise HybridBenchError(f"{source} has no file in {aligned_to!r}, the language to align to", "Add the file.")
        for language, own in ids.items():
            if unaligned := len(own - ids[aligned_to]):
                reading.skipped[language, NOT_ALIGNED] += unaligned
        rows = {row_id: row for row_id, row in rows.items() if row_id in ids[aligned_to]}
    reading.rows = list(rows.values())
    return reading


def _read_file(path: Path, language: str, source: str, rows: dict[str, ParallelRow], ids: set[str], reading: ReadResult) -> None:
    try:
        articles = read_json(path)["data"]
        paragraphs = [(article.get("title", ""), paragraph) for article in articles for paragraph in article["paragraphs"]]
        for title, paragraph in paragraphs:
            context: str = paragraph["context"]
            spans: list[tuple[int, int]] | None = None
            for qa in paragraph["qas"]:
                if qa.get("is_impossible"):
                    reading.skipped[language, UNANSWERABLE] += 1
                    continue
                question: str = qa["question"].strip()
                if not question:
                    raise HybridBenchError(f"{path}: the question {qa['id']} is empty", "Complete or remove it.")
                if not isinstance(qa["id"], str):
                    raise TypeError(f"the id {qa['id']!r} is not a string")
                if qa["id"] in ids:
                    reading.skipped[language, REPEATED] += 1
                    continue
                ids.add(qa["id"])
                row = rows.setdefault(qa["id"], ParallelRow(qa["id"], source, title.replace("_", " ")))
                row.question[language] = question
                offset = _answer_offset(context, qa.get("answers") or [])
                if offset is None:
                    reading.skipped[language, NO_PASSAGE] += 1
                    continue
                spans = sentences.spans(context) if spans is None else spans
                start, end = sentences.containing(spans, offset)
                row.sentence[language] = context[start:end]
                row.context[language] = context
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HybridBenchError(
            f"{path} is not in SQuAD's format: {type(error).__name__}: {error}",
            'The format is JSON: {"data": [{"title", "paragraphs": [{"context", "qas": [{"id", "question", "answers"}]}]}]}.',
        ) from error


def _answer_offset(context: str, answers: Sequence[Mapping[str, Any]]) -> int | None:
    """The offset of the first listed answer that occurs in the paragraph; None if no answer does."""
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
            raise HybridBenchError(f"the files of {source} in {language!r} have no answerable question", "Remove them.")
        if others and not own & set().union(*others):
            raise HybridBenchError(
                f"the {len(own)} question ids of {source} in {language!r} are in no other language (one: {sorted(own)[0]})",
                "Translations must keep the ids of the original; otherwise read this language as a separate source.",
            )
