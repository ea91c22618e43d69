"""Parallel sentences: a sentence in all of its languages is one observation of every test and interval."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from hybrid_bench import EvaluationOptions, Result, compare, evaluate, report
from hybrid_bench.datasets.parallel_suites import FLORES200, MKQA, TICO19
from hybrid_bench.measures.significance import holm
from tests.conftest import Cli
from tests.tiny_encoder import TinyEncoder

LANGUAGES = ("en", "sw", "yo")
LINES = 60


@pytest.fixture(scope="module")
def two(shared: Path) -> list[Result]:
    found = []
    for dimension in (16, 64):
        encoder = TinyEncoder(dimension=dimension)
        encoder.card = encoder.card.model_copy(update={"name": f"tiny-{dimension}"})
        options = EvaluationOptions(languages=LANGUAGES, limit=LINES)
        found.append(evaluate(encoder, "flores200", options=options))
    return found


def by_sentence(result: Result) -> np.ndarray:
    """(lines,) AP in the pool of all, averaged over the languages that ask, computed from the ranks."""
    lines: dict[str, list[float]] = {}
    for language, ranks in result.ranks.by_query_set.items():
        for number, query_id in enumerate(ranks.query_ids):
            places = np.sort(ranks.rank_in["all"][(ranks.query == number) & ranks.inside("all")])
            lines.setdefault(query_id.removeprefix(f"{language}-"), []).append(
                float(np.mean(np.arange(1, len(places) + 1) / places))
            )
    assert {len(values) for values in lines.values()} == {len(LANGUAGES)}
    return np.array([np.mean(values) for values in lines.values()])


def test_compare_tests_sentences(two: list[Result]) -> None:
    frame = compare(*two)
    assert set(frame["unit"]) == {"sentence"}
    assert set(frame["queries"]) == {LINES}  # not 180: the ids of a line differ by language
    row = frame[(frame["setting"] == "multilingual") & (frame["measure"] == "AP")].iloc[0]
    of_a, of_b = map(by_sentence, two)
    assert row["difference"] == pytest.approx((of_b - of_a).mean())
    differences = of_b - of_a
    assert row["effect"] == pytest.approx(differences.mean() / differences.std(ddof=1))
    assert row["p_t_test"] in [pytest.approx(stats.ttest_rel(of_b, of_a).pvalue * times) for times in (1, 2, 3)]


def test_report_tests_sentences(two: list[Result]) -> None:
    found = report(two, two[0].name)
    (table,) = found.tables
    assert f"paired t-test over {LINES} sentences" in table.caption
    assert f"{LINES} sentences" in found.to_markdown()
    (record,) = json.loads(found.to_json())["tables"]
    assert record["unit"] == "sentence"
    assert {one["questions"] for one in record["comparisons"]} == {LINES}
    label = next(of["label"] for of in record["columns"] if (of["setting"], of["measure"]) == ("multilingual", "AP"))
    compared = next(one for one in record["comparisons"] if one["column"] == label)
    of_a, of_b = map(by_sentence, two)
    assert compared["p"] == pytest.approx(stats.ttest_rel(of_b, of_a).pvalue)
    ps = [one["p"] for one in record["comparisons"]]
    assert [one["p_holm"] for one in record["comparisons"]] == pytest.approx(holm(ps))


def test_slices_are_of_sentences(two: list[Result]) -> None:
    tables = report(two, by=["domain"]).tables
    assert all("(sentences)" in table.about for table in tables)
    for table in tables:
        counts = [int(column.label.split("(")[1].rstrip(")")) for column in table.columns]
        assert sum(counts) == LINES
        assert np.isfinite(np.asarray(table.means)).all()


def test_the_commands_state_what_an_observation_is(two: list[Result], tmp_path: Path, cli: Cli) -> None:
    files = [str(result.save(tmp_path)) for result in two]
    shown = cli("compare", *files)
    assert "paired randomisation test over sentences, each with its translations" in " ".join(
        (shown.stdout + shown.stderr).split()
    )
    rows = json.loads(cli("compare", *files, "--format", "json").stdout)
    assert {row["unit"] for row in rows} == {"sentence"}


def test_what_an_observation_is(shared: Path) -> None:
    assert [suite.unit for suite in (FLORES200, TICO19, MKQA)] == ["sentence", "sentence", "question"]
    assert FLORES200.question_of is not None
    assert FLORES200.question_of("zh-Hans", "zh-Hans-0017") == FLORES200.question_of("en", "en-0017") == "0017"
