"""Evaluations against independent ones: all passages sorted for every query, and ir_measures on the run."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import ir_datasets
import ir_measures
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import hybrid_bench
from hybrid_bench import Encoder, EvaluationOptions, HybridBenchError, Result, evaluate, load_encoder, load_suite
from hybrid_bench.datasets.languages import XQUAD_R
from hybrid_bench.datasets.sources.beir_folder import load as load_folder
from hybrid_bench.embeddings.store import EmbeddingStore
from hybrid_bench.measures.from_ranks import RankedPairs, parse, per_query
from hybrid_bench.measures.scores import DEFAULT_MEASURES
from hybrid_bench.plugin import Role
from hybrid_bench.results import tables
from hybrid_bench.support import cache
from hybrid_bench.support.hashing import texts_hash
from tests.embeddings.encoders import Counting
from tests.evaluation.suites import DOCS, QRELS, QUERIES, Texts, of_lists
from tests.tiny_encoder import TinyEncoder

Qrels = dict[str, dict[str, int]]


class WholeNumbers(TinyEncoder):
    """Unnormalised counts of hashed n-grams: products are exact in any order of summation, and many passages tie."""

    def __init__(self, dimension: int = 32) -> None:
        super().__init__(dimension=dimension)
        self.card = self.card.model_copy(update={"name": "whole-numbers", "similarity": "dot"})
        self.fingerprint = f"whole-numbers-{dimension}"
        self._known: dict[tuple[str, Role], np.ndarray] = {}

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        for text in texts:
            if (text, role) not in self._known:
                unit = super().encode([text], role)[0].astype(np.float64)
                self._known[text, role] = np.round((unit / unit[unit > 0].min()) ** 2)
        return np.array([self._known[text, role] for text in texts], np.float32)


def scores_of(result: Result, query_set: str, pool: str) -> dict[str, float]:
    """Measure to value."""
    return {row.measure: row.value for row in result.rows if (row.query_set, row.pool) == (query_set, pool)}


def by_ir_measures(
    encoder: Encoder, queries: Texts, passages: Texts, qrels: Qrels, measures: Iterable[str] = DEFAULT_MEASURES
) -> dict[str, float]:
    """Score all passages for all queries and the full run by ir_measures."""
    of_queries = encoder.encode(list(queries.values()), "query")
    return by_vectors(of_queries, encoder.encode(list(passages.values()), "passage"), queries, passages, qrels, measures)


def by_vectors(
    of_queries: np.ndarray,
    of_passages: np.ndarray,
    query_ids: Iterable[str],
    doc_ids: Collection[str],
    qrels: Qrels,
    measures: Iterable[str] = DEFAULT_MEASURES,
) -> dict[str, float]:
    scores = (of_queries.astype(np.float64) @ of_passages.astype(np.float64).T).tolist()
    run = {query_id: dict(zip(doc_ids, row, strict=True)) for query_id, row in zip(query_ids, scores, strict=True)}
    parsed = [ir_measures.parse_measure(name) for name in measures]
    return {str(measure): value for measure, value in ir_measures.calc_aggregate(parsed, qrels, run).items()}


def of_entry(dataset: str) -> tuple[dict[str, str], dict[str, str], Qrels]:
    """Queries, passages and qrels of an ir_datasets entry."""
    hybrid_bench.register()
    entry = ir_datasets.load(dataset)
    qrels: Qrels = {}
    for qrel in entry.qrels_iter():
        qrels.setdefault(qrel.query_id, {})[qrel.doc_id] = qrel.relevance
    queries = {query.query_id: query.default_text() for query in entry.queries_iter()}
    return queries, {doc.doc_id: doc.default_text() for doc in entry.docs_iter()}, qrels


@pytest.fixture(scope="module")
def mini() -> Result:
    return evaluate(WholeNumbers(), "mini")


def test_every_setting_of_mini_is_scored_over_all_its_queries(mini: Result) -> None:
    frame = mini.scores
    pools = [*XQUAD_R, "all"]
    assert list(zip(frame["query_set"], frame["pool"], strict=True))[:8] == [("ar", "ar")] * 8
    measured = frame[frame["measure"] == "AP"]
    assert list(zip(measured["query_set"], measured["pool"], strict=True)) == list(itertools.product(XQUAD_R, pools))
    assert measured.groupby("setting").size().to_dict() == {"monolingual": 11, "cross-lingual": 110, "multilingual": 11}
    assert set(frame["queries"]) == {45}
    assert set(frame["measure"]) == {*DEFAULT_MEASURES, "RankDistance", "RankDistance(median)", "PEER", "SameLanguage@20"}
    assert frame.groupby("measure").size().loc[list(DEFAULT_MEASURES)].tolist() == [132] * len(DEFAULT_MEASURES)
    assert frame[frame["measure"] == "RankDistance"]["pool"].tolist() == ["all"] * 11


@pytest.mark.parametrize(("language", "pool"), [("de", "de"), ("th", "en"), ("zh", "zh"), ("ru", "all"), ("en", "all")])
def test_a_setting_of_mini_has_the_values_of_a_full_run(mini: Result, language: str, pool: str) -> None:
    measures = [*DEFAULT_MEASURES, *(["RankDistance"] if pool == "all" else [])]
    expected = by_ir_measures(WholeNumbers(), *of_entry(f"mini/{pool}/{language}"), measures)
    found = scores_of(mini, language, pool)
    assert {measure: found[measure] for measure in expected} == pytest.approx(expected, abs=1e-9)


def test_the_share_of_passages_in_the_query_language_is_that_of_a_full_run(mini: Result) -> None:
    queries, passages, _ = of_entry("mini/all/tr")
    vectors = WholeNumbers().encode(list(passages.values()), "passage")
    shares = []
    for query in WholeNumbers().encode(list(queries.values()), "query"):
        best = sorted(zip((vectors @ query).tolist(), passages, strict=True), reverse=True)[:20]
        shares.append(sum(doc_id.startswith("tr-") for _, doc_id in best) / 20)
    assert scores_of(mini, "tr", "all")["SameLanguage@20"] == pytest.approx(np.mean(shares), abs=1e-9)


def test_the_means_are_macro_averages_over_languages(mini: Result) -> None:
    frame = mini.scores.query("measure == 'AP'")
    means = tables.by_query_set(mini).loc["mean"]
    for column, kind in (("mono AP", "monolingual"), ("cross AP", "cross-lingual"), ("multi AP", "multilingual")):
        by_language = frame[frame["setting"] == kind].groupby("query_set")["value"].mean()
        assert means[column] == pytest.approx(by_language.mean())


def test_ranks_are_those_of_every_relevant_passage(mini: Result) -> None:
    queries, passages, qrels = of_entry("mini/all/hi")
    ranks = mini.ranks.by_query_set["hi"]
    assert ranks.query_ids == list(queries)
    pairs = {(ranks.query_ids[query], doc_id) for query, doc_id in zip(ranks.query, ranks.doc_id, strict=True)}
    assert pairs == {(query_id, doc_id) for query_id, relevant in qrels.items() for doc_id in relevant}
    assert 1 <= ranks.rank.min() <= ranks.rank_in["all"].max() <= len(passages)


def test_the_passage_text_changes_keys_and_scores(tmp_path: Path) -> None:
    results, encoded = [], []
    for passage_text in ("sentence", "sentence+context"):
        encoder = Counting()
        options = EvaluationOptions(languages=("de", "en"), passage_text=passage_text, store=tmp_path)  # type: ignore[arg-type]
        results.append(evaluate(encoder, "mini", options=options))
        encoded.append(
            {role: [text for asked, texts in encoder.calls if asked == role for text in texts] for role in ("query", "passage")}
        )
    plain, with_context = results
    keys = [json.loads(path.read_text())["passage_text"] for path in tmp_path.rglob("key.json")]
    assert sorted(keys) == ["", "", *["sentence"] * 2, *["sentence+context"] * 2]
    passage = next(iter(ir_datasets.load("mini/de").docs_iter()))
    assert encoded[0]["passage"][0] == passage.text
    assert encoded[1]["passage"][0] == f"{passage.text} {passage.context}"
    assert encoded[1]["query"] == []
    assert with_context.provenance.queries == plain.provenance.queries
    assert not set(with_context.provenance.passages.values()) & set(plain.provenance.passages.values())
    assert with_context.scores["value"].tolist() != plain.scores["value"].tolist()
    assert (plain.stem, with_context.stem) == ("tiny", "tiny.sentence+context")


def test_a_restriction_to_languages_shrinks_the_pool_of_all(mini: Result) -> None:
    found = evaluate(WholeNumbers(), "mini", options=EvaluationOptions(languages=("th", "de", "zh")))
    assert found.suite == "mini+de+th+zh"
    settings = list(dict.fromkeys((row.query_set, row.pool) for row in found.rows))
    assert settings == list(itertools.product(["de", "th", "zh"], ["de", "th", "zh", "all"]))
    assert scores_of(found, "de", "th") == scores_of(mini, "de", "th")
    queries, passages, qrels = of_entry("mini/all/th")

    def inside(doc_id: str) -> bool:
        return doc_id.partition("-")[0] in ("de", "th", "zh")

    smaller = {doc_id: text for doc_id, text in passages.items() if inside(doc_id)}
    fewer = {query_id: {doc_id: 1 for doc_id in relevant if inside(doc_id)} for query_id, relevant in qrels.items()}
    expected = by_ir_measures(WholeNumbers(), queries, smaller, fewer, [*DEFAULT_MEASURES, "RankDistance"])
    values = scores_of(found, "th", "all")
    assert {measure: values[measure] for measure in expected} == pytest.approx(expected, abs=1e-9)


def test_a_restriction_to_one_language_leaves_its_monolingual_setting(mini: Result) -> None:
    found = evaluate(WholeNumbers(), "mini", options=EvaluationOptions(languages=("de",)))
    assert {(row.query_set, row.pool) for row in found.rows} == {("de", "de")}
    assert found.pools == {}
    assert scores_of(found, "de", "de") == scores_of(mini, "de", "de")


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(HybridBenchError, match=r"unknown language of mini 'fr'\n"):
        evaluate(TinyEncoder(), "mini", options=EvaluationOptions(languages=("de", "fr")))


def test_collections_without_a_pool_have_monolingual_settings_only() -> None:
    result = evaluate(WholeNumbers(), of_lists())
    assert {(row.query_set, row.pool, row.setting) for row in result.rows} == {
        ("de", "de", "monolingual"),
        ("en", "en", "monolingual"),
    }
    assert {row.query_set: row.queries for row in result.rows} == {"de": 2, "en": 1}
    assert result.notes[0] == "Made up."
    assert not result.ranks.by_query_set["de"].rank_in
    assert (result.primary, result.suite) == ("nDCG@10", "lists")
    for language in ("de", "en"):
        asked, judged = answered(QUERIES[language], QRELS[language])
        expected = by_ir_measures(WholeNumbers(), asked, DOCS[language], judged)
        assert scores_of(result, language, language) == pytest.approx(expected, abs=1e-9)


def test_qrels_without_a_passage_that_exists_are_refused() -> None:
    qrels = {**QRELS, "en": {"a": {"7": 1}}}
    with pytest.raises(HybridBenchError, match="no relevant passage of 1 is in the collection en of lists, first '7'"):
        evaluate(TinyEncoder(), of_lists(qrels=qrels))


def test_a_suite_without_relevant_passages_is_refused() -> None:
    with pytest.raises(HybridBenchError, match=r"no query of lists has a relevant passage\n  Check its qrels"):
        evaluate(TinyEncoder(), of_lists(qrels={"de": {"a": {"1": 0}}, "en": {}}))


def test_a_query_set_without_relevant_passages_is_left_out() -> None:
    result = evaluate(TinyEncoder(), of_lists(qrels={**QRELS, "de": {}}))
    assert {row.query_set for row in result.rows} == {"en"}


def test_an_unknown_measure_is_detected_before_anything_is_encoded() -> None:
    encoder = Counting()
    with pytest.raises(HybridBenchError, match="ir_measures does not know the measure 'mAP'"):
        evaluate(encoder, of_lists(), options=EvaluationOptions(measures=("AP", "mAP")))
    assert encoder.calls == []


def test_the_first_measure_is_primary_where_the_suites_was_not_asked_for() -> None:
    result = evaluate(WholeNumbers(), of_lists(), options=EvaluationOptions(measures=("P@1", "RR")))
    assert result.primary == "P@1"
    assert {row.measure for row in result.rows} == {"P@1", "RR"}


def beir(folder: Path) -> tuple[dict[str, str], dict[str, str], Qrels]:
    """Queries, passages and qrels of a folder in BEIR's layout."""
    suite = load_folder(folder)
    (queries,), (passages,) = suite.query_sets, suite.collections
    qrels: Qrels = {}
    for judgement in queries.judgements():
        qrels.setdefault(judgement.query_id, {})[judgement.doc_id] = judgement.relevance
    asked = {query.query_id: query.default_text() for query in queries.queries()}  # type: ignore[union-attr]
    return asked, {record.doc_id: record.default_text() for record in passages.passages()}, qrels  # type: ignore[union-attr]


