"""Run Pyserini's commands with Hybrid Bench's encoders and analyzers registered.

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
  --encoder hybrid-bench:NAME   any Hybrid Bench encoder (a name, a folder, or org/model on the hub)
  --language XX                 also Greek, Vietnamese and others that Pyserini analyses as English
"""


def main(arguments: list[str]) -> None:
    """Run a module of Pyserini as a program.

    Raises:
        HybridBenchError: if the module does not exist, or the index was built with another encoder.
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


def _put_first(table: dict[str, Any], encoder_class: Any) -> None:
    """Insert as the first key: Pyserini uses the first key contained in the encoder's name, which may contain ``dpr``."""
    from hybrid_bench_pyserini.dense import PREFIX

    others = dict(table)
    table.clear()
    table[PREFIX] = encoder_class
    table.update(others)


def _query_encoder(index: str | None, **options: Any) -> Any:
    """A query encoder with the dtype of the index that is searched."""
    from hybrid_bench_pyserini.dense import query_encoder_class
    from hybrid_bench_pyserini.exporting import read_manifest

    manifest = read_manifest(Path(index)) if index else None
    if manifest and not options.get("fp16"):
        options["dtype"] = manifest.dtype
    encoder = query_encoder_class()(**options)
    if manifest and encoder.encoder.fingerprint != manifest.fingerprint:
        raise HybridBenchError(
            f"{index} was built with {manifest.encoder} ({manifest.fingerprint[:12]}), not with {encoder.encoder.card.name} "
            f"({encoder.encoder.fingerprint[:12]})",
            "Search it with that encoder, or export it again.",
        )
    return encoder


def _document_encoder(*args: Any, **options: Any) -> Any:
    from hybrid_bench_pyserini.dense import document_encoder_class

    return document_encoder_class()(*args, **options)


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
