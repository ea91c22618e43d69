"""Folders of adapters (LoRA and others, by peft): the base that they name, with the adapter merged into it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hybrid_bench.encoders.checkpoint import folder_hash
from hybrid_bench.encoders.hub import commit
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support.optional import need

ADAPTER_FILE = "adapter_config.json"


def base_of(model: str) -> str:
    """The model that an adapter's folder names as its base: a folder or a Hugging Face id; the model itself if it is no adapter.

    Raises:
        HybridBenchError: if the adapter names no base, or a folder that does not exist.
    """
    path = Path(model) / ADAPTER_FILE
    if not path.is_file() or (path.parent / "config.json").is_file():
        return model
    stated = json.loads(path.read_text(encoding="utf-8"))
    base = stated.get("base_model_name_or_path") if isinstance(stated, dict) else None
    if not isinstance(base, str) or not base:
        raise HybridBenchError(f"{path} names no base", "State base_model_name_or_path: a folder, or a Hugging Face id.")
    for folder in (path.parent / base, Path(base)):
        if (folder / "config.json").is_file():
            return str(folder)
    if base.count("/") != 1 or base.startswith((".", "/")):
        raise HybridBenchError(
            f"{path} names the base {base!r}, which is not here", "State where it is: base_model_name_or_path in that file."
        )
    return base


def has_tokenizer(model: str) -> bool:
    """Whether a folder has a tokenizer of its own; adapters often leave it to the base."""
    return any((Path(model) / name).is_file() for name in ("tokenizer.json", "tokenizer_config.json"))


def merge(network: Any, model: str) -> Any:
    """Merge the adapter in a folder into a loaded base.

    Raises:
        HybridBenchError: if peft is missing, or the adapter's weights are not those that its configuration describes.
    """
    need("train", "an adapter", "peft")
    from peft import PeftConfig, PeftModel

    adapted = PeftModel(network, PeftConfig.from_pretrained(model))
    result = adapted.load_adapter(model, "default", torch_device=str(network.device))
    wrong = sorted({*result.missing_keys, *result.unexpected_keys})
    if wrong or not hasattr(adapted, "merge_and_unload"):
        raise HybridBenchError(
            f"the adapter in {model} does not fit its base {base_of(model)}: " + (wrong[0] if wrong else "it cannot be merged"),
            "Use the base and the kind of model that it was trained on, or merge and save them with the library that trained it.",
        )
    return adapted.merge_and_unload()


def fingerprint(model: str, *, code: bool) -> str:
    """A hash of an adapter's folder and of its base: the base's folder, or its commit on the hub."""
    base = base_of(model)
    of_base = folder_hash(Path(base), code=code) if Path(base).is_dir() else commit(base)
    return folder_hash(Path(model), code=code) if base == model else f"{folder_hash(Path(model), code=code)}+{of_base}"