def answered(queries: Texts, qrels: Qrels) -> tuple[dict[str, str], Qrels]:
    """The queries that have a relevant passage."""
    found = {query_id: judged for query_id, judged in qrels.items() if any(judged.values())}
    return {query_id: queries[query_id] for query_id in found}, found


def test_a_folder_in_beirs_layout_is_one_collection(shared: Path, tiny_encoder: TinyEncoder) -> None:
    """Scores are rounded here: the order of nearly equal ones depends on the order of summation."""
    folder = shared / "collections" / "miracl-judged" / "yo"
    result = evaluate(tiny_encoder, load_suite(str(folder)))
    queries, passages, qrels = beir(folder)
    asked, judged = answered(queries, qrels)
    assert len(passages) == 2647
    assert {(row.query_set, row.pool, row.queries) for row in result.rows} == {("yo", "yo", len(asked))}
    expected = by_ir_measures(tiny_encoder, asked, passages, judged)
    assert scores_of(result, "yo", "yo") == pytest.approx(expected, abs=1e-4)


def test_a_folder_of_languages_is_one_pool_without_rank_distance(shared: Path, tmp_path: Path) -> None:
    """Every query has relevant passages in its own language only."""
    for language in ("sw", "yo"):
        (tmp_path / language).symlink_to(shared / "collections" / "miracl-judged" / language)
    encoder = WholeNumbers(64)
    result = evaluate(encoder, str(tmp_path))
    settings = {(row.query_set, row.pool, row.setting) for row in result.rows}
    assert settings == {
        ("sw", "sw", "monolingual"), ("sw", "all", "multilingual"), ("yo", "yo", "monolingual"), ("yo", "all", "multilingual"),
    }  # fmt: skip
    assert result.pools == {"all": ("sw", "yo")}
    assert {row.measure for row in result.rows} == {*DEFAULT_MEASURES, "SameLanguage@20"}
    assert result.notes == ("RankDistance and PEER are left out: every query has relevant passages in one language alone.",)
    folders = {language: beir(tmp_path / language) for language in ("sw", "yo")}
    passages = {
        language: {f"{language}-{doc_id}": text for doc_id, text in texts.items()} for language, (_, texts, _) in folders.items()
    }
    queries, _, qrels = folders["yo"]
    asked, judged = answered(queries, qrels)
    judged = {query_id: {f"yo-{doc_id}": grade for doc_id, grade in found.items()} for query_id, found in judged.items()}
    for pool, texts in (("yo", passages["yo"]), ("all", {**passages["sw"], **passages["yo"]})):
        found = scores_of(result, "yo", pool)
        expected = by_ir_measures(encoder, asked, texts, judged)
        assert {measure: found[measure] for measure in expected} == pytest.approx(expected, abs=1e-9)


