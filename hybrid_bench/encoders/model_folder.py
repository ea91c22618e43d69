"""Checks of a model's folder before a library reads it: whole files, safetensors alone, and nothing from outside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hybrid_bench.encoders.weight_files import read_header, refuse_other_kind
from hybrid_bench.errors import HybridBenchError

#: Files that hold weights, and that are never loaded.
_OTHER_WEIGHTS = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack", "*.gguf", "*.onnx")
#: Settings of a saved transformer that would load files from elsewhere, or of another kind.
_ELSEWHERE = {"subfolder", "cache_dir", "gguf_file", "variant", "revision", "code_revision", "adapter_kwargs", "state_dict"}
#: More layers than this are believed only if there are as many tensors: layers may share them.
_LAYERS = 1000


def check_model_folder(folder: Path) -> None:
    """Check that the files of a model are whole, and that nothing is loaded but what :func:`.folder_hash` covers.

    Args:
        folder: as saved by transformers, sentence-transformers or peft.

    Raises:
        HybridBenchError: on pointers of Git LFS, pickles without safetensors, lost or damaged weights, files named outside
            the folder, a modules.json of another form, or a configuration that the weights cannot fill.
    """
    for path in sorted(folder.glob("*.json")):
        _read_json(path)
    if (folder / "modules.json").is_file() and any((part / "adapter_config.json").is_file() for part in module_folders(folder)):
        raise HybridBenchError(
            f"{folder} is a sentence-transformers model with an adapter that is not merged",
            "Merge it: model[0].model = model[0].model.merge_and_unload(), save the model, and use that folder.",
        )
    for part in dict.fromkeys((folder, *module_folders(folder))):
        tensors = sum(len(read_header(path).tensors) for path in sorted(part.glob("*.safetensors")))
        _check_weights(folder, part)
        for name in ("sentence_bert_config.json", "config.json"):
            if (part / name).is_file():
                _check_settings(part / name, _read_json(part / name), tensors)


def module_folders(folder: Path) -> list[Path]:
    """The folders of the modules of a sentence-transformers model; empty for another model.

    Raises:
        HybridBenchError: if its ``modules.json`` is not a list of modules, or names a folder outside.
    """
    path = folder / "modules.json"
    if not path.is_file():
        return []
    modules, found = _read_json(path), []
    if not isinstance(modules, list) or not modules:
        raise HybridBenchError(f"{path} is not a list of modules", "Save the model again with sentence-transformers.")
    for module in modules:
        stated: list[Any] = [module.get(key) for key in ("name", "path", "type")] if isinstance(module, dict) else []
        if not stated or not all(isinstance(value, str) for value in stated) or not stated[2]:
            raise HybridBenchError(
                f"{path}: a module needs a name, a path and a type: {str(module)[:80]}",
                "Save the model again with sentence-transformers.",
            )
        part = folder / stated[1]
        if not part.resolve().is_relative_to(folder.resolve()):
            raise HybridBenchError(f"{path}: {stated[1]!r} is outside of the model's folder", "Copy the module into the folder.")
        found.append(part)
    return found


def _read_json(path: Path) -> Any:
    try:
        content = path.read_bytes()
        refuse_other_kind(path, content[:64])
        return json.loads(content.decode("utf-8-sig"))
    except OSError as error:
        raise HybridBenchError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise HybridBenchError(f"{path} is not JSON: {str(error)[:100]}", "Copy or download it again.") from error


def _check_weights(folder: Path, part: Path) -> None:
    """Refuse an index that names lost files, files outside or pickles; and a folder of pickles alone."""
    for index in sorted(part.glob("*.safetensors.index.json")):
        stated = _read_json(index)
        names = stated.get("weight_map") if isinstance(stated, dict) else None
        if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
            raise HybridBenchError(f"{index} has no weight_map of names of files", "Copy or download it again.")
        for name in sorted(set(names.values())):
            if Path(name).name != name or not name.endswith(".safetensors"):
                raise HybridBenchError(
                    f"{index} names {name!r}, which is not a safetensors file beside it",
                    "Save the model again with save_pretrained, in one folder.",
                )
            if not (part / name).is_file():
                raise HybridBenchError(f"{part} lacks {name}, one of the files of its weights", "Copy or download it too.")
    pickles = sorted({path.name for pattern in _OTHER_WEIGHTS for path in part.glob(pattern)})
    if pickles and not any(part.glob("*.safetensors")):
        kind = "sentence_transformers.SentenceTransformer" if (folder / "modules.json").is_file() else "transformers.AutoModel"
        if (folder / "adapter_config.json").is_file():
            kind = "peft.AutoPeftModel"
        library, _, name = kind.partition(".")
        load = f"{name}({str(folder)!r})" if name == "SentenceTransformer" else f"{name}.from_pretrained({str(folder)!r})"
        command = f"from {library} import {name}; {load}.save_pretrained({str(folder)!r})"
        raise HybridBenchError(
            f"{part} has no weights in safetensors: {', '.join(pickles[:3])} is a pickle, or of another library",
            f"Only safetensors are loaded, because pickles can run code. If you trust them, convert them: {command}",
        )


def _check_settings(path: Path, settings: Any, tensors: int) -> None:
    """Refuse settings that load files from elsewhere, and layers that the weights cannot fill."""
    if not isinstance(settings, dict):
        raise HybridBenchError(f"{path} is not a table of settings", "Copy or download it again.")
    elsewhere = [key for key, _ in _entries(settings) if key in _ELSEWHERE] if path.name != "config.json" else []
    tokenizer = settings.get("tokenizer_name_or_path") if path.name != "config.json" else None
    if elsewhere or tokenizer:
        raise HybridBenchError(
            f"{path} loads files from elsewhere ({', '.join(elsewhere) or 'tokenizer_name_or_path'})",
            "Put all files of the model into its folder, and remove the setting.",
        )
    for key, value in _entries(settings):
        if "layer" in key and isinstance(value, int) and value > max(tensors, _LAYERS):
            raise HybridBenchError(
                f"{path} says {key} = {value}, and its weights are {tensors} tensors",
                "Use the configuration that was saved with these weights.",
            )


def _entries(settings: Any) -> Iterator[tuple[str, Any]]:
    """All keys and values, nested ones included."""
    stack = [settings]
    while stack:
        found = stack.pop()
        if isinstance(found, dict):
            yield from found.items()
        stack.extend(found.values() if isinstance(found, dict) else found if isinstance(found, list) else ())
