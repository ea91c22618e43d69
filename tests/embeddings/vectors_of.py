"""Folders of vectors of a suite's texts, as other programs write them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import save_file

from hybrid_bench import Encoder, Suite
from hybrid_bench.datasets import texts

Write = Callable[[Path, Sequence[str], np.ndarray], None]


def npy(stem: Path, ids: Sequence[str], vectors: np.ndarray) -> None:
    np.save(f"{stem}.npy", vectors)
    Path(f"{stem}.ids.txt").write_text("\n".join(ids) + "\n", encoding="utf-8")


def parquet(stem: Path, ids: Sequence[str], vectors: np.ndarray) -> None:
    pq.write_table(pa.table({"id": list(ids), "vector": list(vectors)}), f"{stem}.parquet")


def fixed_parquet(stem: Path, ids: Sequence[str], vectors: np.ndarray) -> None:
    lists = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
    pq.write_table(pa.table({"id": list(ids), "vector": lists}), f"{stem}.parquet", row_group_size=2)


def json_lines(stem: Path, ids: Sequence[str], vectors: np.ndarray) -> None:
    lines = [json.dumps({"id": text_id, "vector": row}) for text_id, row in zip(ids, vectors.tolist(), strict=True)]
    Path(f"{stem}.jsonl").write_text("\n".join(lines), encoding="utf-8")


def batch_line(text_id: str, embedding: object, status: int = 200) -> dict[str, object]:
    """A line of the output of OpenAI's Batch API for an embedding."""
    data = [{"object": "embedding", "index": 0, "embedding": embedding}]
    body = {"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 8, "total_tokens": 8}}
    response = {"status_code": status, "request_id": "r", "body": body}
    return {"id": "batch_req_1", "custom_id": text_id, "response": response, "error": None}


def batch(stem: Path, ids: Sequence[str], vectors: np.ndarray) -> None:
    """In another order than the requests, and every other vector in base64, as ``encoding_format`` chooses."""
    lines = []
    for number, (text_id, row) in enumerate(zip(ids, vectors, strict=True)):
        coded = base64.b64encode(row.astype("<f4").tobytes()).decode()
        lines.append(json.dumps(batch_line(text_id, coded if number % 2 else row.tolist())))
    Path(f"{stem}.jsonl").write_text("\n".join(lines[::-1]) + "\n", encoding="utf-8")


FORMATS: dict[str, Write] = {
    "npy": npy, "parquet": parquet, "fixed_parquet": fixed_parquet, "json_lines": json_lines, "batch": batch
}  # fmt: skip


def embed(suite: Suite, out: Path, encoder: Encoder, write: Write = npy, languages: Sequence[str] = ()) -> Path:
    """Export the texts, and write the vectors of an encoder beside them; returns the suite's folder."""
    folder = texts.export(suite, out, languages=languages)
    for path in sorted(folder.glob("*/*.texts.jsonl")):
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        vectors = encoder.encode([line["text"] for line in lines], "query" if path.parent.name == "queries" else "passage")
        write(Path(str(path).removesuffix(".texts.jsonl")), [line["id"] for line in lines], vectors)
    return folder


def as_safetensors(folder: Path, dtype: str = "float32") -> None:
    """Put the vectors of a folder of .npy files into one file, in the layout of submissions."""
    arrays = {}
    for path in sorted(folder.glob("*/*.npy")):
        arrays[f"{path.parent.name}/{path.stem}"] = np.load(path).astype(dtype)
        path.unlink()
    save_file(arrays, folder / "all.vectors.safetensors")
