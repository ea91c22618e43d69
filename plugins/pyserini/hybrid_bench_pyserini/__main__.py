"""Pyserini's own commands with our encoders and analyzers known to them.

``python -m hybrid_bench_pyserini search.faiss --encoder hybrid-bench:me5-small --index DIR --topics topics.tsv ...``
"""

from __future__ import annotations

import functools
import runpy
import sys
from pathlib import Path
from typing import Any

from hybrid_bench import HybridBenchError

_USAGE = """\
usage: python -m hybrid_bench_pyserini MODULE ...

Runs pyserini.MODULE (search.faiss, encode, search.lucene, index.lucene, ...) with
  --encoder hybrid-bench:NAME   for every encoder of Hybrid Bench (a name, a folder, or org/model on the hub)
  --language XX                 for Greek, Vietnamese and the others that Pyserini takes for English
"""


def main(arguments: list[str]) -> None:
    """Run a module of Pyserini.

    Raises:
        HybridBenchError: if there is no such module, or the index was made by another encoder.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        sys.stdout.write(_USAGE)
        return
    from hybrid_bench_pyserini import analyzers
    from hybrid_bench_pyserini.dense import import_pyserini

    module = f"pyserini.{arguments[0].removeprefix('pyserini.')}"
    encode = import_pyserini("pyserini.encode")
    analyzers.register()
    _put_first(encode.query_encoder_class_map, functools.partial(_query_encoder, index=_option(arguments, "--index")))
    _put_first(encode.document_encoder_class_map, _document_encoder)
    sys.argv = [module, *arguments[1:]]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except ImportError as error:
        if str(error).endswith(f"No module named {module}"):
            raise HybridBenchError(f"Pyserini has no module {module}", "For example: search.faiss, search.lucene.") from error
        raise


def _put_first(table: dict[str, Any], ours: Any) -> None:
    """Pyserini takes the first key that occurs in the encoder's name, and a name may hold ``dpr`` or ``ance``."""
    from hybrid_bench_pyserini.dense import PREFIX

    others = dict(table)
    table.clear()
    table[PREFIX] = ours
    table.update(others)


def _query_encoder(index: str | None, **given: Any) -> Any:
    """A query encoder in the number format of the index that it is to search."""
    from hybrid_bench_pyserini.dense import query_encoder_class
    from hybrid_bench_pyserini.exporting import manifest_of

    made = manifest_of(Path(index)) if index else None
    if made and not given.get("fp16"):
        given["dtype"] = made.dtype
    encoder = query_encoder_class()(**given)
    if made and encoder.encoder.fingerprint != made.fingerprint:
        raise HybridBenchError(
            f"{index} was made by {made.encoder} ({made.fingerprint[:12]}), not by {encoder.encoder.card.name} "
            f"({encoder.encoder.fingerprint[:12]})",
            "Search it with the encoder that made it, or export it again.",
        )
    return encoder


def _document_encoder(*args: Any, **given: Any) -> Any:
    from hybrid_bench_pyserini.dense import document_encoder_class

    return document_encoder_class()(*args, **given)


def _option(arguments: list[str], name: str) -> str | None:
    for at, argument in enumerate(arguments):
        if argument == name and at + 1 < len(arguments):
            return arguments[at + 1]
        if argument.startswith(f"{name}="):
            return argument.partition("=")[2]
    return None


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except HybridBenchError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
