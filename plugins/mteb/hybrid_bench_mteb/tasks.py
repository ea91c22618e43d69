"""Suites as mteb tasks: a task a kind of settings, a subset a setting."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import datasets
from mteb import TaskMetadata
from mteb.abstasks import AbsTaskRetrieval

from hybrid_bench import HybridBenchError, Image, Setting, Suite, load_suite, register
from hybrid_bench.plugin import Input, Modality, PassageText, judged_queries, qrels, suite_hash
from hybrid_bench_mteb.codes import K_VALUES, mteb_language, mteb_licence, mteb_measure
from hybrid_bench_mteb.contents import COLLECTION

_SPLIT = "test"


class SuiteTask(AbsTaskRetrieval):  # type: ignore[misc]
    """The settings of one kind; its subclasses, one a suite and kind, have the metadata."""

    data: ClassVar[SuiteData]
    settings: ClassVar[Mapping[str, Setting]]
    data_loaded: bool = False

    def load_data(self, num_proc: int | None = None, **_: Any) -> None:
        """Make the corpora, queries and judgements of the task's subsets."""
        if not self.data_loaded:
            self.dataset = {name: {_SPLIT: self.data.of(self.settings[name])} for name in self.hf_subsets}
            self.data_loaded = True


class SuiteData:
    """A suite as mteb's datasets; a pool that several query sets are asked on is made once.

    Args:
        suite: restricted to the languages that are evaluated.
        passage_text: what models read of a passage.

    Raises:
        HybridBenchError: if no query has a relevant passage.
    """

    def __init__(self, suite: Suite, passage_text: PassageText) -> None:
        self.suite = suite
        self.passage_text = passage_text
        self._judged = judged_queries(suite)
        self._qrels: dict[Setting, dict[str, dict[str, int]]] = {}

    @functools.cached_property
    def revision(self) -> str:
        """The hash of the data: mteb takes no earlier result of another revision."""
        return suite_hash(self.suite)

    def qrels(self, setting: Setting) -> dict[str, dict[str, int]]:
        """Query id to passage id to grade of the relevant passages in the pool; empty if no query has any."""
        if setting.query_set not in self._judged:
            return {}
        if setting not in self._qrels:
            self._qrels[setting] = qrels(self.suite, setting, self._judged[setting.query_set].judgements)
        return self._qrels[setting]

    def of(self, setting: Setting) -> dict[str, Any]:
        """What mteb calls a split."""
        relevant = self.qrels(setting)
        queries = [query for query in self._judged[setting.query_set].queries if query.id in relevant]
        return {
            "corpus": self.corpus(setting.pool),
            "queries": _rows([query.id for query in queries], [query.content for query in queries]),
            "relevant_docs": {query_id: dict(grades) for query_id, grades in relevant.items()},
            "top_ranked": None,
        }

    def corpus(self, pool: str) -> datasets.Dataset:
        """The passages of a pool, each with its collection."""
        return datasets.concatenate_datasets([self._collection(name) for name in self.suite.pool(pool)])

    @functools.cached_property
    def _collections(self) -> dict[str, datasets.Dataset]:
        return {}

    def _collection(self, name: str) -> datasets.Dataset:
        if name not in self._collections:
            passages = self.suite.passages(name, self.passage_text)
            rows = _rows([passage.id for passage in passages], [passage.content for passage in passages])
            self._collections[name] = rows.add_column(COLLECTION, [name] * len(passages))
        return self._collections[name]


def _rows(ids: Sequence[str], contents: Sequence[Input]) -> datasets.Dataset:
    if not any(isinstance(content, Image) for content in contents):
        return datasets.Dataset.from_dict({"id": list(ids), "text": list(contents)})
    stored = [{"bytes": content.read(), "path": None} for content in contents if isinstance(content, Image)]
    features = datasets.Features({"id": datasets.Value("string"), "image": datasets.Image()})
    return datasets.Dataset.from_dict({"id": list(ids), "image": stored}, features=features)


