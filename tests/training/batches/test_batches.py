"""Properties of batches: contents, frequencies, and dependence on the seed and the step only."""

from __future__ import annotations

import functools
import gc
import itertools
import weakref
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid_bench import HybridBenchError
from hybrid_bench.training.batches.batches import Batch, Batches, Mode
from hybrid_bench.training.batches.strategies import CROSS, ENGLISH, MONO, hybrid
from hybrid_bench.training.data.table import ParallelRow, ParallelTable
from hybrid_bench.training.data.text_keys import normalised
from tests.training.tables import LANGUAGES, mixed_table, question_rows, sentence_rows

TABLE = mixed_table()
ROWS = list(TABLE.rows())
WEIGHTS = {"qa": 2.0, "news": 1.0}


@functools.cache
def batches(alpha: float = 0.5, seed: int = 0, size: int = 8, mode: Mode = "batch", topical: float = 0.0) -> Batches:
    return Batches(TABLE, hybrid(alpha), size, seed, source_weights=WEIGHTS, mode=mode, topical=topical)


def content(batch: Batch) -> tuple[Any, ...]:
    return batch.step, batch.kind, batch.source, batch.pairs, batch.rows.tolist()


@given(
    seed=st.integers(0, 5),
    step=st.integers(0, 5000),
    mode=st.sampled_from(["batch", "example"]),
    topical=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_no_negative_is_a_translation_or_a_copy_of_the_positive(seed: int, step: int, mode: Mode, topical: float) -> None:
    batch = batches(seed=seed, mode=mode, topical=topical).at(step)
    rows = [ROWS[row] for row in batch.rows]
    assert len(rows) == 8
    for one, other in itertools.combinations(rows, 2):
        assert one.id != other.id
        for texts, others in ((one.question, other.question), (one.sentence, other.sentence)):
            assert not {normalised(text) for text in texts.values()} & {normalised(text) for text in others.values()}


@given(seed=st.integers(0, 5), step=st.integers(0, 5000), mode=st.sampled_from(["batch", "example"]))
def test_batch_kind_source_and_pairs_match_its_rows(seed: int, step: int, mode: Mode) -> None:
    own = batches(seed=seed, mode=mode)
    batch = own.at(step)
    questions, passages = own.texts(batch)
    assert len(set(batch.pairs)) == 1 or mode == "example"
    for row, pair, question, passage in zip(batch.rows, batch.pairs, questions, passages, strict=True):
        assert ROWS[row].source == batch.source
        assert pair.kind == batch.kind
        assert question == ROWS[row].question[pair.query]
        assert passage == ROWS[row].sentence[pair.passage]
        assert question != passage


@settings(max_examples=20)
@given(seed=st.integers(0, 3), start=st.integers(0, 3000), topical=st.sampled_from([0.0, 0.5]))
def test_batches_are_the_same_after_a_resume(seed: int, start: int, topical: float) -> None:
    fresh = Batches(TABLE, hybrid(0.5), 8, seed, source_weights=WEIGHTS, topical=topical)
    resumed = [content(batch) for batch in itertools.islice(fresh.starting(start), 5)]
    undisturbed = batches(seed=seed, topical=topical)
    assert resumed == [content(undisturbed.at(step)) for step in range(start, start + 5)]


def test_batches_are_garbage_collected() -> None:
    own = Batches(TABLE, hybrid(0.5), 8, 0)
    own.at(3)
    alive = weakref.ref(own)
    del own
    gc.collect()
    assert alive() is None


@settings(max_examples=30)
@given(step=st.integers(0, 5000), world=st.sampled_from([1, 2, 4, 8]), data=st.data())
def test_slices_of_all_processes_make_up_the_batch(step: int, world: int, data: st.DataObject) -> None:
    whole = batches().at(step)
    parts = []
    for rank in range(world):  # each process has its own Batches, with another history
        own = Batches(TABLE, hybrid(0.5), 8, 0, source_weights=WEIGHTS)
        own.at(data.draw(st.integers(0, 5000)))
        parts.append(own.at(step).slice(rank, world))
    assert {part.kind for part in parts} == {whole.kind}
    assert {part.source for part in parts} == {whole.source}
    assert np.concatenate([part.rows for part in parts]).tolist() == whole.rows.tolist()
    assert tuple(itertools.chain.from_iterable(part.pairs for part in parts)) == whole.pairs


def test_invalid_slices_are_errors() -> None:
    with pytest.raises(HybridBenchError, match="a multiple of 3"):
        batches().at(0).slice(0, 3)
    with pytest.raises(HybridBenchError, match="no process 2 among 2"):
        batches().at(0).slice(2, 2)


@settings(max_examples=15, deadline=None)
@given(alpha=st.floats(0, 1), seed=st.integers(0, 2**32))
def test_sampled_share_of_kinds_converges_to_alpha(alpha: float, seed: int) -> None:
    own = Batches(TABLE, hybrid(alpha), 8, seed, source_weights=WEIGHTS)
    monolingual = np.array([own.at(step).kind == "monolingual" for step in range(2000)])
    for steps in (200, 2000):
        # Six standard deviations of a binomial, plus one batch, because small shares are not normally distributed.
        assert abs(monolingual[:steps].mean() - alpha) <= 6 * (alpha * (1 - alpha) / steps) ** 0.5 + 1 / steps


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.5, 0.8, 1.0])
def test_probability_of_kinds_is_alpha(alpha: float) -> None:
    steps = 4000
    kinds = Counter(batches(alpha).at(step).kind for step in range(steps))
    # Five standard deviations of a binomial.
    assert abs(kinds["monolingual"] / steps - alpha) <= 5 * (alpha * (1 - alpha) / steps) ** 0.5


