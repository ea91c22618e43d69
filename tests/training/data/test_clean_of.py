"""Nothing of the suites of low-resource languages and domains stays in training data that are cleaned of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybrid_bench import load_suite
from hybrid_bench.training.data import mix
from hybrid_bench.training.data.filters import remove_suite_overlap
from hybrid_bench.training.data.readers import jsonl
from hybrid_bench.training.data.sources import read_source
from hybrid_bench.training.data.table import ParallelRow, ParallelTable
from hybrid_bench.training.data.text_keys import normalised
from hybrid_bench.training.recipe import Recipe
from tests.conftest import ROOT

pytestmark = pytest.mark.usefixtures("shared")
SUITES = ("flores200", "tico19", "afriqa", "squadshifts/full", "mkqa")
CLEAN = ParallelRow("clean", "s", "", {"en": "What do cats of this test drink?"}, {"en": "They drink the milk of this test."})
OTHER = {"en": "Something else entirely, in a test?"}


def test_the_candidate_with_more_sources_is_cleaned_of_them() -> None:
    recipe = Recipe.read(ROOT / "recipes" / "candidates" / "parallel-text.toml")
    assert {"xquad-r", "mlqa-r", *SUITES} <= set(recipe.data.clean_of)


@pytest.mark.parametrize("name", SUITES)
def test_texts_of_a_suite_are_removed(name: str) -> None:
    """Rows made from each collection's longest passage and each query set's longest query, in all languages of the suite."""
    suite = load_suite(name)
    rows = [CLEAN]
    for of in suite.collections:
        passage = max(of.passages(), key=lambda one: len(one.default_text()))  # type: ignore[union-attr]
        text = passage.default_text()  # type: ignore[union-attr]
        paragraph = getattr(passage, "context", "") or text
        rows.append(ParallelRow(f"passage {of.name}", "s", "", dict(OTHER), {"xx": f" {text}!  "}))
        rows.append(
            ParallelRow(f"context {of.name}", "s", "", dict(OTHER), {}, {"xx": f"Another sentence before. {paragraph} And more."})
        )
    for asked in suite.query_sets:
        text = max((query.default_text() for query in asked.queries()), key=len)  # type: ignore[union-attr]
        rows.append(ParallelRow(f"question {asked.name}", "s", "", {"xx": f"{text}!"}, {}))
    left, report = remove_suite_overlap(ParallelTable.from_rows(rows), [suite])
    assert list(left.rows()) == [CLEAN]
    assert sum(report.removed.values()) == len(rows) - 1


def test_languages_beyond_the_default_ones_of_a_suite_are_removed_too(tmp_path: Path) -> None:
    default, wide = load_suite("flores200"), load_suite("flores200").restrict(["en", "sv", "da"])
    assert not {"sv", "da"} & set(default.languages)
    text = max((passage.default_text() for passage in wide.collection("sv").passages()), key=len)  # type: ignore[union-attr]
    row = ParallelRow("row", "s", "", dict(OTHER), {"sv": text, "da": "Endnu en sætning i en prøve."})
    jsonl.save(ParallelTable.from_rows([CLEAN, row]), tmp_path / "rows.jsonl")
    built = mix.build([str(tmp_path / "rows.jsonl")], tmp_path / "mix", ["flores200"])
    assert built.table.key_column("id") == ["clean"]
    assert built.manifest["filters"]["taken"] == [{"suite": "flores200", "filter": "passage", "rows": 1}]


def test_the_development_questions_of_mkqa_are_not_its_test_questions() -> None:
    """By direct comparison of what remains, in every language."""
    suite = load_suite("mkqa")
    left, report = remove_suite_overlap(read_source("mkqa-dev").table(), [suite])
    asked = {normalised(str(query.content)) for of in suite.query_sets for query in suite.queries(of.name)}
    assert not asked & {normalised(text) for row in left.rows() for text in row.question.values()}
    assert (report.before, report.after) == (1758, len(left))
    assert len(left) == 1692  # 66 are asked in the test questions too, in at least one language
