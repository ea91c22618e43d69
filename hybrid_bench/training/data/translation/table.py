"""Translating a table of questions and passages without losing which passage answers each question.

Paragraphs are translated sentence by sentence, with the answer passage as one of the sentences. The translation of the passage
is then part of the translated paragraph, word for word, and no markers or word alignments are needed. The drawback: a sentence
is translated without its context, which mostly affects pronouns.
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

#: Languages without a space between sentences.
_NO_SENTENCE_SPACE = frozenset({"ja", "zh"})


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

    Texts that a row already has in a target language are kept. Texts without a translation are skipped. Rows with new texts
    record the name and the revision of the translator in ``translator.<language>``.

    Args:
        table: questions, passages and paragraphs in ``source``.
        targets: languages to add (ISO 639-1).
        translator: the translation model.
        parts: a folder for intermediate results, which are reused.
        source: the language to translate from.
        progress: notified of each language.

    Raises:
        HybridBenchError: if the table has no text in ``source``, there is no target, the translator does not support a language
            pair, or it translates no text.
    """
    if source not in table.languages:
        raise HybridBenchError(f"there is nothing in {source!r} to translate", f"The languages are {', '.join(table.languages)}.")
    if not targets:
        raise HybridBenchError("there is no language to translate to", "Give one or more, separated by commas.")
    for target in targets:
        translator.check(source, target)  # fail before translating
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
                        f"{translator.name} returned no translation from {source} to {target} of any text: {lost[0][:60]!r}",
                        "Choose another model.",
                    )
                progress.say(
                    f"{len(lost)} of {len(made)} texts have no translation to {target} (too long for {translator.name}, or empty "
                    f"output): {lost[0][:60]!r}; they are skipped"
                )
            rows = [_with(row, source, target, made, f"{translator.name}@{translator.revision}") for row in rows]
    return ParallelTable.from_rows(rows)


def check_output(path: Path, table: ParallelTable, targets: Sequence[str], source: str = "en") -> None:
    """Check that overwriting a JSON lines file of earlier translations loses none of them.

    Raises:
        HybridBenchError: if the file has other questions, or languages that will not be in the new file.
    """
    if not path.is_file():
        return
    existing = jsonl.read("", path).rows
    known = set(zip(table.key_column("id"), table.column("question", source), strict=True))
    if not {(row.id, row.question.get(source)) for row in existing} <= known:
        raise HybridBenchError(f"{path} holds translations of other questions", "Use another --out.")
    if lost := {language for row in existing for language in {*row.question, *row.sentence}} - {*table.languages, *targets}:
        raise HybridBenchError(
            f"{path} also has {', '.join(sorted(lost))}, which would be lost",
            "Add them to --to (existing translations are reused), or use another --out.",
        )


def _needed(row: ParallelRow, source: str, target: str) -> Iterator[str]:
    """The texts of a row to translate."""
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
                changed.context = {**row.context, target: ("" if target in _NO_SENTENCE_SPACE else " ").join(parts)}
    if changed != row:
        changed.translator = {**row.translator, target: by}
    return changed


def pieces(context: str | None, passage: str) -> list[str]:
    """The sentences of a paragraph, with the passage as one of them; only the passage if it is not in the paragraph."""
    if context is None or passage not in context:
        return [passage]
    exact = (start for start, end in sentences.spans(context) if context[start:end] == passage)
    start = next(exact, context.index(passage))  # the same text may occur inside an earlier sentence
    before, after = context[:start], context[start + len(passage) :]
    return [*_sentences(before), passage, *_sentences(after)]


def _sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences.spans(text)]
