"""Looking at the Hugging Face hub, with errors that say what to do where it cannot be reached."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.errors import HybridBenchError


def has_file(model: str, file: str) -> bool:
    """Whether a model on the hub (or in the local cache of it) has a file.

    Raises:
        HybridBenchError: if there is no such model, or it is neither cached nor reachable.
    """
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError
    from huggingface_hub.file_download import get_hf_file_metadata, hf_hub_url

    if isinstance(try_to_load_from_cache(model, file), str):
        return True
    if isinstance(try_to_load_from_cache(model, "config.json"), str):
        return False
    try:
        get_hf_file_metadata(hf_hub_url(model, file), timeout=10)
    except EntryNotFoundError:
        return False
    except Exception as error:  # the hub's client raises errors of the network library beneath it
        raise unreachable(model, error) from error
    return True


def commit(model: str, revision: str = "") -> str:
    """The commit that a model's files in the local cache of the hub are of; empty for a folder, or if none is cached."""
    from huggingface_hub import try_to_load_from_cache

    if Path(model).is_dir():
        return ""
    found = (try_to_load_from_cache(model, file, revision=revision or None) for file in ("config.json", "modules.json"))
    return next((Path(path).parent.name for path in found if isinstance(path, str)), "")


@contextmanager
def explained(model: str) -> Iterator[None]:
    """Turn what the libraries raise when a model cannot be loaded into an error that says what to do."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, ImportError, SafetensorError) as error:
        if "cannot be loaded with `safetensors`" in str(error):
            raise HybridBenchError(
                f"{model} has no weights in safetensors, at this revision, and other formats can run code",
                "Leave the revision out, online, for the hub to convert them; or name one that has them, e.g. refs/pr/1.",
            ) from error
        raise unreachable(model, error) from error


def checkpoint_folder(card: EncoderCard) -> Path:
    """The folder of an encoder's checkpoint, downloaded if it is on the hub: configuration, tokenizer, safetensors.

    Raises:
        HybridBenchError: if it cannot be had.
    """
    if Path(card.model).is_dir():
        return Path(card.model)
    from huggingface_hub import constants, snapshot_download

    wanted = ["*.json", "*.safetensors", "*.model"]
    # Offline, and asked for a commit, some versions of the hub's client look for the commit's list of files all the same.
    cached = constants.HF_HUB_OFFLINE
    with explained(card.model):
        folder = snapshot_download(card.model, revision=card.revision or None, allow_patterns=wanted, local_files_only=cached)
        return Path(folder)


def unreachable(model: str, error: Exception) -> HybridBenchError:
    """The error for a model that cannot be loaded."""
    first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return HybridBenchError(
        f"cannot load {model}: {first_line[:300]}",
        "Check the name and the network, or download it elsewhere and give its folder. "
        "`hybrid-bench encoders` lists encoders that need no hub.",
    )
