"""Vectors files: fp16 safetensors with one array of queries and one of passages per language, in the suite's order.

The header of an untrusted file is parsed and bounded here before safetensors opens the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_bench.encoders.checked import UNIT_TOLERANCE
from hybrid_bench.submissions.format import untrusted
from hybrid_bench.submissions.format.findings import Report, quoted
from hybrid_bench.submissions.format.untrusted import RejectedFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hybrid_bench.submissions.format.expected import SuiteData

SUFFIX = ".vectors.safetensors"
#: Maximum size of the header in bytes; the header of XQuAD-R has 2 KB.
_HEADER_LIMIT = 1 << 20
#: Maximum size of a file in bytes.
LIMIT = 2 << 30
_DIMENSIONS = 8192
_METADATA = "__metadata__"
_NOT_SAFETENSORS = "Check that it is a complete safetensors file."
#: Upper bound on the dot products: products of two fp16 numbers are multiples of 2**-48, so sums below 2**5 are exact in float64.
#: Half of that is allowed.
LONGEST_PRODUCT = 16.0

#: ``queries/<language>`` and ``passages/<language>`` to (texts, dimension) float16.
Vectors = Mapping[str, "NDArray[np.float16]"]


def expected(data: SuiteData) -> dict[str, Sequence[str]]:
    """Array name to the ids of its rows."""
    queries = {f"queries/{language}": [query.id for query in part.queries] for language, part in data.judged.items()}
    return queries | {f"passages/{language}": ids for language, ids in data.passage_ids.items()}


def to_bytes(vectors: Vectors) -> bytes:
    """Serialize vectors; deterministic."""
    header: dict[str, Any] = {}
    start = 0
    for name in sorted(vectors):
        stop = start + vectors[name].nbytes
        header[name] = {"dtype": "F16", "shape": list(vectors[name].shape), "data_offsets": [start, stop]}
        start = stop
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    arrays = (np.ascontiguousarray(vectors[name], dtype="<f2").tobytes() for name in sorted(vectors))
    return b"".join([len(text).to_bytes(8, "little"), text, *arrays])


def read(path: Path, data: SuiteData, report: Report, file: str) -> Vectors | None:
    """Read a vectors file; None if its header is invalid or its arrays are not those of the suite."""
    try:
        size, entries = _header(path)
        dimension = _arrays(entries, size, expected(data))
    except RejectedFile as rejected:
        report.error(rejected.rule, file, rejected.message, rejected.remedy)
        return None
    import safetensors

    try:
        with safetensors.safe_open(path, framework="numpy") as opened:
            found = {name: opened.get_tensor(name) for name in sorted(entries)}
    except (safetensors.SafetensorError, OSError, TypeError, ValueError) as error:
        report.error("vectors-file", file, f"cannot be read: {quoted(error)}")
        return None
    if any(array.dtype != np.float16 or array.shape[1] != dimension for array in found.values()):
        report.error("vectors-file", file, "the file changed while it was read")
        return None
    return found


def _header(path: Path) -> tuple[int, dict[str, Any]]:
    """(size of the arrays in bytes, array name to its header entry)."""
    with untrusted.opened(path, LIMIT) as file:
        total = file.seek(0, 2)
        file.seek(0)
        length = int.from_bytes(file.read(8), "little")
        if total < 8 or length > min(_HEADER_LIMIT, total - 8):
            raise RejectedFile("vectors-file", f"invalid header size: {length:,} bytes", _NOT_SAFETENSORS)
        text = file.read(length)
    try:
        header = json.loads(untrusted.text(text), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise RejectedFile("vectors-file", f"the header is not JSON: {quoted(error)}", _NOT_SAFETENSORS) from error
    if not isinstance(header, dict):
        raise RejectedFile("vectors-file", "the header is not a JSON object", _NOT_SAFETENSORS)
    metadata = header.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise RejectedFile("vectors-file", "the metadata values are not strings")
    return total - 8 - length, header


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("duplicate key")
    return found


def _arrays(header: dict[str, Any], size: int, wanted: Mapping[str, Sequence[str]]) -> int:
    """Check that the arrays are exactly those of the suite and fill the file without gaps; returns the dimension."""
    if unknown := sorted(header.keys() - wanted.keys()):
        raise RejectedFile("vectors-file", f"unknown array {quoted(unknown[0])}")
    if missing := sorted(wanted.keys() - header.keys()):
        raise RejectedFile("vectors-file", f"{len(missing)} arrays are missing, first {missing[0]!r}")
    spans: list[tuple[int, int, str]] = []
    dimensions: list[int] = []
    for name, entry in header.items():
        dimension, start, stop = _array(name, entry, len(wanted[name]))
        if dimension != (dimensions or [dimension])[0]:
            raise RejectedFile(
                "vectors-file", f"{name!r} has dimension {dimension:,}, other arrays {dimensions[0]:,}", "Use one dimension."
            )
        dimensions.append(dimension)
        spans.append((start, stop, name))
    end = 0
    for start, stop, name in sorted(spans):
        if start != end:
            raise RejectedFile("vectors-file", f"{name!r} overlaps another array or leaves a gap")
        end = stop
    if end != size:
        raise RejectedFile("vectors-file", f"the arrays need {end:,} bytes, and the file has {size:,}", "It may be truncated.")
    return dimensions[0] if dimensions else 0


def _array(name: str, entry: Any, rows: int) -> tuple[int, int, int]:
    """(dimension, first byte, end) of an array, from its header entry."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise RejectedFile("vectors-file", f"the header entry of {name!r} must have exactly dtype, shape and data_offsets")
    if entry["dtype"] != "F16":
        raise RejectedFile(
            "vectors-file", f"{name!r} has dtype {quoted(entry['dtype'])}, expected 'F16'", "Convert it to float16."
        )
    shape, offsets = (_pair(entry[field], name, field) for field in ("shape", "data_offsets"))
    if shape[0] != rows:
        raise RejectedFile("vectors-file", f"{name!r} has {shape[0]:,} rows, expected {rows:,}")
    if not 1 <= shape[1] <= _DIMENSIONS:
        raise RejectedFile("vectors-file", f"{name!r} has dimension {shape[1]:,}", f"Use 1 to {_DIMENSIONS:,} dimensions.")
    if offsets[1] - offsets[0] != 2 * shape[0] * shape[1]:
        raise RejectedFile("vectors-file", f"the size of {name!r} does not match its shape")
    return shape[1], offsets[0], offsets[1]