def test_queries_and_passages_of_different_dimensions_are_refused() -> None:
    class Narrow(TinyEncoder):
        def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
            return TinyEncoder(dimension=64 if role == "query" else 128).encode(texts, role)

    encoder = Narrow()
    encoder.card = encoder.card.model_copy(update={"name": "narrow", "dimension": None})
    with pytest.raises(HybridBenchError, match=r"the encoder gives queries 64 dimensions and passages 128\n  Both need the same"):
        evaluate(encoder, of_lists())


def test_the_provenance_states_everything_that_scores_depend_on() -> None:
    encoder = TinyEncoder()
    options = EvaluationOptions(languages=("de", "en"), passage_text="sentence+context", measures=("AP", "R@10"))
    found = evaluate(encoder, "mini", options=options)
    provenance = found.provenance
    assert provenance.command == (
        "hybrid-bench evaluate tiny --suite mini --dtype fp32 --device cpu --languages de,en --passage-text sentence+context "
        "--measures 'AP R@10'"
    )
    assert (provenance.fingerprint, provenance.dtype, provenance.device) == (encoder.fingerprint, "fp32", "cpu")
    assert provenance.passage_text == "sentence+context"
    assert (provenance.depth, provenance.storage, found.runs) == (None, None, ())
    assert {"python", "machine", "hybrid-bench", "numpy", "ir-measures"} <= set(provenance.versions)
    docs = list(ir_datasets.load("mini/de").docs_iter())
    questions = list(ir_datasets.load("mini/all/en").queries_iter())
    assert provenance.passages["de"] == texts_hash(
        itertools.chain.from_iterable((doc.doc_id, f"{doc.text} {doc.context}") for doc in docs)
    )
    assert provenance.queries["en"] == texts_hash(itertools.chain.from_iterable((q.query_id, q.text) for q in questions))
    assert set(provenance.passages) == set(provenance.queries) == {"de", "en"}
    assert found.collections == found.query_sets
    assert {name: (of.language, of.domain, of.modality) for name, of in found.collections.items()} == {
        "de": ("de", None, "text"), "en": ("en", None, "text"),
    }  # fmt: skip
    assert found.pools == {"all": ("de", "en")}
    assert {row.suite for row in found.rows} == {"mini"}
    assert found.encoder == encoder.card.model_dump(mode="json", exclude_defaults=True)


