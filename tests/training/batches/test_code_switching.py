from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import HybridBenchError
from hybrid_bench.training.batches.batches import Batches
from hybrid_bench.training.batches.code_switching import Lexicon
from hybrid_bench.training.batches.strategies import CODE_SWITCHED
from hybrid_bench.training.data.table import ParallelRow, ParallelTable
from hybrid_bench.training.recipe import Recipe
from hybrid_bench.training.train import batches_of

NOUNS = {"cat": "Katze", "dog": "Hund", "bird": "Vogel", "fish": "Fisch", "cow": "Kuh", "horse": "Pferd"}
VERBS = {"sees": "sieht", "hears": "hört", "likes": "mag"}


def table() -> ParallelTable:
    rows = []
    for noun, other in NOUNS.items():
        for verb, spoken in VERBS.items():
            texts = {"en": f"the {noun} {verb} it {len(rows)}", "de": f"es {spoken} {other} {len(rows)}", "zh": f"它{len(rows)}"}
            rows.append(ParallelRow(f"r{len(rows)}", "s", "", texts, {own: f"{text} 0" for own, text in texts.items()}))
    return ParallelTable.from_rows(rows)


def test_lexicon_is_learned_from_parallel_texts() -> None:
    found = Lexicon.learn(table()).entries
    assert {word: found[word] for word in (*NOUNS, *VERBS)} == {
        word: (("de", other.lower()),) for word, other in (NOUNS | VERBS).items()
    }
    assert "zh" not in {language for pairs in found.values() for language, _ in pairs}


def test_words_are_replaced_with_the_given_probability(tmp_path: Path) -> None:
    path = tmp_path / "lexicon.tsv"
    path.write_text("word\tde\tWort\nword\tfr\tmot\n")
    lexicon = Lexicon.load(path)
    lexicon.save(tmp_path / "again.tsv")
    assert Lexicon.load(tmp_path / "again.tsv") == lexicon
    text = "Word, wordy word. " * 1000
    random = np.random.default_rng(0)
    assert lexicon.switch(text, random, 0) == text
    switched = lexicon.switch(text, random, 0.25)
    assert switched.count("wordy") == 1000
    assert switched.count("Wort") / 2000 == pytest.approx(0.125, abs=0.03)
    assert switched.count("mot") / 2000 == pytest.approx(0.125, abs=0.03)
    path.write_text("word\tde\n")
    with pytest.raises(HybridBenchError, match="line 1 is not word, language and translation"):
        Lexicon.load(path)


def test_code_switched_batches_are_reproducible() -> None:
    batches = Batches(table(), CODE_SWITCHED, 4, 0)
    again = Batches(table(), CODE_SWITCHED, 4, 0)
    whole = batches.texts(batches.at(3))
    assert whole == again.texts(again.at(3))
    parts = [batches.texts(batches.at(3).slice(rank, 2)) for rank in range(2)]
    assert whole == tuple(first + second for first, second in zip(*parts, strict=True))
    words = {word for text in [*whole[0], *whole[1]] for word in text.split()}
    assert words & {other.lower() for other in (NOUNS | VERBS).values()}
    assert words & {*NOUNS, *VERBS, "the"}


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_recipe_sets_the_switch_probability(probability: float) -> None:
    choices = {"strategy": "code-switched", "size": 4, "switch_probability": probability}
    stated = {"name": "r", "base": "b", "data": {"sources": {"s": 1}}, "optimiser": {"steps": 3}, "batches": choices}
    questions, passages = (batches := batches_of(Recipe.parse(stated, "r"), table())).texts(batches.at(0))
    words = {word for text in (*questions, *passages) for word in text.split()}
    assert bool(words & {*NOUNS, *VERBS}) == (probability == 0)
    assert bool(words & {other.lower() for other in (NOUNS | VERBS).values()}) == (probability == 1)


def test_table_without_translations_is_an_error() -> None:
    rows = [ParallelRow(f"r{n}", "s", "", {"en": f"question {n}"}, {"en": f"answer {n}"}) for n in range(9)]
    with pytest.raises(HybridBenchError, match="no word of 'en' has a translation"):
        Batches(ParallelTable.from_rows(rows), CODE_SWITCHED, 4, 0)
