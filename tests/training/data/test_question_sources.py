"""The suite question-sources on a small collection of XQuAD's paragraphs, laid out as ir_datasets keeps ``dpr-w100``."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import ir_datasets
import pytest

from hybrid_bench import EvaluationOptions, HybridBenchError, Suite, evaluate, load_suite
from hybrid_bench.datasets.resolvers import full
from hybrid_bench.datasets.sources import lareqa
from hybrid_bench.training.data import question_sources
from tests.conftest import SCRATCH, Cli
from tests.tiny_encoder import TinyEncoder

pytestmark = pytest.mark.usefixtures("shared")
HOME = SCRATCH / "ir_datasets" / "dpr-w100"


@pytest.fixture(scope="module")
def suite() -> Iterator[Suite]:
    """12 passages and 5 questions of each domain. Paragraphs are passages; the first of an article are asked for by `nq`."""
    xquad = lareqa.load("xquad-r", "en")
    paragraphs = {passage.context: passage.title for passage in xquad.passages}
    number = {text: str(at) for at, text in enumerate(paragraphs, start=1)}
    context = {passage.doc_id: passage.context for passage in xquad.passages}
    HOME.mkdir(parents=True, exist_ok=True)
    with gzip.open(HOME / "docs.tsv.gz", "wt", encoding="utf-8") as docs:
        docs.write("id\ttext\ttitle\n")
        docs.writelines(f"{number[text]}\t{' '.join(text.split())}\t{title}\n" for text, title in paragraphs.items())
    asked = [(text, number[context[xquad.relevant[name][0]]]) for name, text in xquad.questions.items()]
    for folder, gold in (("nq-dev", 2), ("tqa-dev", 1)):
        (HOME / folder).mkdir(exist_ok=True)
        chosen = asked[:: 12 * gold]
        with (HOME / folder / "queries.tsv").open("w", encoding="utf-8") as queries:
            queries.writelines(f"{at}\t{text}\tanswer\n" for at, (text, _) in enumerate(chosen))
        with (HOME / folder / "qrels").open("w", encoding="utf-8") as qrels:
            for at, (_, doc_id) in enumerate(chosen):
                after = [str((int(doc_id) + more - 1) % len(paragraphs) + 1) for more in (1, 2, 3)]
                qrels.write(f"{at} 0 {doc_id} {gold}\n{at} 0 {after[0]} 1\n{at} 0 {after[1]} 0\n{at} 0 {after[2]} -1\n")
    with pytest.MonkeyPatch.context() as patch:
        # ir_datasets asks for it even where what it reads with it has been read.
        patch.setattr(ir_datasets.lazy_libs, "ijson", lambda: None)
        # It wants the space that the whole collection takes.
        patch.setenv("IR_DATASETS_SKIP_DISK_FREE", "true")
        yield question_sources.suite(12, 5)
    for file in (one for one in HOME.rglob("*") if one.is_file()):
        file.unlink()


def test_the_domains_have_pools_of_equal_sizes(suite: Suite) -> None:
    assert {of.name: len(suite.passages(of.name)) for of in suite.collections} == dict.fromkeys(question_sources.DOMAINS, 12)
    assert {of.name: len(suite.queries(of.name)) for of in suite.query_sets} == dict.fromkeys(question_sources.DOMAINS, 5)
    assert Counter(setting.kind for setting in suite.settings) == {"in-domain": 3, "all-domain": 3}
    assert suite.passages("nq") == question_sources.suite(12, 5).passages("nq")


def test_relevance_is_that_of_the_source(suite: Suite) -> None:
    for domain, (dataset_id, least) in question_sources.DPR.items():
        qrels = {(q.query_id, q.doc_id): q.relevance for q in ir_datasets.load(dataset_id).qrels_iter()}
        inside = {record.doc_id for record in suite.collection(domain).passages()}
        found = [j for j in suite.query_set(domain).judgements() if j.collection == domain]
        asked = {query.id for query in suite.queries(domain)}
        expected = {
            (f"{domain}-{query_id}", f"{domain}-{doc_id}")
            for (query_id, doc_id), relevance in qrels.items()
            if relevance >= least and f"{domain}-{query_id}" in asked and f"{domain}-{doc_id}" in inside
        }
        assert {(j.query_id, j.doc_id) for j in found} == expected
        assert {j.query_id for j in found} == asked
        unclear = {f"{domain}-{doc}" for (query, doc), rel in qrels.items() if 0 < rel < least and f"{domain}-{query}" in asked}
        assert not unclear & inside - {j.doc_id for j in found}


def test_a_passage_in_the_pools_of_both_answers_in_both(suite: Suite) -> None:
    texts = {of: {record.text: record.doc_id for record in suite.collection(of).passages()} for of in question_sources.DPR}
    for domain, other in (("nq", "trivia-qa"), ("trivia-qa", "nq")):
        own = {doc_id: text for text, doc_id in texts[domain].items()}
        found = list(suite.query_set(domain).judgements())
        here = {
            (j.query_id, texts[other][own[j.doc_id]]) for j in found if j.collection == domain and own[j.doc_id] in texts[other]
        }
        assert here <= {(j.query_id, j.doc_id) for j in found if j.collection == other}


def test_it_is_evaluated(suite: Suite) -> None:
    result = evaluate(TinyEncoder(), suite, options=EvaluationOptions(measures=("AP",)))
    assert {(row.setting, row.query_set) for row in result.rows if row.measure == "AP"} == {
        (kind, domain) for kind in ("in-domain", "all-domain") for domain in question_sources.DOMAINS
    }
    assert min(row.value for row in result.rows if row.measure == "AP") > 0.2


def test_whole_pools(suite: Suite) -> None:
    """All questions that have an answer; all judged passages but those that may answer a question and are not known to."""
    whole = full(load_suite("question-sources"))
    assert whole.name == "question-sources/full"
    assert "The pools of the domains have different sizes" in whole.note
    assert Counter(setting.kind for setting in whole.settings) == {"in-domain": 3, "all-domain": 3}
    dataset_id, least = question_sources.DPR["nq"]
    qrels = [(qrel.query_id, qrel.doc_id, qrel.relevance) for qrel in ir_datasets.load(dataset_id).qrels_iter()]
    answers = {doc_id for _, doc_id, relevance in qrels if relevance >= least}
    unclear = {doc_id for _, doc_id, relevance in qrels if 0 < relevance < least}
    assert unclear - answers
    expected = answers | {doc_id for _, doc_id, relevance in qrels if relevance <= 0 and doc_id not in unclear}
    assert {item.id for item in whole.passages("nq")} == {f"nq-{doc_id}" for doc_id in expected}
    assert {item.id for item in whole.queries("nq")} == {f"nq-{query_id}" for query_id, _, _ in qrels}
    assert {query_id for query_id, *_ in whole.query_set("nq").judgements()} == {item.id for item in whole.queries("nq")}
    assert (len(whole.passages("squad")), len(whole.queries("squad"))) == (2067, 10570)


def test_files_that_are_too_small(suite: Suite) -> None:
    with pytest.raises(HybridBenchError, match=r"question-sources/nq/1 has 50 questions and .* are to be drawn"):
        load_suite("question-sources").passages("nq")


def test_without_the_files_the_other_suites_run(cli: Cli, tmp_path: Path) -> None:
    env = {"IR_DATASETS_HOME": str(tmp_path / "empty")}
    done = cli("study", "robustness", "--encoders", "tiny", "--suites", "mini,question-sources", "--out", "study", env=env)
    assert done.returncode == 0, done.stderr
    assert "question-sources is left out: cannot read dpr-w100/natural-questions/dev" in done.stderr
    text = (tmp_path / "study" / "robustness.md").read_text(encoding="utf-8")
    assert "## mini" in text
    assert "docs.tsv.gz, nq-dev.json.gz and tqa-dev.json.gz" in text[text.index("## question-sources\n\nNot evaluated") :]
