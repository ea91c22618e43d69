"""Tables of a result, against means computed by hand."""

from __future__ import annotations

import io
import json
import math
import re
from typing import Any

import pandas as pd
import pytest

from hybrid_bench import HybridBenchError, Result
from hybrid_bench.cli import console
from hybrid_bench.results import tables
from hybrid_bench.results.parts import Attributes, Score
from hybrid_bench.results.stated_languages import left_out
from hybrid_bench.results.tables import listing
from tests.results import examples


def test_a_row_a_query_set_has_the_means_over_pools_and_the_last_row_over_query_sets() -> None:
    frame = tables.by_query_set(examples.result())
    assert list(frame.index) == ["de", "en", "mean"]
    assert frame.loc["de"].to_dict() == {
        "mono AP": 0.5,
        "cross AP": (0.25 + 0.125) / 2,
        "multi AP": 0.0625,
        "RankDistance": 30,
        "SameLanguage@20": 0.25,
    }
    assert frame.loc["mean"].to_dict() == {
        "mono AP": (0.5 + 0.75) / 2,
        "cross AP": ((0.25 + 0.125) / 2 + (0.375 + 0.25) / 2) / 2,
        "multi AP": (0.0625 + 0.5) / 2,
        "RankDistance": (30 + 1010) / 2,
        "SameLanguage@20": 0.5,
    }


@pytest.mark.parametrize("width", [20, 40, 80])
def test_no_number_is_cut_in_a_narrow_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes the output for a terminal
    frame = pd.DataFrame(
        {f"column_number_{number}": [0.1234, -0.5678, 1234.5] for number in range(8)},
        index=pd.Index(["cross-lingual", "an-encoder-of-a-very-long-name", "mean"], name="setting"),
    )
    console.show(frame, "Table")
    shown = capsys.readouterr().out
    assert "…" not in shown
    for number in ("0.1234", "-0.5678", "1234.5"):
        assert shown.count(number) == 8


def test_what_a_result_does_not_have_is_no_column() -> None:
    own = {("de", "de", "AP"): 0.5, ("en", "en", "AP"): 0.25}
    frame = tables.by_query_set(examples.result(values=own))
    assert list(frame.columns) == ["mono AP"]
    assert frame["mono AP"].to_dict() == {"de": 0.5, "en": 0.25, "mean": 0.375}


def test_a_query_set_without_a_setting_has_a_gap_and_is_not_in_the_mean() -> None:
    some = {("de", "de", "AP"): 0.5, ("en", "en", "AP"): 0.25, ("en", "all", "RankDistance"): 8.0}
    distance = tables.by_query_set(examples.result(values=some))["RankDistance"]
    assert math.isnan(distance["de"])
    assert distance["mean"] == 8


def test_the_summary_has_the_mean_of_every_measure_over_the_settings_of_a_kind() -> None:
    frame = tables.summary(examples.result())
    assert list(frame.columns) == ["monolingual", "cross-lingual", "multilingual"]
    assert frame.loc["AP"].tolist() == [0.625, (0.25 + 0.125 + 0.375 + 0.25) / 4, 0.28125]
    assert frame.loc["R@1", "monolingual"] == 0.5
    assert frame.loc["RankDistance", "multilingual"] == 520
    assert math.isnan(frame.loc["RankDistance", "monolingual"])


