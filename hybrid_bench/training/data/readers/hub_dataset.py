"""English question answering data of the Hugging Face Hub, or of a local folder that ``datasets`` loads, as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support.optional import need
from hybrid_bench.training.data import sentences
from hybrid_bench.training.data.readers.reading import ReadResult
from hybrid_bench.training.data.table import ParallelRow

#: Reasons for skipping a record.
EMPTY = "records without a question or an answer passage"
NOT_FOUND = "records whose answer is not in the paragraph"
NOT_ASKED = "records that are left out by --where"


@dataclass(frozen=True)
class Columns:
    """The columns of a data set; a dot leads into a nested one, ``answers.text``.

    Attributes:
        question: with the question.
        passage: with the answer passage; None: it is the sentence of the paragraph that contains the answer.
        context: with the paragraph; None: there is none.
        answers: with the answer, or a list of answers, by which the passage is found in the paragraph.
        article: with the title of an article; None: there is none.
        where: column to the value that a record must have.
    """

    question: str
    passage: str | None = None
    context: str | None = None
    answers: str | None = None
    article: str | None = None
    where: Mapping[str, str] | None = None


def read(
    source: str,
    dataset: str,
    columns: Columns,
    *,
    language: str = "en",
    config: str | None = None,
    split: str = "train",
    revision: str | None = None,
) -> ReadResult:
    """Read a data set. Its code is never run: ``datasets`` reads data files only.

    Args:
        source: the source of the rows.
        dataset: an id of the Hub, or a folder.
        columns: what is read.
        language: of the texts.
        config: of the data set; None: its only one.
        split: of the data set.
        revision: a commit, branch or tag; None: the newest.

    Raises:
        HybridBenchError: if it cannot be loaded, lacks a column, or no record has a question and a passage.
    """
    need("data", "data sets of the Hub", "datasets")
    if columns.passage is None and (columns.context is None or columns.answers is None):
        raise HybridBenchError(
            "no column has the answer passage", "Give --passage, or --context with --answers, by which it is found."
        )
    reading = ReadResult([])
    for number, record in enumerate(_records(dataset, config, split, revision)):
        where = columns.where or {}
        if any(str(_value(record, column)) != wanted for column, wanted in where.items()):
            reading.skipped[language, NOT_ASKED] += 1
            continue
        question, passage, context = (_text(record, name) for name in (columns.question, columns.passage, columns.context))
        if not question or not (passage or context):
            reading.skipped[language, EMPTY] += 1
            continue
        if columns.passage is None:
            passage = _sentence_with_answer(context, _value(record, columns.answers or ""))
        if not passage:
            reading.skipped[language, EMPTY if columns.passage else NOT_FOUND] += 1
            continue
        row = ParallelRow(f"{source}-{number}", source, _text(record, columns.article), {language: question}, {language: passage})
        if context:
            row.context[language] = context
        reading.rows.append(row)
    if not reading.rows:
        raise HybridBenchError(f"no record of {dataset} has a question and a passage", "Check the columns.")
    return reading


def _records(dataset: str, config: str | None, split: str, revision: str | None) -> Any:
    import datasets

    try:
        return datasets.load_dataset(dataset, config, split=split, revision=revision)
    except Exception as error:  # datasets lets through whatever its file readers, the Hub's client or the system raise
        reason = " ".join(str(error).split())
        raise HybridBenchError(
            f"cannot load the data set {dataset}: {type(error).__name__}: {reason}",
            "Check its id, --config, --split and --revision, and the network.",
        ) from error


def _value(record: Mapping[str, Any], column: str) -> Any:
    found: Any = record
    for name in column.split("."):
        if not isinstance(found, Mapping) or name not in found:
            raise HybridBenchError(
                f"the data set has no column {column!r}", f"Its columns are {', '.join(sorted(map(str, record)))}."
            )
        found = found[name]
    return found


def _text(record: Mapping[str, Any], column: str | None) -> str:
    found = None if column is None else _value(record, column)
    return found.strip() if isinstance(found, str) else ""


def _sentence_with_answer(context: str, answers: Any) -> str:
    """The sentence that contains the first answer that occurs in the paragraph, at its first occurrence."""
    listed: Sequence[Any] = answers if isinstance(answers, Sequence) and not isinstance(answers, str) else [answers]
    spans = sentences.spans(context)
    for answer in listed:
        place = context.find(answer.strip()) if isinstance(answer, str) and answer.strip() else -1
        if place >= 0:
            start, end = sentences.containing(spans, place)
            return context[start:end]
    return ""
