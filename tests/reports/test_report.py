"""Reports of several results: values, tests and marks against those of ``compare`` and ``evaluate``."""

from __future__ import annotations

import csv
import io
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import hybrid_bench
from hybrid_bench import HybridBenchError, Result, compare, report
from hybrid_bench.evaluation.compare import significant
from hybrid_bench.measures.significance import holm
from hybrid_bench.reports.columns import VIEWS, Column, Plan
from hybrid_bench.reports.observations import Observations
from hybrid_bench.reports.report import FILES
from hybrid_bench.results import tables
from tests.results import examples

COLUMNS = ["mono AP", "cross AP", "multi AP", "RankDistance", "SameLanguage@20"]


def test_the_values_are_those_that_evaluate_prints(four: list[Result]) -> None:
    (table,) = report(four).tables
    assert list(table.frame.columns) == COLUMNS
    np.testing.assert_allclose(table.frame, tables.side_by_side(four), rtol=1e-12)


def test_two_results_have_the_p_values_of_compare(four: list[Result]) -> None:
    """The same tests, over the same questions, corrected over the same number of comparisons."""
    for test, column in (("t", "p_t_test"), ("randomisation", "p_randomisation")):
        (table,) = report(four[:2], test=test).tables  # type: ignore[arg-type]
        expected = compare(four[0], four[1])
        assert [one.corrected for one in table.comparisons] == pytest.approx(expected[column].tolist(), rel=1e-9)
        assert [one.queries for one in table.comparisons] == expected["queries"].tolist()
        assert [one.difference for one in table.comparisons] == pytest.approx(expected["difference"].tolist(), rel=1e-9)


def test_by_language_they_are_those_of_compare_by_language(four: list[Result]) -> None:
    made = report(four[:2], by=["language"])
    expected = compare(four[0], four[1], by_language=True)
    for table in made.tables:
        kind, measure = table.columns[0].kind, table.columns[0].measure
        rows = expected[(expected["setting"] == kind) & (expected["measure"] == measure)]
        assert [column.label for column in table.columns] == rows["query_set"].tolist()
        assert table.means[-1] == pytest.approx((rows["a"].iloc[-1], rows["b"].iloc[-1]))
        for number, row in enumerate(rows.itertuples()):
            assert table.means[number] == pytest.approx((row.a, row.b))
            assert table.comparisons[number].queries == row.queries


def test_marks_agree_with_compare(four: list[Result]) -> None:
    """The raw p-values of all pairs come from ``compare``'s own tests; Holm is over the table."""
    (table,) = report(four).tables
    pairs = list(itertools.combinations(range(4), 2))
    observed = Observations(four)
    raw: dict[tuple[int, int, int], float] = {}
    for number, column in enumerate(table.columns[:4]):
        series = observed.questions(column)
        for a, b in pairs:
            raw[number, a, b] = float(stats.ttest_rel(series[b], series[a]).pvalue)  # type: ignore[arg-type]
    corrected = dict(zip(raw, holm(list(raw.values())), strict=True))
    assert {(one.column, one.a, one.b): one.corrected for one in table.comparisons} == pytest.approx(corrected)
    for (number, a, b), p in corrected.items():
        alone = compare(four[a], four[b])["p_t_test"].tolist()
        assert holm([raw[at, a, b] for at in range(4)]) == pytest.approx(alone)
        assert significant(p) == (not set(table.marks[a, number]) & set(table.marks[b, number]))
    assert any(map(significant, corrected.values())) and not all(map(significant, corrected.values()))


@pytest.mark.parametrize(("baseline", "mark"), [("tiny-64", "†"), ("tiny-512", "‡")])
def test_daggers_say_what_is_better_and_worse_than_the_baseline(four: list[Result], baseline: str, mark: str) -> None:
    (table,) = report(four, baseline).tables
    assert table.rows == (baseline, *(result.name for result in four if result.name != baseline))
    assert {one.a for one in table.comparisons} == {0}
    assert len(table.comparisons) == 3 * 4
    for one in table.comparisons:
        lower = table.columns[one.column].better == "lower"
        expected = ("†" if (one.difference < 0) == lower else "‡") if significant(one.corrected) else None
        assert table.marks.get((one.b, one.column)) == expected
    assert mark in table.marks.values()
    assert table.caption.endswith(
        f"Best in bold. † significantly better, ‡ worse than {baseline} (paired t-test over 45 questions, Holm correction over "
        "12 comparisons, p < .05)."
    )


def test_a_measure_without_values_of_questions_is_not_tested_and_has_no_best(four: list[Result]) -> None:
    (table,) = report(four).tables
    at = COLUMNS.index("SameLanguage@20")
    assert not [one for one in table.comparisons if one.column == at]
    assert table.places(at) == [0] * 4


