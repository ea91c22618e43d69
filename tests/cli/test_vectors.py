"""``texts export``, ``evaluate --vectors`` and ``submit pack --vectors``: the way of an encoder that only its user can run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import Result
from hybrid_bench.support import toml
from tests.conftest import Cli
from tests.encoders.multilingual_model import save_multilingual
from tests.submissions.examples import CARD as SUBMITTED
from tests.tiny_encoder import TinyEncoder

CARD = 'name = "tiny"\nquery_prefix = "q "\npassage_prefix = "p "\nlicence = "Apache-2.0"\n'
LANGUAGES = ("--suite", "mini", "--languages", "de,en")


def embed(folder: Path) -> None:
    """What a user writes: everything is known from the files."""
    for path in folder.glob("*/*.texts.jsonl"):
        texts = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        vectors = TinyEncoder().encode([text["text"] for text in texts], "query" if path.parent.name == "queries" else "passage")
        stem = str(path).removesuffix(".texts.jsonl")
        np.save(f"{stem}.npy", vectors)
        Path(f"{stem}.ids.txt").write_text("\n".join(text["id"] for text in texts), encoding="utf-8")


@pytest.fixture
def vectors(here: Cli, tmp_path: Path) -> Path:
    done = here("texts", "export", *LANGUAGES)
    assert (done.returncode, done.stdout) == (0, "texts/mini\n"), done.stderr
    assert "passages en: 75 texts" in done.stderr
    embed(tmp_path / "texts" / "mini")
    (tmp_path / "card.toml").write_text(CARD)
    return tmp_path / "texts"


def test_vectors_are_scored_as_the_encoder_is(here: Cli, tmp_path: Path, vectors: Path) -> None:
    done = here("evaluate", "--vectors", "texts", "--card", "card.toml", *LANGUAGES, "--out", "given", "--check")
    assert done.returncode == 0, done.stderr
    assert "tiny: vectors of texts/mini; fp32; dimension 256; similarity cosine" in done.stderr
    named = here("evaluate", "tiny", *LANGUAGES, "--out", "named")
    assert named.stdout == done.stdout
    one, other = (Result.read(tmp_path / folder / "mini+de+en" / "tiny.json") for folder in ("given", "named"))
    assert one.rows == other.rows
    assert one.provenance.command == "hybrid-bench evaluate --suite mini --vectors texts/mini --card card.toml --languages de,en"
    again = here("reproduce", tmp_path / "given" / "mini+de+en" / "tiny.json")
    assert again.returncode == 0, again.stderr


def test_texts_are_written_in_the_formats_that_are_known(here: Cli, tmp_path: Path) -> None:
    done = here("texts", "export", "--suite", "mini", "--languages", "de", "--format", "parquet", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out" / "mini").glob("*/*")) == ["de.texts.parquet"] * 2
    wrong = here("texts", "export", "--suite", "mini", "--format", "tsv", "--out", "other")
    assert (wrong.returncode, "unknown format of texts 'tsv'" in wrong.stderr) == (2, True)
    assert not (tmp_path / "other").exists()


def test_a_name_is_enough(here: Cli, tmp_path: Path, vectors: Path) -> None:
    words = "evaluate", "--vectors", "texts/mini", *LANGUAGES, "--name", "org/mine", "--similarity", "dot", "--runs", "runs"
    assert here(*words).returncode == 0
    result = Result.read(tmp_path / "results" / "mini+de+en" / "org__mine.json")
    assert result.encoder == {"name": "org/mine", "backend": "static", "similarity": "dot", "dimension": 256}
    assert "--similarity dot" in result.provenance.command
    assert len(list((tmp_path / "runs").glob("*.gz"))) == 6
    assert "is up to date" in here(*words[:-2]).stderr


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--vectors", "texts"], "vectors need the name of their encoder"),
        (["--vectors", "texts", "--name", "x", "--dtype", "bf16"], "the option dtype has no effect on vectors"),
        (["--vectors", "texts", "--name", "x", "--pooling", "cls"], "the option pooling has no effect on vectors"),
        (["--vectors", "nowhere", "--name", "x"], "cannot read nowhere/manifest.json"),
        (["--vectors", "texts", "tiny"], "evaluate needs encoders, vectors or a run"),
        (["tiny", "--card", "card.toml"], "the option card has no effect"),
        (
            ["--vectors", "texts", "--name", "x", "--passage-text", "sentence+context"],
            "texts/mini has vectors of mini (sentence), not",
        ),
        (["--vectors", "texts", "--card", "no.toml"], "no.toml"),
    ],
)
def test_what_is_wrong_is_said(here: Cli, vectors: Path, words: list[str], error: str) -> None:
    done = here("evaluate", *words, *LANGUAGES)
    assert done.returncode == 2
    assert error in done.stderr
    assert not Path("results").exists()


def test_all_languages_need_the_vectors_of_all(here: Cli, vectors: Path) -> None:
    done = here("evaluate", "--vectors", "texts", "--card", "card.toml", "--suite", "mini")
    assert done.returncode == 2
    assert "texts/mini/manifest.json has no queries/ar" in done.stderr


def test_a_card_may_have_the_fields_of_a_submission_and_no_others(here: Cli, tmp_path: Path, vectors: Path) -> None:
    (tmp_path / "card.toml").write_text(CARD + 'contact = "me"\npooling = "other"\ntraining_languages = ["de"]\n')
    assert here("evaluate", "--vectors", "texts", "--card", "card.toml", *LANGUAGES).returncode == 0
    (tmp_path / "card.toml").write_text(CARD + 'contakt = "me"\n')
    done = here("evaluate", "--vectors", "texts", "--card", "card.toml", *LANGUAGES)
    assert done.returncode == 2
    assert "card.toml is not an encoder card: contakt" in done.stderr


def test_the_example_of_the_page_gives_the_scores_of_the_model_by_name(
    here: Cli, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An independent program embeds in other batches."""
    model = save_multilingual(tmp_path / "saved")
    code = re.findall(
        r"^```python\n(.*?)^```", (root / "docs" / "guides" / "vectors.md").read_text(encoding="utf-8"), re.M | re.S
    )[0]
    assert here("texts", "export", *LANGUAGES).returncode == 0
    monkeypatch.setattr("sys.argv", ["embed.py", str(model), "texts/mini"])
    exec(compile(code, "embed.py", "exec"), {})  # noqa: S102
    named = here("evaluate", model, *LANGUAGES, "--out", "named")
    given = here("evaluate", "--vectors", "texts", "--name", "model", *LANGUAGES, "--out", "given")
    assert (named.returncode, given.returncode) == (0, 0), given.stderr
    one, other = (Result.read(tmp_path / folder / "mini+de+en" / "model.json") for folder in ("named", "given"))
    for ours, theirs in zip(one.rows, other.rows, strict=True):
        assert ours.value == pytest.approx(theirs.value, abs=1e-6), ours


