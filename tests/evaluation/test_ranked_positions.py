"""Ranked lists of IGLUE become results, with the figures that were published for them."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import pytest

from hybrid_bench import EvaluationOptions, HybridBenchError, load_suite
from hybrid_bench.evaluation.given_runs import evaluate_given
from hybrid_bench.evaluation.ranked_positions import read
from tests.conftest import Cli
from tests.mutations import mutated

MODELS = ("ctrl_muniter", "ctrl_xuniter", "uc2", "m3p")
LANGUAGES = ("en", "de", "es", "id", "ja", "ru", "tr", "zh")


@pytest.mark.parametrize("model", MODELS)
def test_the_published_recalls_are_exact(model: str, shared: Path) -> None:
    """Four models in eight languages: 32 figures of R@1 in a pool of 2,000 images."""
    with (shared / "image-text" / "xFlickrCO_ir_0.csv").open() as file:
        published = {row["model"]: row for row in csv.DictReader(file)}[model]
    folder = shared / "image-text" / "iglue_xflickrco_zero_shot" / model
    result = evaluate_given(folder, load_suite("xflickrco/names"), EvaluationOptions(measures=("Success@1", "R@1", "R@10")))
    found = {(row.query_set, row.measure): row for row in result.rows}
    assert len(found) == 24
    for language in LANGUAGES:
        assert found[language, "R@1"].queries == 2000
        assert round(100 * found[language, "R@1"].value, 9) == float(published[language])
        assert found[language, "Success@1"].value == found[language, "R@1"].value
    assert result.name == model
    assert result.provenance.depth == 20


def test_they_agree_with_the_figures_of_the_table(shared: Path) -> None:
    with (shared / "facts" / "published_image_text.tsv").open() as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["benchmark"] == "xflickrco" and row["model"] == "m3p"]
    published = {row["language"]: float(row["value"]) for row in rows if (row["direction"], row["measure"]) == ("t2i", "R@10")}
    folder = shared / "image-text" / "iglue_xflickrco_zero_shot" / "m3p"
    result = evaluate_given(folder, load_suite("xflickrco/names"), EvaluationOptions(measures=("R@10",)))
    found = {row.query_set: round(row.value, 9) for row in result.rows}
    assert {language: value for language, value in found.items() if language in published} == published
    assert len(published) > 5


def test_the_command_makes_a_result(cli: Cli, tmp_path: Path, shared: Path) -> None:
    source = shared / "image-text" / "iglue_xflickrco_zero_shot" / "uc2" / "test_de_0_result.json"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / source.name).write_bytes(source.read_bytes())
    done = cli("results", "import", "mine", "--suite", "xflickrco/names", "--measures", "R@1", "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert "0.286" in done.stdout
    assert list((tmp_path / "results").rglob("mine.json"))


def test_lists_of_another_suite_are_refused(tmp_path: Path) -> None:
    suite = load_suite("multi30k-flickr8k/names")
    path = tmp_path / "test_de_0_result.json"
    for content, problem in (
        ([[0]] * 242, "has 242 lists for 243 captions"),
        ([[0]] * 242 + [[243]], "is not of different positions from 0 to 242"),
        ([[0]] * 242 + [[1, 1]], "is not of different positions"),
        ({"a": 1}, "has no lists"),
    ):
        path.write_text(json.dumps(content))
        with pytest.raises(HybridBenchError, match=problem):
            read(tmp_path, suite)
    path.rename(tmp_path / "test_th_0_result.json")
    with pytest.raises(HybridBenchError, match="has lists of th, and multi30k-flickr8k/names asks for images in none"):
        read(tmp_path, suite)


def test_damaged_lists_are_errors_or_right(tmp_path: Path) -> None:
    suite = load_suite("multi30k-flickr8k/names")
    content = json.dumps([[number, (number + 1) % 243] for number in range(243)]).encode()
    rng = random.Random(24)
    for _ in range(40):
        (tmp_path / "test_de_0_result.json").write_bytes(mutated(content, rng))
        try:
            found, _ = read(tmp_path, suite)
        except HybridBenchError:
            continue
        assert len(found.runs["de:images"]) == 243
