"""Keeping evaluation data out of training data: by id and by normalised text, counted."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support.progress import Progress, SilentProgress
from hybrid_bench.training.data.table import ParallelRow, ParallelTable
from hybrid_bench.training.data.text_keys import normalised

#: The filters in the order in which they are applied; a row is counted by the first that takes it.
FILTERS = ("id", "question", "passage", "context")
#: Two paragraphs are taken for related when they share a run of so many normalised characters.
WINDOW = 60
#: Passages below so many normalised characters ("Yes.", "In 1998.") are no evidence that a row is from a suite. A character of
#: double width (Chinese, Japanese, Korean) counts for three: it says as much.
SHORTEST = 12
#: Where a word may begin: behind a space, and at every letter of a script that writes words without spaces between them (Thai,
#: Lao, Tibetan, Burmese, Khmer; kana and Han).
_BEGINS = re.compile("^|(?<= )|(?=[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff])")


@dataclass
class FilterReport:
    """What was taken out, and what stays related.

    Attributes:
        before, after: rows.
        taken: (suite, filter) to the rows that it took.
        questions: language to the questions that are left.
        articles: suite to the articles that rows which are left share with it, by title.
    """

    before: int
    after: int
    taken: Counter[tuple[str, str]] = field(default_factory=Counter)
    questions: dict[str, int] = field(default_factory=dict)
    articles: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class _Evaluation:
    """The texts of a suite, normalised."""

    name: str
    ids: set[str] = field(default_factory=set)
    questions: set[str] = field(default_factory=set)
    passages: set[str] = field(default_factory=set)
    contexts: set[str] = field(default_factory=set)
    #: The first windows of all paragraphs, and all windows of all paragraphs, see :func:`_windows`.
    heads: set[str] = field(default_factory=set)
    windows: set[str] = field(default_factory=set)
    titles: set[str] = field(default_factory=set)


def without_suites(
    table: ParallelTable, suites: Sequence[Suite], progress: Progress | None = None
) -> tuple[ParallelTable, FilterReport]:
    """Leave out every row that a suite could be recognised in.

    A row is out, in all its languages, if one of these holds in one of them, whatever the language of the suite's text:
    its id is that of a query; its question is a query, however short, or a passage; its passage is a passage or a query,
    where it is long enough to tell; its paragraph, its passage or its question equals a paragraph of the suite, or begins
    inside one, or one begins inside it, and they go on alike for :data:`WINDOW` characters. Texts are compared normalised (case,
    punctuation and compatibility forms put aside).
    Where a suite has no paragraphs, its passages stand for them.

    Raises:
        HybridBenchError: if no row of a source is left; the message says which filter took how many.
    """
    evaluations = [_evaluation(suite) for suite in suites]
    related: dict[str, str | None] = {}
    kept = []
    report = FilterReport(len(table), 0)
    progress = progress or SilentProgress()
    progress.start("filtering", len(table))
    by_source: dict[str, Counter[tuple[str, str]]] = {}
    for number, row in enumerate(table.rows()):
        progress.advance(1)
        taken = _taken_by(row, evaluations, related)
        if taken:
            by_source.setdefault(row.source, Counter())[taken] += 1
        else:
            kept.append(number)
    left = table.select(np.array(kept, dtype=np.int64))
    for source, counts in by_source.items():
        if source not in left.sources:
            what = ", ".join(f"{suite} by {filter_name}: {count}" for (suite, filter_name), count in counts.most_common())
            raise HybridBenchError(
                f"no row of the training data {source} is left after filtering ({what})",
                "Leave it out, or add other texts.",
            )
        report.taken.update(counts)
    report.after = len(left)
    report.questions = left.counts("question")
    own = {normalised(article): article for article in left.strings("article") if article}
    report.articles = {one.name: sorted(own[title] for title in own.keys() & one.titles) for one in evaluations}
    return left, report


def _taken_by(row: ParallelRow, suites: Sequence[_Evaluation], related: dict[str, str | None]) -> tuple[str, str] | None:
    """The suite and the filter that take a row; ``related`` remembers in which suite's paragraphs a text was found."""
    for suite in suites:
        if row.id in suite.ids or row.id.rpartition(":")[2] in suite.ids:  # a source may stand before it
            return suite.name, "id"
    for part, texts in (("question", row.question), ("passage", row.sentence)):
        plain = {normalised(text) for text in texts.values()}
        long = {text for text in plain if _tells(text)}
        for suite in suites:
            if (plain if part == "question" else long) & suite.questions or long & suite.passages:
                return suite.name, part
    for part, texts in (("context", row.context), ("passage", row.sentence), ("question", row.question)):
        for text in texts.values():
            if text not in related:  # a paragraph has several questions
                plain_text = normalised(text)
                related[text] = next((suite.name for suite in suites if _related(plain_text, suite)), None)
            if found := related[text]:
                return found, part
    return None


def _tells(plain: str) -> bool:
    """Whether a normalised text is long enough to be known by."""
    return len(plain) >= SHORTEST or sum(3 if unicodedata.east_asian_width(one) in "WF" else 1 for one in plain) >= SHORTEST


def _related(plain: str, suite: _Evaluation) -> bool:
    """Whether a text is a paragraph of a suite, or runs on into one or out of one."""
    if plain in suite.contexts:
        return True
    if len(plain) < WINDOW:
        return False
    return plain[:WINDOW] in suite.windows or any(window in suite.heads for window in _windows(plain))


def _windows(plain: str) -> Iterator[str]:
    """The windows that begin where a word may; where a paragraph begins, a word does."""
    for start in (begin.start() for begin in _BEGINS.finditer(plain)):
        if start + WINDOW <= len(plain):
            yield plain[start : start + WINDOW]


def _evaluation(suite: Suite) -> _Evaluation:
    found = _Evaluation(suite.name)
    for language in suite.languages:
        for query in suite.queries(language):
            found.ids.add(query.query_id)
            found.questions.update(_some(normalised(query.default_text())))
    contexts: set[str] = set()
    for language in suite.passage_languages:
        for doc in suite.docs(language):
            plain = normalised(doc.default_text())
            found.passages.update([plain] if _tells(plain) else [])
            contexts.add(getattr(doc, "context", "") or doc.default_text())
            found.titles.update(_some(normalised(getattr(doc, "title", ""))))
    for context in contexts:
        plain = normalised(context)
        if _tells(plain):
            found.contexts.add(plain)
        if len(plain) >= WINDOW:
            found.heads.add(plain[:WINDOW])
            found.windows.update(_windows(plain))
    return found


def _some(text: str) -> Iterable[str]:
    return (text,) if text else ()
