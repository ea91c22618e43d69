"""Export of a pool as a FAISS index in Pyserini's format: the files ``index`` and ``docid``."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from hybrid_bench import Encoder, HybridBenchError, Suite, load_encoder, load_suite
from hybrid_bench.plugin import SUITES, EmbeddingStore, PassageText, Progress, SilentProgress, UnknownNameError, cache

_MANIFEST = "hybrid-bench.json"


class Manifest(BaseModel):
    """Description of an exported index, stored beside it; Pyserini ignores it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: int = 1
    encoder: str
    fingerprint: str
    dtype: str
    suite: str
    pool: str
    passage_text: str
    passages: int
    dimension: int
    #: sha256 of the file ``docid``.
    docid: str


def export(
    encoder: Encoder | str,
    suite: Suite | str,
    folder: Path | str,
    *,
    pool: str | None = None,
    passage_text: PassageText = "sentence",
    dtype: str = "fp32",
    device: str = "auto",
    store: Path | None = None,
    progress: Progress | None = None,
) -> Manifest:
    """Write the passages of a pool as an exact FAISS index (inner product).

    Vectors are read from the embedding store, and missing ones are encoded and stored: an evaluated suite is not encoded again.

    Args:
        encoder: an encoder or the name of one.
        suite: a suite or the name of one; ``xquad-r/de`` and ``xquad-r/all/en`` name a pool of ``xquad-r``.
        folder: folder to write to; created if missing.
        pool: a language or ``all``; required if the suite has several pools.
        passage_text: the part of a passage that is encoded: ``sentence`` or ``sentence+context``.
        dtype: as for :func:`hybrid_bench.load_encoder`.
        device: as for :func:`hybrid_bench.load_encoder`.
        store: folder of stored embeddings; in the cache folder by default.
        progress: progress reporting.

    Raises:
        HybridBenchError: if the folder contains other files, the pool is not in the suite, or an id contains a line break.
    """
    import faiss

    progress = progress or SilentProgress()
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()) and not (folder / _MANIFEST).is_file():
        raise HybridBenchError(f"{folder} exists and is not an exported index", "Choose a new folder.")
    loaded, chosen = _pool(suite, pool)
    by = load_encoder(encoder, dtype=dtype, device=device) if isinstance(encoder, str) else encoder
    vectors_of = EmbeddingStore(store or cache.home() / "embeddings")
    ids: list[str] = []
    parts: list[np.ndarray] = []
    with progress:
        for name in loaded.pool(chosen):
            items = loaded.passages(name, passage_text)
            progress.start(f"passage {name}", len(items))
            ids += [item.id for item in items]
            contents = [item.content for item in items]
            parts.append(vectors_of.vectors(by, "passage", contents, passage_text=passage_text, progress=progress.advance))
    _check_ids(ids)
    vectors = np.concatenate(parts)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    lines = "".join(f"{doc_id}\n" for doc_id in ids).encode()
    manifest = Manifest(
        encoder=by.card.name, fingerprint=by.fingerprint, dtype=by.dtype, suite=loaded.name, pool=chosen,
        passage_text=passage_text, passages=len(ids), dimension=vectors.shape[1], docid=hashlib.sha256(lines).hexdigest(),
    )  # fmt: skip
    _write(folder, index, lines, manifest)
    return manifest


def read_manifest(folder: Path) -> Manifest | None:
    """Read the manifest of an exported index; None if the folder has none.

    Raises:
        HybridBenchError: if the index is incomplete or corrupt.
    """
    if not (folder / _MANIFEST).is_file():
        return None
    try:
        manifest = Manifest.model_validate_json((folder / _MANIFEST).read_bytes())
        docid = (folder / "docid").read_bytes()
    except (OSError, ValidationError) as error:
        raise HybridBenchError(f"the index {folder} is incomplete or corrupt: {error}", "Export it again.") from error
    if hashlib.sha256(docid).hexdigest() != manifest.docid or not (folder / "index").is_file():
        raise HybridBenchError(f"the index {folder} is incomplete or corrupt", "Export it again.")
    return manifest


def _pool(suite: Suite | str, pool: str | None) -> tuple[Suite, str]:
    if isinstance(suite, str) and pool is None and suite.count("/") in (1, 2):
        # An ir_datasets id that names a pool of a suite: use the stored vectors of that suite.
        name, inside, *_ = suite.split("/")
        if name in SUITES and SUITES.get(name).pools:
            suite, pool = name, inside
    loaded = load_suite(suite) if isinstance(suite, str) else suite
    pools = [*(collection.name for collection in loaded.collections), *loaded.pools]
    if pool is None:
        if len(pools) > 1:
            raise HybridBenchError(f"{loaded.name} has several pools", f"Choose one: --pool {' or '.join(pools)}.")
        return loaded, pools[0]
    if pool not in pools:
        raise UnknownNameError(f"pool of {loaded.name}", pool, pools)
    return loaded, pool


def _check_ids(ids: Sequence[str]) -> None:
    for doc_id in ids:
        if doc_id != doc_id.rstrip() or len(doc_id.splitlines()) != 1:
            raise HybridBenchError(f"the id {doc_id!r} does not fit on one line of Pyserini's docid file", "Change the id.")
    if len(set(ids)) < len(ids):
        raise HybridBenchError("two passages in the pool have the same id", "Give every passage a unique id.")


def _write(folder: Path, index: Any, docid: bytes, manifest: Manifest) -> None:
    import faiss

    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        faiss.write_index(index, str(partial / "index"))
        (partial / "docid").write_bytes(docid)
        (partial / _MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        partial.replace(folder)
    except (OSError, RuntimeError) as error:  # faiss raises RuntimeError if it cannot write
        raise HybridBenchError(
            f"cannot write the index {folder}: {error}", "Free disk space or choose another folder."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
