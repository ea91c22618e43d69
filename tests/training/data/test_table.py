from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import HybridBenchError
from hybrid_bench.training.data.dev_split import hold_out_articles
from hybrid_bench.training.data.table import ParallelRow, ParallelTable
from tests.training.tables import mixed_table, question_rows, sentence_rows


def test_rows_round_trip() -> None:
    rows = [*question_rows(), *sentence_rows()]
    table = ParallelTable.from_rows(rows)
    assert list(table.rows()) == rows
    assert table.languages == ("de", "el", "en", "tr", "zh")
    assert table.sources == ("news", "qa")
    assert table.counts("question")["de"] == sum("de" in row.question for row in rows)
    assert table.texts("sentence", "zh", [3, 0]) == ["zh sentence 1", "zh sentence 0"]
    with pytest.raises(HybridBenchError, match="row 0 of the training data has no question in de"):
        table.texts("question", "de", [0])


def test_save_is_reproducible_and_load_round_trips(tmp_path: Path) -> None:
    table = mixed_table()
    again = ParallelTable.concat([ParallelTable.from_rows(question_rows()), ParallelTable.from_rows(sentence_rows())])
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


def test_hash_depends_on_the_content() -> None:
    rows = question_rows()
    table = ParallelTable.from_rows(rows)
    assert table.select(range(len(rows))).hash == table.hash
    rows[3].question["tr"] += "?"
    assert ParallelTable.from_rows(rows).hash != table.hash
    assert table.select(list(reversed(range(len(rows))))).hash != table.hash


def test_dev_and_training_part_share_no_article() -> None:
    table = mixed_table()
    of_questions = np.array([source == "qa" for source in table.key_column("source")])
    training, dev = hold_out_articles(table, 10, seed=1, candidates=of_questions)
    assert set(dev.sources) == {"qa"}
    assert 10 <= len(dev) < 14
    assert len(training) + len(dev) == len(table)
    assert not set(training.key_column("article")) - {""} & set(dev.key_column("article"))
    assert hold_out_articles(table, 10, seed=1, candidates=of_questions).dev.hash == dev.hash
    assert hold_out_articles(table, 10, seed=2, candidates=of_questions).dev.hash != dev.hash
    assert len(hold_out_articles(table, 0.25, seed=1, candidates=of_questions).dev) == len(dev)
    with pytest.raises(HybridBenchError, match="leaves no row to train on"):
        hold_out_articles(table, 70, seed=1)


def test_dev_and_training_part_share_no_passage() -> None:
    rows = question_rows(40)
    for row in rows:
        row.article = ""
        row.sentence["zh"] = f"zh sentence {row.id}"  # two rows share a passage, but not in zh
    table = ParallelTable.from_rows(rows)
    training, dev = hold_out_articles(table, 10, seed=1)
    assert len(dev) == 10
    held = {text.upper() for row in dev.rows() for text in row.sentence.values()}
    assert not held & {text.upper() for row in training.rows() for text in row.sentence.values()}
    alone = {row.id for row in dev.rows()}
    partners = {f"q{int(name[1:]) ^ 1}" for name in alone}
    assert {row.id for row in training.rows()} == {row.id for row in rows} - alone - partners, "no other row is missing"


def test_duplicate_and_empty_ids_are_errors() -> None:
    with pytest.raises(HybridBenchError, match="two rows with the id 'a'"):
        ParallelTable.from_rows([ParallelRow("a", "s"), ParallelRow("a", "s")])
    with pytest.raises(HybridBenchError, match="two rows with the id 'q0'"):
        ParallelTable.concat([ParallelTable.from_rows(question_rows()), ParallelTable.from_rows(question_rows(1))])
    with pytest.raises(HybridBenchError, match="has no id"):
        ParallelTable.from_rows([ParallelRow("", "s")])
    with pytest.raises(HybridBenchError, match="there is no row"):
        ParallelTable.from_rows([])


def test_with_sources() -> None:
    assert mixed_table().with_sources(["news"]).sources == ("news",)
    with pytest.raises(HybridBenchError, match="Did you mean news"):
        mixed_table().with_sources(["nwes"])


def test_loading_another_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match="does not hold a table of training data"):
        ParallelTable.load(tmp_path)
