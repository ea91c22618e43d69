from __future__ import annotations

import pytest

from hybrid_bench import HybridBenchError
from hybrid_bench.training.batches.plan import Share, checked_weights, shares
from hybrid_bench.training.batches.strategies import CROSS, MONO, Strategy, hybrid


def test_from_name() -> None:
    assert Strategy.from_name("mono") == MONO
    assert Strategy.from_name("cross").alpha == 0
    assert Strategy.from_name("hybrid") == hybrid(0.5)
    assert Strategy.from_name("hybrid", alpha=0.25) == hybrid(0.25)
    assert Strategy.from_name("english").language == "en"
    assert Strategy.from_name("code-switched").switched
    assert [str(strategy) for strategy in (hybrid(0.25), MONO)] == ["hybrid(0.25)", "mono"]


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_alpha_outside_0_to_1_is_an_error(alpha: float) -> None:
    with pytest.raises(HybridBenchError, match="a number from 0 to 1"):
        hybrid(alpha)


@pytest.mark.parametrize(
    ("name", "alpha", "message"),
    [
        ("hybird", None, "Did you mean hybrid"),
        ("cross", 0.5, "a fixed alpha"),
    ],
)
def test_invalid_strategies_are_errors(name: str, alpha: float | None, message: str) -> None:
    with pytest.raises(HybridBenchError, match=message):
        Strategy.from_name(name, alpha)


def of(found: list[Share]) -> dict[tuple[str, str], float]:
    return {(share.source, share.kind): pytest.approx(share.probability) for share in found}


QA, NEWS = ("qa", "monolingual"), ("news", "cross-lingual")


def test_alpha_is_exact_and_source_weights_are_kept_if_possible() -> None:
    weights = {"qa": 2.0, "news": 1.0}
    both = {"qa", "news"}
    half = shares(0.5, weights, {"qa"}, both)
    assert of(half) == {QA: 1 / 2, ("qa", "cross-lingual"): 1 / 6, NEWS: 1 / 3}
    # news weighs a third, but only a tenth of the batches is cross-lingual: it gets all of those.
    assert of(shares(0.9, weights, {"qa"}, both)) == {QA: 0.9, NEWS: 0.1}
    assert of(shares(1, weights, {"qa"}, both)) == {QA: 1}
    assert of(shares(0, weights, {"qa"}, both)) == {("qa", "cross-lingual"): 2 / 3, NEWS: 1 / 3}
    # A monolingual source weighs more than the share of monolingual batches.
    assert of(shares(0.2, {"one": 3, "qa": 1}, {"one", "qa"}, {"qa"})) == {
        ("one", "monolingual"): 0.2,
        ("qa", "cross-lingual"): 0.8,
    }


def test_kind_without_a_source_is_an_error() -> None:
    with pytest.raises(HybridBenchError, match="no source can fill a monolingual batch"):
        shares(CROSS.alpha + 0.5, {"news": 1}, set(), {"news"})
    with pytest.raises(HybridBenchError, match="no source can fill a cross-lingual batch"):
        shares(0.5, {"qa": 1}, {"qa"}, set())


def test_invalid_source_weights_are_errors() -> None:
    rows = {"qa": 10, "news": 30}
    assert checked_weights(None, rows) == {"qa": 10, "news": 30}
    for weights, message in [
        ({"qa": 1.0}, "the source news has no weight"),
        ({"qa": -1.0, "news": 1.0}, "a finite number of at least 0"),
        ({"qa": 1.0, "nwes": 1.0}, "Did you mean news"),
        ({"qa": 0.0, "news": 0.0}, "every source has the weight 0"),
    ]:
        with pytest.raises(HybridBenchError, match=message):
            checked_weights(weights, rows)