def test_sources_get_their_weights_and_parallel_sentences_no_monolingual_batch() -> None:
    found = Counter((batch.source, batch.kind) for batch in map(batches().at, range(4000)))
    assert ("news", "monolingual") not in found
    assert found["news", "cross-lingual"] / 4000 == pytest.approx(1 / 3, abs=0.04)
    assert {batch.source for batch in map(batches(1.0).at, range(50))} == {"qa"}


def test_languages_are_uniform_by_default() -> None:
    own = Batches(TABLE.with_sources(["qa"]), MONO, 8, 0)
    mono = Counter(own.at(step).pairs[0] for step in range(4000))
    assert {pair.query for pair in mono} == set(LANGUAGES)
    assert max(mono.values()) / min(mono.values()) < 1.2
    news = Batches(TABLE, CROSS, 8, 0, source_weights={"qa": 0, "news": 1})
    assert len({news.at(step).pairs[0] for step in range(400)}) == 5 * 4


def test_language_temperature() -> None:
    rows = question_rows(120, ("en",), "big") + question_rows(120, ("en", "tr"), "both")
    for row in rows[120:200]:
        row.id, row.source = f"b{row.id}", "big"
        row.question.pop("tr", None)
    for row in rows[200:]:
        row.id, row.source = f"b{row.id}", "big"
    for number, row in enumerate(rows):
        row.question = {own: f"{text} {number}" for own, text in row.question.items()}
        row.sentence = {own: f"{own} passage {number}" for own in row.sentence}
    table = ParallelTable.from_rows(rows)

    def share(temperature: float) -> float:
        own = Batches(table, MONO, 8, 0, temperature=temperature)
        return sum(own.at(step).pairs[0].query == "tr" for step in range(3000)) / 3000

    counts = table.counts("question")
    assert share(float("inf")) == pytest.approx(0.5, abs=0.05)
    assert share(1) == pytest.approx(counts["tr"] / (counts["tr"] + counts["en"]), abs=0.05)
    assert share(1) < share(2) < share(float("inf"))


def test_topical_batches_have_few_articles() -> None:
    rows = sentence_rows(240, ("de", "en"))
    for number, row in enumerate(rows):
        row.article = f"article {number % 12}"
    table = ParallelTable.from_rows(rows)

    def articles_of_a_batch(topical: float) -> float:
        own = Batches(table, CROSS, 10, 0, topical=topical)
        return float(np.mean([len({rows[row].article for row in own.at(step).rows}) for step in range(200)]))

    spread, half, together = map(articles_of_a_batch, (0.0, 0.5, 1.0))
    assert together <= 1.6  # 20 rows per article: usually two batches
    assert together < half < spread
    # The expected number of the 12 articles among ten uniformly drawn rows of 240.
    assert spread == pytest.approx(12 * (1 - np.prod([(220 - taken) / (240 - taken) for taken in range(10)])), abs=0.2)


@pytest.mark.parametrize("topical", [0.0, 0.5, 1.0])
def test_rows_are_drawn_without_replacement(topical: float) -> None:
    rows = sentence_rows(64, ("de", "en"))
    for number, row in enumerate(rows):
        row.article = f"article {number // 16}"
    table = ParallelTable.from_rows(rows)
    own = Batches(table, CROSS, 8, 0, languages=["de", "en"], topical=topical)
    seen: dict[Any, list[int]] = {}
    for step in range(16 * 4):
        batch = own.at(step)
        seen.setdefault(batch.pairs[0], []).extend(batch.rows.tolist())
    for rows in seen.values():
        epochs = [rows[start : start + 64] for start in range(0, len(rows) - 63, 64)]
        assert epochs
        assert all(sorted(epoch) == list(range(64)) for epoch in epochs)
        assert len({tuple(epoch) for epoch in epochs}) == len(epochs)


