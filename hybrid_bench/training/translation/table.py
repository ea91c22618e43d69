"""Translating a table of questions and passages so that the passage of each question stays known.

Paragraphs are translated sentence by sentence, and the answer's sentence is one of them. So the passage of a question is the
translation of its passage, and it stands in the translated paragraph, word for word, without markers or alignment. What is
lost is what a sentence owes to its neighbours: pronouns, mostly.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.progress import Progress, SilentProgress
from hybrid_bench.training import sentences
from hybrid_bench.training.parallel import ParallelRow, ParallelTable
from hybrid_bench.training.translation.protocol import Translator
from hybrid_bench.training.translation.store import translations

#: Languages whose sentences follow each other without a space.
_UNSPACED = frozenset({"ja", "zh"})


def translate(
    table: ParallelTable,
    targets: Sequence[str],
    translator: Translator,
    parts: Path,
    *,
    source: str = "en",
    progress: Progress | None = None,
) -> ParallelTable:
    """Add languages to the rows of a table.

    What a row has in a target language already is kept. Every text that is added carries the name and the revision of the
    translator in ``translator.<language>``.

    Args:
        table: what is translated: the questions, passages and paragraphs in ``source``.
        targets: languages to add (ISO 639-1).
        translator: who translates.
        parts: a folder for translations on the way; what is there is not made again.
        source: the language to translate from.
        progress: told of each language.

    Raises:
        HybridBenchError: if there is nothing in the source language, or the translator cannot do a pair of languages.
    """
    if source not in table.languages:
        raise HybridBenchError(f"there is nothing in {source!r} to translate", f"The languages are {', '.join(table.languages)}.")
    if not targets:
        raise HybridBenchError("no language to translate to", "Name one or more, by commas.")
    for target in targets:
        translator.check(source, target)  # before the long work begins
    rows = list(table.rows())
    progress = progress or SilentProgress()
    with progress:
        for target in dict.fromkeys(targets):
            texts = list(dict.fromkeys(text for row in rows for text in _needed(row, source, target)))
            progress.start(f"{source} to {target}", len(texts))
            made = translations(texts, source, target, translator, parts, progress)
            rows = [_with(row, source, target, made, f"{translator.name}@{translator.revision}") for row in rows]
    return ParallelTable.of(rows)


def _missing(row: ParallelRow, source: str, target: str) -> bool:
    return (source in row.question or source in row.sentence) and target not in row.question and target not in row.sentence


def _needed(row: ParallelRow, source: str, target: str) -> Iterator[str]:
    """The texts of a row that a translator has to see."""
    if _missing(row, source, target):
        if source in row.question:
            yield row.question[source]
        if source in row.sentence:
            yield from pieces(row.context.get(source), row.sentence[source])


def _with(row: ParallelRow, source: str, target: str, made: Mapping[str, str], by: str) -> ParallelRow:
    if not _missing(row, source, target):
        return row
    changed = dataclasses.replace(row, translator={**row.translator, target: by})
    if source in row.question:
        changed.question = {**row.question, target: made[row.question[source]]}
    if source in row.sentence:
        passage = row.sentence[source]
        changed.sentence = {**row.sentence, target: made[passage]}
        if source in row.context:
            between = "" if target in _UNSPACED else " "
            context = between.join(made[piece] for piece in pieces(row.context[source], passage))
            changed.context = {**row.context, target: context}
    return changed


def pieces(context: str | None, passage: str) -> list[str]:
    """The sentences of a paragraph, the passage being one of them however it was cut; the passage alone without one."""
    if context is None or passage not in context:
        return [passage]
    start = context.index(passage)
    before, after = context[:start], context[start + len(passage) :]
    return [*_cut(before), passage, *_cut(after)]


def _cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences.spans(text)]
