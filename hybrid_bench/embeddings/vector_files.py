"""Files of vectors that other programs wrote: safetensors, ``.npy`` with ids, Parquet and JSON lines."""

from __future__ import annotations

import base64
import binascii
import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hybrid_bench.encoders.weight_files import read_header
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support.optional import need

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Name of a dtype in safetensors and in numpy to that of a result.
_DTYPES = {"F32": "fp32", "F16": "fp16", "BF16": "bf16", "float32": "fp32", "float16": "fp16"}
_STORED = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_LARGEST_DIMENSION = 65536


class VectorFile(NamedTuple):
    """The vectors of a query set or a collection.

    Attributes:
        path: of the file.
        ids: of the rows; None if they are in the order of the texts.
        rows: (texts, dimension) as stored, possibly memory-mapped; of bf16, the bits as uint16.
        dtype: ``fp32``, ``bf16`` or ``fp16``.
    """

    path: Path
    ids: list[str] | None
    rows: NDArray[Any]
    dtype: str

    def vectors(self, numbers: NDArray[np.int64] | slice) -> NDArray[np.float32]:
        """Some rows by their numbers: (rows, dimension) float32."""
        found = self.rows[numbers]
        if self.dtype == "bf16":
            return (found.astype(np.uint32) << 16).view(np.float32)
        return np.ascontiguousarray(found, dtype=np.float32)


