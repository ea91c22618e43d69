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
from hybrid_bench.support.progress import Progress, SilentProgress
from hybrid_bench.training.data import sentences
from hybrid_bench.training.data.readers import jsonl
from hybrid_bench.training.data.table import ParallelRow, ParallelTable
from hybrid_bench.training.data.translation.protocol import Translator
from hybrid_bench.training.data.translation.store import translations

#: Languages whose sentences follow each other without a space.
_RUN_ON = frozenset({"ja", "zh"})


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

    What a row has in a target language already is kept. A question or passage that the translator has no translation of stays
    without one. A row that is added to carries the name and the revision of the translator in ``translator.<language>``.

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
            if lost := [text for text, translation in made.items() if not translation]:
                if len(lost) == len(made):
                    raise HybridBenchError(
                        f"{translator.name} has no translation from {source} to {target} of any text: {lost[0][:60]!r}",
                        "Choose another model.",
                    )
                progress.say(
                    f"{len(lost)} of {len(made)} texts have no translation to {target} (too long for {translator.name}, or "
                    f"nothing came out): {lost[0][:60]!r}; what they are in stays without {target}"
                )
            rows = [_with(row, source, target, made, f"{translator.name}@{translator.revision}") for row in rows]
    return ParallelTable.of(rows)


def check_place(path: Path, table: ParallelTable, targets: Sequence[str], source: str = "en") -> None:
    """See that what is translated already, in a file of JSON lines, will be in what is written over it.

    Raises:
        HybridBenchError: if the file is of other questions, or has languages that are not to be translated to now.
    """
    if not path.is_file():
        return
    there = jsonl.read("", path).rows
    known = set(zip(table.strings("id"), table.column("question", source), strict=True))
    if not {(row.id, row.question.get(source)) for row in there} <= known:
        raise HybridBenchError(f"{path} holds translations of other questions", "Give another --out.")
    if lost := {language for row in there for language in {*row.question, *row.sentence}} - {*table.languages, *targets}:
        raise HybridBenchError(
            f"{path} is in {', '.join(sorted(lost))} too, which would be gone",
            "Name them in --to (what is translated is not translated again), or give another --out.",
        )


def _needed(row: ParallelRow, source: str, target: str) -> Iterator[str]:
    """The texts of a row that a translator has to see."""
    if source in row.question and target not in row.question:
        yield row.question[source]
    if source in row.sentence and target not in row.sentence:
        yield from pieces(row.context.get(source), row.sentence[source])


def _with(row: ParallelRow, source: str, target: str, made: Mapping[str, str], by: str) -> ParallelRow:
    changed = dataclasses.replace(row)
    if source in row.question and target not in row.question and made[row.question[source]]:
        changed.question = {**row.question, target: made[row.question[source]]}
    if source in row.sentence and target not in row.sentence:
        passage = row.sentence[source]
        parts = [made[piece] for piece in pieces(row.context.get(source), passage)]
        if made[passage]:
            changed.sentence = {**row.sentence, target: made[passage]}
            if target not in row.context and passage in row.context.get(source, "") and all(parts):
                changed.context = {**row.context, target: ("" if target in _RUN_ON else " ").join(parts)}
    if changed != row:
        changed.translator = {**row.translator, target: by}
    return changed


def pieces(context: str | None, passage: str) -> list[str]:
    """The sentences of a paragraph, the passage being one of them however it was cut; the passage alone without one."""
    if context is None or passage not in context:
        return [passage]
    whole = (start for start, end in sentences.spans(context) if context[start:end] == passage)
    start = next(whole, context.index(passage))  # the same letters may stand within another sentence, further up
    before, after = context[:start], context[start + len(passage) :]
    return [*_cut(before), passage, *_cut(after)]


def _cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences.spans(text)]
