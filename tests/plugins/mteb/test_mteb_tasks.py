"""Suites as mteb tasks: mteb's own evaluation gives the scores of here."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import mteb
import numpy as np
import PIL.Image
import pytest
from mteb.abstasks import AbsTaskRetrieval

from hybrid_bench import Collection, EvaluationOptions, HybridBenchError, Image, Judgement, QuerySet, Suite, load_suite
from hybrid_bench.evaluation.given_runs import evaluate_given
from hybrid_bench.plugin import ImagePassage, image_settings
from hybrid_bench_mteb import tasks
from tests.evaluation.suites import collection, query_set
from tests.plugins.mteb.comparison import evaluated, model_for_mteb, scores_of, scores_of_mteb
from tests.tiny_encoder import TinyEncoder

LANGUAGES = ("de", "th", "zh")


def first_questions(suite: Suite, count: int) -> Suite:
    """The suite with the first questions of each query set: mteb holds every score of every passage as a Python object."""
    cut = [
        dataclasses.replace(of, queries=lambda of=of: list(of.queries())[:count])  # type: ignore[misc]
        for of in suite.query_sets
    ]
    return dataclasses.replace(suite, query_sets=tuple(cut))


@pytest.mark.parametrize("plain", [False, True], ids=["our encoder", "sentence-transformers"])
def test_mteb_gives_our_scores_in_every_setting_of_mini(
    tiny_encoder: TinyEncoder, plain_model: Path, plain: bool, tmp_path: Path
) -> None:
    suite = load_suite("mini").restrict(LANGUAGES)
    encoder = plain_model if plain else tiny_encoder
    made = tasks(suite, full_depth=True)
    found = scores_of_mteb(model_for_mteb(encoder, tmp_path), made)
    expected = scores_of(evaluated(encoder, suite, tmp_path))
    assert found == pytest.approx(expected, abs=1e-5)
    assert len(found) == 2 * 12


@pytest.mark.parametrize("plain", [False, True], ids=["our encoder", "sentence-transformers"])
def test_mteb_gives_our_scores_on_xquad_r(
    tiny_encoder: TinyEncoder, plain_model: Path, plain: bool, tmp_path: Path, shared: Path
) -> None:
    """Every language on its own passages and on all 13,014 of them: 22 settings."""
    suite = first_questions(load_suite("xquad-r"), 5)
    own = [setting for setting in suite.settings if setting.kind != "cross-lingual"]
    suite = dataclasses.replace(suite, settings=tuple(own))
    encoder = plain_model if plain else tiny_encoder
    found = scores_of_mteb(model_for_mteb(encoder, tmp_path), tasks(suite, full_depth=True))
    expected = scores_of(evaluated(encoder, suite, tmp_path))
    assert found == pytest.approx(expected, abs=1e-5)
    assert len(found) == 2 * 22


def test_a_tasks_score_is_the_mean_of_its_kind(tiny_encoder: TinyEncoder, tmp_path: Path) -> None:
    suite = load_suite("mini").restrict(LANGUAGES)
    result = evaluated(tiny_encoder, suite, tmp_path)
    evaluation = mteb.evaluate(
        model_for_mteb(tiny_encoder, tmp_path), tasks(suite, full_depth=True), cache=None, show_progress_bar=False
    )
    for task in evaluation.task_results:
        kind = task.task_name.removeprefix("mini+de+th+zh-")
        settings = [setting.name for setting in suite.settings if setting.kind == kind]
        assert task.get_score() == pytest.approx(np.mean([scores_of(result)[name, "AP"] for name in settings]), abs=1e-5)


def test_predictions_that_mteb_saved_become_results(tiny_encoder: TinyEncoder, tmp_path: Path) -> None:
    suite = load_suite("mini").restrict(LANGUAGES)
    made = tasks(suite, full_depth=True)
    scores_of_mteb(model_for_mteb(tiny_encoder, tmp_path / "store"), made, tmp_path / "predictions")
    expected = evaluated(tiny_encoder, suite, tmp_path / "store")
    found = {}
    for task in made:
        result = evaluate_given(tmp_path / "predictions" / task.prediction_file_name, suite, EvaluationOptions())
        assert result.encoder["name"] == "hybrid-bench/tiny"
        found |= scores_of(result)
        # A task has the runs of one kind of settings, and bias needs the ranks in all pools.
        assert "RankDistance" not in {row.measure for row in result.rows}
    assert found == pytest.approx(scores_of(expected), abs=1e-9)


def test_metadata_say_what_the_data_are() -> None:
    made = {task.metadata.name: task for task in tasks("mini")}
    assert list(made) == ["mini-monolingual", "mini-cross-lingual", "mini-multilingual"]
    assert all(isinstance(task, AbsTaskRetrieval) for task in made.values())
    metadata = made["mini-cross-lingual"].metadata
    assert metadata.eval_langs["de:zh"] == ["deu-Latn", "zho-Hans"]
    assert len(metadata.eval_langs) == 110
    assert made["mini-multilingual"].metadata.eval_langs["th:all"][0] == "tha-Thai"
    assert set(metadata.languages) == {"ara", "deu", "ell", "eng", "spa", "hin", "rus", "tha", "tur", "vie", "zho"}
    assert metadata.license == "cc0-1.0"
    assert metadata.main_score == "map_at_1000"
    assert (metadata.type, metadata.category, metadata.modalities) == ("Retrieval", "t2t", ["text"])
    metadata._validate_metadata()  # mteb's own test of language codes


def test_metadata_have_the_citation_of_the_suite(shared: Path) -> None:
    metadata = tasks("xquad-r", languages=["de"])[0].metadata
    assert "roy-etal-2020-lareqa" in metadata.bibtex_citation
    assert metadata.intext_citation() == "\\cite{roy-etal-2020-lareqa}"
    assert metadata.license == "cc-by-sa-4.0"


def test_the_revision_is_that_of_the_data() -> None:
    texts = {"1": "Der Fluss entspringt im Gebirge.", "2": "Es regnet oft."}

    def revision(texts: dict[str, str]) -> str:
        of = (collection("de", texts, language="de"),)
        asked = (query_set("de", {"a": "Fluss?"}, {"a": {("de", "1"): 1}}, language="de"),)
        suite = Suite("rivers", "Rivers", asked, of, (load_suite("mini").settings[0]._replace(query_set="de", pool="de"),))
        return str(tasks(suite)[0].metadata.dataset["revision"])

    assert revision(texts) == revision(dict(texts))
    assert revision(texts) != revision(texts | {"2": "Es regnet."})


def test_a_suite_without_languages_says_so(tmp_path: Path) -> None:
    of = (collection("und", {"1": "rain", "2": "snow"}),)
    asked = (query_set("und", {"a": "rain?"}, {"a": {("und", "1"): 1}}),)
    suite = Suite("weather", "Weather", asked, of, (load_suite("mini").settings[0]._replace(query_set="und", pool="und"),))
    (task,) = tasks(suite)
    assert task.metadata.eval_langs == {"und:und": ["und-Zyyy"]}
    assert task.metadata.main_score == "ndcg_at_10"
    task.metadata._validate_metadata()


def test_a_document_with_the_querys_id_is_left_out_where_the_suite_says_so(tiny_encoder: TinyEncoder, tmp_path: Path) -> None:
    of = (collection("en", {"a": "the rain", "b": "the rain falls", "c": "snow"}, language="en"),)
    asked = (query_set("en", {"a": "the rain", "c": "snow"}, {"a": {("en", "b"): 1}, "c": {("en", "b"): 1}}, language="en"),)
    setting = load_suite("mini").settings[0]._replace(query_set="en", pool="en")
    values = {}
    for drops in (False, True):
        suite = Suite("own", "Own ids", asked, of, (setting,), drops_own=drops)
        found = scores_of_mteb(model_for_mteb(tiny_encoder, tmp_path), tasks(suite, full_depth=True))
        assert found == pytest.approx(scores_of(evaluated(tiny_encoder, suite, tmp_path)), abs=1e-5)
        values[drops] = found["en:en", "AP"]
    assert values[False] < values[True]


def test_the_paragraph_is_read_where_it_is_asked_for(shared: Path) -> None:
    sentence, both = (tasks("xquad-r", languages=["de"], passage_text=text)[0] for text in ("sentence", "sentence+context"))
    assert both.metadata.name == "xquad-r+de-monolingual-sentence+context"
    for task in (sentence, both):
        task.load_data()
    short, long = (task.dataset["de:de"]["test"]["corpus"]["text"][0] for task in (sentence, both))
    assert long.startswith(short)
    assert len(long) > len(short)


def test_images_are_image_tasks() -> None:
    (task,) = tasks(pictures())
    assert (task.metadata.type, task.metadata.category) == ("Any2AnyRetrieval", "t2i")
    assert task.metadata.modalities == ["image", "text"]
    task.load_data()
    rows = task.dataset["en:pictures"]["test"]["corpus"]
    assert rows["image"][1].getpixel((0, 0)) == (0, 0, 255)


def pictures() -> Suite:
    """Two squares, by colour."""

    def square(colour: str) -> Image:
        content = io.BytesIO()
        PIL.Image.new("RGB", (8, 8), colour).save(content, "PNG")
        return Image.from_bytes(content.getvalue(), colour)

    def records() -> Any:
        return [ImagePassage(colour, square(colour)) for colour in ("red", "blue")]

    of = Collection("pictures", records, modality="image")
    asked = query_set("en", {"a": "a red square"}, {"a": {("pictures", "red"): 1}}, language="en")
    return Suite("squares", "Squares", (asked,), (of,), image_settings([asked], [("pictures", "image")]))


def test_settings_without_a_relevant_passage_are_no_subsets() -> None:
    of = tuple(collection(name, {"1": "rain"}, language=name) for name in ("de", "en"))
    asked = query_set("de", {"a": "Regen?"}, {"a": {("de", "1"): 1}}, language="de")
    first = load_suite("mini").settings[0]
    settings = (first._replace(query_set="de", pool="de"), first._replace(query_set="de", pool="en", kind="cross-lingual"))
    assert [task.hf_subsets for task in tasks(Suite("rain", "Rain", (asked,), of, settings))] == [["de:de"]]


def test_a_suite_that_mteb_cannot_evaluate_is_an_error() -> None:
    with pytest.raises(HybridBenchError, match="leaves the passage with the query's id out of several collections"):
        tasks(dataclasses.replace(load_suite("mini"), drops_own=True, unique_ids=False, prefixed=True))
    with pytest.raises(HybridBenchError, match="unknown suite 'mimi'"):
        tasks("mimi")


def test_a_query_set_without_an_answer_is_an_error() -> None:
    nothing = QuerySet("de", list, lambda: [Judgement("a", "de", "1", 0)], language="de")
    of = (collection("de", {"1": "rain"}, language="de"),)
    suite = Suite("none", "None", (nothing,), of, (load_suite("mini").settings[0]._replace(query_set="de", pool="de"),))
    with pytest.raises(HybridBenchError):
        tasks(suite)
