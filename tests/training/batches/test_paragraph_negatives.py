"""Hard negatives from the answer's own paragraph."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from hybrid_bench import HybridBenchError
from hybrid_bench.training.batches.batch import NegativesLanguage
from hybrid_bench.training.batches.batches import Batches
from hybrid_bench.training.batches.code_switching import Lexicon
from hybrid_bench.training.batches.strategies import CODE_SWITCHED, CROSS, hybrid
from hybrid_bench.training.data.table import ParallelRow, ParallelTable
from tests.training.tables import sentence_rows

LANGUAGES = ("de", "en")


def rows(sentences: int = 5, paragraphs: int = 20) -> list[ParallelRow]:
    """Two questions on each paragraph, answered by its first and its second sentence; every third has one sentence only."""
    found = []
    for number in range(paragraphs):
        count = 1 if number % 3 == 2 else sentences
        texts = {own: [f"{own} sentence {number} {place}!" for place in range(count)] for own in LANGUAGES}
        for asked in range(min(2, count)):
            found.append(
                ParallelRow(
                    id=f"{number}-{asked}",
                    source="qa",
                    question={own: f"{own} question {number} {asked}" for own in LANGUAGES},
                    sentence={own: texts[own][asked] for own in LANGUAGES},
                    context={own: " ".join(texts[own]) for own in LANGUAGES},
                )
            )
    return found


def batches(
    table: ParallelTable,
    each: int = 2,
    mode: Literal["batch", "example"] = "batch",
    language: NegativesLanguage = "passage",
) -> Batches:
    return Batches(table, hybrid(0.5), 8, 3, paragraph_negatives=each, negatives_language=language, mode=mode)


@pytest.mark.parametrize("mode", ["batch", "example"])
@pytest.mark.parametrize("language", ["passage", "query"])
def test_negatives_are_other_sentences_of_the_own_paragraph(
    mode: Literal["batch", "example"], language: Literal["passage", "query"]
) -> None:
    table = ParallelTable.from_rows(rows())
    listed = list(table.rows())
    own_paragraph, others = 0, 0
    own = batches(table, mode=mode, language=language)
    for batch in (own.at(step) for step in range(30)):
        columns = own.negatives(batch)
        assert [len(column) for column in columns] == [8, 8]
        answers = {text for row in batch.rows for text in listed[row].sentence.values()}
        for row, pair, *texts in zip(batch.rows, batch.pairs, *columns, strict=True):
            assert not answers & set(texts), "a negative is the answer of a question of the batch, in some language"
            assert len(set(texts)) == 2
            paragraph = listed[row].context[getattr(pair, language)]
            if paragraph.count("!") > 1:
                assert all(text in paragraph for text in texts)
                own_paragraph += 1
            else:
                assert not any(text in paragraph for text in texts)
                others += 1
    assert own_paragraph > others > 0


def test_negatives_of_any_language_are_drawn_for_every_example() -> None:
    """The language of a negative is another than that of the question as often as chance has it, in every kind of batch."""
    table = ParallelTable.from_rows([row for row in rows() if row.context["en"].count("!") > 1])
    listed = list(table.rows())
    own = batches(table, language="any")
    others = examples = 0
    for batch in (own.at(step) for step in range(60)):
        for row, pair, *texts in zip(batch.rows, batch.pairs, *own.negatives(batch), strict=True):
            (language,) = [language for language, paragraph in listed[row].context.items() if texts[0] in paragraph]
            assert all(text in listed[row].context[language] for text in texts)
            others += language != pair.query
            examples += 1
    assert abs(others / examples - 1 / 2) < 4 * (1 / 4 / examples) ** 0.5


def test_negatives_of_any_language_are_of_one_that_has_the_paragraph() -> None:
    found = rows()
    table = ParallelTable.from_rows([replace(row, context={"de": row.context["de"]}) for row in found])
    own = batches(table, language="any")
    drawn = {text.partition(" ")[0] for step in range(20) for column in own.negatives(own.at(step)) for text in column}
    assert drawn == {"de"}


def test_negatives_depend_on_the_seed_the_step_and_the_row_only() -> None:
    table = ParallelTable.from_rows(rows())
    one, other = batches(table), batches(table)
    assert [one.negatives(one.at(step)) for step in (5, 6, 7)] == [other.negatives(other.at(step)) for step in (5, 6, 7)]
    assert one.negatives(one.at(5)) != one.negatives(one.at(6))
    assert content(one) == content(Batches(table, hybrid(0.5), 8, 3)), "the batches are those without negatives"


def content(of: Batches) -> list[list[int]]:
    return [of.at(step).rows.tolist() for step in range(20)]


def test_few_sentences_are_repeated_and_sources_without_paragraphs_have_none() -> None:
    table = ParallelTable.from_rows([*rows(sentences=3), *sentence_rows()])
    own = Batches(table, hybrid(0.5), 8, 3, paragraph_negatives=16)
    found = {batch.source: own.negatives(batch) for batch in map(own.at, range(40))}
    assert found["news"] == []
    assert [len(column) for column in found["qa"]] == [8] * 16
    with pytest.raises(HybridBenchError, match="no row of the training data has one"):
        Batches(ParallelTable.from_rows(sentence_rows()), CROSS, 8, 3, paragraph_negatives=1)


def test_negatives_of_code_switched_batches_are_code_switched() -> None:
    table = ParallelTable.from_rows(rows())
    lexicon = Lexicon("en", {"sentence": (("de", "Satz"),)})
    own = Batches(table, CODE_SWITCHED, 8, 3, paragraph_negatives=1, lexicon=lexicon, switch_probability=1.0)
    (column,) = own.negatives(own.at(0))
    assert all(" Satz " in text for text in column)


def test_originals_are_the_texts_of_the_rows_in_one_language() -> None:
    listed = rows()
    listed[0].question.pop("en")
    listed[0].sentence.pop("en")
    table = ParallelTable.from_rows(listed)
    own = batches(table)
    for batch in map(own.at, range(12)):
        questions, passages = own.originals(batch, "en")
        assert questions == [listed[row].question.get("en") for row in batch.rows]
        assert passages == [listed[row].sentence.get("en") for row in batch.rows]
    assert own.originals(own.at(0), "th") == ([None] * 8, [None] * 8)
    assert any(0 in batch.rows for batch in map(own.at, range(200)))
    assert isinstance(own.at(0).rows, np.ndarray)
