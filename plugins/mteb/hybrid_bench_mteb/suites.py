"""mteb's retrieval tasks as suites: a query set and a collection a subset."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import mteb
from mteb.abstasks import AbsTaskRetrieval

from hybrid_bench import Collection, HybridBenchError, Judgement, QuerySet, Setting, Suite
from hybrid_bench.plugin import ImagePassage, ImageQuery, Modality, UnknownNameError, image_settings
from hybrid_bench_mteb.codes import bcp47
from hybrid_bench_mteb.contents import contents, modality_of

#: Subsets with more documents and queries than this are large.
_LARGE_FROM = 100_000
#: Tasks that state the language of the documents first, or of the queries. Of others with two languages neither is known.
_DOCUMENTS_FIRST = {"BelebeleRetrieval", "MLQARetrieval"}
_QUERIES_FIRST = {"CUREv1"}
_NOTE = "Queries whose judgements are all of grade 0 are left out; mteb counts them with 0."


class TextPassage(NamedTuple):
    """A document of a task, as mteb's models read it."""

    doc_id: str
    text: str

    def default_text(self) -> str:
        """The text that is encoded and searched."""
        return self.text


class TextQuery(NamedTuple):
    """A query of a task, as mteb's models read it."""

    query_id: str
    text: str

    def default_text(self) -> str:
        """The text that is searched with."""
        return self.text


def suite_of(name: str, split: str = "") -> Suite:
    """The suite of a retrieval task. Nothing is loaded before it is read.

    Args:
        name: of the task in mteb.
        split: of its data; by default ``test``, or the first that mteb evaluates.

    Raises:
        HybridBenchError: if there is no such task or split, or it is not one of searching a pool of texts or images.
    """
    task = _task(name)
    metadata = task.metadata
    splits = list(metadata.eval_splits)
    if split and split not in splits:
        raise UnknownNameError(f"split of mteb's task {name}", split, splits)
    chosen = split or ("test" if "test" in splits else splits[0])
    asked, searched = modality_of(metadata, "query"), modality_of(metadata, "passage")
    subsets = [
        _Subset(name, subset, chosen, asked, searched, tuple(map(bcp47, codes)))
        for subset, codes in metadata.hf_subsets_to_langscripts.items()
    ]
    return Suite(
        name=f"mteb:{name}" + (f"/{split}" if split else ""),
        description=f"mteb's task {name}, split {chosen}: {metadata.dataset['path']}, revision {metadata.dataset['revision']}",
        query_sets=tuple(subset.query_set for subset in subsets),
        collections=tuple(subset.collection for subset in subsets),
        settings=tuple(subset.setting for subset in subsets),
        licence=metadata.license or "",
        citation=(metadata.bibtex_citation or "").strip(),
        note=_NOTE,
        large=any(_samples(metadata, chosen, subset.name) > _LARGE_FROM for subset in subsets),
        drops_own=bool(task.ignore_identical_ids),
        prefixed=False,
    )


def _task(name: str) -> AbsTaskRetrieval:
    try:
        task = mteb.get_task(name)
    except KeyError:
        from mteb.get_tasks import TASK_LIST

        names = [of.metadata.name for of in TASK_LIST if issubclass(of, AbsTaskRetrieval)]
        raise UnknownNameError("mteb task", name, names) from None
    kind = task.metadata.type
    if not isinstance(task, AbsTaskRetrieval) or kind.endswith("Reranking"):
        raise HybridBenchError(
            f"mteb's task {name} is of the type {kind}, and a suite searches whole collections", "Choose a retrieval task."
        )
    if task.skip_first_result:
        raise HybridBenchError(f"mteb's task {name} leaves out the best document of each query", "Evaluate it with mteb.")
    return task


@dataclass(frozen=True)
class _Subset:
    """A subset of a task, whose data are loaded when they are first read."""

    task: str
    name: str
    split: str
    asked: Modality
    searched: Modality
    stated: tuple[str | None, ...]

    @property
    def _languages(self) -> tuple[str | None, str | None]:
        """Of the queries and of the documents; None where mteb does not say which is which."""
        if len(set(self.stated)) == 1:
            return self.stated[0], self.stated[0]
        if self.task in _DOCUMENTS_FIRST:
            return self.stated[1], self.stated[0]
        return (self.stated[0], self.stated[1]) if self.task in _QUERIES_FIRST else (None, None)

    @property
    def query_set(self) -> QuerySet:
        """The queries, with their judgements."""
        return QuerySet(self.name, self._queries, self._judgements, language=self._languages[0], modality=self.asked)

    @property
    def collection(self) -> Collection:
        """The documents."""
        return Collection(self.name, self._passages, language=self._languages[1], modality=self.searched)

    @property
    def setting(self) -> Setting:
        """The queries on the documents; cross-lingual where two languages are stated, be it not known in which order."""
        if (self.asked, self.searched) == ("text", "text"):
            different = len(self.stated) == 2 and len({None, *self.stated}) == 3
            return Setting(self.name, self.name, "cross-lingual" if different else "monolingual")
        if found := image_settings([self.query_set], [(self.name, self.searched)]):
            return found[0]
        raise HybridBenchError(f"mteb's task {self.task} searches images with images", "Evaluate it with mteb.")

    @functools.cached_property
    def _data(self) -> dict[str, Any]:
        return _load(self.task, self.name, self.split)

    def _passages(self) -> Iterator[TextPassage | ImagePassage]:
        for doc_id, content in contents(self._data["corpus"], self.searched, "passage"):
            yield TextPassage(doc_id, content) if isinstance(content, str) else ImagePassage(doc_id, content)

    def _queries(self) -> Iterator[TextQuery | ImageQuery]:
        for query_id, content in contents(self._data["queries"], self.asked, "query"):
            yield TextQuery(query_id, content) if isinstance(content, str) else ImageQuery(query_id, content)

    def _judgements(self) -> Iterator[Judgement]:
        for query_id, grades in self._data["relevant_docs"].items():
            for doc_id, grade in grades.items():
                yield Judgement(str(query_id), self.name, str(doc_id), int(grade))


def _samples(metadata: mteb.TaskMetadata, split: str, subset: str) -> int:
    """Documents and queries of a subset, from the statistics that come with mteb; 0 if it has none."""
    stated: Any = (metadata.descriptive_stats or {}).get(split) or {}
    of_subsets = stated.get("hf_subset_descriptive_stats") or {}
    return int((of_subsets.get(subset) or stated).get("num_samples") or 0)


def _load(name: str, subset: str, split: str) -> dict[str, Any]:
    """What mteb loads of a subset: corpus, queries and judgements."""
    task = mteb.get_task(name, hf_subsets=[subset], eval_splits=[split])
    try:
        task.load_data()
        task.convert_v1_dataset_format_to_v2(num_proc=None)
        data: dict[str, Any] = task.dataset[subset][split]
    except Exception as error:  # tasks load their data with code of their own, from the hub or elsewhere
        raise HybridBenchError(
            f"the data of mteb's task {name} cannot be loaded ({subset}, {split}): {_first_line(error)}",
            f"They are {task.metadata.dataset['path']} on the Hugging Face hub: check the connection, and HF_HUB_OFFLINE; where "
            "access is restricted, run `hf auth login`. A machine without one needs them in its cache (HF_HOME).",
        ) from error
    if data.get("top_ranked"):
        raise HybridBenchError(f"mteb's task {name} re-ranks given documents", "Choose a task that searches whole collections.")
    return data


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
