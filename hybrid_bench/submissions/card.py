"""Cards of new submissions: from an encoder's own card and a TOML file of the submitter."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from hybrid_bench.embeddings.given import GivenVectors
from hybrid_bench.encoders.card import EncoderCard, Pooling
from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.submissions.format import schema
from hybrid_bench.support import toml

_TODO = "TODO"
_TRAINED_ON = "trained_on"


def read_stated(path: Path | None, *, of_vectors: bool = False) -> dict[str, Any]:
    """Read the TOML file of ``--card``: fields of the card, and a table ``trained_on``.

    Args:
        path: of the file; None if there is none.
        of_vectors: whether it has the fields of an encoder's card as well, see :func:`of_vectors`.

    Raises:
        HybridBenchError: if the file cannot be read or has an unknown field.
    """
    if path is None:
        return {}
    try:
        fields = toml.load(path)
    except OSError as error:
        raise HybridBenchError(f"cannot read {path}: {error.strerror}") from error
    known = {*schema.Card.model_fields, _TRAINED_ON, *(EncoderCard.model_fields if of_vectors else ())}
    if unknown := sorted(fields.keys() - known):
        raise HybridBenchError(f"{path}: a card has no field {unknown[0]!r}", f"Known fields: {', '.join(sorted(known))}.")
    return fields


def of_vectors(path: Path | None, name: str = "", similarity: str | None = None) -> EncoderCard:
    """The encoder card of vectors, from the TOML file of ``--card``. What only submissions state is left out.

    Args:
        path: of the file, with fields of an encoder's card or of a submission's; None if there is none.
        name: of the encoder; by default that of the file.
        similarity: by default that of the file.

    Raises:
        HybridBenchError: if the file cannot be read or has an unknown field, or there is no name.
    """
    stated = {} if path is None else toml.load(path)
    known = {field: value for field, value in stated.items() if field in EncoderCard.model_fields}
    unknown = stated.keys() - known - {*schema.Card.model_fields, _TRAINED_ON}
    if known.get("pooling") == "other":
        del known["pooling"]
    chosen = {field: value for field, value in (("name", name), ("similarity", similarity)) if value}
    fields = {"backend": "static", "languages": stated.get("training_languages", ())} | known | chosen
    if "name" not in fields:
        raise HybridBenchError("vectors need the name of their encoder", "State it on a card (--card card.toml), or with --name.")
    return EncoderCard.parse(fields | {field: stated[field] for field in unknown}, str(path or "--name"))


def fields(known: Mapping[str, Any], stated: Mapping[str, Any]) -> dict[str, Any]:
    """Merge the fields of a card in the order of the schema; required fields without a value become ``TODO``.

    Args:
        known: what the encoder or result states.
        stated: what the submitter states; takes precedence.
    """
    found: dict[str, Any] = {}
    for name, field in schema.Card.model_fields.items():
        value = stated.get(name, known.get(name))
        if value not in (None, "", (), []):
            found[name] = value
        elif field.is_required():
            found[name] = _TODO
    return found


def missing(card: Mapping[str, Any]) -> list[str]:
    """The fields of a card that are still ``TODO``."""
    return [field for field, value in card.items() if value == _TODO]


def of_encoder(encoder: Encoder | GivenVectors) -> dict[str, Any]:
    """The fields of a submission's card that an encoder's own card states."""
    card = encoder.card
    public = bool(card.model) and not Path(card.model).is_absolute() and card.model != "."
    return {
        "description": card.description,
        "licence": card.licence,
        "model": card.model if public else None,
        "base": card.base,
        "code": card.url if card.url.startswith("https://") else None,
        "parameters": card.parameters,
        "dimension": card.dimension,
        "pooling": card.pooling if card.pooling in get_args(Pooling) else None,
        "similarity": card.similarity,
        "query_prefix": card.query_prefix,
        "passage_prefix": card.passage_prefix,
        "max_length": card.max_length,
        "training_data": card.training_data,
        "training_languages": list(card.languages),
    }


def trained_on(suite: str, stated: Mapping[str, Any], encoder: Encoder | GivenVectors | None = None) -> str:
    """``trained_on`` of a suite: from the submitter's card, else from the encoder, else ``not stated``."""
    of_suite = stated.get(_TRAINED_ON, {}).get(suite)
    if of_suite is not None:
        return str(of_suite)
    trained = None if encoder is None else encoder.card.trained_on_suites
    return "not stated" if trained is None else "suite" if suite in trained else "no"
