"""Files of vectors: fp16 safetensors, one array of queries and one of passages a language, in the suite's order.

The header of a stranger's file is read here, bounded and strict, before the library that maps the arrays sees the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_bench.encoders.checked import UNIT_TOLERANCE
from hybrid_bench.submissions.format import untrusted
from hybrid_bench.submissions.format.findings import Report, quoted
from hybrid_bench.submissions.format.untrusted import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hybrid_bench.submissions.format.expected import SuiteData

SUFFIX = ".vectors.safetensors"
#: Bytes of a header at most; that of XQuAD-R has 2 KB.
_HEADER_LIMIT = 1 << 20
#: Bytes of a file at most.
LIMIT = 2 << 30
_DIMENSIONS = 8192
_METADATA = "__metadata__"
#: A product of two fp16 numbers is a multiple of 2**-48, so that sums below 2**5 are exact in float64. Half of that is allowed.
LONGEST_PRODUCT = 16.0

#: ``queries/<language>`` and ``passages/<language>`` to (texts, dimension) float16.
Vectors = Mapping[str, "NDArray[np.float16]"]


def expected(data: SuiteData) -> dict[str, Sequence[str]]:
    """Array name to the ids of its rows."""
    queries = {f"queries/{language}": [query.id for query in part.queries] for language, part in data.questions.items()}
    return queries | {f"passages/{language}": ids for language, ids in data.passage_ids.items()}


def to_bytes(vectors: Vectors) -> bytes:
    """The file; the same vectors give the same bytes."""
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
    """Read a file of vectors; None if its header is not true or its arrays are not those of the suite."""
    try:
        size, entries = _header(path)
        dimension = _arrays(entries, size, expected(data))
    except Refused as refused:
        report.error(refused.rule, file, refused.message, refused.remedy)
        return None
    import safetensors

    try:
        with safetensors.safe_open(path, framework="numpy") as opened:
            found = {name: opened.get_tensor(name) for name in sorted(entries)}
    except (safetensors.SafetensorError, OSError, TypeError, ValueError) as error:
        report.error("vectors-file", file, f"it cannot be read: {quoted(error)}")
        return None
    if any(array.dtype != np.float16 or array.shape[1] != dimension for array in found.values()):
        report.error("vectors-file", file, "it changed while it was read")
        return None
    return found


def _header(path: Path) -> tuple[int, dict[str, Any]]:
    """(bytes of the arrays, name to what the header says of it)."""
    with untrusted.opened(path, LIMIT) as file:
        total = file.seek(0, 2)
        file.seek(0)
        length = int.from_bytes(file.read(8), "little")
        if total < 8 or length > min(_HEADER_LIMIT, total - 8):
            raise Refused("vectors-file", f"its header is said to have {length:,} bytes", "Is it a safetensors file, and whole?")
        text = file.read(length)
    try:
        header = json.loads(untrusted.text(text), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Refused("vectors-file", f"its header is not JSON: {quoted(error)}", "Is it a safetensors file?") from error
    if not isinstance(header, dict):
        raise Refused("vectors-file", "its header is not an object", "Is it a safetensors file?")
    metadata = header.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise Refused("vectors-file", "its metadata are not texts")
    return total - 8 - length, header


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _arrays(header: dict[str, Any], size: int, wanted: Mapping[str, Sequence[str]]) -> int:
    """The dimension, if the arrays are exactly those of the suite and lie side by side over the whole file."""
    if unknown := sorted(header.keys() - wanted.keys()):
        raise Refused("vectors-file", f"it holds {quoted(unknown[0])}, which is not an array of this suite")
    if missing := sorted(wanted.keys() - header.keys()):
        raise Refused("vectors-file", f"{len(missing)} arrays are missing, first {missing[0]!r}")
    dimension = None
    spans = []
    for name, entry in header.items():
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            raise Refused("vectors-file", f"the header's entry for {name!r} does not have dtype, shape and data_offsets")
        if entry["dtype"] != "F16":
            raise Refused("vectors-file", f"{name!r} is {quoted(entry['dtype'])}, not 'F16'", "Convert it to float16.")
        shape, offsets = (_pair(entry[field], name, field) for field in ("shape", "data_offsets"))
        if shape[0] != len(wanted[name]):
            raise Refused("vectors-file", f"{name!r} has {shape[0]:,} rows for {len(wanted[name]):,} texts")
        dimension = shape[1] if dimension is None else dimension
        if shape[1] != dimension or not 1 <= shape[1] <= _DIMENSIONS:
            raise Refused(
                "vectors-file", f"{name!r} has dimension {shape[1]:,}", f"All have the same, from 1 to {_DIMENSIONS:,}."
            )
        if offsets[1] - offsets[0] != 2 * shape[0] * shape[1]:
            raise Refused("vectors-file", f"{name!r} has other bytes than its shape needs")
        spans.append((*offsets, name))
    end = 0
    for start, stop, name in sorted(spans):
        if start != end:
            raise Refused("vectors-file", f"{name!r} overlaps another array or leaves a gap")
        end = stop
    if end != size:
        raise Refused("vectors-file", f"its arrays need {end:,} bytes, and it has {size:,}", "Is it whole?")
    return dimension or 0


def _pair(value: Any, name: str, field: str) -> tuple[int, int]:
    if (
        not isinstance(value, list)
        or len(value) != 2
        or not all(type(number) is int and 0 <= number <= LIMIT for number in value)
    ):
        raise Refused("vectors-file", f"the {field} of {name!r} is not two whole numbers")
    return value[0], value[1]


def check_values(vectors: Vectors, data: SuiteData, similarity: str, report: Report, file: str) -> bool:
    """Whether every vector is finite, not zero, and as long as the card says; tells what is wrong with which."""
    longest = {"queries": 0.0, "passages": 0.0}
    ids = expected(data)
    sound = True
    for name, array in vectors.items():
        values = array.astype(np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            lengths = np.sqrt(np.einsum("ij,ij->i", values, values, dtype=np.float64))
        problems = [(~np.isfinite(values).all(axis=1), "NaN or infinity"), (lengths == 0, "nothing but zeros")]
        smallest = float(np.finfo(np.float16).smallest_normal)
        problems.append(((np.abs(values) < smallest).all(axis=1) & (lengths > 0), "nothing but denormal numbers"))
        if similarity == "cosine":
            problems.append(
                (np.isfinite(lengths) & (np.abs(lengths - 1) > UNIT_TOLERANCE), "not unit length, and the card says cosine")
            )
        for bad, what in problems:
            if bad.any():
                first = ids[name][int(np.argmax(bad))]
                report.error(
                    "vectors-values", file, f"{int(bad.sum())} vectors of {name} have {what}, first that of {quoted(first)}"
                )
                sound = False
        role = name.partition("/")[0]
        longest[role] = max(longest[role], float(np.nan_to_num(lengths, posinf=np.inf).max(initial=0)))
    product = longest["queries"] * longest["passages"]
    if sound and product > LONGEST_PRODUCT:
        report.error(
            "vectors-values",
            file,
            f"the longest query times the longest passage is {product:.3g}, more than {LONGEST_PRODUCT:g}",
            "Multiply all of them by the same power of two: that changes no rank.",
        )
        sound = False
    return sound
