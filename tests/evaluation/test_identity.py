"""The identity of a result: whatever changes a score changes it, and no result takes the place of another one."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybrid_bench import EvaluationOptions, HybridBenchError, Result, Suite, evaluate
from hybrid_bench.plugin import Role
from hybrid_bench.results import run_folder, tables
from hybrid_bench.results.runs import runs_in
from tests.evaluation.suites import DOCS, QRELS, of_lists
from tests.results import examples
from tests.tiny_encoder import TinyEncoder


class Model(TinyEncoder):
    """An encoder of the name ``checkpoint-100`` whose weights and card can differ; it counts what it encodes."""

    def __init__(self, weights: str = "a", *, dimension: int = 64, dtype: str = "fp32", **card: Any) -> None:
        super().__init__(dimension=dimension)
        self.card = self.card.model_copy(update={"name": "checkpoint-100"} | card)
        self.fingerprint = weights
        self.dtype = dtype
        self.encoded = 0

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        self.encoded += len(texts)
        return super().encode([f"{self.fingerprint} {text}" for text in texts], role)


def options(folder: Path, **more: Any) -> EvaluationOptions:
    return EvaluationOptions(results=folder / "results", store=folder / "store", **more)


def scored(folder: Path, encoder: Model | None = None, suite: Suite | None = None, **more: Any) -> tuple[Result, Path]:
    """A result, evaluated and saved as the command line does it."""
    chosen = options(folder, **more)
    result = evaluate(encoder or Model(), suite or of_lists(), options=chosen)
    return result, result.path or result.save(folder / "results", overwrite=chosen.overwrite)


large = dataclasses.replace(of_lists(), large=True)
OTHER_DOCS = DOCS | {"en": DOCS["en"] | {"9": "Bread needs no yeast."}}
OTHER_QRELS = QRELS | {"en": {"a": {"9": 2}}}


@pytest.mark.parametrize(
    ("encoder", "suite", "chosen"),
    [
        (Model("b"), of_lists(), {}),
        (Model(query_prefix="query: "), of_lists(), {}),
        (Model(passage_prefix="passage: "), of_lists(), {}),
        (Model(max_length=16), of_lists(), {}),
        (Model(pooling="cls"), of_lists(), {}),
        (Model(similarity="dot"), of_lists(), {}),
        (Model(), of_lists(docs=OTHER_DOCS), {}),
        (Model(), of_lists(qrels=OTHER_QRELS), {}),
        (Model(), of_lists(), {"measures": ("nDCG@10",)}),
        (Model(), dataclasses.replace(of_lists(), settings=of_lists().settings[:1]), {}),
    ],
)
def test_what_changes_a_score_changes_the_identity_and_both_results_are_kept(
    tmp_path: Path, encoder: Model, suite: Suite, chosen: dict[str, Any]
) -> None:
    first, path = scored(tmp_path)
    before = path.read_bytes()
    other, other_path = scored(tmp_path, encoder, suite, **chosen)
    assert first.identity != other.identity
    assert path.name == "checkpoint-100.json"
    assert other_path.name == f"checkpoint-100.{other.identity[:8]}.json"
    assert path.read_bytes() == before
    found = Result.read(other_path)
    assert (found, found.ranks) == (other, other.ranks)
    assert found.ranks_file is not None and found.ranks_file.file == f"checkpoint-100.{other.identity[:8]}.ranks.tsv.gz"
    assert Result.read(path).ranks == first.ranks


@pytest.mark.parametrize("chosen", [{"depth": 2}, {"storage": "fp32"}, {"measures": ("nDCG@3",)}])
def test_results_from_runs_have_runs_of_their_own(tmp_path: Path, chosen: dict[str, Any]) -> None:
    first, path = scored(tmp_path, suite=large)
    other, other_path = scored(tmp_path, suite=large, **chosen)
    assert first.identity != other.identity != ""
    assert (path.name, other_path.name) == ("checkpoint-100.json", f"checkpoint-100.{other.identity[:8]}.json")
    for written in (path, other_path):
        found = Result.read(written)
        assert found.damaged_runs() == []
        assert {file.parent.name for file in found.run_files.values()} == {f"{written.stem}.runs"}


@pytest.mark.parametrize("description", [{"description": "another"}, {"licence": "MIT"}, {"url": "https://example.org"}])
def test_a_description_changes_no_identity(tmp_path: Path, description: dict[str, Any]) -> None:
    assert scored(tmp_path)[0].identity == scored(tmp_path / "other", Model(**description))[0].identity


@pytest.mark.parametrize("suite", [of_lists(), large])
def test_an_equal_result_is_read_and_nothing_is_computed(tmp_path: Path, suite: Suite) -> None:
    first, path = scored(tmp_path, suite=suite)
    again = Model()
    store = tmp_path / "store" if suite.large else tmp_path / "an empty store"  # the hash of large collections is in the store
    found = evaluate(again, suite, options=dataclasses.replace(options(tmp_path), store=store))
    assert again.encoded == 0
    assert (found, found.path) == (first, path)
    evaluate(again, suite, options=dataclasses.replace(options(tmp_path, overwrite=True), store=tmp_path / "empty"))
    assert again.encoded > 0


@pytest.mark.parametrize("lost", ["ranks", "runs", "truncated"])
def test_a_damaged_result_is_computed_again_in_its_place(tmp_path: Path, lost: str) -> None:
    suite = large if lost == "runs" else of_lists()
    first, path = scored(tmp_path, suite=suite)
    if lost == "ranks":
        path.with_name("checkpoint-100.ranks.tsv.gz").unlink()
    elif lost == "runs":
        next(iter(Result.read(path).run_files.values())).write_bytes(b"")
    else:
        path.with_name("checkpoint-100.ranks.tsv.gz").write_bytes(b"\x1f\x8b")
    again, where = scored(tmp_path, suite=suite)
    assert (again.path, where) == (None, path)
    assert Result.read(path).damaged_runs() == []
    assert again.model_copy(update={"timings": {}}) == first.model_copy(update={"timings": {}})
    assert scored(tmp_path, suite=suite)[0].path == path


def test_overwriting_replaces_a_result_and_its_runs(tmp_path: Path) -> None:
    _, path = scored(tmp_path, suite=large)
    other, where = scored(tmp_path, Model("b"), suite=large, overwrite=True)
    assert where == path
    assert (Result.read(path), Result.read(path).damaged_runs()) == (other, [])
    assert run_folder.owner(path.with_suffix(".runs")) == other.identity
    assert [file.name for file in path.parent.glob("*.json")] == ["checkpoint-100.json"]


def test_a_file_that_is_no_result_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "results" / "lists" / "checkpoint-100.json"
    path.parent.mkdir(parents=True)
    path.write_text("my notes")
    result, where = scored(tmp_path)
    assert path.read_text() == "my notes"
    assert where.name == f"checkpoint-100.{result.identity[:8]}.json"


def test_a_result_of_an_earlier_version_is_kept(tmp_path: Path) -> None:
    """It states no identity, so that nothing tells whether it is the same one."""
    _, path = scored(tmp_path)
    fields = json.loads(path.read_text())
    del fields["provenance"]["identity"], fields["provenance"]["judgements"]
    path.write_text(json.dumps(fields))
    before = path.read_bytes()
    assert Result.read(path).identity
    assert scored(tmp_path)[1] != path
    assert path.read_bytes() == before


def test_a_result_has_the_name_that_is_chosen(tmp_path: Path) -> None:
    first, _ = scored(tmp_path)
    named, path = scored(tmp_path, Model("b"), name="step-100")
    assert (named.name, path.name) == ("step-100", "step-100.json")
    assert " --name step-100" in named.provenance.command
    assert scored(tmp_path / "other", name="step-100")[0].identity == first.identity
    with pytest.raises(HybridBenchError, match=r"--name '\.\./x' is not an encoder card: name: "):
        scored(tmp_path, name="../x")


def test_a_table_has_a_row_for_each_result_of_a_name(tmp_path: Path) -> None:
    results = [scored(tmp_path, Model(weights))[0] for weights in ("a", "b")]
    assert list(tables.side_by_side(results).index) == ["checkpoint-100", results[1].stem]
    assert results[1].stem == f"checkpoint-100.{results[1].identity[:8]}"


def test_a_folder_of_runs_is_of_one_encoder(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    scored(tmp_path, runs=runs)
    before = {pair: file.read_bytes() for pair, file in runs_in(runs).items()}
    for different in ({"encoder": Model("b")}, {"depth": 2}):
        with pytest.raises(HybridBenchError, match=r"runs has runs of another evaluation.*\n  Choose another folder, or"):
            scored(tmp_path, runs=runs, **different)
    assert {pair: file.read_bytes() for pair, file in runs_in(runs).items()} == before
    scored(tmp_path, runs=runs, measures=("RR",), run_settings=("de:de",))  # the same runs, of other measures
    scored(tmp_path, Model("b"), runs=runs, overwrite=True, run_settings=("de:de",))
    assert list(runs_in(runs)) == [("de", "de")], "those of the first encoder are gone"


def test_runs_that_nobody_identifies_are_kept(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "de-de.trec.gz").write_bytes(b"mine")
    with pytest.raises(HybridBenchError, match="has runs of another evaluation"):
        scored(tmp_path, runs=tmp_path / "runs")
    assert (tmp_path / "runs" / "de-de.trec.gz").read_bytes() == b"mine"


class Broken(Model):
    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        if role == "query":
            raise HybridBenchError("broken")
        return super().encode(texts, role)


def test_an_evaluation_that_fails_takes_no_name(tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match="broken"):
        scored(tmp_path, Broken("broken"), large)
    assert scored(tmp_path, suite=large)[1].name == "checkpoint-100.json"


def test_results_are_compared_by_what_is_in_them(tmp_path: Path) -> None:
    one, path = scored(tmp_path)
    other, _ = scored(tmp_path / "other", Model("b"))
    assert one == Result.read(path)
    assert one != other
    held = one.model_copy(update={"ranks_file": None})
    assert held.holding(one.ranks) == held.holding(Result.read(path).ranks)
    assert held.holding(one.ranks) != held.holding(examples.ranks())


def test_runs_of_an_interrupted_evaluation_are_not_mixed_with_others(tmp_path: Path) -> None:
    _, path = scored(tmp_path, suite=large)
    path.unlink()
    other, where = scored(tmp_path, Model("b"), suite=large)
    assert where.name == f"checkpoint-100.{other.identity[:8]}.json"
    assert scored(tmp_path, suite=large)[1] == path
    assert [Result.read(file).damaged_runs() for file in (path, where)] == [[], []]
