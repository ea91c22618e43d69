"""The study of robustness: figures, report, and suites whose files cannot be had."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from hybrid_bench import EvaluationOptions, HybridBenchError, Result, evaluate, load_suite
from hybrid_bench.evaluation import gaps
from hybrid_bench.evaluation.robustness import figures, report, study
from hybrid_bench.results.ranks import Ranks
from tests.conftest import ROOT, Cli
from tests.evaluation.test_gaps import Coarse, domains
from tests.tiny_encoder import TinyEncoder

COMMITTED = sorted((ROOT / "leaderboards" / "studies" / "robustness").glob("**/robustness.csv"))


@pytest.fixture(scope="module")
def results() -> list[Result]:
    options = EvaluationOptions(languages=("en", "de", "th"))
    return [evaluate(encoder, "mini", options=options) for encoder in (TinyEncoder(), Coarse())]


def test_figures_are_those_of_the_results(results: list[Result]) -> None:
    frame = figures.table(results).set_index(["encoder", "against", "statistic", "group", "name"])["value"]
    means = {row.query_set: row.value for row in results[0].rows if row.measure == "AP" and row.setting == "monolingual"}
    assert frame["tiny", "", "mean", "monolingual", "de"] == pytest.approx(means["de"])
    assert frame["tiny", "", "mean", "monolingual", "all"] == pytest.approx(sum(means.values()) / 3)
    sides = [gaps.values(result, "AP") for result in results]
    paired = gaps.pairs(sides[0])
    assert frame["coarse", "tiny", "gap difference", "cross-lingual", "all"] == pytest.approx(
        gaps.difference_of_gaps(sides, paired).value
    )
    assert frame["coarse", "tiny", "mean difference", "monolingual", "all"] < 0


def test_the_report_says_what_the_figures_say(results: list[Result], tmp_path: Path) -> None:
    domain_results = [evaluate(encoder, domains([9, 9, 9])) for encoder in (TinyEncoder(), Coarse())]
    outcome = study.Outcome(
        {"mini": results, "domains": domain_results},
        {"gone": "cannot get it. Put it there."},
        {"mini": ["there is no result of bm25 on mini"]},
        "coarse",
    )
    files = report.write(outcome, tmp_path, "hybrid-bench study robustness")
    assert {file.name for file in files} == {"robustness.md", "robustness.csv", "robustness-mini.svg", "robustness-domains.svg"}
    before = [file.read_bytes() for file in files]
    assert [file.read_bytes() for file in report.write(outcome, tmp_path, "hybrid-bench study robustness")] == before
    text = (tmp_path / "robustness.md").read_text(encoding="utf-8")
    assert "## gone\n\nNot evaluated: cannot get it. Put it there." in text
    assert "Left out: there is no result of bm25 on mini.\n" in text
    for result in results + domain_results:
        assert f"`{result.name}` {result.provenance.fingerprint[:12]}" in text
    assert "not stated" in text
    frame = pd.read_csv(tmp_path / "robustness.csv", keep_default_na=False, na_values=[""], dtype={"name": str})
    frame["against"] = frame["against"].fillna("")
    assert_sentences_follow(text, frame)
    assert_the_answer_follows(text, frame)
    assert {"gap", "drop", "mean difference", "gap difference", "drop difference"} <= set(frame["statistic"])


def assert_sentences_follow(text: str, frame: pd.DataFrame) -> None:
    """Every difference over all query sets has one sentence, whose words are those of its sign and its p."""
    lines = lines_of(text, "Comparisons")
    overall = frame[(frame["against"] != "") & (frame["name"] == "all")]
    assert len(lines) == len(overall)
    for line, row in zip(lines, overall.itertuples(), strict=True):
        stated = re.search(r"\(([+-]\d\.\d{4}) \[([+-]\d\.\d{4}), ([+-]\d\.\d{4})\]", line)
        assert stated and float(stated[1]) == pytest.approx(row.value, abs=6e-5)
        assert row.encoder in line and row.against in line and f"{row.suite}, {row.group}" in line
        words = {"better": 1, "worse": -1, "loses more": 1, "loses less": -1}
        signs = [sign for word, sign in words.items() if word in line]
        if row.p < 0.05:
            assert signs == [1 if row.value > 0 else -1]
        else:
            assert not signs and "no more than noise" in line


def lines_of(text: str, title: str) -> list[str]:
    """The items of a section."""
    section = text[text.index(f"## {title}\n") :].split("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("- ")]


def assert_the_answer_follows(text: str, frame: pd.DataFrame) -> None:
    """Each figure of the answer stands under the word that its sign and its p give it, and is one of the table's."""
    stated, lines = 0, lines_of(text, "Answer")
    if not lines:
        assert "is compared with no other encoder" in text
        return
    for line in lines:
        opening = re.match(r"- Against (\S+), (\S+):", line)
        assert opening
        against, encoder = opening.groups()
        pairs = frame[(frame["encoder"] == encoder) & (frame["against"] == against)]
        parts = re.findall(r"\*\*(helps|costs|no more than noise)\*\* in (.*?)(?=; \*\*|\.$)", line)
        for effect, places in parts:
            for suite, group, short, value, counts in re.findall(
                r"(\S+) (\S+)( gap| drop|) \(([+-]\d\.\d{4})(; helps in \d+, costs in \d+ of \d+ query sets)?\)", places
            ):
                statistic = f"{short.strip() or 'mean'} difference"
                rows = pairs[(pairs["suite"] == suite) & (pairs["group"] == group) & (pairs["statistic"] == statistic)]
                (row,) = rows[rows["name"] == "all"].itertuples()
                assert float(value) == pytest.approx(row.value, abs=6e-5)
                better = row.value if statistic == "mean difference" else -row.value
                assert effect == ("no more than noise" if not row.p < 0.05 else "helps" if better > 0 else "costs")
                if counts:
                    single = rows[(rows["name"] != "all")]
                    low = single[single["p"] < 0.05]["value"]
                    assert list(map(int, re.findall(r"\d+", counts))) == [sum(low > 0), sum(low < 0), len(single)]
                stated += 1
    assert stated == sum((frame["encoder"] == encoder) & (frame["against"] != "") & (frame["name"] == "all"))


