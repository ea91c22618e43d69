"""Suites as they are published: what is odd is accepted by one rule, whether ranks, streams or runs are scored, and noted."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import ir_measures
import numpy as np
import pytest

from hybrid_bench import EvaluationOptions, HybridBenchError, Result, Setting, Suite, evaluate, load_suite
from hybrid_bench.datasets.parts import Item
from hybrid_bench.evaluation.assemble import SearcherIdentity
from hybrid_bench.evaluation.runs import RunOptions, evaluate_runs
from hybrid_bench.plugin import Role
from hybrid_bench.results import runs as trec
from hybrid_bench.results.runs import Hit
from tests.evaluation.test_evaluate import WholeNumbers

LANGUAGES = ("en", "pt-BR")
MEASURES = ("AP", "nDCG@10", "R@5", "P@1", "RR")
DOCS = {
    "en": {"1": "Bees make honey.", "2": "Rivers run to the sea.", "3": "Bread needs yeast.", "q1": "Who makes honey?", "4": ""},
    "pt-BR": {"1": "Abelhas fazem mel.", "2": "Rios correm.", "3": "Cortado \ud83d aqui.", "q2": "O que precisa de fermento?"},
}
QUERIES = {
    "en": {"q1": "Who makes honey?", "q2": "What needs yeast?", "q3": "Where do rivers run?"},
    "pt-BR": {"q1": "Quem faz mel?", "q2": "O que precisa de fermento?"},
}
#: Twice with other grades, an own passage that is relevant, absent passages and an absent query.
QRELS = {
    "en": [
        ("q1", "1", 2), ("q1", "2", 1), ("q1", "1", 1), ("q2", "3", 1), ("q2", "77", 2), ("q2", "78", 1), ("q3", "2", 1),
        ("q9", "2", 1), ("q1", "q1", 1), ("q3", "1", 1), ("q3", "1", 0),
    ],
    "pt-BR": [("q1", "1", 1), ("q2", "3", 1), ("q2", "99", 1), ("q2", "q2", 3)],
}  # fmt: skip


class Odd(WholeNumbers):
    """Reads an empty text too, and counts what it encodes."""

    def __init__(self) -> None:
        super().__init__()
        self.encoded = 0

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        self.encoded += len(texts)
        for text in texts:
            text.encode()
        return super().encode([text or "empty" for text in texts], role)


def write(folder: Path) -> Path:
    """The collections above in BEIR's layout."""
    for language in LANGUAGES:
        here = folder / language
        (here / "qrels").mkdir(parents=True)
        docs = (json.dumps({"_id": doc_id, "title": "", "text": text}) for doc_id, text in DOCS[language].items())
        (here / "corpus.jsonl").write_text("\n".join(docs))
        queries = (json.dumps({"_id": query_id, "text": text}) for query_id, text in QUERIES[language].items())
        (here / "queries.jsonl").write_text("\n".join(queries))
        (here / "qrels" / "test.tsv").write_text("".join(f"{q}\t{d}\t{grade}\n" for q, d, grade in QRELS[language]))
    return folder


@pytest.fixture(params=[False, True], ids=["kept", "dropped"])
def suite(request: pytest.FixtureRequest, tmp_path: Path) -> Suite:
    return dataclasses.replace(load_suite(str(write(tmp_path / "odd"))), drops_own=request.param)


def run_of(suite: Suite, setting: Setting, query: Item) -> dict[str, float]:
    """All scores of a query, but of what the rule leaves out: written here once more."""
    encoder = Odd()
    (vector,) = encoder.encode([str(query.content)], "query")
    found = {}
    for name in suite.pool(setting.pool):
        for passage in suite.passages(name):
            if not (suite.drops_own and passage.id == f"{name}-{query.id}"):
                (other,) = encoder.encode([str(passage.content)], "passage")
                found[passage.id] = float(vector @ other)
    return found


