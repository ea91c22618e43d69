"""The real sources: how much they hold, and that nothing of the suites is left in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybrid_bench import HybridBenchError, load_suite
from hybrid_bench.training import mix
from hybrid_bench.training.filters import without_suites
from hybrid_bench.training.sources import read_source, sources

#: Questions outside XQuAD's paragraphs whose ids English has.
EXPECTED = {"en": 9380, "es": 5851, "zh": 6957, "tr": 5111, "it": 6117, "sv": 4492, "id": 3770, "da": 6740}


@pytest.fixture(scope="module")
def built(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> mix.Mix:
    return mix.build(["squad-translated"], tmp_path_factory.mktemp("mix") / "table", ["xquad-r"])


def test_the_translated_squad_holds_what_was_counted_by_other_means(built: mix.Mix) -> None:
    assert built.table.counts("question") == EXPECTED
    assert built.account["filters"]["taken"] == [{"suite": "xquad-r", "filter": "id", "rows": 1190}]
    passages = built.table.counts("sentence")
    assert passages["en"] == EXPECTED["en"]
    assert all(passages[language] > 0.99 * EXPECTED[language] for language in EXPECTED if language != "tr")


def test_the_articles_that_stay_shared_are_told(built: mix.Mix) -> None:
    assert len(built.account["filters"]["articles"]["xquad-r"]) == 48


def test_nothing_of_xquad_is_left(built: mix.Mix) -> None:
    """By plain comparison of texts in every language, beside the filter's own."""
    suite = load_suite("xquad-r")
    ids = {query.query_id for query in suite.queries("en")}
    asked = {query.default_text().strip() for language in suite.languages for query in suite.queries(language)}
    paragraphs = {doc.context.strip() for language in suite.languages for doc in suite.docs(language)}  # type: ignore[attr-defined]
    assert not ids & set(built.table.strings("id"))
    for language in built.table.languages:
        assert not asked & set(built.table.column("question", language))
        assert not paragraphs & {(text or "").strip() for text in built.table.column("context", language)} - {""}


def test_mlqa_takes_two_sentences_that_it_shares(built: mix.Mix) -> None:
    left, report = without_suites(built.table, [load_suite("mlqa-r")])
    assert dict(report.taken) == {("mlqa-r", "passage"): 2}
    assert len(left) == len(built.table) - 2
    assert report.articles["mlqa-r"] == ["Harvard University", "Prime number"]


def test_parallel_sources(shared: Path) -> None:
    ntrex = read_source("ntrex")
    assert len(ntrex.rows) == 1997
    assert all(len(row.question) == 11 and row.article for row in ntrex.rows)
    tatoeba = read_source("tatoeba")
    assert {language for row in tatoeba.rows for language in row.question} == set(sources()["tatoeba"].languages)
    mintaka = read_source("mintaka")
    assert len(mintaka.rows) == 2000
    assert {language for row in mintaka.rows for language in row.question} == set(sources()["mintaka"].languages)


def test_an_unknown_source_is_said() -> None:
    with pytest.raises(HybridBenchError, match="Did you mean ntrex"):
        read_source("ntrx")
    with pytest.raises(HybridBenchError, match=r"cannot read .*mine\.jsonl"):
        mix.cached(["mine.jsonl"])
