"""Files of weights: headers of safetensors, and what a file is that is none."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

from hybrid_bench.errors import HybridBenchError

#: Bits of an element. Source: https://github.com/huggingface/safetensors (``Dtype``).
_BITS = {
    **{"BOOL": 8, "U8": 8, "I8": 8, "I16": 16, "U16": 16, "I32": 32, "U32": 32, "I64": 64, "U64": 64, "F16": 16, "BF16": 16},
    **{"F32": 32, "F64": 64, "C64": 64, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E5M2FNUZ": 8, "F8_E4M3FNUZ": 8},
    **{"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6},
}
_LARGEST_HEADER = 100_000_000
#: How files begin that are taken for weights.
_KINDS = {
    b"version https://git-lfs": ("a Git LFS pointer, not the file itself", "Run `git lfs pull` in its folder, or download it."),
    b"PK\x03\x04": ("a pickle, which could run code", "Save the model again with save_pretrained, which writes safetensors."),
    b"\x80": ("a pickle, which could run code", "Save the model again with save_pretrained, which writes safetensors."),
    b"<!": ("a web page", "Download the file itself."),
    b"<html": ("a web page", "Download the file itself."),
    b"GGUF": ("in the format GGUF", "Use the checkpoint of transformers that it was made from."),
}


class Tensor(NamedTuple):
    """A tensor of a safetensors file."""

    dtype: str  #: e.g. ``F32``
    shape: tuple[int, ...]
    begin: int  #: first byte of its data, counted from the end of the header
    end: int  #: the byte after its data


class Header(NamedTuple):
    """The header of a safetensors file."""

    size: int  #: bytes before the data
    tensors: dict[str, Tensor]


def read_header(path: Path) -> Header:
    """Read the header of a safetensors file, and check that the file is complete.

    Source of the format: https://github.com/huggingface/safetensors#format.

    Raises:
        HybridBenchError: if the file cannot be read, is of another kind, damaged or incomplete.
    """
    try:
        with path.open("rb") as file:
            start = file.read(64)
            refuse_other_kind(path, start)
            size = int.from_bytes(start[:8], "little")
            total = path.stat().st_size
            if len(start) < 8 or size > min(_LARGEST_HEADER, total - 8):
                raise _Damaged(f"it has {total:,} bytes, fewer than its header says" if start else "it is empty")
            file.seek(8)
            tensors = _tensors(file.read(size), total - 8 - size)
    except OSError as error:
        raise HybridBenchError(f"cannot read {path}: {error.strerror or error}") from error
    except _Damaged as error:
        raise HybridBenchError(f"{path} is not a complete safetensors file: {error}", "Copy or download it again.") from error
    return Header(8 + size, tensors)


def refuse_other_kind(path: Path, start: bytes) -> None:
    """Raise HybridBenchError if a file begins like one of another kind that is taken for weights or JSON, with a remedy."""
    for begin, (kind, remedy) in _KINDS.items():
        if start.startswith(begin):
            # A header's size, in the first eight bytes, may begin with any byte, but the header is JSON.
            if begin in (b"\x80", b"<!") and start[8:9] == b"{":
                continue
            raise HybridBenchError(f"{path} is {kind}", remedy)


class _Damaged(Exception):
    """What is wrong with a file."""


def _tensors(content: bytes, available: int) -> dict[str, Tensor]:
    """Parse a header. The data of the tensors must fill the file, without gaps."""
    try:
        stated = json.loads(content.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _Damaged("its header is not JSON") from error
    if not isinstance(stated, dict):
        raise _Damaged("its header is not a table of tensors")
    metadata = stated.pop("__metadata__", None)
    if metadata is not None and not (isinstance(metadata, dict) and all(isinstance(value, str) for value in metadata.values())):
        raise _Damaged("its metadata are not texts")
    tensors = {name: _tensor(name, fields) for name, fields in stated.items()}
    filled = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        if tensor.begin != filled:
            raise _Damaged(f"the data of {name!r} do not follow those of the tensor before it")
        filled = tensor.end
    if filled != available:
        raise _Damaged(f"its tensors need {filled:,} bytes, and it has {available:,}")
    return tensors


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name twice")
    return found


def _tensor(name: str, fields: Any) -> Tensor:
    if not isinstance(fields, dict) or set(fields) != {"dtype", "shape", "data_offsets"}:
        raise _Damaged(f"the tensor {name!r} needs a dtype, a shape and data_offsets")
    dtype, shape, offsets = fields["dtype"], fields["shape"], fields["data_offsets"]
    if not (_are_sizes(shape) and _are_sizes(offsets) and len(offsets) == 2):
        raise _Damaged(f"the shape or the offsets of {name!r} are not sizes")
    if not isinstance(dtype, str) or dtype not in _BITS:
        raise _Damaged(f"the dtype {dtype!r} of {name!r} is unknown")
    if _BITS[dtype] * math.prod(shape) != 8 * (offsets[1] - offsets[0]):
        raise _Damaged(f"{name!r} has {offsets[1] - offsets[0]:,} bytes, which does not fit its shape")
    return Tensor(dtype, tuple(shape), *offsets)


def _are_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 2**63 for value in values)
