"""Packing the results of a searcher without vectors, here one that counts shared words."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from hybrid_bench import EvaluationOptions, HybridBenchError, Setting, Suite, evaluate
from hybrid_bench.datasets.hashes import passages_hash
from hybrid_bench.datasets.parts import Item
from hybrid_bench.evaluation import compare, questions
from hybrid_bench.evaluation.assemble import SearcherIdentity
from hybrid_bench.evaluation.runs import RunOptions, evaluate_runs
from hybrid_bench.results import runs as trec
from hybrid_bench.results.record import Result
from hybrid_bench.results.runs import Run
from hybrid_bench.submissions import checking, packing_results, rescoring
from hybrid_bench.submissions.folder import Packed
from hybrid_bench.submissions.format import expected as suite_data
from tests.submissions.examples import CARD
from tests.tiny_encoder import TinyEncoder

DEPTH = 30


class WordSearcher:
    """A searcher that scores shared words by inverse document frequency, so that scores depend on the pool."""

    exhaustive = True
    identity = SearcherIdentity(
        card={"name": "words", "description": "Words in common, rare ones first", "analyzers": {"de": "split"}},
        fingerprint="0123456789abcdef",
    )

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._words = {
            of.name: {item.id: Counter(str(item.content).lower().split()) for item in suite.passages(of.name)}
            for of in suite.collections
        }

    def search(self, setting: Setting, queries: Sequence[Item], depth: int | None) -> Run:
        pool = {doc_id: words for name in self._suite.pool(setting.pool) for doc_id, words in self._words[name].items()}
        frequency = Counter(word for words in pool.values() for word in words)
        run = {}
        for query in queries:
            asked = set(str(query.content).lower().split())
            scores = {doc_id: sum(1 / frequency[word] for word in asked & words.keys()) for doc_id, words in pool.items()}
            run[query.id] = trec.canonical(((doc_id, score) for doc_id, score in scores.items() if score), depth)
        return run

    def passages(self) -> Mapping[str, str]:
        return {of.name: passages_hash(self._suite, of.name) for of in self._suite.collections}

    def notes(self) -> Sequence[str]:
        return ()


def searched(out: Path) -> Path:
    """Evaluate the searcher on ``mini``; returns the file of the result."""
    suite = suite_data.load("mini").suite
    result = evaluate_runs(WordSearcher(suite), suite, command="search", options=RunOptions(depth=DEPTH, results=out))
    return result.save(out)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return searched(tmp_path_factory.mktemp("searched"))


def packed(found: Path, root: Path) -> Packed:
    card = root / "card.toml"
    card.write_text(CARD + 'licence = "MIT"\nsimilarity = "lexical"\n[trained_on]\nmini = "untrained"\n', encoding="utf-8")
    return packing_results.pack([found], root / "submissions", org="org", card=card)


def test_the_scores_are_those_of_the_runs(found: Path, tmp_path: Path) -> None:
    done = packed(found, tmp_path)
    assert done.missing == []
    assert done.folder == tmp_path / "submissions" / "org__words" / "0123456789ab"
    assert checking.check(done.folder) == []
    result = Result.read(found)
    again = rescoring.rescore(done.folder).results["mini"]
    expected = {
        score: value for score, value in rescoring.mean_scores(result).items() if "Rank" not in score and "PEER" not in score
    }
    scores = rescoring.mean_scores(again)
    assert "multilingual SameLanguage@20" in scores
    assert scores.keys() == expected.keys()
    assert scores == pytest.approx(expected, abs=1e-9)


class FindsEverything(WordSearcher):
    """Retrieves every relevant passage, those without a shared word as well, after a few others."""

    def search(self, setting: Setting, queries: Sequence[Item], depth: int | None) -> Run:
        relevant, inside = suite_data.load("mini").relevant[setting.query_set], set(self._suite.pool(setting.pool))
        run = {}
        for query_id, hits in super().search(setting, queries, depth).items():
            last = {pair.doc_id: 0.0 for pair in relevant[query_id] if pair.collection in inside}
            run[query_id] = trec.canonical((last | {hit.doc_id: hit.score for hit in hits[:5]}).items(), depth)
        return run


def test_scores_may_depend_on_the_pool_without_a_depth(tmp_path: Path) -> None:
    """Such ranks are not of one ranking, which only a searcher that says so is allowed."""
    suite = suite_data.load("mini").suite
    options = RunOptions(depth=DEPTH, results=tmp_path)
    found = evaluate_runs(FindsEverything(suite), suite, command="search", options=options).save(tmp_path)
    done = packed(found, tmp_path)
    assert "depth" not in (done.folder / "submission.toml").read_text(encoding="utf-8")
    assert {finding.rule for finding in checking.check(done.folder)} == {"suspicious"}, "it knows the relevant passages"
    card = tmp_path / "dense.toml"
    card.write_text(CARD + 'licence = "MIT"\nsimilarity = "dot"\n', encoding="utf-8")
    with pytest.raises(HybridBenchError, match="not of one ranking") as raised:
        packing_results.pack([found], tmp_path / "dense", org="org", card=card)
    assert "similarity = 'lexical'" in raised.value.remedy


def test_unknown_ranks_are_not_scored(found: Path, tmp_path: Path) -> None:
    again = rescoring.rescore(packed(found, tmp_path).folder).results["mini"]
    original = Result.read(found).ranks.by_query_set
    unknown = 0
    for name, ranks in again.ranks.by_query_set.items():
        theirs = original[name]
        assert ranks.found is not None
        assert theirs.found is not None
        assert (ranks.found == theirs.found).all()
        assert (ranks.rank[ranks.found] == theirs.rank[ranks.found]).all()
        unknown += int((~ranks.found).sum())
    assert unknown > 0
    assert not {row.measure for row in again.rows} & {"RankDistance", "RankDistance(median)", "PEER"}
    assert questions.by_question(again, [("multilingual", "RankDistance")])[0].empty
    table = compare.compare(again, again)
    assert set(table["measure"]) == {"AP"}
    (note,) = [note for note in again.notes if "RankDistance" in note]
    assert f"cut at {DEPTH} passages" in note


def test_results_that_do_not_cover_a_suite_are_rejected(found: Path, tmp_path: Path) -> None:
    options = EvaluationOptions(store=tmp_path / "store")
    ranked = evaluate(TinyEncoder(dimension=64), "mini", options=options).save(tmp_path / "results")
    with pytest.raises(HybridBenchError, match="not a result from runs"):
        packed(ranked, tmp_path)
    with pytest.raises(HybridBenchError, match="two results are of the same suite"):
        packing_results.pack([found, found], tmp_path / "submissions", org="org")
    result = Result.read(found)
    provenance = result.provenance.model_copy(update={"queries": {**result.provenance.queries, "de": "0" * 64}})
    result.model_copy(update={"provenance": provenance}).with_ranks(result.ranks).save(tmp_path / "other")
    with pytest.raises(HybridBenchError, match="does not cover all texts of the installed mini"):
        packed(tmp_path / "other" / "mini" / found.name, tmp_path)
    assert not (tmp_path / "submissions").exists()


def test_a_changed_run_is_detected(found: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(found.parent, tmp_path / "mini")
    run = Result.read(copied / found.name).run_files[Setting("de", "all", "multilingual")]
    trec.write({}, run, "words")
    with pytest.raises(HybridBenchError, match="is not the run that"):
        packed(copied / found.name, tmp_path)
    assert not (tmp_path / "submissions").exists()
