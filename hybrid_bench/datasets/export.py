"""Printing a part of any ir_datasets entry, through the exporters of ir_datasets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace

from hybrid_bench.errors import HybridBenchError, UnknownNameError


def export(dataset_id: str, part: str, style: str, fields: Sequence[str], write: Callable[[str], object]) -> None:
    """Write ``docs``, ``queries`` or ``qrels`` of an entry.

    Raises:
        UnknownNameError: if there is no such entry, format or field.
        HybridBenchError: if the entry does not have the part.
    """
    import ir_datasets
    from ir_datasets.commands.export import DEFAULT_EXPORTERS, QRELS_EXPORTERS

    from hybrid_bench.datasets.irds_entries import register

    register()
    try:
        entry = ir_datasets.load(dataset_id)
    except KeyError:
        raise UnknownNameError("ir_datasets entry", dataset_id, ir_datasets.registry) from None
    if not entry.has(part):
        raise HybridBenchError(f"the ir_datasets entry {dataset_id} has no {part}", "Try a deeper id, e.g. with a language.")
    exporters = QRELS_EXPORTERS if part == "qrels" else DEFAULT_EXPORTERS
    style = style or ("trec" if part == "qrels" else "tsv")
    if style not in exporters:
        raise UnknownNameError("format", style, exporters)
    record = getattr(entry, f"{part}_cls")()
    for field in fields:
        if field not in record._fields:
            raise UnknownNameError(f"field of {part}", field, record._fields)
    exporter = exporters[style](record, SimpleNamespace(write=write), list(fields) or None)
    for item in getattr(entry, f"{part}_iter")():
        exporter.next(item)
    exporter.flush()