def _pair(value: Any, name: str, field: str) -> tuple[int, int]:
    if (
        not isinstance(value, list)
        or len(value) != 2
        or not all(type(number) is int and 0 <= number <= LIMIT for number in value)
    ):
        raise RejectedFile("vectors-file", f"the {field} of {name!r} is not a pair of valid integers")
    return value[0], value[1]


def check_values(vectors: Vectors, data: SuiteData, similarity: str, report: Report, file: str) -> bool:
    """Check that vectors are finite, non-zero, and of unit length for cosine similarity; returns whether they are."""
    longest = {"queries": 0.0, "passages": 0.0}
    ids = expected(data)
    valid = True
    for name, array in vectors.items():
        values = array.astype(np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            lengths = np.sqrt(np.einsum("ij,ij->i", values, values, dtype=np.float64))
        for bad, what in _bad_rows(values, lengths, similarity):
            if bad.any():
                first = ids[name][int(np.argmax(bad))]
                message = f"{int(bad.sum())} vectors of {name} have {what}, first {quoted(first)}"
                report.error("vectors-values", file, message)
                valid = False
        role = name.partition("/")[0]
        longest[role] = max(longest[role], float(np.nan_to_num(lengths, posinf=np.inf).max(initial=0)))
    product = longest["queries"] * longest["passages"]
    if valid and product > LONGEST_PRODUCT:
        report.error(
            "vectors-values",
            file,
            f"the product of the maximum query and passage lengths is {product:.3g}, more than {LONGEST_PRODUCT:g}",
            "Scale all vectors by the same power of two; this changes no rank.",
        )
        valid = False
    return valid


def _bad_rows(
    values: NDArray[np.float32], lengths: NDArray[np.float64], similarity: str
) -> Iterator[tuple[NDArray[np.bool_], str]]:
    """Each possible defect, as a mask of (texts,) and a description; ``values`` are (texts, dimension)."""
    not_finite: NDArray[np.bool_] = np.logical_not(np.isfinite(values).all(axis=1))
    yield not_finite, "NaN or infinite values"
    yield lengths == 0, "only zeros"
    smallest = float(np.finfo(np.float16).smallest_normal)
    subnormal: NDArray[np.bool_] = (np.abs(values) < smallest).all(axis=1) & (lengths > 0)
    yield subnormal, "only subnormal values"
    if similarity == "cosine":
        other_length = np.isfinite(lengths) & (np.abs(lengths - 1) > UNIT_TOLERANCE)
        yield other_length, "a length other than 1, and the card states cosine"