def test_a_result_does_not_contain_the_local_path_of_a_model(tmp_path: Path) -> None:
    encoder = TinyEncoder()
    encoder.card = encoder.card.model_copy(update={"model": str(tmp_path)})
    assert "model" not in evaluate(encoder, of_lists()).encoder
    encoder.card = encoder.card.model_copy(update={"model": "org/model"})
    assert evaluate(encoder, of_lists()).encoder["model"] == "org/model"


def test_two_evaluations_write_the_same_bytes_except_timings(tmp_path: Path) -> None:
    paths = [
        evaluate(WholeNumbers(), "mini", options=EvaluationOptions(languages=("de", "th"), store=tmp_path / name)).save(
            tmp_path / name
        )
        for name in ("one", "other")
    ]
    one, other = ([line for line in path.read_text().splitlines() if not line.startswith(' "timings"')] for path in paths)
    assert one == other
    assert len(one) == len(paths[0].read_text().splitlines()) - 1
    assert (
        paths[0].with_name("whole-numbers.ranks.tsv.gz").read_bytes()
        == paths[1].with_name("whole-numbers.ranks.tsv.gz").read_bytes()
    )


def test_timings_are_seconds_of_each_phase(mini: Result) -> None:
    assert list(mini.timings) == ["load", "encode", "search", "score"]
    assert all(seconds >= 0 for seconds in mini.timings.values())
    fields = json.loads(mini.to_json())
    assert "timings" not in fields["provenance"]
    assert list(fields)[-1] == "timings"


