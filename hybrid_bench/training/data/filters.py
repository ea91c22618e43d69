"""Removing evaluation data from training data, by id and by normalised text."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from hybrid_bench.datasets.parts import ImagePassage
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support.progress import Progress, SilentProgress
from hybrid_bench.training.data.table import ParallelRow, ParallelTable
from hybrid_bench.training.data.text_keys import normalised

#: The filters, in order; a removed row is counted for the first filter that matches.
FILTERS = ("id", "question", "passage", "context", "article")
#: Two paragraphs overlap if they share this many consecutive normalised characters.
WINDOW = 60
#: Shorter passages ("Yes.", "In 1998.") are no evidence that a row is from a suite. In normalised characters, of which those of
#: double width (Chinese, Japanese, Korean) count three times.
SHORTEST = 12
#: Where a word may start: after a space, and at every letter of a script without spaces between words (Thai, Lao, Tibetan,
#: Burmese, Khmer, kana, Han).
_WORD_START = re.compile("^|(?<= )|(?=[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff])")


@dataclass
class FilterReport:
    """The removed rows, and what the remaining rows still share with the suites.

    Attributes:
        before, after: numbers of rows.
        removed: (suite, filter) to the number of removed rows.
        questions: language to the number of remaining questions.
        articles: suite to the titles of articles that remaining rows share with it.
    """

    before: int
    after: int
    removed: Counter[tuple[str, str]] = field(default_factory=Counter)
    questions: dict[str, int] = field(default_factory=dict)
    articles: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class _SuiteTexts:
    """The normalised texts of a suite."""

    name: str
    ids: set[str] = field(default_factory=set)
    questions: set[str] = field(default_factory=set)
    passages: set[str] = field(default_factory=set)
    contexts: set[str] = field(default_factory=set)
    #: The first window of every paragraph, and all windows of all paragraphs, see :func:`_windows`.
    heads: set[str] = field(default_factory=set)
    windows: set[str] = field(default_factory=set)
    titles: set[str] = field(default_factory=set)


def remove_suite_overlap(
    table: ParallelTable, suites: Sequence[Suite], progress: Progress | None = None, *, articles_of: Collection[str] = ()
) -> tuple[ParallelTable, FilterReport]:
    """Remove every row that shares an id or a text with a suite.

    A row is removed, in all its languages, if one of these holds in any of them, for a suite text in any language:
    its id is the id of a query; its question equals a query (of any length) or a passage; its passage equals a passage or a
    query and is at least :data:`SHORTEST` characters long; its paragraph, passage or question equals a paragraph of the
    suite, or one starts inside the other and both continue identically for :data:`WINDOW` characters. Texts are compared after
    normalisation (:func:`.normalised`). If a suite has no paragraphs, its passages are used.

    Args:
        table: the rows.
        suites: what the rows must not overlap with.
        progress: notified of every row.
        articles_of: names of suites whose articles are removed in whole, by title.

    Returns:
        The remaining rows, and a report.

    Raises:
        HybridBenchError: if no row of a source remains; the message counts the removed rows by filter.
    """
    suite_texts = [_suite_texts(suite) for suite in suites]
    held_out = {title: one.name for one in reversed(suite_texts) if one.name in articles_of for title in one.titles}
    overlaps: dict[str, str | None] = {}
    kept = []
    report = FilterReport(len(table), 0)
    progress = progress or SilentProgress()
    progress.start("filtering", len(table))
    by_source: dict[str, Counter[tuple[str, str]]] = {}
    for number, row in enumerate(table.rows()):
        progress.advance(1)
        match = _matching_filter(row, suite_texts, overlaps)
        if match is None and (name := held_out.get(normalised(row.article))):
            match = name, "article"
        if match:
            by_source.setdefault(row.source, Counter())[match] += 1
        else:
            kept.append(number)
    left = table.select(np.array(kept, dtype=np.int64))
    for source, counts in by_source.items():
        if source not in left.sources:
            what = ", ".join(f"{suite} by {filter_name}: {count}" for (suite, filter_name), count in counts.most_common())
            raise HybridBenchError(
                f"no row of the training data {source} remains after filtering ({what})",
                "Remove the source, or add other texts to it.",
            )
        report.removed.update(counts)
    report.after = len(left)
    report.questions = left.counts("question")
    own = {normalised(article): article for article in left.key_column("article") if article}
    report.articles = {one.name: sorted(own[title] for title in own.keys() & one.titles) for one in suite_texts}
    return left, report


def in_all_languages(suite: Suite, languages: Sequence[str]) -> Suite:
    """A suite with its languages and those of the training data that it has beyond its default ones."""
    if suite.of_languages is None:
        return suite
    more = []
    for language in set(languages) - set(suite.languages):
        with contextlib.suppress(HybridBenchError):  # most suites do not have every language
            suite.of_languages([*suite.languages, language])
            more.append(language)
    return suite.of_languages([*suite.languages, *more])


def _matching_filter(row: ParallelRow, suites: Sequence[_SuiteTexts], overlaps: dict[str, str | None]) -> tuple[str, str] | None:
    """The first (suite, filter) that matches a row; ``overlaps`` caches the suite whose paragraphs a text overlaps."""
    for suite in suites:
        if row.id in suite.ids or row.id.rpartition(":")[2] in suite.ids:  # the id may be prefixed with its source
            return suite.name, "id"
    for part, texts in (("question", row.question), ("passage", row.sentence)):
        plain = {normalised(text) for text in texts.values()}
        long = {text for text in plain if _is_distinctive(text)}
        for suite in suites:
            if (plain if part == "question" else long) & suite.questions or long & suite.passages:
                return suite.name, part
    for part, texts in (("context", row.context), ("passage", row.sentence), ("question", row.question)):
        for text in texts.values():
            if text not in overlaps:  # several questions share a paragraph
                plain_text = normalised(text)
                overlaps[text] = next((suite.name for suite in suites if _overlaps(plain_text, suite)), None)
            if found := overlaps[text]:
                return found, part
    return None


def _is_distinctive(plain: str) -> bool:
    """Whether a normalised text is long enough to be recognised by."""
    return len(plain) >= SHORTEST or sum(3 if unicodedata.east_asian_width(one) in "WF" else 1 for one in plain) >= SHORTEST


def _overlaps(plain: str, suite: _SuiteTexts) -> bool:
    """Whether a text is a paragraph of a suite, or shares a window with one at the start of either."""
    if plain in suite.contexts:
        return True
    if len(plain) < WINDOW:
        return False
    return plain[:WINDOW] in suite.windows or any(window in suite.heads for window in _windows(plain))


def _windows(plain: str) -> Iterator[str]:
    """The windows that start where a word may start."""
    for start in (match.start() for match in _WORD_START.finditer(plain)):
        if start + WINDOW <= len(plain):
            yield plain[start : start + WINDOW]


def _suite_texts(suite: Suite) -> _SuiteTexts:
    found = _SuiteTexts(suite.name)
    for queries in suite.query_sets:
        for query in suite.queries(queries.name):
            found.ids.add(query.id)
            if isinstance(query.content, str):
                found.questions.update(_nonempty(normalised(query.content)))
    contexts: set[str] = set()
    for collection in suite.collections:
        for doc in collection.passages():
            if isinstance(doc, ImagePassage):
                continue
            plain = normalised(doc.default_text())
            found.passages.update([plain] if _is_distinctive(plain) else [])
            contexts.add(getattr(doc, "context", "") or doc.default_text())
            found.titles.update(_nonempty(normalised(getattr(doc, "title", ""))))
    for context in contexts:
        plain = normalised(context)
        if _is_distinctive(plain):
            found.contexts.add(plain)
        if len(plain) >= WINDOW:
            found.heads.add(plain[:WINDOW])
            found.windows.update(_windows(plain))
    return found


def _nonempty(text: str) -> Iterable[str]:
    return (text,) if text else ()