def expected(suite: Suite) -> dict[tuple[str, str, str], float]:
    """The measures by ir_measures on the qrels as they stand."""
    values = {}
    for setting in suite.settings:
        judged: dict[str, dict[str, int]] = {}
        for query_id, doc_id, grade in QRELS[setting.query_set]:
            if setting.query_set in suite.pool(setting.pool) and query_id in QUERIES[setting.query_set]:
                judged.setdefault(query_id, {})[f"{setting.query_set}-{doc_id}"] = grade
        run = {query.id: run_of(suite, setting, query) for query in suite.queries(setting.query_set) if query.id in judged}
        parsed = [ir_measures.parse_measure(name) for name in MEASURES]
        for measure, value in ir_measures.calc_aggregate(parsed, judged, run).items() if judged else ():
            values[setting.query_set, setting.pool, str(measure)] = value
    return values


def values(result: Result) -> dict[tuple[str, str, str], float]:
    return {(row.query_set, row.pool, row.measure): row.value for row in result.rows if row.measure in MEASURES}


class Whole:
    """Ranks pools exhaustively, as BM25 does."""

    exhaustive = True
    identity = SearcherIdentity(card={"name": "whole"}, fingerprint="whole")

    def __init__(self, suite: Suite) -> None:
        self.suite = suite

    def search(self, setting: Setting, queries: Sequence[Item], depth: int | None) -> dict[str, list[Hit]]:
        return {query.id: trec.canonical(run_of(self.suite, setting, query).items(), depth) for query in queries}

    def passages(self) -> dict[str, str]:
        return {}

    def notes(self) -> list[str]:
        return []


def test_every_way_of_scoring_equals_ir_measures_and_has_the_same_notes(suite: Suite, tmp_path: Path) -> None:
    options = EvaluationOptions(measures=MEASURES, check=True, store=tmp_path / "store", runs=tmp_path / "runs")
    exact = evaluate(Odd(), suite, options=options)
    streamed = [
        evaluate(
            Odd(), dataclasses.replace(suite, large=True), options=EvaluationOptions(measures=MEASURES, store=tmp_path / "s")
        )
        for _ in range(2)  # the second reads what the first encoded
    ]
    runs = evaluate_runs(Whole(suite), suite, command="", options=RunOptions(MEASURES))
    assert len(expected(suite)) == 4 * len(MEASURES)
    for result in (exact, *streamed, runs):
        assert values(result) == pytest.approx(expected(suite), abs=1e-9)
        assert result.provenance.drops_own == suite.drops_own
        assert [note for note in result.notes if "first:" in note] == [note for note in exact.notes if "first:" in note]
    counts = [note.partition(" ")[0] for note in exact.notes if "first:" in note]
    assert counts == ["2", "1", "3", "1", "1", "4" if suite.drops_own else "2"]
    bias = [{r.measure: r.value for r in result.rows if r.measure.startswith("Same")} for result in (exact, runs)]
    assert bias[0] == bias[1]
    for name, found in exact.ranks.by_query_set.items():
        again = runs.ranks.by_query_set[name]
        assert found.query_ids == again.query_ids
        pairs = [sorted(zip(of.query, of.doc_id, of.relevance, of.rank, of.rank_in["all"], strict=True)) for of in (found, again)]
        assert pairs[0] == pairs[1]


def test_written_runs_leave_out_what_the_rule_leaves_out(suite: Suite, tmp_path: Path) -> None:
    evaluate(Odd(), suite, options=EvaluationOptions(store=tmp_path / "store", runs=tmp_path / "runs", depth=4))
    for (query_set, pool), path in trec.runs_in(tmp_path / "runs").items():
        setting = next(s for s in suite.settings if (s.query_set, s.pool) == (query_set, pool))
        for query in suite.queries(query_set):
            whole = trec.canonical(run_of(suite, setting, query).items(), 4)
            assert trec.read(path).get(query.id, whole) == whole


