"""``pt.get_dataset("hb:...")``: pools and settings of suites."""

from __future__ import annotations

import pyterrier as pt
import pytest

from hybrid_bench import HybridBenchError, load_suite


def test_a_setting_has_the_passages_queries_and_judgements_of_the_suite() -> None:
    suite = load_suite("mini")
    found = pt.get_dataset("hb:mini/de/en")
    assert [(row["docno"], row["text"]) for row in found.get_corpus_iter()] == [
        (item.id, item.content) for item in suite.passages("de")
    ]
    topics, judged = found.get_topicsqrels()
    assert topics[["qid", "query"]].values.tolist() == [[item.id, item.content] for item in suite.queries("en")]
    assert set(judged["qid"]) == set(topics["qid"])
    assert set(judged["docno"]) <= {item.id for item in suite.passages("de")}
    assert (found.get_corpus_lang(), found.get_topics_lang()) == ("de", "en")


def test_a_pool_of_all_languages() -> None:
    found = pt.get_dataset("hb:mini/all/th")
    assert len(list(found.get_corpus_iter())) == 825
    assert found.get_corpus_lang() is None
    judged = found.get_qrels()
    assert judged.groupby("qid").size().eq(11).all()
    assert set(judged["iteration"]) == set(load_suite("mini").languages)
    assert set(judged["dataset"]) == {"mini/all/th"}


def test_a_suite_without_a_pool_has_all_passages_and_no_queries() -> None:
    found = pt.get_dataset("hb:mini")
    assert len(list(found.get_corpus_iter())) == 825
    with pytest.raises(HybridBenchError, match="hb:mini has no queries of its own"):
        found.get_topics()


def test_a_suite_whose_name_has_slashes(shared: object) -> None:
    found = pt.get_dataset("hb:miracl/yo/dev")
    assert found.get_topics_lang() == "yo"
    assert len(found.get_topics()) == 119


@pytest.mark.parametrize(
    ("name", "problem"), [("mimi/de", "unknown suite"), ("mini/xx", "unknown pool of mini"), ("mini/de/xx", "query set of mini")]
)
def test_names_that_do_not_exist(name: str, problem: str) -> None:
    with pytest.raises(HybridBenchError, match=problem):
        pt.get_dataset(f"hb:{name}")
