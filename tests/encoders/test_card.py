"""Encoder cards: fields and validation."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hybrid_bench import EncoderCard, HybridBenchError
from hybrid_bench.support.toml import loads

SHIPPED = {file.name: file.read_text(encoding="utf-8") for file in (resources.files("hybrid_bench.encoders") / "cards").iterdir()}

MINIMAL = {"name": "org/model", "pooling": "mean"}


def test_a_minimal_card_is_cosine_without_prefixes() -> None:
    card = EncoderCard.parse(MINIMAL, "here")
    assert (card.backend, card.similarity, card.query_prefix, card.passage_prefix) == ("transformers", "cosine", "", "")
    assert (card.max_length, card.dimension, card.trained_on_suites) == (None, None, None)
    assert (card.modalities, card.preprocessing) == (("text",), "")


def test_a_card_is_read_from_toml(tmp_path: Path) -> None:
    (tmp_path / "encoder.toml").write_text(
        'name = "mein-modell"\nbackend = "static"\nlanguages = ["de", "en"]\ntrained_on_suites = []\ndescription = "für alle"\n',
        encoding="utf-8",
    )
    card = EncoderCard.read(tmp_path / "encoder.toml")
    assert (card.name, card.languages, card.trained_on_suites, card.description) == ("mein-modell", ("de", "en"), (), "für alle")


@pytest.mark.parametrize(
    ("fields", "finding"),
    [
        ({"poling": "mean"}, "poling: Extra inputs are not permitted"),
        ({"pooling": "max"}, "pooling: Input should be 'mean', 'cls' or 'eos'"),
        ({"similarity": "euclid"}, "similarity: Input should be 'cosine' or 'dot'"),
        (
            {"backend": "onnx"},
            "backend: Input should be 'transformers', 'sentence-transformers', 'image-text', 'projection' or 'static'",
        ),
        ({"max_length": 4}, "max_length: Input should be greater than or equal to 8"),
        ({"max_length": "512 tokens"}, "max_length: Input should be a valid integer"),
        ({"modalities": ["video"]}, "modalities.0: Input should be 'text' or 'image'"),
        ({"modalities": []}, "modalities: Tuple should have at least 1 item"),
        ({"dimension": 0}, "dimension: Input should be greater than or equal to 1"),
        ({"name": "../../etc/passwd"}, "name: String should match pattern"),
        ({"name": ""}, "name: String should have at least 1 character"),
        ({"name": "<b>bold</b>"}, "name: String should match pattern"),
        ({"model": 3}, "model: Input should be a valid string"),
        ({"description": "x" * 501}, "description: String should have at most 500 characters"),
        ({"pooling": None}, "card: Value error, backend 'transformers' needs pooling = 'mean', 'cls' or 'eos'"),
    ],
)
def test_what_is_unknown_or_wrong_is_named_with_the_fields_that_there_are(fields: dict[str, Any], finding: str) -> None:
    with pytest.raises(HybridBenchError) as refused:
        EncoderCard.parse(MINIMAL | fields, "my/encoder.toml")
    assert refused.value.problem.startswith(f"my/encoder.toml is not an encoder card: {finding}")
    assert refused.value.remedy == f"Known fields: {', '.join(EncoderCard.model_fields)}."


def test_all_findings_are_named_at_once() -> None:
    with pytest.raises(HybridBenchError, match=r"name: Field required; dimension: .*; licens: Extra"):
        EncoderCard.parse({"pooling": "mean", "dimension": "many", "licens": "MIT"}, "here")


@pytest.mark.parametrize("backend", ["sentence-transformers", "static"])
def test_only_transformers_needs_to_be_told_how_to_pool(backend: str) -> None:
    assert EncoderCard.parse({"name": "x", "backend": backend}, "here").pooling is None


def test_a_card_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        EncoderCard.parse(MINIMAL, "here").name = "another"  # type: ignore[misc]


@pytest.mark.parametrize("content", [b"name = ", b"name = 'x'\nname = 'y'", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "encoder.toml").write_bytes(content)
    with pytest.raises(HybridBenchError, match=r"encoder\.toml is not (valid TOML|UTF-8)"):
        EncoderCard.read(tmp_path / "encoder.toml")


def test_cards_are_shipped() -> None:
    assert {"mdpr-tied-pft-msmarco.toml", "multilingual-e5-small.toml", "mcontriever-msmarco.toml"} <= set(SHIPPED)


@pytest.mark.parametrize("file", SHIPPED)
def test_a_shipped_card_is_valid_and_names_its_own_model(file: str) -> None:
    card = EncoderCard.parse(loads(SHIPPED[file], file), file)
    assert card.name == card.model
    assert card.model.count("/") == 1
    assert file == f"{card.model.rpartition('/')[2]}.toml"
    assert card.citation.startswith("arXiv ")


@pytest.mark.parametrize("file", [file for file in SHIPPED if "-e5-" in file])
def test_e5_has_the_prefixes_that_it_was_trained_with(file: str) -> None:
    card = EncoderCard.parse(loads(SHIPPED[file], file), file)
    assert (card.query_prefix, card.passage_prefix, card.pooling, card.similarity) == ("query: ", "passage: ", "mean", "cosine")
