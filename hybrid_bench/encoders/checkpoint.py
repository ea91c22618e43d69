"""Model folders: hash of the weights, and consistency with the card."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.errors import HybridBenchError


def folder_hash(folder: Path) -> str:
    """The sha256 of the files in a model folder that its vectors depend on: weights, configuration, tokenizer."""
    digest = hashlib.sha256()
    kinds = {".safetensors", ".json", ".model", ".txt"}
    files = sorted(path for path in folder.rglob("*") if path.suffix in kinds and path.is_file())
    for path in files:
        digest.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest() if hasattr(hashlib, "file_digest") else _sha256(file))
    return digest.hexdigest()


def weights_hash(card: EncoderCard) -> str:
    """The commit of a model on the hub, or :func:`folder_hash` of a folder."""
    folder = Path(card.model)
    return folder_hash(folder) if folder.is_dir() else card.revision


def _sha256(file: Any) -> bytes:
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.digest()


def check_dimension(card: EncoderCard, dimension: int | None) -> None:
    """Raise HybridBenchError if the dimension on the card is not the model's."""
    if card.dimension not in (None, dimension):
        raise HybridBenchError(
            f"{card.name}: the model has {dimension} dimensions, its card says {card.dimension}",
            "Correct the card, or remove its dimension.",
        )


def check_length(name: str, limit: int, config: Any) -> None:
    """Raise HybridBenchError if the length limit exceeds the model's number of positions."""
    positions = positions_of(config)
    if positions and limit > positions:
        raise HybridBenchError(
            f"{name}: max_length {limit} is more than the model's {positions} positions", f"Set it to {positions} or less."
        )


def positions_of(config: Any) -> int:
    """The number of tokens that the model has positions for; 0 if it has no limit."""
    positions = int(getattr(config, "max_position_embeddings", 0) or 0)
    # RoBERTa's position ids start after the padding index.
    shifted = getattr(config, "model_type", "") in {"xlm-roberta", "roberta", "camembert"}
    return positions - 2 if shifted and positions else positions
