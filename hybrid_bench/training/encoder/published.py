"""Publishing a trained encoder as small files (the difference to its base), and loading it."""

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
#: SHA-256 of every file of the merged encoder.
HASHES_FILE = "files.json"

#: The published files. The card is last: it marks a folder as complete.
_FILES = (difference.FILE, RECIPE_FILE, LOG_FILE, DATA_FILE, HASHES_FILE, CARD_FILE)


def write_hashes(folder: Path, files: Sequence[str], more: Mapping[str, bytes]) -> None:
    """Write the SHA-256 of an encoder folder's files.

    Args:
        folder: the encoder folder.
        files: names of existing files.
        more: name to content of files that are not written yet.
    """
    hashes = {name: hashing.sha256(folder / name) for name in sorted(files)}
    hashes |= {name: hashlib.sha256(content).hexdigest() for name, content in more.items()}
    atomic.write(folder / HASHES_FILE, (json.dumps(hashes, indent=1) + "\n").encode())


def _read_hashes(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict) or not found or not all(isinstance(value, str) for value in found.values()):
        raise HybridBenchError(f"{path} is not a list of files with their SHA-256", "Reinstall its package, or train again.")
    return found


def batch_shares(log: str) -> dict[tuple[str, str], float]:
    """(source, kind) to its share of the batches in a training log, sorted."""
    records = [json.loads(line) for line in log.splitlines()]
    batches = Counter((record["source"], record["kind"]) for record in records if "loss" in record)
    return {pair: batches[pair] / batches.total() for pair in sorted(batches)}


def publish(trained: Path, target: Path) -> list[Path]:
    """Copy the small files of a finished training: all that :func:`load_published` needs except the base.

    Returns:
        The copies.

    Raises:
        HybridBenchError: if the training is not finished, or the target is not valid.
    """
    check_target(trained, target)
    missing = [name for name in _FILES if not (trained / name).is_file()]
    if missing:
        raise HybridBenchError(
            f"{trained} is not a finished training: {missing[0]} is missing", "Finish it with `hybrid-bench train`."
        )
    target.mkdir(parents=True, exist_ok=True)
    return [Path(shutil.copyfile(trained / name, target / name)) for name in _FILES]


def check_target(trained: Path, target: Path) -> None:
    """Check that a training can be published in a folder.

    Raises:
        HybridBenchError: if it is the training's own folder, or a file.
    """
    if target.resolve() == trained.resolve():
        raise HybridBenchError(f"{target} is the folder of the training itself", "Choose another folder to publish in.")
    if target.exists() and not target.is_dir():
        raise HybridBenchError(f"{target} is a file", "Choose a folder to publish in.")


def load_published(folder: Path | str, *, base: str = "", dtype: str = "fp32", device: str = "auto") -> Encoder:
    """Load an encoder that was published as a difference. The first call merges it with its base, in the cache.

    Args:
        folder: holds the difference, a card that names the base, and the hashes of the merged encoder.
        base: the base, if the name on the card is not that of an available encoder.
        dtype: as for :func:`hybrid_bench.load_encoder`.
        device: as for :func:`hybrid_bench.load_encoder`.

    Returns:
        The encoder, as :func:`hybrid_bench.load_encoder` returns one.

    Raises:
        HybridBenchError: if files are missing, the base cannot be loaded, or the merged encoder has other hashes.
    """
    folder = Path(folder)
    missing = [name for name in (difference.FILE, HASHES_FILE, CARD_FILE) if not (folder / name).is_file()]
    if missing:
        raise HybridBenchError(f"{folder} is not a published encoder: {missing[0]} is missing", "Reinstall its package.")
    card = EncoderCard.read(folder / CARD_FILE)
    expected = _read_hashes(folder / HASHES_FILE)

    def make(into: Path) -> None:
        below = load_encoder(base or card.base, dtype="fp32", device="cpu").card
        # The Hub may have newer revisions of the base than the one that was trained on.
        trained = below.model_copy(update={"revision": difference.base_of(folder / difference.FILE)})
        difference.merge(checkpoint_folder(trained), folder / difference.FILE, into)
        shutil.copyfile(folder / CARD_FILE, into / CARD_FILE)

    size = 4 * (card.parameters or 0) // 10**6 + 20
    merged = encoder_folder(card.name.rpartition("/")[2], expected, make, size)
    return load_encoder(str(merged), dtype=dtype, device=device)
