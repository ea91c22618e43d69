"""Whether a model without a card reads images too, by its configuration: known before any weights are loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hybrid_bench.encoders.hub import explained, has_file


def reads_images(model: str, revision: str = "", *, modules: bool) -> bool:
    """Whether a model encodes texts and images.

    Args:
        model: a folder, or the id of a model on the hub, of which small files are downloaded.
        revision: on the hub.
        modules: whether it is a sentence-transformers model. Its first module says what it reads; otherwise a configuration
            with a part for texts and one for images does.
    """
    if not modules:
        return _has_both(_read(model, "config.json", revision))
    listed = _read(model, "modules.json", revision)
    first = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else {}
    kind, path = str(first.get("type", "")), str(first.get("path", ""))
    if kind.rpartition(".")[2] == "CLIPModel":  # as older versions saved
        return True
    settings = _read(model, f"{path}/sentence_bert_config.json".lstrip("/"), revision)
    stated = settings.get("modality_config") if isinstance(settings, dict) else None
    if isinstance(stated, dict):
        return "image" in stated
    return not kind.startswith("sentence_transformers.") and _has_both(_read(model, "config.json", revision))


def _has_both(config: Any) -> bool:
    return (
        isinstance(config, dict) and isinstance(config.get("vision_config"), dict) and isinstance(config.get("text_config"), dict)
    )


def _read(model: str, file: str, revision: str) -> Any:
    """A JSON file of a model; empty if there is none, or it is malformed, which loading reports."""
    if Path(model).is_dir():
        path = Path(model, file)
    elif has_file(model, file):
        from huggingface_hub import hf_hub_download

        with explained(model):
            path = Path(hf_hub_download(model, file, revision=revision or None))
    else:
        return {}
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
