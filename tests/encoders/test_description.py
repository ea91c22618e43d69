"""What is used of an encoder is printed, and nothing that a model states is left out unasked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import HybridBenchError, load_encoder
from hybrid_bench.encoders.description import describe
from tests.conftest import Cli
from tests.encoders.models import POSITIONS, TEXTS, save_sentence_transformer, save_transformer
from tests.tiny_encoder import TinyEncoder

PROMPTS = {"query": "query : ", "passage": "passage : "}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_sentence_transformer(tmp_path_factory.mktemp("models"), prompts=PROMPTS)


def test_one_line_says_what_is_used(saved: Path, tmp_path: Path) -> None:
    bare = save_transformer(tmp_path / "bare")
    assert describe(load_encoder(str(bare))) == (
        f"bare: mean pooling; no prefixes; at most {POSITIONS} tokens; fp32; similarity cosine"
    )
    options = {"pooling": "cls", "query_prefix": "q: ", "similarity": "dot", "max_length": 16}
    assert describe(load_encoder(str(bare), dtype="bf16", **options)) == (
        "bare: cls pooling; query prefix 'q: '; at most 16 tokens; bf16; similarity dot"
    )
    assert describe(load_encoder(str(saved))) == (
        "saved: mean pooling, Dense, Normalize; query prefix 'query : ', passage prefix 'passage : '; "
        f"at most {POSITIONS} tokens; fp32; similarity cosine"
    )
    assert describe(TinyEncoder()) == (
        "tiny: a pooling of its own; query prefix 'q ', passage prefix 'p '; no maximum length; fp32; similarity cosine"
    )


def test_it_is_printed_once_for_each_encoder(saved: Path, cli: Cli) -> None:
    done = cli("evaluate", str(saved), "tiny", "--languages", "en", "--measures", "P@1", "--check")
    assert done.returncode == 0, done.stderr
    for line in ("saved: mean pooling, Dense, Normalize; query prefix", "tiny: a pooling of its own; query prefix"):
        assert done.stderr.count(line) == 1
        assert line not in done.stdout


def test_the_modules_of_a_model_are_not_left_out_unasked(saved: Path) -> None:
    with pytest.raises(HybridBenchError, match=r"saved states its pooling.*pooling 'mean' would.*\n.*--backend transformers"):
        load_encoder(str(saved), pooling="mean")
    chosen = load_encoder(str(saved), pooling="mean", backend="transformers")
    assert (chosen.card.backend, chosen.card.query_prefix, chosen.card.dimension) == ("transformers", "", 16)
    assert load_encoder(str(saved), backend="transformers").card.pooling == "mean"


def test_an_empty_prefix_is_a_choice(saved: Path) -> None:
    own, without = load_encoder(str(saved)), load_encoder(str(saved), query_prefix="")
    assert (without.card.query_prefix, without.card.passage_prefix) == ("", "passage : ")
    assert np.abs(own.encode(TEXTS, "query") - without.encode(TEXTS, "query")).max() > 0.01


def test_of_several_prompts_for_passages_the_one_of_sentence_transformers_is_taken(tmp_path: Path) -> None:
    both = save_sentence_transformer(tmp_path, prompts={"passage": "passage : ", "document": "rain : "})
    assert load_encoder(str(both)).card.passage_prefix == "rain : "