@pytest.mark.parametrize("file", COMMITTED, ids=lambda file: file.parent.name)
def test_the_words_of_committed_studies_follow_from_their_figures(file: Path) -> None:
    frame = pd.read_csv(file, keep_default_na=False, na_values=[""], dtype={"name": str})
    frame["against"] = frame["against"].fillna("")
    text = file.with_suffix(".md").read_text(encoding="utf-8")
    assert_sentences_follow(text, frame)
    assert_the_answer_follows(text, frame)
    assert all((file.parent / name).is_file() for name in re.findall(r"!\[.*?\]\((.*?)\)", text))


def test_groups_of_suites() -> None:
    assert study.suites_of(["domains", "mini", "squadshifts"]) == ["squadshifts", "question-sources", "mini"]
    with pytest.raises(HybridBenchError, match="no suite is named"):
        study.suites_of([])


def test_a_suite_that_is_not_on_this_machine_is_reported_and_the_others_run(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "no-mirror"
    empty.mkdir()
    env = {"HYBRID_BENCH_MIRROR": str(empty), "IR_DATASETS_HOME": str(tmp_path / "irds")}
    words = ("study", "robustness", "--encoders", "tiny", "--out", "study")
    done = cli(*words, "--suites", "mini,afriqa", env=env)
    assert done.returncode == 0, done.stderr
    assert "afriqa is left out" in done.stderr
    assert "left out: there is no result of bm25 on mini" in done.stderr
    text = (tmp_path / "study" / "robustness.md").read_text(encoding="utf-8")
    assert "## mini" in text
    reason = text[text.index("## afriqa\n\nNot evaluated") :]
    assert "cannot get $HYBRID_BENCH_MIRROR/raw.githubusercontent.com" in reason and str(empty) not in reason
    done = cli(*words, "--suites", "afriqa", env=env)
    assert done.returncode == 2
    assert "no suite of the study can be evaluated: afriqa" in done.stderr
    assert "HYBRID_BENCH_MIRROR" in done.stderr


def test_a_result_without_ranks_is_refused(results: list[Result]) -> None:
    bare = results[0].model_copy(update={"ranks_file": None})
    bare._ranks = None
    with pytest.raises(HybridBenchError, match="has no ranks"):
        figures.table([bare])


def write_collection(folder: Path, words: list[str]) -> None:
    (folder / "qrels").mkdir(parents=True)
    lines = {
        "corpus.jsonl": [json.dumps({"_id": f"d{n}", "text": f"text {word}"}) for n, word in enumerate(words)],
        "queries.jsonl": [json.dumps({"_id": f"q{n}", "text": word}) for n, word in enumerate(words)],
        "qrels/test.tsv": [f"q{n}\td{n}\t1" for n in range(len(words))],
    }
    for name, content in lines.items():
        (folder / name).write_text("\n".join(content), encoding="utf-8")


def test_a_domain_suite_of_a_user(cli: Cli, tmp_path: Path) -> None:
    """Folders named by domains, as docs/guides/own-collections.md says."""
    mine = tmp_path / "mine"
    for domain in ("law", "news"):
        write_collection(mine / f"domain-{domain}", [f"{domain}{number}" for number in range(4)])
    suite = load_suite(str(mine))
    kinds = {(setting.query_set, setting.pool): setting.kind for setting in suite.settings}
    assert kinds == {(of, of): "in-domain" for of in ("law", "news")} | {(of, "all"): "all-domain" for of in ("law", "news")}
    assert [(of.domain, of.language) for of in suite.collections] == [("law", None), ("news", None)]
    bare = evaluate(Coarse(), suite).model_copy(update={"ranks_file": None})
    bare._ranks = None
    bare.save(tmp_path / "others")
    done = cli("study", "robustness", "--encoders", "tiny", "--suites", str(mine), "--beside", "others", "--out", "study")
    assert done.returncode == 0, done.stderr
    for said in (done.stderr, (tmp_path / "study" / "robustness.md").read_text(encoding="utf-8")):
        assert f"the result of coarse on {suite.name} has no ranks of all questions" in said.replace("\n", " ")
    table = pd.read_csv(tmp_path / "study" / "robustness.csv")
    assert list(table[table["statistic"] == "drop"]["name"]) == ["news", "all"]
    text = (tmp_path / "study" / "robustness.md").read_text(encoding="utf-8")
    assert "### in-domain by query set\n\n| name | tiny | questions |" in text  # there is no language to be seen
    assert "lists no languages" not in text
    (mine / "domain-law").rename(mine / "legal")
    with pytest.raises(HybridBenchError, match=r"'domain-news'|'legal'") as caught:
        load_suite(str(mine))
    assert "domain-news" in str(caught.value)


def test_languages_outside_of_every_list_and_with_a_script(tmp_path: Path) -> None:
    """A user's folders, named by tags that no table of this project has."""
    for language in ("gcf", "ks-Arab"):
        write_collection(tmp_path / "mine" / language, [f"{language}{number}" for number in range(4)])
    result = evaluate(TinyEncoder(), str(tmp_path / "mine"))
    frame = figures.table([result])
    means = frame[(frame["statistic"] == "mean") & (frame["group"] == "monolingual")].set_index("name")
    assert {"gcf", "ks-Arab"} < set(means.index)
    assert pd.isna(means.loc["gcf", "class"])
    assert means.loc["ks-Arab", "class"] == 1
    assert means.loc["gcf", "exposure"] == "not stated"


def test_an_encoder_without_ranks_in_a_pool_is_left_out_of_that_kind_alone(results: list[Result], tmp_path: Path) -> None:
    alone = {name: dataclasses.replace(ranks, rank_in={}, found_in={}) for name, ranks in results[0].ranks.by_query_set.items()}
    lexical = results[0].model_copy(update={"encoder": {**results[0].encoder, "name": "lexical"}}).holding(Ranks(alone))
    report.write(study.Outcome({"mini": [*results, lexical]}, subject="coarse"), tmp_path, "hybrid-bench study robustness")
    text = (tmp_path / "robustness.md").read_text(encoding="utf-8")
    assert "Left out of multilingual: lexical, whose ranks are not known in all of it." in text
    assert "Left out of monolingual" not in text
    frame = pd.read_csv(tmp_path / "robustness.csv")
    assert set(frame[frame["encoder"] == "lexical"]["group"]) == {"monolingual", "cross-lingual"}


def test_other_searchers_are_reported_beside(tmp_path: Path) -> None:
    """By the name of a result in the working folder, or by a file or folder of results."""
    coarse = evaluate(Coarse(), "mini", options=EvaluationOptions(languages=("en", "de", "th")))
    named, others = (tmp_path / "work", tmp_path / "others")
    for folder in (named, others):
        coarse.save(folder)
    suite = load_suite("mini").restrict(["en", "de", "th"])
    for beside in ("coarse", str(others), str(next(others.rglob("*.json")))):
        found = [result.name for result in study.beside_on(beside, suite.name, named)]
        assert found == ["coarse"]
    assert study.beside_on("bm25", suite.name, named) == []
    assert study.beside_on(str(others), "xquad-r", named) == []
    with pytest.raises(HybridBenchError, match=r"absent\.json"):
        study.beside_on("absent.json", suite.name, named)
