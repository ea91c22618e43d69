"""Reference of the encoders that the project's plugins add, from their cards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from extensions.links import ROOT
from extensions.markdown import code, table
from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.leaderboard.render.formats import brief
from hybrid_bench.support import toml

_ENTRY_POINTS = "hybrid_bench.encoders"


def pages() -> dict[str, str]:
    """Path of the page, without its suffix, to its Markdown."""
    parts = [
        "# Encoders\n\nEncoders of plugins, by the name that commands take. Besides these, an encoder is named by a "
        "Hugging Face id (`intfloat/multilingual-e5-base`), by a folder, or by a prefix and a model "
        "(`api:openai/text-embedding-3-small`). `hybrid-bench encoders show NAME` prints the card of one as it will be used.\n"
    ]
    for project in sorted((ROOT / "plugins").glob("*/pyproject.toml")):
        fields = toml.load(project)["project"]
        names = fields.get("entry-points", {}).get(_ENTRY_POINTS, {})
        if names:
            parts.append(f"## {fields['name']}\n\n{fields['description']} [More](plugins/{project.parent.name}.md).\n")
            parts += [line for name in sorted(names) for line in _encoder(name)]
    return {"encoders": "\n".join(parts)}


def _encoder(name: str) -> Iterator[str]:
    yield f"### {name}\n"
    card = next((card for card in _cards() if card.name == name), None)
    if card is None:
        return
    stated: dict[str, Any] = card.model_dump(mode="json", exclude_defaults=True, exclude={"name", "description", "citation"})
    yield f"{card.description}\n"
    whole = brief(card.licence) == card.licence
    shown = stated if whole else stated | {"licence": brief(card.licence)}
    yield table(("", ""), [(key.replace("_", " "), _value(value)) for key, value in shown.items()])
    if not whole:
        yield f"Licence in full: {card.licence}\n"
    if card.citation:
        yield f"```bibtex\n{card.citation.strip()}\n```\n"


def _cards() -> list[EncoderCard]:
    return [EncoderCard.read(path) for path in sorted((ROOT / "plugins").glob("*/*/**/encoder.toml"))]


def _value(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value)) or "none"
    return code(value) if isinstance(value, str) and value != value.strip() else str(value)
