"""mteb's scores and those of here, to compare them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mteb
from sentence_transformers import SentenceTransformer

from hybrid_bench import EvaluationOptions, Result, Suite, evaluate
from hybrid_bench_mteb import as_mteb_model
from tests.tiny_encoder import TinyEncoder

#: Setting (or subset), and measure as it is named here, to value.
Scores = dict[tuple[str, str], float]


def scores_of_mteb(model: Any, tasks: Sequence[Any], predictions: Path | None = None) -> Scores:
    """AP over the whole ranking and nDCG@10 of all subsets, as mteb computes them."""
    found: Scores = {}
    depth = {task.metadata.name: max(task.k_values) for task in tasks}
    evaluated = mteb.evaluate(model, tasks, cache=None, show_progress_bar=False, prediction_folder=predictions)
    for result in evaluated.task_results:
        for scores in result.scores["test"]:
            found[scores["hf_subset"], "AP"] = scores[f"map_at_{depth[result.task_name]}"]
            found[scores["hf_subset"], "nDCG@10"] = scores["ndcg_at_10"]
    return found


def scores_of(result: Result) -> Scores:
    """The same as computed here."""
    rows = [row for row in result.rows if row.measure in ("AP", "nDCG@10")]
    return {(f"{row.query_set}:{row.pool}", row.measure): row.value for row in rows if row.pool}


def evaluated(encoder: TinyEncoder | Path, suite: Suite, store: Path) -> Result:
    """The result of an encoder on a suite."""
    if isinstance(encoder, Path):
        return evaluate(str(encoder), suite, options=EvaluationOptions(store=store, encoder={"device": "cpu"}))
    return evaluate(encoder, suite, options=EvaluationOptions(store=store))


def model_for_mteb(encoder: TinyEncoder | Path, store: Path) -> Any:
    """Our encoder through the plugin; a plain model as sentence-transformers loads it, which mteb wraps itself."""
    return SentenceTransformer(str(encoder), device="cpu") if isinstance(encoder, Path) else as_mteb_model(encoder, store=store)
