"""Access to the Hugging Face hub and its local cache."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.errors import HybridBenchError


def has_file(model: str, file: str) -> bool:
    """Whether a model on the hub, or in its local cache, has a file.

    Raises:
        HybridBenchError: if the model does not exist, or is not cached and the hub cannot be reached.
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
    except Exception as error:  # the hub's client also raises errors of its network library
        raise unreachable(model, error) from error
    return True


def commit(model: str, revision: str = "") -> str:
    """The commit of a model's files in the local hub cache; empty for a folder, or if nothing is cached."""
    from huggingface_hub import try_to_load_from_cache

    if Path(model).is_dir():
        return ""
    found = (try_to_load_from_cache(model, file, revision=revision or None) for file in ("config.json", "modules.json"))
    return next((Path(path).parent.name for path in found if isinstance(path, str)), "")


def code_revisions(config: Any) -> str:
    """The commits of code of other models that a configuration uses (``auto_map`` of transformers); empty if there are none."""
    names = json.dumps(getattr(config, "auto_map", None) or {})
    return "".join(f"+{name}@{commit(name)}" for name in sorted(set(re.findall(r'"([^"]+?)--', names))))


@contextmanager
def explained(model: str) -> Iterator[None]:
    """Turn errors that libraries raise while they load a model into HybridBenchError with a remedy."""
    try:
        yield
    except HybridBenchError:
        raise
    except Exception as error:  # damaged files make them raise errors of any kind
        if "cannot be loaded with `safetensors`" in str(error):
            raise HybridBenchError(
                f"{model} has no weights in safetensors at this revision, and other formats can run code",
                "Omit the revision while online, so that the hub converts them, or choose one that has them, e.g. refs/pr/1.",
            ) from error
        raise unreachable(model, error) from error


def checkpoint_folder(card: EncoderCard) -> Path:
    """The folder of an encoder's checkpoint (configuration, tokenizer, safetensors), downloaded if needed.

    Raises:
        HybridBenchError: if it cannot be downloaded.
    """
    if Path(card.model).is_dir():
        return Path(card.model)
    from huggingface_hub import constants, snapshot_download

    wanted = ["*.json", "*.safetensors", "*.model"]
    # Even offline, some versions of the hub's client request the list of files of a commit.
    offline = constants.HF_HUB_OFFLINE
    with explained(card.model):
        folder = snapshot_download(card.model, revision=card.revision or None, allow_patterns=wanted, local_files_only=offline)
        return Path(folder)


def unreachable(model: str, error: Exception) -> HybridBenchError:
    """Make the error for a model that cannot be loaded."""
    first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if Path(model).is_dir():
        return HybridBenchError(
            f"cannot load {model}: {type(error).__name__}: {first_line[:300]}",
            "One of its files may be missing, damaged, or of another version: copy them again, or save the model again. "
            "--debug shows the traceback.",
        )
    return HybridBenchError(
        f"cannot load {model}: {first_line[:300]}",
        "Check the name and the network, or download it on another machine and pass its folder. "
        "`hybrid-bench encoders` lists encoders that need no hub.",
    )
