"""Reading the JSON files of BEIR and mteb."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from hybrid_bench import HybridBenchError
from hybrid_bench.results import predictions
from hybrid_bench.results.runs import Hit, canonical
from tests.mutations import mutated

RANKINGS = {"q1": {"d1": 2.5, "é 2": 0.5}, "q2": {"d1": 1}}
BEIR = RANKINGS
MTEB = {
    "mteb_model_meta": {"model_name": "org/model", "revision": "1"},
    "de-en": {"test": RANKINGS, "dev": {}},
    "zh-hans--all": {"dev": {"q1": {}}},
}
HITS = {"q1": [Hit("d1", 2.5), Hit("é 2", 0.5)], "q2": [Hit("d1", 1.0)]}


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


def test_a_file_of_beir_is_one_run(tmp_path: Path) -> None:
    found = predictions.read(write(tmp_path / "a.json", BEIR))
    assert found == predictions.Predictions({"": HITS})


def test_a_file_of_mteb_is_a_run_a_subset_and_names_its_model(tmp_path: Path) -> None:
    found = predictions.read(write(tmp_path / "T_predictions.json", MTEB))
    assert found is not None
    assert found.runs == {"de-en": HITS, "zh-hans--all": {"q1": []}}
    assert (found.name, found.revision) == ("org/model", "1")
    assert found.notes == ("Of the splits of de-en in T_predictions.json (test, dev), test was read.",)


def test_a_query_may_have_the_name_of_the_other_fields(tmp_path: Path) -> None:
    found = predictions.read(write(tmp_path / "a.json", {"mteb_model_meta": {"d": 1.5}, "schema_version": {"d": 2}}))
    assert found is not None
    assert found.runs == {"": {"mteb_model_meta": [Hit("d", 1.5)], "schema_version": [Hit("d", 2.0)]}}


@pytest.mark.parametrize("content", ['{"schema_version": 2}', "no JSON", "[1]", "[" * 100_000, '{"q": 1'])
def test_what_is_no_object_or_a_result_is_left_to_the_reader_of_results(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    assert predictions.read(tmp_path / "a.json") is None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"q": {"d": NaN}}', "the score of document 'd' for query 'q' is not a finite number of float32"),
        ('{"q": {"d": 1e39}}', "the score of document 'd' for query 'q' is not a finite number of float32"),
        ('{"q": {"d": true}}', "the score of document 'd' for query 'q' is not a finite number of float32"),
        ('{"q": {"d": "1"}}', "the score of document 'd' for query 'q' is not a finite number of float32"),
        ('{"q": {"d": 1, "d": 2}}', "a name or an id occurs twice in one object"),
        ('{"q": {"d": 1}, "q": {"d": 2}}', "a name or an id occurs twice in one object"),
        ('{"q": ["d1", "d2"]}', """it has ["d1", "d2"] where an object belongs"""),
        ('{"de-en": {"test": {"q": [1]}}}', "it has [1] where an object belongs"),
        ('{"de-en": {"test": {"q": {"d": 1}}, "dev": 1}, "en-en": {}}', "the subset 'en-en' has no split"),
        ('{"q": {}}', "no query has found a document"),
        ("{}", "no query has found a document"),
        ('{"q": {"": 1}}', "of the query or document '', its id is empty"),
        ('{"q": {"a\\u0000": 1}}', "holds the character U+0000"),
        ('{"q": {"\\ud800": 1}}', "holds half of a surrogate pair"),
    ],
)
def test_what_is_no_ranking_is_refused_with_its_place(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(HybridBenchError) as error:
        predictions.read(tmp_path / "a.json")
    assert error.value.problem.startswith(f"{tmp_path / 'a.json'}: ")
    assert problem in error.value.problem


@pytest.mark.parametrize("content", [BEIR, MTEB], ids=["BEIR", "mteb"])
def test_mutations_are_read_or_refused(tmp_path: Path, content: Any) -> None:
    path, draw = tmp_path / "a.json", random.Random(77)
    whole = write(path, content).read_bytes()
    accepted = 0
    for _ in range(2000):
        path.write_bytes(mutated(whole, draw))
        try:
            found = predictions.read(path)
        except HybridBenchError as refused:
            assert "\n" not in refused.problem
            continue
        accepted += found is not None
        for run in found.runs.values() if found else ():
            assert all(hits == canonical(hits) for hits in run.values())
    assert 100 < accepted < 1900