def test_a_suite_of_domains_has_columns_of_its_kinds() -> None:
    values = {
        ("law", "law", "AP", "in-domain"): 0.5,
        ("law", "news", "AP", "cross-domain"): 0.25,
        ("law", "all", "AP", "all-domain"): 0.125,
        ("news", "law", "AP", "cross-domain"): 0.75,
        ("news", "all", "SameDomain@20", "all-domain"): 0.375,
    }
    rows = tuple(
        Score(suite="domains", setting=kind, query_set=of, pool=pool, measure=measure, value=value, queries=1)  # type: ignore[arg-type]
        for (of, pool, measure, kind), value in values.items()
    )
    result = examples.result().model_copy(
        update={"rows": rows, "query_sets": {name: Attributes(language="en", domain=name) for name in ("law", "news")}}
    )
    frame = tables.by_query_set(result)
    assert frame.index.name == "query set"
    assert list(frame.columns) == ["in-domain AP", "cross-domain AP", "all-domain AP", "SameDomain@20"]
    assert frame.loc["mean"].to_dict() == {
        "in-domain AP": 0.5,
        "cross-domain AP": 0.5,
        "all-domain AP": 0.125,
        "SameDomain@20": 0.375,
    }
    assert list(tables.summary(result).columns) == ["in-domain", "cross-domain", "all-domain"]


def test_the_index_is_named_by_what_query_sets_are() -> None:
    assert tables.by_query_set(examples.result()).index.name == "query language"
    named = {"de": Attributes(language="de-AT"), "en": Attributes(language="en")}
    assert tables.by_query_set(examples.result(query_sets=named)).index.name == "query set"


def test_languages_that_the_card_leaves_out_are_marked_and_the_means_are_given_without_them() -> None:
    stating = examples.result(encoder={"name": "tiny", "languages": ["de", "th-TH"]})
    assert left_out(stating) == ("en",)
    frame = tables.by_query_set(stating)
    assert list(frame.index) == ["de", "en *", "mean", "mean without en"]
    plain = tables.by_query_set(examples.result())
    assert frame.loc["mean"].to_dict() == plain.loc["mean"].to_dict()
    # No English queries, and no pool of English passages alone: th is left of the pools of other languages.
    assert frame.loc["mean without en"].to_dict() == {
        "mono AP": 0.5,
        "cross AP": 0.125,
        "multi AP": 0.0625,
        "RankDistance": 30,
        "SameLanguage@20": 0.25,
    }
    compared = tables.side_by_side([stating])
    assert list(compared.index) == ["tiny", "tiny without en"]
    assert compared["mono AP"].tolist() == [0.625, 0.5]


@pytest.mark.parametrize("stated", [[], ["de", "en"], ["DE", "en-GB", "zh-hans"]])
def test_a_card_without_languages_or_with_all_of_them_leaves_none_out(stated: list[str]) -> None:
    result = examples.result(encoder={"name": "tiny", "languages": stated})
    assert left_out(result) == ()
    assert list(tables.by_query_set(result).index) == ["de", "en", "mean"]


def test_no_language_of_the_card_in_the_suite_leaves_no_other_mean() -> None:
    result = examples.result(encoder={"name": "tiny", "languages": ["sw"]})
    assert list(tables.by_query_set(result).index) == ["de *", "en *", "mean"]


def test_side_by_side_has_the_means_of_each_encoder() -> None:
    other = examples.result(encoder={"name": "other"}, values={("de", "de", "AP"): 0.25})
    frame = tables.side_by_side([examples.result(), other])
    assert list(frame.index) == ["tiny", "other"]
    assert frame["mono AP"].tolist() == [0.625, 0.25]
    assert math.isnan(frame.loc["other", "multi AP"])


def in_dtype(dtype: str, **fields: Any) -> Result:
    made = examples.result(**fields)
    return made.model_copy(update={"provenance": made.provenance.model_copy(update={"dtype": dtype})})


@pytest.mark.parametrize("style", ["markdown", "csv", "json", "table"])
def test_every_table_names_a_dtype_other_than_fp32(style: str, capsys: pytest.CaptureFixture[str]) -> None:
    for dtype in ("fp32", "bf16"):
        console.show_result(in_dtype(dtype), style)
        assert ("bf16" in capsys.readouterr().out) == (dtype == "bf16")
    compared = tables.side_by_side([in_dtype("fp32"), in_dtype("bf16", encoder={"name": "other"})])
    assert compared["dtype"].tolist() == ["fp32", "bf16"]
    assert "dtype" not in tables.side_by_side([in_dtype("fp32")])


