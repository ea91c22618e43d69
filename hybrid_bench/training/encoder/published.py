"""Trained encoders as small files: what a training is published as, and how an encoder is made of it again."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hybrid_bench.encoders.cached_folder import encoder_folder
from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.encoders.hub import checkpoint_folder
from hybrid_bench.encoders.load import CARD_FILE, load_encoder
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support import atomic, hashing
from hybrid_bench.training.encoder import difference

if TYPE_CHECKING:
    from hybrid_bench.encoders.protocol import Encoder

RECIPE_FILE, LOG_FILE, DATA_FILE = "recipe.toml", "training.jsonl", "training-data.json"
#: sha256 of every file that makes up the encoder.
HASHES_FILE = "files.json"

#: The card is the last: with it a folder is whole.
_FILES = (difference.FILE, RECIPE_FILE, LOG_FILE, DATA_FILE, HASHES_FILE, CARD_FILE)


def write_hashes(folder: Path, files: Sequence[str], more: Mapping[str, bytes]) -> None:
    """Write down what the files of an encoder folder hash to, and those that will be written into it."""
    hashes = {name: hashing.sha256(folder / name) for name in sorted(files)}
    hashes |= {name: hashlib.sha256(content).hexdigest() for name, content in more.items()}
    atomic.write(folder / HASHES_FILE, (json.dumps(hashes, indent=1) + "\n").encode())


def _read_hashes(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict) or not found or not all(isinstance(value, str) for value in found.values()):
        raise HybridBenchError(f"{path} is not a list of files with their sha256", "Install its package again, or train anew.")
    return found


def drawn(log: str) -> dict[tuple[str, str], float]:
    """(source, kind) to its share of the batches that a log counts, sorted."""
    records = [json.loads(line) for line in log.splitlines()]
    batches = Counter((record["source"], record["kind"]) for record in records if "loss" in record)
    return {pair: batches[pair] / batches.total() for pair in sorted(batches)}


def publish(trained: Path, target: Path) -> list[Path]:
    """Copy the small files of a finished training: all that :func:`load_published` needs beside the base.

    Raises:
        HybridBenchError: if the training is not finished, or the target is none.
    """
    check_target(trained, target)
    missing = [name for name in _FILES if not (trained / name).is_file()]
    if missing:
        raise HybridBenchError(
            f"{trained} holds no finished training: it lacks {missing[0]}", "Run `hybrid-bench train` to its end."
        )
    target.mkdir(parents=True, exist_ok=True)
    return [Path(shutil.copyfile(trained / name, target / name)) for name in _FILES]


def check_target(trained: Path, target: Path) -> None:
    """See that a training can be published in a folder.

    Raises:
        HybridBenchError: if it is the training's own, or no folder.
    """
    if target.resolve() == trained.resolve():
        raise HybridBenchError(f"{target} is the folder of the training itself", "Name another one to publish it in.")
    if target.exists() and not target.is_dir():
        raise HybridBenchError(f"{target} is a file", "Name a folder to publish the training in.")


def load_published(folder: Path | str, *, base: str = "", dtype: str = "auto", device: str = "auto") -> Encoder:
    """Load an encoder that was published as a difference; the first call on a machine adds it to its base.

    Args:
        folder: with a difference, a card that names the base, and the hashes of what they give together.
        base: where the base is, if the name on the card is not that of an installed encoder.
        dtype: as for :func:`hybrid_bench.load_encoder`.
        device: as for :func:`hybrid_bench.load_encoder`.

    Raises:
        HybridBenchError: if files are missing, the base cannot be had, or the result is not the encoder that was trained.
    """
    folder = Path(folder)
    missing = [name for name in (difference.FILE, HASHES_FILE, CARD_FILE) if not (folder / name).is_file()]
    if missing:
        raise HybridBenchError(f"{folder} holds no published encoder: it lacks {missing[0]}", "Install its package again.")
    card = EncoderCard.read(folder / CARD_FILE)
    expected = _read_hashes(folder / HASHES_FILE)

    def make(into: Path) -> None:
        below = load_encoder(base or card.base, dtype="fp32", device="cpu").card
        # On the hub later versions may have come; in a folder there is one.
        trained = below.model_copy(update={"revision": difference.base_of(folder / difference.FILE)})
        difference.merge(checkpoint_folder(trained), folder / difference.FILE, into)
        shutil.copyfile(folder / CARD_FILE, into / CARD_FILE)

    size = 4 * (card.parameters or 0) // 10**6 + 20
    merged = encoder_folder(card.name.rpartition("/")[2], expected, make, size)
    return load_encoder(str(merged), dtype=dtype, device=device)