def test_example_mode_draws_a_pair_per_example() -> None:
    own = batches(mode="example")
    assert all(len(set(own.at(step).pairs)) > 1 for step in range(20))


def test_english_baseline_is_english_only() -> None:
    own = Batches(TABLE, ENGLISH, 8, 0)
    assert {pair for step in range(50) for pair in own.at(step).pairs} == {("en", "en")}


def test_pairs_too_small_for_a_batch_are_reported_and_not_drawn() -> None:
    rows = question_rows(40, ("de", "en"))
    for row in rows[8:]:
        row.question.pop("de", None)
    own = Batches(ParallelTable.from_rows(rows), CROSS, 8, 0)
    assert {(source, str(pair)) for source, pair, _ in own.too_small} == {("qa", "de-en"), ("qa", "de-de")}
    assert {str(own.at(step).pairs[0]) for step in range(50)} == {"en-de"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"languages": ["en", "fi"]}, "nothing in 'fi'"),
        ({"languages": []}, "no language to train on"),
        ({"languages": ["en"]}, r"hybrid\(0.5\) needs pairs of languages, but there is only one language: en"),
        ({"batch_size": 500}, "a batch of 500 cannot be drawn without a repeat: at most 30 examples"),
        ({"batch_size": 1}, "at least 2 examples"),
        ({"temperature": 0.0}, "a number above 0"),
        ({"mode": "exmaple"}, "Did you mean example"),
        ({"topical": 1.5}, "a number from 0 to 1"),
        ({"switch_probability": 2.0}, "a number from 0 to 1"),
        ({"source_weights": {"qa": 1.0}}, "the source news has no weight"),
    ],
)
def test_invalid_arguments_are_errors(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(HybridBenchError, match=message):
        Batches(TABLE, hybrid(0.5), **({"batch_size": 8, "seed": 0} | arguments))


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint64])
def test_seed_may_be_a_numpy_integer(kind: type[np.integer[Any]]) -> None:
    own, other = (Batches(TABLE, hybrid(0.5), 8, seed) for seed in (7, kind(7)))  # type: ignore[arg-type]
    assert [own.at(step).rows.tolist() for step in range(5)] == [other.at(step).rows.tolist() for step in range(5)]


def test_requested_language_without_a_batch_is_an_error() -> None:
    rows = question_rows(40, ("de", "en"))
    for row in rows[6:]:
        row.question.pop("de", None)
        row.sentence.pop("de", None)
    with pytest.raises(HybridBenchError, match="can be in 'de': too few rows for a batch of 8"):
        Batches(ParallelTable.from_rows(rows), MONO, 8, 0, languages=["de", "en"])


def test_rows_sharing_a_passage_in_an_unused_language_are_not_in_one_batch() -> None:
    """Two questions with the same German passage but different English ones."""
    rows = question_rows(16, ("de", "en"))
    rows += [
        ParallelRow(f"l{number}", "qa", "", {"en": f"linked {number}"}, {"en": f"part {number}", "de": "ein Satz!"})
        for number in range(2)
    ]
    own = Batches(ParallelTable.from_rows(rows), MONO, 8, 0, languages=["en"])
    for step in range(60):
        assert len({16, 17} & set(own.at(step).rows.tolist())) < 2


def test_weighted_source_without_a_batch_is_an_error() -> None:
    rows = question_rows(40, ("de", "en"))
    few = question_rows(5, ("de", "en"), "few")
    for row in few:
        row.id = f"few {row.id}"
        row.question = {language: f"few {text}" for language, text in row.question.items()}
        row.sentence = {language: f"few {text}" for language, text in row.sentence.items()}
    table = ParallelTable.from_rows(rows + few)
    with pytest.raises(HybridBenchError, match="no batch of 8 can be drawn from few: at most 3 examples of de-de"):
        Batches(table, MONO, 8, 0, source_weights={"qa": 1, "few": 1})
    assert Batches(table, MONO, 8, 0, source_weights={"qa": 1, "few": 0}).remarks()
    by_rows = Batches(table, MONO, 8, 0)
    assert by_rows.remarks() == [
        "2 language pairs of few have too few rows for a batch of 8 and are not used: de-de has 3, en-en has 3"
    ]
    assert Batches(table.with_sources(["qa"]), MONO, 8, 0).remarks() == []
    # Parallel sentences have no monolingual pairs, which is reported.
    assert Batches(TABLE, MONO, 8, 0, source_weights=WEIGHTS).remarks() == [
        "news has no monolingual pairs of these languages and is not used; the other sources take its share"
    ]
    assert Batches(TABLE, MONO, 8, 0, source_weights={"qa": 1, "news": 0}).remarks() == []
    assert Batches(TABLE, hybrid(0.5), 8, 0, source_weights=WEIGHTS).remarks() == []