def suite_tasks(
    suite: Suite | str, languages: Sequence[str] | None, passage_text: PassageText, *, full_depth: bool
) -> list[SuiteTask]:
    """See :func:`hybrid_bench_mteb.tasks`."""
    loaded = load_suite(suite) if isinstance(suite, str) else suite
    asked = loaded.restrict(languages) if languages else loaded
    if asked.drops_own and asked.prefixed:
        raise HybridBenchError(
            f"{asked.name} leaves the passage with the query's id out of several collections, which mteb cannot",
            "Evaluate it with `hybrid-bench evaluate`.",
        )
    data = SuiteData(asked, passage_text)
    kinds: dict[str, list[Setting]] = {}
    for setting in asked.settings:
        if data.qrels(setting):
            kinds.setdefault(setting.kind, []).append(setting)
    return [_task(data, kind, settings, full_depth) for kind, settings in kinds.items()]


def task_name(suite: str, kind: str, passage_text: PassageText = "sentence") -> str:
    """The name of a task: that of mteb's files of results."""
    return "-".join([suite.replace("/", "__"), kind, *([passage_text] if passage_text != "sentence" else [])])


def _task(data: SuiteData, kind: str, settings: Sequence[Setting], full_depth: bool) -> SuiteTask:
    suite = data.suite
    depth = max(len(data.corpus(setting.pool)) for setting in settings) if full_depth else None
    attributes = {
        "__doc__": f"The {kind} settings of {suite.name}.",
        "metadata": _metadata(data, kind, settings, mteb_measure(suite.primary, depth)),
        "k_values": tuple(sorted({*K_VALUES, depth or K_VALUES[-1]})),
        "ignore_identical_ids": suite.drops_own,
        "data": data,
        "settings": {setting.name: setting for setting in settings},
    }
    return type("SuiteTask", (SuiteTask,), attributes)()  # type: ignore[no-any-return]


def _metadata(data: SuiteData, kind: str, settings: Sequence[Setting], main_score: str) -> TaskMetadata:
    suite = data.suite
    asked, found = _modalities(suite, kind, settings)
    licence = mteb_licence(suite.licence)
    words = [f"{suite.description}: {kind} settings.", *([suite.note] if suite.note else [])]
    words += [f"Licence: {suite.licence}."] if suite.licence and not licence else []
    return TaskMetadata(
        name=task_name(suite.name, kind, data.passage_text),
        description=" ".join(words),
        dataset={"path": f"hybrid-bench/{suite.name}", "revision": data.revision},
        type="Retrieval" if (asked, found) == ("text", "text") else "Any2AnyRetrieval",
        category=f"{asked[0]}2{found[0]}",
        modalities=sorted({asked, found}),
        eval_splits=[_SPLIT],
        eval_langs={setting.name: _languages(suite, setting) for setting in settings},
        main_score=main_score,
        license=licence,
        bibtex_citation=_citation(suite.base_name),
        contributed_by="hybrid-bench",
    )


def _modalities(suite: Suite, kind: str, settings: Sequence[Setting]) -> tuple[Modality, Modality]:
    found = {
        (suite.query_set(setting.query_set).modality, suite.collection(name).modality)
        for setting in settings
        for name in suite.pool(setting.pool)
    }
    if len(found) > 1:
        raise HybridBenchError(
            f"the {kind} settings of {suite.name} are of texts and of images, which are different tasks in mteb",
            "Evaluate it with `hybrid-bench evaluate`.",
        )
    return found.pop()


def _languages(suite: Suite, setting: Setting) -> list[str]:
    tags = [suite.query_set(setting.query_set).language]
    tags += [suite.collection(name).language for name in suite.pool(setting.pool)]
    return list(dict.fromkeys(map(mteb_language, tags)))


def _citation(suite: str) -> str:
    """The BibTeX entry that ir_datasets has for a suite; empty if there is none."""
    import ir_datasets

    register()
    try:
        documentation = ir_datasets.load(suite).documentation() or {}
    except (KeyError, HybridBenchError):
        return ""
    return str(documentation.get("bibtex") or "")