def test_the_best_is_bold_and_the_second_underlined(four: list[Result]) -> None:
    text = report(four, second=True).to_latex()
    for column, best, second in ((0, "largest", "second"), (3, "smallest", "second")):
        values = sorted(report(four).tables[0].means[column], reverse=column == 0)
        digits = 1 if column == 3 else 4
        assert f"\\textbf{{{values[0]:.{digits}f}}}" in text, best
        assert f"\\underline{{{values[1]:.{digits}f}}}" in text, second
    assert "underline" not in report(four).to_latex()


def test_equal_values_are_all_best(four: list[Result]) -> None:
    renamed = four[0].model_copy(update={"encoder": four[0].encoder | {"name": "same"}})
    (table,) = report([four[0], renamed]).tables
    assert table.places(0) == [1, 1]
    assert set(table.marks.values()) == {"a"}


def test_by_measure_has_a_table_for_each_kind_of_setting(four: list[Result]) -> None:
    made = report(four, by=["measure"])
    assert [table.name for table in made.tables] == ["measure-monolingual", "measure-cross-lingual", "measure-multilingual"]
    for table, kind in zip(made.tables, ("monolingual", "cross-lingual", "multilingual"), strict=True):
        summary = [tables.summary(result)[kind].dropna() for result in four]
        assert [column.label for column in table.columns] == list(summary[0].index)
        np.testing.assert_allclose(table.frame, summary, rtol=1e-12)


def test_a_view_of_some_questions_averages_these(four: list[Result], monkeypatch: pytest.MonkeyPatch) -> None:
    """What a part above adds as a view: here the questions of two topics."""

    def by_topic(results: Any) -> list[Plan]:
        questions = Observations(results).questions(Column("", "monolingual", "AP"))[0]
        assert questions is not None
        topics = {topic: frozenset(q for q in questions.index if q.startswith(topic)) for topic in ("bread", "chess")}
        assert all(topics.values())
        return [Plan("topic", "by topic", tuple(Column(name, "monolingual", "AP", None, of) for name, of in topics.items()))]

    monkeypatch.setitem(VIEWS, "topic", by_topic)
    (table,) = report(four, by=["topic"]).tables
    for column, means in zip(table.columns, table.means, strict=True):
        for result, mean in zip(four, means, strict=True):
            values = [
                1 / rank
                for language, ranks in result.ranks.by_query_set.items()
                for rank, of, collection in zip(ranks.rank, ranks.query, ranks.collection, strict=True)
                if collection == language and ranks.query_ids[of].startswith(column.label)
            ]
            assert mean == pytest.approx(np.mean(values))
    assert {one.queries for one in table.comparisons} == {3}


def without(result: Result, **provenance: Any) -> Result:
    changed = result.provenance.model_copy(update=provenance)
    return result.model_copy(update={"provenance": changed, "encoder": result.encoder | {"name": "other"}})


@pytest.mark.parametrize(
    ("provenance", "problem"),
    [
        ({"passage_text": "sentence+context"}, "tiny-16 and other differ in passage text: sentence and sentence.context"),
        ({"depth": 100}, "tiny-16 and other differ in depth: the whole pool and 100 passages"),
        ({"queries": {"de": "0" * 64}}, "the two results have other queries in de, en, th"),
        ({"passages": {}}, "the two results have other passages in de, en, th"),
    ],
)
def test_results_that_do_not_belong_together_are_refused(four: list[Result], provenance: Any, problem: str) -> None:
    with pytest.raises(HybridBenchError, match=problem):
        report([four[0], without(four[0], **provenance)])


def test_results_on_two_suites_are_refused(four: list[Result]) -> None:
    with pytest.raises(HybridBenchError, match=r"tiny-16 was scored on mini\+de\+en\+th and tiny on mini"):
        report([four[0], examples.result()])


def test_another_dtype_is_shown(four: list[Result]) -> None:
    (table,) = report([four[0], without(four[1], dtype="bf16")]).tables
    assert table.rows == ("tiny-16 (fp32)", "other (bf16)")


def test_languages_that_a_card_leaves_out_are_marked(four: list[Result]) -> None:
    stating = four[0].model_copy(update={"encoder": four[0].encoder | {"languages": ["de", "en"]}})
    (table,) = report([stating, four[1]]).tables
    assert table.rows == ("tiny-16*", "tiny-32")
    assert "* The card of tiny-16 does not list th." in table.caption


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"baseline": "bm25"}, r"unknown baseline 'bm25'\n  Known: tiny-16, tiny-32, tiny-512, tiny-64. Give its result, too."),
        ({"by": ["settings"]}, r"unknown table 'settings'\n  Did you mean setting\?"),
        ({"test": "wilcoxon"}, "unknown test 'wilcoxon'"),
        ({"level": 5}, "a level of significance is between 0 and 1, not 5"),
    ],
)
def test_bad_options_are_refused(four: list[Result], options: Any, problem: str) -> None:
    with pytest.raises(HybridBenchError, match=problem):
        report(four, **options)


