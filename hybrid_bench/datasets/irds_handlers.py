"""Parts that the ir_datasets entries of this project share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ir_datasets.indices import Docstore

if TYPE_CHECKING:
    from collections.abc import Iterable


class Documentation:
    """What ir_datasets shows of an entry."""

    def __init__(self, description: str, bibtex: str) -> None:
        self._contents = {"desc": description, "pretty_name": description.split(":")[0]}
        if bibtex:
            self._contents["bibtex"] = bibtex

    def documentation(self) -> dict[str, str]:
        """Description and citation."""
        return dict(self._contents)


class DocsIter:
    """Passages one after the other; an index or a slice of it looks only at what it names, as in ir_datasets."""

    def __init__(self, passages: Sequence[Any]) -> None:
        self._passages = passages
        self._iter = iter(passages)

    def __iter__(self) -> DocsIter:
        return self

    def __next__(self) -> Any:
        return next(self._iter)

    def __getitem__(self, key: int | slice) -> Any:
        return DocsIter(self._passages[key]) if isinstance(key, slice) else self._passages[key]


class MemoryDocstore(Docstore):  # type: ignore[misc]
    """Passages by their ids."""

    def __init__(self, passages: Sequence[Any], record: type) -> None:
        super().__init__(record)
        self._by_id = {passage.doc_id: passage for passage in passages}

    def get_many_iter(self, doc_ids: Iterable[str]) -> Iterator[Any]:
        """Those that are there."""
        return (self._by_id[doc_id] for doc_id in doc_ids if doc_id in self._by_id)
