"""Options of an evaluation: one without effect on a suite is an error that names it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hybrid_bench import EvaluationOptions, HybridBenchError, Result, Suite, evaluate, load_suite
from hybrid_bench.execution.local import LocalExecutor
from hybrid_bench.execution.protocol import REGISTRY as EXECUTORS
from tests.embeddings.encoders import Counting
from tests.evaluation.suites import of_lists
from tests.evaluation.test_evaluate import WholeNumbers
from tests.tiny_encoder import TinyEncoder


@pytest.mark.parametrize(
    ("option", "value", "remedy"),
    [
        ("storage", "fp32", "Leave --storage out"),
        ("workers", 2, "Leave --workers out"),
        ("depth", 10, "write runs with --runs"),
        ("run_settings", ("monolingual",), "Name a folder for the runs with --runs"),
    ],
)
def test_an_option_without_effect_on_an_exact_suite_is_an_error(option: str, value: Any, remedy: str) -> None:
    encoder = Counting()
    with pytest.raises(HybridBenchError, match=f"the option {option} has no effect: all scores of lists are computed") as error:
        evaluate(encoder, of_lists(), options=EvaluationOptions(**{option: value}))
    assert remedy in str(error.value)
    assert encoder.calls == []


@pytest.mark.parametrize(("option", "value"), [("check", True), ("runs", Path("runs")), ("run_settings", ("monolingual",))])
def test_an_option_without_effect_on_a_large_suite_is_an_error(option: str, value: Any) -> None:
    encoder = Counting()
    with pytest.raises(HybridBenchError, match=f"the option {option} has no effect: lists is searched to a depth"):
        evaluate(encoder, dataclasses.replace(of_lists(), large=True), options=EvaluationOptions(**{option: value}))
    assert encoder.calls == []


def test_options_of_loading_have_no_effect_on_a_loaded_encoder() -> None:
    with pytest.raises(HybridBenchError, match=r"the option encoder \(dtype\) has no effect on an encoder that is loaded"):
        evaluate(TinyEncoder(), of_lists(), options=EvaluationOptions(encoder={"dtype": "bf16", "pooling": None}))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"passage_text": "paragraph"}, "unknown passage text 'paragraph'"),
        ({"storage": "int8"}, "unknown storage 'int8'"),
        ({"depth": 0}, "a run of 0 passages a query is empty"),
    ],
)
def test_a_value_that_an_option_does_not_have_is_an_error(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(HybridBenchError, match=problem):
        EvaluationOptions(**options)


def test_an_address_has_no_effect_on_the_local_executor() -> None:
    with pytest.raises(HybridBenchError, match="the executor local has no address"):
        evaluate(TinyEncoder(), of_lists(), options=EvaluationOptions(address="auto"))


class Recording(LocalExecutor):
    """Records which of its methods were called."""

    calls: list[str] = []  # noqa: RUF012 - shared on purpose

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        self.calls.append("map")
        return super().map(function, items)

    def map_stateful(self, make: Callable[[], Callable[[Any], Any]], items: Iterable[Any]) -> Iterator[Any]:
        self.calls.append("map_stateful")
        return super().map_stateful(make, items)


@pytest.mark.parametrize("large", [False, True])
def test_the_executor_that_is_named_does_the_work(large: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXECUTORS._added, "recording", Recording)
    monkeypatch.setattr(Recording, "calls", [])
    options = EvaluationOptions(store=tmp_path, executor="recording")
    evaluate(WholeNumbers(), dataclasses.replace(of_lists(), large=large), options=options)
    assert set(Recording.calls) == ({"map", "map_stateful"} if large else {"map"})


def test_an_unknown_executor_is_refused_before_anything_is_encoded() -> None:
    encoder = Counting()
    with pytest.raises(HybridBenchError, match=r"unknown executor 'rai'\n  .*docs/guides/clusters\.md"):
        evaluate(encoder, of_lists(), options=EvaluationOptions(executor="rai"))
    assert encoder.calls == []


def both_ways(suite: Suite, large: bool, languages: tuple[str, ...], store: Path) -> tuple[Result, Result]:
    given = dataclasses.replace(suite, large=large)
    by_option = evaluate(WholeNumbers(), given, options=EvaluationOptions(languages=languages, store=store))
    return by_option, evaluate(WholeNumbers(), given.restrict(languages), options=EvaluationOptions(store=store))


@pytest.mark.parametrize("large", [False, True])
def test_a_suite_that_was_restricted_before_states_its_languages_in_the_command(large: bool, tmp_path: Path) -> None:
    """Otherwise the command would make the result of the whole suite."""
    by_option, before = both_ways(load_suite("mini"), large, ("en", "de"), tmp_path)
    assert "--suite mini" in before.provenance.command
    assert "--languages de,en" in before.provenance.command
    written = [one.model_copy(update={"timings": {}}).to_json() for one in (before, by_option)]
    assert written[0] == written[1]


def test_folders_may_be_texts() -> None:
    options = EvaluationOptions(store="store", runs="runs", results="results")
    assert (options.store, options.runs, options.results) == (Path("store"), Path("runs"), Path("results"))