def test_no_result_and_one_result_twice(four: list[Result]) -> None:
    with pytest.raises(HybridBenchError, match="at least one result"):
        report([])
    with pytest.raises(HybridBenchError, match="Give each result once"):
        report([four[0], four[0]])


def test_one_result_is_a_table_without_marks(four: list[Result]) -> None:
    (table,) = report(four[:1]).tables
    assert (table.comparisons, table.marks, table.legend) == ((), {}, "")


def test_a_result_without_ranks_is_shown_and_not_tested(four: list[Result]) -> None:
    stripped = four[1].model_copy(update={"ranks_file": None})
    stripped._ranks = None
    (table,) = report([four[0], stripped, four[2]]).tables
    assert {(one.a, one.b) for one in table.comparisons} == {(0, 2)}
    assert "Not tested, for their results have no ranks of single questions: tiny-32." in table.caption


def test_settings_that_not_all_results_have_are_left_out_and_counted(four: list[Result]) -> None:
    rows = tuple(row for row in four[1].rows if row.query_set != "th" or row.setting != "monolingual")
    made = report([four[0], four[1].model_copy(update={"rows": rows})])
    (table,) = made.tables
    assert "mono AP leaves out 1 settings that not all results have." in table.caption
    values = {row.query_set: row.value for row in four[0].rows if (row.setting, row.measure) == ("monolingual", "AP")}
    assert table.means[0][0] == pytest.approx((values["de"] + values["en"]) / 2)
    frame = compare(four[0], four[1].model_copy(update={"rows": rows}))
    assert [one.corrected for one in table.comparisons] == pytest.approx(frame["p_t_test"].tolist())


def test_names_from_files_are_escaped_in_every_format(four: list[Result]) -> None:
    name = "=<b>a_b</b>|%\\x"
    hostile = four[0].model_copy(update={"encoder": four[0].encoder | {"name": name}})
    made = report([hostile, four[1]])
    assert "<b>a_b" not in made.to_html() and "&lt;b&gt;a_b" in made.to_html()
    assert "a\\_b" in made.to_latex() and "\\x" not in made.to_latex()
    assert "\\|" in made.to_markdown() and "<b>" not in made.to_markdown()
    assert next(csv.DictReader(io.StringIO(made.to_csv())))["encoder"] == f"'{name}"


def test_csv_and_json_have_everything(four: list[Result]) -> None:
    made = report(four, "tiny-64", by=["setting", "language"])
    rows = list(csv.DictReader(io.StringIO(made.to_csv())))
    assert len(rows) == sum(len(table.rows) * len(table.columns) for table in made.tables)
    (table, *_) = made.tables
    assert float(rows[0]["value"]) == table.means[0][0]
    record = json.loads(made.to_json())["tables"][0]
    assert record["baseline"] == "tiny-64"
    assert [row["values"]["mono AP"] for row in record["rows"]] == pytest.approx(table.means[0])
    assert record["comparisons"][0]["p_holm"] == table.comparisons[0].corrected
    assert record["rows"][1]["marks"] == {
        c.label: table.marks[1, n] for n, c in enumerate(table.columns) if (1, n) in table.marks
    }


@pytest.mark.parametrize("style", FILES)
def test_the_command_writes_what_python_makes(style: str, four: list[Result], files: list[Path], here: Any) -> None:
    done = here("report", *files, "--baseline", "tiny-64", "--format", style)
    expected = FILES[style][1](hybrid_bench.report(files, "tiny-64"))
    assert (done.returncode, done.stdout) == (0, expected)
    assert here("report", files[0].parent, "--baseline", "tiny-64", "--format", style, "--out", "t").returncode == 0
    (path,) = Path("t").iterdir()
    assert path.stem in ("mini+de+en+th-setting", "mini+de+en+th")
    assert "tiny-512" in path.read_text()


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_terminal_of_any_width_shows_every_value(width: int, files: list[Path], here: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("FORCE_COLOR", "1")
    done = here("report", *files, "--by", "language")
    assert "…" not in done.stdout
    for table in hybrid_bench.report(files, by=["language"]).tables:
        for column, of in zip(table.columns, table.means, strict=True):
            assert all(column.format(value) in done.stdout for value in of)


def test_bad_files_are_named_and_nothing_is_written(files: list[Path], here: Any, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"schema_version": 2')
    done = here("report", *files, broken, "--format", "latex", "--out", "t")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{broken} is not JSON" in done.stderr
    assert not Path("t").exists()
    assert "no result in empty" in (Path("empty").mkdir() or here("report", "empty")).stderr  # type: ignore[func-returns-value]
    assert "unknown baseline 'bm25'" in here("report", *files, "--baseline", "bm25").stderr
    assert "Choose another --format" in here("report", *files, "--out", "t").stderr
