from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import HybridBenchError
from hybrid_bench.training.data.table import ParallelRow, ParallelTable
from tests.training.tables import mixed_table, question_rows, sentence_rows


def test_rows_come_back_as_they_were_put_in() -> None:
    rows = [*question_rows(), *sentence_rows()]
    table = ParallelTable.of(rows)
    assert list(table.rows()) == rows
    assert table.languages == ("de", "el", "en", "tr", "zh")
    assert table.sources == ("news", "qa")
    assert table.counts("question")["de"] == sum("de" in row.question for row in rows)
    assert table.texts("sentence", "zh", [3, 0]) == ["zh sentence 1", "zh sentence 0"]
    with pytest.raises(HybridBenchError, match="row 0 of the training data has no question in de"):
        table.texts("question", "de", [0])


def test_equal_tables_are_equal_bytes_and_a_loaded_table_is_the_same(tmp_path: Path) -> None:
    table = mixed_table()
    again = ParallelTable.concat([ParallelTable.of(question_rows()), ParallelTable.of(sentence_rows())])
    table.save(tmp_path / "one")
    again.save(tmp_path / "two")
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == sorted(path.name for path in (tmp_path / "two").iterdir())
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in files)
    loaded = ParallelTable.load(tmp_path / "one")
    assert loaded.hash == table.hash == again.hash
    assert list(loaded.rows()) == list(table.rows())
    assert loaded.dataset.cache_files, "a loaded table is a file, not memory"
    with pytest.raises(HybridBenchError, match="is not empty"):
        table.save(tmp_path / "one")


def test_the_hash_is_of_the_content() -> None:
    rows = question_rows()
    table = ParallelTable.of(rows)
    assert table.select(range(len(rows))).hash == table.hash
    rows[3].question["tr"] += "?"
    assert ParallelTable.of(rows).hash != table.hash
    assert table.select(list(reversed(range(len(rows))))).hash != table.hash


def test_the_dev_part_shares_no_article_with_the_training_part() -> None:
    table = mixed_table()
    of_questions = np.array([source == "qa" for source in table.strings("source")])
    training, dev = table.split_dev(10, seed=1, wanted=of_questions)
    assert set(dev.sources) == {"qa"}
    assert 10 <= len(dev) < 14
    assert len(training) + len(dev) == len(table)
    assert not set(training.strings("article")) - {""} & set(dev.strings("article"))
    assert table.split_dev(10, seed=1, wanted=of_questions).dev.hash == dev.hash
    assert table.split_dev(10, seed=2, wanted=of_questions).dev.hash != dev.hash
    assert len(table.split_dev(0.25, seed=1, wanted=of_questions).dev) == len(dev)
    with pytest.raises(HybridBenchError, match="leaves no row to train on"):
        table.split_dev(70, seed=1)


def test_rows_without_an_article_share_no_passage_with_the_dev_part() -> None:
    rows = question_rows(40)
    for row in rows:
        row.article = ""
        row.sentence["zh"] = f"zh sentence {row.id}"  # two rows share a passage in the other languages alone
    table = ParallelTable.of(rows)
    training, dev = table.split_dev(10, seed=1)
    assert len(dev) == 10
    held = {text.upper() for row in dev.rows() for text in row.sentence.values()}
    assert not held & {text.upper() for row in training.rows() for text in row.sentence.values()}
    alone = {row.id for row in dev.rows()}
    partners = {f"q{int(name[1:]) ^ 1}" for name in alone}
    assert {row.id for row in training.rows()} == {row.id for row in rows} - alone - partners, "nothing else is left out"


def test_ids_are_unique_in_a_source() -> None:
    with pytest.raises(HybridBenchError, match="two rows with the id 'a'"):
        ParallelTable.of([ParallelRow("a", "s"), ParallelRow("a", "s")])
    with pytest.raises(HybridBenchError, match="two rows with the id 'q0'"):
        ParallelTable.concat([ParallelTable.of(question_rows()), ParallelTable.of(question_rows(1))])
    with pytest.raises(HybridBenchError, match="has no id"):
        ParallelTable.of([ParallelRow("", "s")])
    with pytest.raises(HybridBenchError, match="there is no row"):
        ParallelTable.of([])


def test_only_some_sources() -> None:
    assert mixed_table().only(["news"]).sources == ("news",)
    with pytest.raises(HybridBenchError, match="Did you mean news"):
        mixed_table().only(["nwes"])


def test_a_folder_that_is_no_table_is_said(tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match="holds no table of training data"):
        ParallelTable.load(tmp_path)
