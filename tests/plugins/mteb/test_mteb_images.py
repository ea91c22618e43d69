"""A tiny CLIP and a tiny SigLIP on real images: ranks by the grid, by brute force, and by mteb on the same vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mteb
import pytest
from datasets import Dataset, Features, Value
from datasets import Image as ImageFeature
from mteb import TaskMetadata
from mteb.abstasks import AbsTaskRetrieval

from hybrid_bench import EvaluationOptions, Image, Suite, evaluate, load_encoder, load_suite
from hybrid_bench.datasets import captioned
from hybrid_bench_mteb import as_mteb_model
from tests.encoders.dual_models import save_dual

pytestmark = pytest.mark.usefixtures("shared")


def task_of(suite: Suite, query_set: str, pool: str) -> Any:
    """One setting of a suite as a task of mteb's own class; documents keep their TREC ids."""

    def rows(items: Any, ids: list[str]) -> Dataset:
        contents = [item.content for item in items]
        if isinstance(contents[0], Image):
            features = Features({"id": Value("string"), "image": ImageFeature()})
            return Dataset.from_dict({"id": ids, "image": [{"bytes": one.read(), "path": None} for one in contents]}, features)
        return Dataset.from_dict({"id": ids, "text": contents})

    class OfSuite(AbsTaskRetrieval):
        metadata = TaskMetadata(
            name=f"{query_set.title()}On{pool.title()}",
            description="captions and images",
            dataset={"path": "none", "revision": "1"},
            type="Any2AnyRetrieval",
            category="i2t" if query_set == "images" else "t2i",
            modalities=["text", "image"],
            eval_langs=["eng-Latn"],
            main_score="ndcg_at_10",
        )
        k_values = (1, 10, 243)

        def load_data(self, *_: object, **__: object) -> None:
            passages, queries = suite.passages(pool), suite.queries(query_set)
            of = {one: doc for one, where, doc, _ in suite.query_set(query_set).judgements() if where == pool}
            data = {
                "corpus": rows(passages, [one.id for one in passages]),
                "queries": rows(queries, [one.id for one in queries]),
                "relevant_docs": {one.id: {suite.trec_id(pool, of[one.id]): 1} for one in queries},
                "top_ranked": None,
            }
            self.dataset = {"default": {"test": data}}
            self.data_loaded = True

    return OfSuite()


@pytest.mark.parametrize("kind", ["CLIP", "Siglip"])
@pytest.mark.parametrize(("name", "count"), [("multi30k-flickr8k", 243), ("multi30k-flickr8k/val", 242)])
def test_ranks_are_those_of_brute_force_and_of_mteb(
    kind: str, name: str, count: int, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(tmp_path / "home"))
    captioned.add_images("multi30k-flickr8k", shared / "image-text")
    encoder = load_encoder(str(save_dual(tmp_path / kind.lower(), kind)), dtype="fp32", device="cpu")
    suite, store = load_suite(name), tmp_path / "store"
    result = evaluate(encoder, name, options=EvaluationOptions(languages=("en",), measures=("nDCG@10", "R@10"), store=store))
    values = {(row.query_set, row.pool, row.measure): row.value for row in result.rows}
    for query_set, pool in (("en", "images"), ("images", "en")):
        found = result.ranks.by_query_set[query_set]
        own = dict(zip((found.query_ids[number] for number in found.query), found.rank.tolist(), strict=True))
        queries, passages = suite.queries(query_set), suite.passages(pool)
        assert len(own) == len(queries) == len(passages) == count
        scores = (
            encoder.encode([one.content for one in queries], "query").astype(float)
            @ encoder.encode([one.content for one in passages], "passage").astype(float).T
        )
        task = task_of(suite, query_set, pool)
        evaluated = mteb.evaluate(
            as_mteb_model(encoder, store=store), task, cache=None, show_progress_bar=False, prediction_folder=tmp_path / pool
        )
        (file,) = (tmp_path / pool).rglob("*_predictions.json")
        predicted = json.loads(file.read_text())["default"]["test"]
        decided = 0
        for row, query in enumerate(queries):
            column = next(number for number, one in enumerate(passages) if suite.doc_id(pool, one.id) == query.id)
            # Scores that differ by less than a float32 can tell may stand in any order.
            least = (scores[row] > scores[row, column] + 1e-6).sum() + 1
            most = (scores[row] >= scores[row, column] - 1e-6).sum()
            assert least <= own[query.id] <= most
            decided += least == most
            ranked = sorted(predicted[query.id].items(), key=lambda item: (item[1], item[0]), reverse=True)
            assert least <= [doc for doc, _ in ranked].index(passages[column].id) + 1 <= most
        assert decided > 0.9 * count
        (theirs,) = evaluated.task_results[0].scores["test"]
        for measure, by_mteb in (("nDCG@10", "ndcg_at_10"), ("R@10", "recall_at_10")):
            assert values[query_set, pool, measure] == pytest.approx(theirs[by_mteb], abs=1e-5)
