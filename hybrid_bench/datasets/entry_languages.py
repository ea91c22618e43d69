"""The languages of an ir_datasets entry: of its queries and of each of its documents."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from hybrid_bench.datasets.trec_ids import doc_id_in
from hybrid_bench.errors import HybridBenchError

if TYPE_CHECKING:
    from ir_datasets.formats import TrecQrel


class DocsParts(NamedTuple):
    """What the documents of an entry consist of; qrels of the entry name the part in ``iteration``.

    Attributes:
        datasets: language to the id of the entry that has its documents; empty if the entry has one language.
        prefixed: whether ids begin with the language, and those of the parts do not.
        drops_own: as of :class:`hybrid_bench.datasets.suite.Suite`.
    """

    datasets: dict[str, str]
    prefixed: bool
    drops_own: bool = False


@functools.cache
def record_of(dataset: str) -> Callable[..., TrecQrel]:
    """The class of an entry's qrels: plain records that also know, by their attribute ``dataset``, which entry they are of.

    A measure that needs more than qrels hold, such as the language of the queries, asks the entry.
    """
    from ir_datasets.formats import TrecQrel

    return type("TrecQrel", (TrecQrel,), {"__slots__": (), "dataset": dataset, "__reduce__": _reduced})


def _reduced(record: Any) -> tuple[Callable[..., TrecQrel], tuple[Any, ...]]:
    return _restored, (record.dataset, *record)


def _restored(dataset: str, *fields: Any) -> TrecQrel:
    return record_of(dataset)(*fields)


class EntryLanguages:
    """The languages of an entry's queries and documents.

    Attributes:
        query: of the queries.

    Raises:
        HybridBenchError: if there is no such entry, or it does not state them.
    """

    def __init__(self, dataset: str) -> None:
        import ir_datasets  # not at the top: a start-up hook may register this project's entries meanwhile

        from hybrid_bench.datasets.irds_entries import register  # it imports this module

        register()
        try:
            entry = ir_datasets.load(dataset)
        except KeyError:
            raise HybridBenchError(
                f"there is no ir_datasets entry {dataset!r}", "`hybrid-bench datasets list` has them."
            ) from None
        parts = getattr(entry, "docs_parts", None)
        language, of_docs = (entry.has(part) and getattr(entry, f"{part}_lang")() for part in ("queries", "docs"))
        if not language or not (of_docs or (parts and parts.datasets)):
            raise HybridBenchError(
                f"the entry {dataset} does not state the language of its queries and of each document",
                "Name one that does, e.g. xquad-r/all/en.",
            )
        self.query: str = language
        self._dataset = dataset
        self._of_all: str | None = of_docs if not (parts and parts.datasets) else None
        self._parts: DocsParts = parts or DocsParts({}, prefixed=False)

    @functools.cached_property
    def _read(self) -> dict[str, str]:
        import ir_datasets

        return {
            doc.doc_id: language for language, part in self._parts.datasets.items() for doc in ir_datasets.load(part).docs_iter()
        }

    def of(self, doc_id: str) -> str:
        """The language of a document.

        Raises:
            HybridBenchError: if the entry has no such document.
        """
        if self._of_all:
            return self._of_all
        if self._parts.prefixed:
            found = next((name for name in self._parts.datasets if doc_id_in(name, doc_id) is not None), None)
        else:
            found = self._read.get(doc_id)
        if found is None:
            raise HybridBenchError(
                f"the run has the document {doc_id!r}, which is not in {self._dataset}", "Name the entry that the run is of."
            )
        return found
