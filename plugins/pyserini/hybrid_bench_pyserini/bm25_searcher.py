"""BM25 by Lucene on the pools of a suite, with the analyzer of each language."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from hybrid_bench import Collection, HybridBenchError, QuerySet, Setting, Suite
from hybrid_bench.plugin import Hit, Item, Progress, SearcherIdentity, cache, texts_hash
from hybrid_bench_pyserini import analyzers, java, searching
from hybrid_bench_pyserini.analyzers import Analysis
from hybrid_bench_pyserini.bm25_options import Machine, Options
from hybrid_bench_pyserini.indexing import Index, IndexKey, open_or_build

CROSS_LINGUAL = (
    "Cross-lingual: nothing is translated. Queries are analysed with the passages' analyzer and match identical terms only."
)
MULTILINGUAL = (
    "Multilingual: one index of all languages; each passage and query is analysed with the analyzer of its language, so "
    "passages in other languages match through identical terms only."
)


class BM25Searcher:
    """BM25 on a suite's pools, whose indexes are opened or built when first searched.

    A pool of collections of one language has the analyzer of that language; in a pool of several languages every passage and
    query is analysed before, each with its own analyzer.

    Args:
        suite: restricted to the languages that are searched.
        options: k1, b, depth and analyzers.
        settings: those that are searched; a language without an analyzer is reported before anything is indexed.
        machine: folder of the indexes, and threads.
        progress: progress reporting.
    """

    exhaustive = True

    def __init__(self, suite: Suite, options: Options, settings: Sequence[Setting], machine: Machine, progress: Progress) -> None:
        self._suite = suite
        self._options = options
        self._settings = settings
        self._root = machine.index or cache.home() / "indexes"
        self._threads = machine.threads
        self._progress = progress
        self._choices = analyzers.parse_choices(options.analyzer)
        self._analyses: dict[str, Analysis] = {}
        self._open: tuple[str, Index, searching.BM25] | None = None
        self._hashes: dict[str, str] = {}
        self._with_terms: set[tuple[str, Analysis]] = set()
        self._without_terms: list[str] = []
        analyzers.check(languages_of(suite), self._choices)
        names = self._names()
        self.identity = SearcherIdentity(
            card={
                "name": options.name,
                "description": "BM25 by Lucene, through Anserini",
                "kind": "bm25",
                "k1": options.k1,
                "b": options.b,
                "analyzers": names,
            },
            fingerprint=texts_hash([options.name, str(options.k1), str(options.b), str(sorted(names.items()))]),
            versions=java.versions(),
            ties=searching.TIES,
        )

    def _analysis_in(self, language: str) -> Analysis:
        if language not in self._analyses:
            self._analyses[language] = analyzers.analysis(language, self._choices, segmenter=self._options.thai)
        return self._analyses[language]

    def _analysis_of(self, pool: str) -> Analysis | None:
        """The analysis of a pool; None for a pool of several languages, whose passages have different ones."""
        languages = {_language(self._suite.collection(name)) for name in self._suite.pool(pool)}
        return self._analysis_in(languages.pop()) if len(languages) == 1 else None

    def _names(self) -> dict[str, str]:
        """Language to the name of its analysis."""
        return {language: self._analysis_in(language).name for language in languages_of(self._suite)}

    def passages(self) -> dict[str, str]:
        """Collection to the sha256 of its passage ids and texts; also checks the texts."""
        for collection in self._suite.collections:
            if collection.name not in self._hashes:
                items = itertools.chain.from_iterable(self._checked(collection.name))
                self._hashes[collection.name] = texts_hash(items)
        return dict(self._hashes)

    def notes(self) -> list[str]:
        """How languages were analysed, and the queries without terms."""
        kinds = {setting.kind for setting in self._settings}
        labels = [text for kind, text in (("cross-lingual", CROSS_LINGUAL), ("multilingual", MULTILINGUAL)) if kind in kinds]
        if self._without_terms:
            listed = ", ".join(self._without_terms[:5]) + (", ..." if len(self._without_terms) > 5 else "")
            count = len(self._without_terms)
            labels.append(f"Queries without terms after analysis, which retrieved nothing: {count} ({listed}).")
        return labels

    def search(self, setting: Setting, queries: Sequence[Item], depth: int | None) -> Mapping[str, Sequence[Hit]]:
        """The run of a setting; without ``depth``, every passage that matches."""
        pool = self._analysis_of(setting.pool)
        own = pool or self._analysis_in(_language(self._suite.query_set(setting.query_set)))
        self._check_terms(setting, own)
        asked = queries if pool else [Item(query.id, " ".join(own.terms(_text(query)))) for query in queries]
        index, searcher = self._searcher(setting.pool)
        found = searcher.search(asked, depth or index.manifest.indexed, self._threads)
        without = [query.id for query in queries if not found[query.id] and not own.terms(_text(query))]
        self._without_terms += [f"{setting.name} {query_id}" for query_id in without]
        return found

    def _check_terms(self, setting: Setting, own: Analysis) -> None:
        """Raise HybridBenchError if an analyzer removes every term of every query of a query set."""
        if (setting.query_set, own) in self._with_terms:
            return
        if not any(own.terms(_text(query)) for query in self._suite.queries(setting.query_set)):
            pool = self._suite.pool(setting.pool)
            of = self._suite.collection(pool[0]) if len(pool) == 1 else self._suite.query_set(setting.query_set)
            raise HybridBenchError(
                f"the analyzer {own.name} leaves no term in any query of {setting.query_set} on the pool {setting.pool}",
                f"Choose another: --analyzer {_language(of)}=standard.",
            )
        self._with_terms.add((setting.query_set, own))

    def close(self) -> None:
        """Close the open index."""
        if self._open:
            self._open[2].close()
            self._open = None

    def _searcher(self, pool: str) -> tuple[Index, searching.BM25]:
        if self._open is None or self._open[0] != pool:
            self.close()
            analysis = self._analysis_of(pool) or analyzers.PRE_ANALYSED
            index, options = self._index(pool), self._options
            self._open = pool, index, searching.BM25(index.folder, analysis, k1=options.k1, b=options.b)
        return self._open[1:]

    def _index(self, pool: str) -> Index:
        analysis = self._analysis_of(pool)
        inside = self._suite.pool(pool)
        hashes = self.passages()
        key = IndexKey(
            suite=self._suite.base_name,
            pool=pool,
            passages=texts_hash(f"{name} {hashes[name]}" for name in inside),
            analysis=analysis.name if analysis else str(sorted(self._names().items())),
            anserini=java.anserini_version(),
        )
        return open_or_build(
            self._root,
            key,
            lambda: itertools.chain.from_iterable(self._prepared(name, analysis) for name in inside),
            analysis or analyzers.PRE_ANALYSED,
            threads=self._threads,
            say=self._progress.say,
        )

    def _prepared(self, collection: str, analysis: Analysis | None) -> Iterator[tuple[Item, str]]:
        """Passages with the text to index: their terms in a pool of several languages, else the prepared text."""
        own = analysis or self._analysis_in(_language(self._suite.collection(collection)))
        for passage in self._suite.passage_stream(collection):
            text = _text(passage)
            yield passage, analysis.prepare(text) if analysis else " ".join(own.terms(text))

    def _checked(self, collection: str) -> Iterator[tuple[str, str]]:
        """Yield the passages of a collection, which may not fit into memory; there has to be one."""
        empty = True
        for passage in self._suite.passage_stream(collection):
            empty = False
            yield passage.id, _text(passage)
        if empty:
            raise HybridBenchError(f"{self._suite.name}/{collection} has no passages", "Check its files.")


def languages_of(suite: Suite) -> list[str]:
    """The languages by which the texts of a suite are analysed."""
    parts: list[Collection | QuerySet] = [*suite.collections, *suite.query_sets]
    return list(dict.fromkeys(_language(part) for part in parts))


def _language(of: Collection | QuerySet) -> str:
    """The language by which texts are analysed; ``und`` where none is stated."""
    return of.language or "und"


def _text(item: Item) -> str:
    if not isinstance(item.content, str):
        raise HybridBenchError(f"BM25 searches texts, and {item.id!r} is an image", "Choose a suite of texts.")
    return item.content