def test_vectors_are_packed_as_the_encoder_is(here: Cli, tmp_path: Path) -> None:
    assert here("texts", "export", "--suite", "mini").returncode == 0
    embed(tmp_path / "texts" / "mini")
    stated = SUBMITTED.replace("description", 'name = "tiny"\nlanguages = ["de"]\ndescription')
    (tmp_path / "card.toml").write_text(SUBMITTED)
    (tmp_path / "vectors.toml").write_text(stated + CARD.partition("\n")[2])
    words = "submit", "pack", "--org", "org", "--suite", "mini", "--vectors-out", "out"
    named = here(*words, "tiny", "--card", "card.toml", "--revision", "named", "--store", "s")
    given = here(*words, "--vectors", "texts", "--card", "vectors.toml", "--revision", "given")
    assert (named.returncode, given.returncode) == (0, 0), given.stderr
    one, other = (tmp_path / "leaderboards" / "submissions" / "org__tiny" / revision for revision in ("named", "given"))
    assert (one / "mini.ranks.tsv.gz").read_bytes() == (other / "mini.ranks.tsv.gz").read_bytes()
    first, second = (toml.load(folder / "submission.toml") for folder in (one, other))
    assert first["suites"] == second["suites"]  # with the hash of the vectors and the claimed scores
    assert second["card"] | {"parameters": 0} == first["card"] | {"training_languages": ["de"], "parameters": 0}


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--vectors", "texts"], "vectors need the name of their encoder"),
        (["--vectors", "texts", "tiny"], "a submission needs either an encoder, vectors or results"),
        (["--vectors", "texts", "--name", "x", "--dtype", "fp16"], "the option dtype has no effect on vectors"),
        (["--vectors", "texts", "--name", "x"], "has no queries/ar"),
    ],
)
def test_what_is_wrong_with_vectors_is_said_before_they_are_packed(
    here: Cli, vectors: Path, words: list[str], error: str
) -> None:
    done = here("submit", "pack", "--org", "org", "--suite", "mini", *words)
    assert (done.returncode, error in done.stderr) == (2, True), done.stderr
    assert not Path("leaderboards").exists()
