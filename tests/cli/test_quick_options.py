"""Options that users look for: a quick look, the size of batches, other names of dtypes, an encoder as it is used."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybrid_bench import EncoderCard, Result
from hybrid_bench.evaluation import reproducible
from hybrid_bench.support import toml
from tests.conftest import Cli
from tests.encoders.models import save_sentence_transformer

QUICK = ("evaluate", "tiny", "--suite", "mini", "--languages", "de,en", "--limit", "4", "--store", "s")


def test_a_quick_look_says_so_and_is_not_mixed_with_the_suite(here: Cli, tmp_path: Path) -> None:
    done = here(*QUICK)
    assert done.returncode == 0, done.stderr
    assert "note: A quick look at mini: the first 4 queries of each query set" in done.stderr
    result = Result.read(tmp_path / "results" / "mini+de+en+first4" / "tiny.json")
    assert {row.queries for row in result.rows} == {4}
    assert "--languages de,en --limit 4" in result.provenance.command
    assert reproducible.parse(result.provenance.command)[-2:] == ["--limit", "4"]
    whole = here("evaluate", "tiny", "--suite", "mini", "--limit", "75", "--store", "s")
    assert whole.returncode == 0
    result = Result.read(tmp_path / "results" / "mini+first75" / "tiny.json")
    assert "--languages" not in result.provenance.command
    of_suite = here("evaluate", "tiny", "--suite", "mini", "--store", "s")
    assert [line for line in of_suite.stdout.splitlines() if "mean" in line] == [
        line for line in whole.stdout.splitlines() if "mean" in line
    ]


def test_a_quick_look_is_never_packed(here: Cli, tmp_path: Path) -> None:
    assert here(*QUICK, "--runs", "runs").returncode == 0
    result = tmp_path / "results" / "mini+de+en+first4" / "tiny.json"
    assert here("submit", "pack", "--org", "org", "--result", result).returncode == 2
    named = here("submit", "pack", "tiny", "--org", "org", "--suite", "mini+first4", "--store", "s")
    assert named.returncode == 2
    assert "mini+first4 is a part of mini, and submissions are of whole suites" in named.stderr


def test_a_limit_has_no_effect_on_a_run(here: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.trec").write_text("q Q0 d 1 1 t\n")
    done = here("evaluate", "--run", "mine.trec", "--suite", "mini", "--limit", "3")
    assert done.returncode == 2
    assert "the option limit has no effect on a run" in done.stderr


def test_batches_change_no_score(here: Cli, tmp_path: Path) -> None:
    words = "evaluate", "tiny", "--suite", "mini", "--languages", "de,th"
    one = here(*words, "--batch-size", "7", "--store", "one", "--out", "one")
    two = here(*words, "--store", "two", "--out", "two")
    assert (one.returncode, one.stdout) == (0, two.stdout), one.stderr
    command = Result.read(tmp_path / "one" / "mini+de+th" / "tiny.json").provenance.command
    assert "--batch-size 7" in command


@pytest.mark.parametrize("alias", ["bfloat16", "torch.bfloat16", "bf16"])
def test_dtypes_have_the_names_of_torch_too(here: Cli, tmp_path: Path, alias: str) -> None:
    model = save_sentence_transformer(tmp_path / "model")
    done = here("encoders", "show", model, "--dtype", alias, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert "no maximum length; bf16;" in done.stdout or "tokens; bf16;" in done.stdout


def test_an_encoder_is_shown_as_it_is_used(here: Cli, tmp_path: Path) -> None:
    model = save_sentence_transformer(tmp_path / "model", prompts={"query": "Q: ", "document": "D: "}, similarity="dot")
    done = here("encoders", "show", model)
    assert done.returncode == 0, done.stderr
    assert "saved: mean pooling, Dense, Normalize; query prefix 'Q: ', passage prefix 'D: '" in done.stdout
    card = EncoderCard.parse(toml.loads(done.stdout, "shown"), "shown")
    assert (card.query_prefix, card.similarity, card.dimension) == ("Q: ", "dot", 8)
    missing = here("encoders", "show", "no-such")
    assert (missing.returncode, "unknown encoder 'no-such'" in missing.stderr) == (2, True)
    assert "tiny" in here("encoders", "--format", "csv").stdout