def test_markdown() -> None:
    frame = pd.DataFrame({"AP": [0.12345, math.nan], "RankDistance": [1214.06, 7.0]}, index=["de", "mean"])
    assert tables.render(frame.rename_axis("language"), "markdown") == (
        "| language | AP | RankDistance |\n"
        "| --- | ---: | ---: |\n"
        "| de | 0.1235 | 1214.1 |\n"
        "| mean |  | 7.0000 |\n"
    )  # fmt: skip


def test_csv_and_json_are_read_back_as_they_were() -> None:
    frame = tables.by_query_set(examples.result())
    as_csv = pd.read_csv(io.StringIO(tables.render(frame, "csv")), index_col=0)
    pd.testing.assert_frame_equal(as_csv, frame)
    as_json = json.loads(tables.render(frame, "json"))
    assert [record["query language"] for record in as_json] == ["de", "en", "mean"]
    assert as_json[0]["multi AP"] == 0.0625
    assert tables.render(frame, "json").endswith("]\n")


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(HybridBenchError, match=r"unknown format 'markdwon'\n  Did you mean markdown"):
        tables.render(tables.by_query_set(examples.result()), "markdwon")


def test_a_terminal_shows_names_unchanged_and_the_mean_below_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    frame = listing(("encoder", "AP"), [("[red]x[/red]", 0.5), ("mean", 0.25)])
    console.show(frame, "a [b] c", "[d]")
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].strip() == "a [b] c"
    assert shown[-1].strip() == "[d]"
    (line,) = [at for at, text in enumerate(shown) if "[red]x[/red]" in text]
    assert "0.5000" in shown[line]
    assert "─" in shown[line + 1] and "mean" in shown[line + 2]


@pytest.mark.parametrize("width", [48, 80, 120, 200])
def test_columns_that_do_not_fit_follow_in_blocks(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("FORCE_COLOR", "1")
    frame = pd.DataFrame(
        {language: [0.1234, 0.5] for language in ("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh", "all")},
        index=pd.Index(["hybrid-me5-small", "mean"], name="query language"),
    )
    console.show(frame, "Table")
    lines = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    assert max(map(len, lines)) <= width
    tops = [line for line in lines if line.startswith("┏")]
    assert len(tops) == {48: 4, 80: 2, 120: 2, 200: 1}[width]
    assert sum("hybrid-me5-small" in line for line in lines) == len(tops)
    assert max(map(len, tops)) - min(map(len, tops)) <= 9, "blocks are of like size"


def test_elsewhere_all_columns_are_in_one_table(capsys: pytest.CaptureFixture[str]) -> None:
    frame = pd.DataFrame({f"column {number}": [0.5] for number in range(40)}, index=["x"])
    console.show(frame)
    shown = capsys.readouterr().out
    assert shown.count("┏") == 1
    assert shown.count("0.5000") == 40
    assert "\x1b" not in shown


def test_latex_and_html() -> None:
    frame = pd.DataFrame({"AP_x": [0.12345, math.nan], "of": ["a & b", "<c>"]}, index=pd.Index(["de", "mean"], name="language"))
    assert tables.render(frame, "latex") == (
        "% Needs \\usepackage{booktabs}.\n\\begin{tabular}{lrl}\n\\toprule\nlanguage & AP\\_x & of \\\\\n\\midrule\n"
        "de & 0.1235 & a \\& b \\\\\n\\midrule\nmean &  & \\textless{}c\\textgreater{} \\\\\n\\bottomrule\n\\end{tabular}\n"
    )
    made = tables.render(frame, "html")
    assert "<td>0.1235</td>" in made
    assert "&lt;c&gt;" in made and "<c>" not in made


def test_a_listing_is_indexed_by_its_first_column() -> None:
    frame = listing(("name", "from"), [("tiny", "here"), ("large", "there")])
    assert frame.index.name == "name"
    assert frame.loc["large", "from"] == "there"
    assert listing(("name", "from"), []).empty