def test_ranks_with_absent_passages_are_written_and_read(suite: Suite, tmp_path: Path) -> None:
    result = evaluate(Odd(), suite, options=EvaluationOptions(store=tmp_path / "store"))
    again = Result.read(result.save(tmp_path)).ranks
    assert again.to_bytes() == result.ranks.to_bytes()
    found = again.by_query_set["en"]
    absent = [doc_id in ("en-77", "en-78") or (suite.drops_own and doc_id == "en-q1") for doc_id in found.doc_id]
    assert found.found is not None and (~found.found).tolist() == absent
    assert {int(rank) for rank, one in zip(found.rank, found.doc_id, strict=True) if one in ("en-77", "en-78")} == {6}


@pytest.mark.parametrize("large", [False, True])
def test_strict_refuses_before_anything_is_encoded(tmp_path: Path, large: bool) -> None:
    suite = dataclasses.replace(load_suite(str(write(tmp_path / "odd"))), large=large)
    encoder = Odd()
    with pytest.raises(HybridBenchError, match="odd is not flawless, which --strict asks for: 2 judgements repeat"):
        evaluate(encoder, suite, options=EvaluationOptions(store=tmp_path / "store", strict=True))
    with pytest.raises(HybridBenchError, match="which --strict asks for"):
        evaluate_runs(Whole(suite), suite, command="", options=RunOptions(strict=True))
    assert encoder.encoded == 0
    mini = dataclasses.replace(load_suite("mini"), large=large)
    options = EvaluationOptions(languages=("en",), store=tmp_path / "store", strict=True)
    assert evaluate(encoder, mini, options=options).rows


BAD_IDS = {
    "d 1": "the id 'd 1' cannot be written to a TREC run",
    "d2": "with id 'd2' occurs twice",
    "d\ud83d": "its id holds half of a surrogate pair",
    "": "its id is empty",
}


@pytest.mark.parametrize("bad", BAD_IDS)
def test_wrong_ids_of_a_large_suite_are_found_before_anything_is_encoded(tmp_path: Path, bad: str) -> None:
    suite = load_suite("mini").restrict(["en"])
    records = list(suite.collection("en").passages())
    wrong = [record._replace(doc_id=f"d{at}") for at, record in enumerate(records)]  # type: ignore[union-attr]
    judgements = [j._replace(doc_id="d0") for j in suite.query_sets[0].judgements()]
    judged = dataclasses.replace(suite.query_sets[0], judgements=lambda: judgements)
    wrong.append(wrong[0]._replace(doc_id=bad))
    collection = dataclasses.replace(suite.collections[0], passages=lambda: iter(wrong))
    suite = dataclasses.replace(suite, large=True, query_sets=(judged,), collections=(collection,))
    encoder = Odd()
    with pytest.raises(HybridBenchError, match=BAD_IDS[bad]):
        evaluate(encoder, suite, options=EvaluationOptions(store=tmp_path / "store"))
    assert encoder.encoded == 0


def test_the_option_is_in_the_command_and_overrules_the_suite(tmp_path: Path) -> None:
    suite = load_suite(str(write(tmp_path / "odd")))
    for drop, word in ((True, "--drop-own"), (False, "--keep-own")):
        options = EvaluationOptions(store=tmp_path / "store", drop_own=drop)
        result = evaluate(Odd(), dataclasses.replace(suite, drops_own=not drop), options=options)
        assert result.provenance.command.split()[-1] == word
        assert result.provenance.drops_own == drop


def test_queries_of_the_first_20_are_counted_without_their_own(tmp_path: Path) -> None:
    suite = dataclasses.replace(load_suite(str(write(tmp_path / "odd"))), drops_own=True)
    result = evaluate(Odd(), suite, options=EvaluationOptions(store=tmp_path / "store"))
    rows = {row.query_set: row.value for row in result.rows if row.measure == "SameLanguage@20"}
    own = {"en": [4, 5, 5], "pt-BR": [4, 3]}  # the passages of a query's language that its search finds
    assert rows == pytest.approx({name: np.mean(of) / 20 for name, of in own.items()})
