"""The suite squad-dev-r: whole paragraphs, complete judgements, nothing of XQuAD-R, and training data without its articles."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from hybrid_bench import Suite, load_suite
from hybrid_bench.testing import SuiteConformance
from hybrid_bench.training.data import mix, sentences
from hybrid_bench.training.data.filters import remove_suite_overlap
from hybrid_bench.training.data.readers import squad
from hybrid_bench.training.data.sources import read_source, sources
from hybrid_bench.training.data.squad_dev import ARTICLES, LANGUAGES, SOURCE
from hybrid_bench.training.data.table import ParallelTable
from hybrid_bench.training.recipe import Recipe
from hybrid_bench.training.train import data_of

pytestmark = pytest.mark.usefixtures("shared")
RECIPES = Path(__file__).parents[3] / "recipes"


class TestSquadDev(SuiteConformance):
    name = "squad-dev-r"


@pytest.fixture(scope="module")
def suite() -> Suite:
    return load_suite("squad-dev-r")


@pytest.fixture(scope="module")
def table() -> ParallelTable:
    """All questions of the source, before anything is removed."""
    return read_source(SOURCE).table()


def test_the_mixed_pool_is_about_as_large_as_that_of_xquad_r(suite: Suite) -> None:
    passages = {of.name: len(suite.passages(of.name)) for of in suite.collections}
    questions = {of.name: len(suite.queries(of.name)) for of in suite.query_sets}
    assert passages == {"da": 1880, "en": 1849, "es": 1922, "id": 1508, "it": 1790, "sv": 1543, "zh": 1882}
    assert questions == {"da": 444, "en": 444, "es": 444, "id": 300, "it": 431, "sv": 303, "zh": 443}
    languages = Counter(query.id for of in suite.query_sets for query in suite.queries(of.name))
    assert min(languages.values()) == 5


def test_paragraphs_are_whole(suite: Suite) -> None:
    """In English each paragraph is SQuAD's own, and its sentences are all of those that it is cut into."""
    (file,) = (file for file in sources()[SOURCE].files if file.language == "en")
    squad_rows = squad.read("s", {"en": [file.get(SOURCE, prefix="en-")]}).rows
    of_squad = {row.context["en"] for row in squad_rows}
    found: dict[str, list[str]] = {}
    for passage in suite.collection("en").passages():
        found.setdefault(passage.context, []).append(passage.default_text())  # type: ignore[attr-defined]
    assert found.keys() < of_squad
    assert all(texts == [text[start:end] for start, end in sentences.spans(text)] for text, texts in found.items())


def test_each_answer_is_judged_in_every_language_that_has_its_paragraph(suite: Suite) -> None:
    paragraphs = {of.name: {passage.id[3:7] for passage in suite.passages(of.name)} for of in suite.collections}
    for of in suite.query_sets:
        answers: dict[str, dict[str, str]] = {}
        for judgement in of.judgements():
            assert answers.setdefault(judgement.query_id, {}).setdefault(judgement.collection, judgement.doc_id)
        assert answers.keys() == {query.id for query in suite.queries(of.name)}
        for found in answers.values():
            (number,) = {doc_id[3:7] for doc_id in found.values()}
            assert found.keys() == {language for language in LANGUAGES if number in paragraphs[language]}


def test_articles_are_those_with_the_smallest_hashes(suite: Suite, table: ParallelTable) -> None:
    ordered = sorted(set(table.key_column("article")), key=lambda title: hashlib.sha256(title.encode()).hexdigest())
    titles = {passage.title for of in suite.collections for passage in of.passages()}  # type: ignore[attr-defined]
    assert titles == set(ordered[:ARTICLES])


def test_nothing_of_xquad_r_or_mlqa_r_is_in_it(suite: Suite, table: ParallelTable) -> None:
    """By direct comparison of ids and texts with XQuAD-R; and no filter finds more."""
    ids = {query.id for of in suite.query_sets for query in suite.queries(of.name)}
    texts = {passage.context.strip() for of in suite.collections for passage in of.passages()}  # type: ignore[attr-defined]
    test = load_suite("xquad-r")
    assert not ids & {query.id for query in test.queries("en")}
    assert not texts & {passage.context.strip() for of in test.collections for passage in of.passages()}  # type: ignore[attr-defined]
    own = table.select([row for row, row_id in enumerate(table.key_column("id")) if row_id in ids])
    _, report = remove_suite_overlap(own, [test, load_suite("mlqa-r")])
    assert not report.removed


def test_training_data_have_none_of_its_articles_and_texts(suite: Suite) -> None:
    recipe = Recipe.read(RECIPES / "development.toml", {"data.sources": {SOURCE: 1}})
    found = data_of(recipe)
    titles = {passage.title for of in suite.collections for passage in of.passages()}  # type: ignore[attr-defined]
    assert len(found.table) == 7729
    assert not titles & set(found.table.key_column("article"))
    for language in LANGUAGES:
        paragraphs = {passage.context for passage in suite.collection(language).passages()}  # type: ignore[attr-defined]
        assert not paragraphs & set(found.table.column("context", language))
    assert found.manifest["suites"] == ["xquad-r", "mlqa-r", "squad-dev-r"]
    assert "articles shared with squad-dev-r: none found by title" in mix.remarks(found.manifest)


def test_the_recipe_of_development_differs_in_its_data_alone() -> None:
    shipped, development = (Recipe.read(RECIPES / f"{name}.toml") for name in ("hybrid-me5-small", "development"))
    again = development.model_copy(update={"data": shipped.data})
    assert (again.hash, shipped.hash == development.hash) == (shipped.hash, False)