def test_a_second_evaluation_encodes_nothing(tmp_path: Path) -> None:
    first, second = Counting(), Counting()
    results = [evaluate(encoder, of_lists(), options=EvaluationOptions(store=tmp_path)) for encoder in (first, second)]
    assert [role for role, _ in first.calls] == ["passage", "passage", "query", "query"]
    assert second.calls == []
    assert results[0].ranks.to_bytes() == results[1].ranks.to_bytes()


ENCODE_FROM_THE_END = """
from hybrid_bench import load_encoder, load_suite
from hybrid_bench.plugin import EmbeddingStore, cache
encoder, suite, store = load_encoder("use-multilingual"), load_suite("xquad-r"), EmbeddingStore(cache.home() / "embeddings")
for queries in reversed(suite.query_sets):
    store.vectors(encoder, "query", [item.content for item in suite.queries(queries.name)])
for collection in reversed(suite.collections):
    store.vectors(encoder, "passage", [item.content for item in suite.passages(collection.name)], passage_text="sentence")
"""


@pytest.fixture(scope="session")
def use_on_xquad_r(shared: Path) -> Result:
    """A real encoder on all of XQuAD-R: 26,104 texts. Another process encodes in reverse order at the same time."""
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", ENCODE_FROM_THE_END]
    with subprocess.Popen(command, env=os.environ | one_thread) as other, threadpool_limits(limits=1, user_api="blas"):
        result = evaluate("use-multilingual", "xquad-r")
    assert other.returncode == 0
    return result