def find(folder: Path) -> Mapping[str, list[Callable[[], VectorFile]]]:
    """The readers of a folder's vectors, by part: ``queries/<query set>`` or ``passages/<collection>``.

    A part has its own file, or an array in a safetensors file of the folder. Other files are left alone.

    Raises:
        HybridBenchError: if a safetensors file is damaged.
    """
    found: dict[str, list[Callable[[], VectorFile]]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        for name in read_header(path).tensors:
            found.setdefault(name, []).append(functools.partial(_safetensors, path, name))
    for kind in ("queries", "passages"):
        for path in sorted((folder / kind).glob("*")):
            read = _READERS.get(path.suffix)
            if read and path.is_file() and not path.stem.endswith(".texts"):
                found.setdefault(f"{kind}/{path.stem}", []).append(functools.partial(read, path))
    return found


def _safetensors(path: Path, name: str) -> VectorFile:
    header = read_header(path)
    tensor = header.tensors[name]
    dtype = _dtype(f"{path} ({name})", tensor.dtype)
    _check_shape(f"{path} ({name})", tensor.shape)
    rows = np.memmap(path, _STORED[tensor.dtype], "r", header.size + tensor.begin, tensor.shape)
    return VectorFile(path, None, rows, dtype)


def _npy(path: Path) -> VectorFile:
    try:
        rows = np.load(path, mmap_mode="r", allow_pickle=False)
        found = rows.shape, rows.dtype
    except Exception as error:  # of a damaged header, of any kind
        raise HybridBenchError(
            f"{path} is not a complete .npy file of numbers: {_first_line(error)}", "Write it with numpy.save."
        ) from error
    dtype = _dtype(str(path), found[1].name)
    _check_shape(str(path), found[0])
    return VectorFile(path, _ids_beside(path), rows, dtype)


def _ids_beside(path: Path) -> list[str]:
    beside = path.with_suffix(".ids.txt")
    try:
        text = beside.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise HybridBenchError(
            f"cannot read {beside}, the ids of the rows of {path.name}: {error.strerror}",
            "Write one id a line, in the order of the rows.",
        ) from error
    except UnicodeDecodeError as error:
        raise HybridBenchError(f"{beside} is not UTF-8: {error}") from error
    return text.removesuffix("\n").split("\n")


def _parquet(path: Path) -> VectorFile:
    need("parquet", "Parquet", "pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            table = file.read(columns=["id", "vector"])
            table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise HybridBenchError(
            f"{path} cannot be read as Parquet: {_first_line(error)}", "It may be truncated; write it again."
        ) from error
    if missing := {"id", "vector"} - set(table.column_names):
        raise HybridBenchError(
            f"{path} has no column {sorted(missing)[0]!r}", "It needs the columns id (text) and vector (a list of float32)."
        )
    ids, lists = table["id"].combine_chunks(), table["vector"].combine_chunks()
    if not (pa.types.is_string(ids.type) or pa.types.is_large_string(ids.type)):
        raise HybridBenchError(f"the ids in {path} are {ids.type}, not texts", "Write them as texts, as they were exported.")
    if ids.null_count:
        raise HybridBenchError(f"{path} has rows without an id", "Write the id of every row.")
    kinds = pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list
    if not any(is_kind(lists.type) for is_kind in kinds):
        raise HybridBenchError(
            f"the vectors in {path} are {lists.type}, not lists of numbers", "Write a list of float32 for every id."
        )
    names = ids.to_pylist()
    if lists.null_count:
        first = names[lists.is_null().to_pylist().index(True)]
        raise HybridBenchError(f"{path} has no vector for {first!r}", "Embed it, too.")
    dtype = _dtype(
        str(path), {"float": "float32", "halffloat": "float16"}.get(str(lists.type.value_type), str(lists.type.value_type))
    )
    flat = lists.flatten()
    if flat.null_count:
        raise HybridBenchError(f"{path} has vectors with missing numbers", "Write every number.")
    lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
    _check_lengths(path, names, lengths)
    return VectorFile(path, names, flat.to_numpy(zero_copy_only=False).reshape(len(names), -1), dtype)


def _check_lengths(path: Path, ids: list[str], lengths: NDArray[Any]) -> None:
    if not len(ids):
        raise HybridBenchError(f"{path} has no vectors", "It may be truncated; write it again.")
    different = lengths != lengths[0]
    if different.any():
        at = int(np.argmax(different))
        raise HybridBenchError(
            f"{path}: the vector of {ids[at]!r} has dimension {lengths[at]}, that of {ids[0]!r} {lengths[0]}",
            "Use one dimension.",
        )
    _check_shape(str(path), (len(ids), int(lengths[0])))


def _json_lines(path: Path) -> VectorFile:
    ids: list[str] = []
    vectors: list[NDArray[np.float32]] = []
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    text_id, vector = _line(f"{path}, line {number}", line.removeprefix(b"\xef\xbb\xbf"))
                    ids.append(text_id)
                    vectors.append(vector)
    except OSError as error:
        raise HybridBenchError(f"cannot read {path}: {error.strerror or error}") from error
    _check_lengths(path, ids, np.array([len(vector) for vector in vectors]))
    return VectorFile(path, ids, np.stack(vectors), "fp32")


def _line(where: str, line: bytes) -> tuple[str, NDArray[np.float32]]:
    """The id and the vector of a line: ``{"id": ..., "vector": [...]}``, or as OpenAI's Batch API writes it."""
    try:
        stated = json.loads(line.decode())
    except (ValueError, RecursionError) as error:
        raise HybridBenchError(f"{where} is not JSON in UTF-8", "It may be truncated; write the file again.") from error
    text_id, vector = (stated.get("id"), stated.get("vector")) if isinstance(stated, dict) else (None, None)
    if isinstance(stated, dict) and "custom_id" in stated:
        text_id, vector = stated["custom_id"], _batch_vector(where, stated)
    if not isinstance(text_id, str):
        raise HybridBenchError(f"{where} has no id", 'A line is {"id": "...", "vector": [...]}, or one of OpenAI\'s Batch API.')
    if isinstance(vector, str):
        try:
            return text_id, np.frombuffer(base64.b64decode(vector, validate=True), dtype="<f4")
        except (binascii.Error, ValueError) as error:
            raise HybridBenchError(
                f"{where}: the vector of {text_id!r} is not base64 of float32", "Write a list of numbers."
            ) from error
    if not isinstance(vector, list) or not {type(number) for number in vector} <= {int, float}:
        raise HybridBenchError(f"{where}: the vector of {text_id!r} is not a list of numbers", "Embed the text again.")
    try:
        with np.errstate(over="ignore"):  # reported as infinity
            return text_id, np.array(vector, dtype=np.float32)
    except OverflowError as error:
        raise HybridBenchError(f"{where}: a number in the vector of {text_id!r} is too large", "Embed the text again.") from error


def _batch_vector(where: str, stated: dict[str, Any]) -> Any:
    """The vector of a line of a batch. Source: https://platform.openai.com/docs/guides/batch."""
    response, data = stated.get("response"), None
    if isinstance(response, dict) and response.get("status_code") == 200 and isinstance(response.get("body"), dict):
        data = response["body"].get("data")
    if not isinstance(data, list) or len(data) != 1 or not isinstance(data[0], dict):
        raise HybridBenchError(
            f"{where}: the request {str(stated['custom_id'])[:60]!r} failed, or did not ask for one text",
            "Ask for it again, one text a request, and put the line here instead.",
        )
    return data[0].get("embedding")


def _dtype(where: str, name: str) -> str:
    if name not in _DTYPES:
        raise HybridBenchError(f"the vectors in {where} are {name}", "Write them as float32, float16 or bfloat16.")
    return _DTYPES[name]


def _check_shape(where: str, shape: tuple[int, ...]) -> None:
    if len(shape) != 2 or not shape[0] or not 1 <= shape[1] <= _LARGEST_DIMENSION:
        raise HybridBenchError(f"{where} has the shape {shape}, not (texts, dimension)", "Write one row a text.")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


_READERS: dict[str, Callable[[Path], VectorFile]] = {".npy": _npy, ".parquet": _parquet, ".jsonl": _json_lines}
