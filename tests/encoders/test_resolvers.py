"""Encoders whose names have a prefix, their options, and what a result and a dry run state of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from hybrid_bench import Encoder, EvaluationOptions, HybridBenchError, evaluate, load_encoder, load_suite
from hybrid_bench.cli.encoder_options import declared
from hybrid_bench.cli.main import app
from hybrid_bench.encoders import resolvers
from hybrid_bench.encoders.resolvers import EncoderResolver
from hybrid_bench.evaluation import reproducible
from hybrid_bench.evaluation.estimate import estimate
from hybrid_bench.plugin import Role
from hybrid_bench.registry import Registry
from tests.tiny_encoder import TinyEncoder


class Priced(TinyEncoder):
    def estimate(self, texts: Sequence[str], role: Role) -> dict[str, float]:
        return {"letters": float(sum(map(len, texts))), "price": math.nan}


def load(
    name: str,
    *,
    dtype: str = "fp32",
    device: str = "auto",
    width: Annotated[int | None, typer.Option(min=8, help="Dimensions.")] = None,
    speed: Annotated[float | None, typer.Option(help="How fast.")] = None,
    similarity: Annotated[str | None, typer.Option(help="Not shown: commands have it.")] = None,
) -> Encoder:
    made = Priced(dtype=dtype, device=device, dimension=width or 256)
    made.card = made.card.model_copy(update={"name": name})
    return made


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry with the prefix ``made``."""
    made: Registry[EncoderResolver] = Registry("hybrid_bench.no_such_group", "prefix of encoders", EncoderResolver)
    made.add("made", EncoderResolver(load, stated=("width",)))
    monkeypatch.setattr(resolvers, "REGISTRY", made)


def context(command: str, *words: str) -> Any:
    group: Any = typer.main.get_command(app)
    return group.get_command(None, command).make_context(command, list(words))


def test_a_prefix_loads_what_follows_it_with_options() -> None:
    encoder = load_encoder("made:some/model:2", width=16)
    assert (encoder.card.name, encoder.card.dimension) == ("some/model:2", 16)


@pytest.mark.parametrize("option", [{"pooling": "cls"}, {"trust_remote_code": True}])
def test_an_option_that_a_resolver_lacks_is_an_error(option: dict[str, Any]) -> None:
    with pytest.raises(HybridBenchError, match=r"prefix made: have no option (pooling|trust_remote_code)\n  Their options: "):
        load_encoder("made:x", **option)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("evaluate", ["made:x", "--suite", "mini"]),
        ("encode", ["made:x", "--suite", "mini"]),
        ("search", ["--suite", "mini", "--encoder", "made:x"]),
        ("search", ["--suite", "mini", "--encoder=made:x"]),
    ],
)
def test_commands_have_the_options_that_a_resolver_declares(command: str, words: list[str]) -> None:
    found = context(command, *words, "--width", "32", "--speed=1.5")
    assert declared(found) == {"width": 32, "speed": 1.5}
    assert "width" not in found.params
    assert declared(context(command, *words)) == {}


@pytest.mark.parametrize("words", [["tiny", "--width", "32"], ["made:x", "--wide", "32"], ["made:x", "--width", "4"]])
def test_other_options_are_refused(words: list[str]) -> None:
    with pytest.raises(Exception, match=r"No such option|not in the range|greater than"):
        context("evaluate", *words)


def test_a_result_states_the_options_that_vectors_depend_on_and_they_are_accepted_from_it(tmp_path: Path) -> None:
    options = EvaluationOptions(languages=("de",), encoder={"width": 64, "speed": 2.0}, measures=("AP",), store=tmp_path)
    command = evaluate("made:x", "mini", options=options).provenance.command
    assert "made:x --suite mini --width 64" in command
    assert "speed" not in command
    words = reproducible.parse(command)
    assert reproducible.outside(words) == ["made:x"]
    for line in ("evaluate made:x --speed 2", "evaluate tiny --width 64", "search --suite mini --encoder made:x --speed=2"):
        with pytest.raises(HybridBenchError, match="is not accepted from a file"):
            reproducible.parse(f"hybrid-bench {line}")


def test_a_dry_run_counts_what_is_not_stored(tmp_path: Path) -> None:
    options = EvaluationOptions(languages=("de", "en"), store=tmp_path)
    suite = load_suite("mini")
    before = estimate("made:x", suite, options)
    assert list(before.index) == ["passage de", "passage en", "query de", "query en", "all"]
    assert before.loc["all", ["inputs", "to encode"]].tolist() == [240, 240]
    texts = [item.content for item in suite.passages("de")]
    assert before.loc["passage de", "letters"] == sum(map(len, texts))
    assert before["price"].isna().all()
    assert not list(tmp_path.iterdir())
    evaluate("made:x", "mini", options=EvaluationOptions(languages=("de",), store=tmp_path))
    after = estimate("made:x", suite, options)
    assert after["to encode"].tolist() == [0, 75, 0, 45, 120]
    assert after.loc["query de", "letters"] == 0


def test_a_dry_run_of_an_encoder_without_prices_counts_texts(tmp_path: Path) -> None:
    found = estimate(TinyEncoder(), load_suite("mini"), EvaluationOptions(languages=("de",), store=tmp_path))
    assert found.loc["all"].to_dict() == {"inputs": 120, "to encode": 120}