def test_use_multilingual_has_its_known_scores_on_xquad_r(use_on_xquad_r: Result) -> None:
    means = tables.by_query_set(use_on_xquad_r).loc["mean"]
    assert means["mono AP"] == pytest.approx(0.525, abs=0.001)
    assert means["cross AP"] == pytest.approx(0.318, abs=0.001)
    assert means["multi AP"] == pytest.approx(0.242, abs=0.001)
    assert means["RankDistance"] == pytest.approx(7898, abs=1)
    assert set(use_on_xquad_r.scores["queries"]) == {1190}


def test_use_multilingual_has_the_values_of_full_runs_on_xquad_r(use_on_xquad_r: Result) -> None:
    """English on English, and the first 40 Chinese questions on the pool of all languages; stored vectors save a minute."""
    encoder = load_encoder("use-multilingual")
    store = EmbeddingStore(cache.home() / "embeddings")
    queries, passages, qrels = of_entry("xquad-r/en/en")
    of_queries = store.vectors(encoder, "query", list(queries.values()))
    of_passages = store.vectors(encoder, "passage", list(passages.values()), passage_text="sentence")
    expected = by_vectors(of_queries, of_passages, queries, passages, qrels)
    assert scores_of(use_on_xquad_r, "en", "en") == pytest.approx(expected, abs=1e-6)

    queries, passages, qrels = of_entry("xquad-r/all/zh")
    asked = dict(itertools.islice(queries.items(), 40))
    by_language = itertools.groupby(passages.items(), key=lambda passage: passage[0].partition("-")[0])
    of_passages = np.concatenate(
        [store.vectors(encoder, "passage", [text for _, text in part], passage_text="sentence") for _, part in by_language]
    )
    of_queries = encoder.encode(list(asked.values()), "query")
    expected = by_vectors(of_queries, of_passages, asked, passages, {query_id: qrels[query_id] for query_id in asked})
    ranks = use_on_xquad_r.ranks.by_query_set["zh"]
    first = ranks.query < 40
    pairs = RankedPairs.of(ranks.query[first], ranks.rank_in["all"][first], ranks.relevance[first])
    found = {str(measure): per_query(measure, pairs).mean() for measure in parse(list(DEFAULT_MEASURES))}
    assert found == pytest.approx(expected, abs=1e-6)
