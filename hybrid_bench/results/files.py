"""The files of a result: their names, what is in them, and which names another result has taken."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from pathlib import Path
from typing import Any

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.results import run_folder

SCHEMA_VERSION = 2
#: Bytes of a name, at most: file systems allow 255 with the endings.
_LONGEST = 160
#: What two results may differ in and be the same one.
_INCIDENTAL = ("timings", "variant", "ranks_file", "schema_version")


def file_stem(name: str, passage_text: str, dtype: str, variant: str = "") -> str:
    """The name of a result's files without their endings: the encoder, and what differs from the defaults.

    Args:
        name: of the encoder or searcher.
        passage_text: what was read of a passage.
        dtype: what was computed in.
        variant: of the result, see :func:`free_variant`.
    """
    parts = [name.replace("/", "__")]
    parts += [passage_text] if passage_text != "sentence" else []
    parts += [dtype] if dtype != "fp32" else []
    return ".".join([*parts, *([variant] if variant else [])])


def name_problem(name: str) -> str:
    """Why a result, or a suite with results, cannot have a name; empty if it can."""
    if len(name.encode("utf-8", "replace")) > _LONGEST:
        return f"its name is longer than {_LONGEST} bytes"
    if name in ("", ".", "..") or any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in name):
        return "its name is empty, or has characters that no file name has"
    return ""


def suite_folder(results: Path, suite: str) -> Path:
    """Where the results on a suite are: ``<results>/<suite>``."""
    return results / suite.replace("/", "__")


def free_variant(folder: Path, stem: str, identity: str) -> str:
    """What the names of a result's files end in, so that they are not those of another result.

    Nothing, unless another result of the same name is in the folder: then the first digits of the identity.

    Args:
        folder: of the suite.
        stem: of the files' names, without a variant.
        identity: of the result.
    """
    stems = {variant: f"{stem}.{variant}" if variant else stem for variant in ("", identity[:8], identity[:16])}
    holders = {}
    for variant, name in stems.items():
        holder = _holder(folder / f"{name}.json")
        holders[variant] = run_folder.owner(folder / f"{name}.runs") if holder is None else holder
    own = [variant for variant, holder in holders.items() if holder == identity]
    return (own or [variant for variant, holder in holders.items() if holder is None])[0]


def is_taken(path: Path, identity: str) -> bool:
    """Whether a file is there that is not a result with this identity."""
    return _holder(path) not in (None, identity)


def _holder(path: Path) -> str | None:
    """The identity of the result in a file; empty if it is not known, None if there is no file."""
    if not path.exists():
        return None
    try:
        return identity_of(read_fields(path))
    except HybridBenchError:
        return ""


def identity_of(fields: dict[str, Any]) -> str:
    """The identity of a result, from its fields; for one that states none, a digest of what it holds."""
    provenance = fields.get("provenance")
    stated = provenance.get("identity") if isinstance(provenance, dict) else None
    if isinstance(stated, str) and stated:
        return stated
    kept = {name: value for name, value in fields.items() if name not in _INCIDENTAL}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def read_fields(path: Path) -> dict[str, Any]:
    """The content of a result's file, of a schema version that this version reads.

    Raises:
        HybridBenchError: if it is missing, not a result, or of a newer schema.
    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        json.dumps(fields, ensure_ascii=False).encode()  # half of a surrogate pair can be written in JSON, and nowhere else
    except OSError as error:
        raise HybridBenchError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        problem = f"{path} is not JSON, or has texts or nesting that no result has: {error}"
        raise HybridBenchError(problem, "It may be truncated; run the evaluation again with --overwrite.") from error
    version = fields.get("schema_version") if isinstance(fields, dict) else None
    if type(version) is not int:
        raise HybridBenchError(f"{path} is not a result of hybrid-bench: it has no schema_version")
    if version > SCHEMA_VERSION:
        raise HybridBenchError(
            f"{path} has schema version {version}; this version of hybrid-bench reads up to {SCHEMA_VERSION}",
            "Run: python -m pip install --upgrade hybrid-bench",
        )
    return fields  # type: ignore[no-any-return]
