"""Model folders: hash of the weights, and consistency with the card."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.errors import HybridBenchError

#: Models of RoBERTa's kind, whose position ids start after the padding index.
_SHIFTED = {
    *("camembert", "data2vec-text", "esm", "ibert", "lilt", "longformer", "luke", "markuplm", "mluke", "mpnet", "roberta"),
    *("roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "xmod"),
}


def folder_hash(folder: Path, *, code: bool = False) -> str:
    """The sha256 of the files in a model folder that its vectors depend on: weights, configuration, tokenizer.

    Args:
        folder: of the model. Links in it are followed, as libraries do.
        code: whether its Python code runs (``trust_remote_code``), and is hashed too.
    """
    digest = hashlib.sha256()
    kinds = {".safetensors", ".json", ".model", ".txt", ".jinja", ".tiktoken", ".vocab", ".bpe"} | ({".py"} if code else set())
    for path in sorted(path for path in _files(folder, set()) if path.suffix in kinds):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest() if hasattr(hashlib, "file_digest") else _sha256(file))
    return digest.hexdigest()


def weights_hash(card: EncoderCard) -> str:
    """The commit of a model on the hub, or :func:`folder_hash` of a folder."""
    folder = Path(card.model)
    return folder_hash(folder) if folder.is_dir() else card.revision


def _files(folder: Path, seen: set[Path]) -> Iterator[Path]:
    """All files below a folder; a folder that links lead to again is left out."""
    if folder.resolve() in seen:
        return
    seen.add(folder.resolve())
    for path in folder.iterdir():
        if path.is_dir():
            yield from _files(path, seen)
        elif path.is_file():
            yield path


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


def check_length(name: str, limit: int, positions: int) -> None:
    """Raise HybridBenchError if the length limit exceeds the model's number of positions (0: it has no limit)."""
    if positions and limit > positions:
        raise HybridBenchError(
            f"{name}: max_length {limit} is more than the model's {positions} positions", f"Set it to {positions} or less."
        )


def positions_of(config: Any) -> int:
    """The number of tokens that a model has positions for, by its configuration; 0 if it states no limit."""
    text = config.get_text_config()
    positions = int(getattr(text, "max_position_embeddings", 0) or 0)
    if getattr(text, "model_type", "") in _SHIFTED:
        positions -= 2
    return max(positions, 0)  # XLNet states -1


def positions_in(network: Any) -> int:
    """The number of tokens that a loaded model has position embeddings for, where some are set aside; 0 if none are."""
    for module in network.modules():
        first: Any = getattr(module, "padding_idx", None)
        table: Any = getattr(module, "position_embeddings", None)
        if isinstance(first, int) and hasattr(table, "num_embeddings"):
            return int(table.num_embeddings) - first - 1
    return 0
