"""The BM25 baseline on every setting of a suite, with the analyzer of each language."""

from __future__ import annotations

import functools
import itertools
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hybrid_bench import (
    ALL,
    DEFAULT_MEASURES,
    Hit,
    HybridBenchError,
    Progress,
    Result,
    Searcher,
    Setting,
    SilentProgress,
    Suite,
    Text,
    UnknownNameError,
    evaluate_runs,
    load_suite,
    texts_hash,
)
from hybrid_bench.support import cache
from hybrid_bench_pyserini import analyzers, java, searching
from hybrid_bench_pyserini.analyzers import Analysis
from hybrid_bench_pyserini.indexing import Index, IndexKey, open_or_build

K1, B = 0.9, 0.4
DEPTH = 1000

CROSS_LINGUAL = (
    "Cross-lingual: nothing is translated. Queries are analysed with the passages' analyzer and match identical terms only."
)
MULTILINGUAL = (
    "Multilingual: one index of all languages; each passage and query is analysed with the analyzer of its language, so "
    "passages in other languages match through identical terms only."
)


@dataclass(frozen=True)
class Options:
    """BM25 parameters.

    Attributes:
        k1: term-frequency saturation.
        b: length normalisation.
        depth: maximum number of passages per query.
        analyzer: comma-separated ``language=analyzer``; an analyzer is a language, ``standard`` or ``whitespace``.
        thai: segmenter of Thai: ``auto``, ``lucene`` or ``newmm``.
    """

    k1: float = K1
    b: float = B
    depth: int = DEPTH
    analyzer: str = ""
    thai: str = "auto"

    @property
    def name(self) -> str:
        """``bm25``, followed by the options that differ from their defaults."""
        return "bm25" + "".join(
            f"-{name}={value}" for name, value, usual in (("k1", self.k1, K1), ("b", self.b, B), ("thai", self.thai, "auto"))
            if value != usual
        )  # fmt: skip


def evaluate_bm25(
    suite: Suite | str,
    options: Options = Options(),  # frozen
    *,
    languages: Sequence[str] | None = None,
    settings: Callable[[Sequence[Setting]], Sequence[Setting]] | None = None,
    measures: Sequence[str] = DEFAULT_MEASURES,
    index: Path | None = None,
    out: Path | None = None,
    threads: int = 1,
    progress: Progress | None = None,
    command: Sequence[str] = (),
) -> Result:
    """Index, search and score a suite with BM25.

    Args:
        suite: a suite or the name of one.
        options: k1, b, depth and analyzers.
        languages: restrict the suite to these languages; all by default.
        settings: function that selects among the settings; all by default.
        measures: names of ir_measures measures.
        index: folder for the indexes; in the cache folder by default.
        out: folder of results, in which the runs are kept; None to keep none.
        threads: number of threads for indexing and searching.
        progress: progress reporting.
        command: further words of the command line that reproduces the result.

    Raises:
        HybridBenchError: if Java is missing, a language has no analyzer, an index is incomplete, or no query has a term.
    """
    progress = progress or SilentProgress()
    loaded = load_suite(suite) if isinstance(suite, str) else suite
    for language in analyzers.parse_choices(options.analyzer):
        if language not in (known := dict.fromkeys((*loaded.passage_languages, *loaded.languages))):
            raise UnknownNameError(f"language of {loaded.name}", language, list(known))
    asked = loaded.restrict(languages) if languages else loaded
    chosen = list(settings(asked.settings()) if settings else asked.settings())
    pools = _Pools(asked, options, index or cache.home() / "indexes", threads, progress)
    for pool in dict.fromkeys(setting.pool for setting in chosen):
        pools.analysis_of(pool)  # report a language without an analyzer before indexing
    searcher = Searcher(
        card={
            "name": options.name,
            "description": "BM25 by Lucene, through Anserini",
            "kind": "bm25",
            "k1": options.k1,
            "b": options.b,
            "analyzers": pools.names(),
        },
        fingerprint=texts_hash([options.name, str(options.k1), str(options.b), str(sorted(pools.names().items()))]),
        search=functools.partial(pools.search, depth=options.depth),
        search_all=pools.search,
        versions=java.versions(),
        ties=searching.TIES,
    )
    words = ["hybrid-bench", "baseline", "bm25", "--suite", loaded.asked_as, *command]
    kinds = {setting.kind for setting in chosen}
    labels = [text for kind, text in (("cross-lingual", CROSS_LINGUAL), ("multilingual", MULTILINGUAL)) if kind in kinds]
    try:
        return evaluate_runs(
            searcher,
            asked,
            command=shlex.join(words),
            depth=options.depth,
            settings=chosen,
            passages=pools.hashes(),
            measures=measures,
            out=out,
            name=f"{asked.name}+{'+'.join(asked.languages)}" if languages else None,
            notes=lambda: [*labels, *pools.notes()],
            progress=progress,
        )
    finally:
        pools.close()


class _Pools:
    """The indexes of a suite's pools, opened or built when first searched."""

    def __init__(self, suite: Suite, options: Options, root: Path, threads: int, progress: Progress) -> None:
        self._suite = suite
        self._options = options
        self._root = root
        self._threads = threads
        self._progress = progress
        self._choices = analyzers.parse_choices(options.analyzer)
        self._analyses: dict[str, Analysis] = {}
        self._open: tuple[str, Index, searching.BM25] | None = None
        self._hashes: dict[str, str] = {}
        self._with_terms: set[tuple[str, Analysis]] = set()
        self._without_terms: list[str] = []

    def analysis_of(self, language: str) -> Analysis | None:
        """The analysis of a language; None for the pool of all languages, whose passages have different ones."""
        if language == ALL:
            return None
        if language not in self._analyses:
            self._analyses[language] = analyzers.analysis(language, self._choices, segmenter=self._options.thai)
        return self._analyses[language]

    def names(self) -> dict[str, str]:
        """Language to the name of its analysis, for the languages of the suite."""
        languages = dict.fromkeys((*self._suite.passage_languages, *self._suite.languages))
        return {language: found.name for language in languages if (found := self.analysis_of(language))}

    def hashes(self) -> dict[str, str]:
        """Language to the sha256 of its passage ids and texts; also checks the texts."""
        for language in self._suite.passage_languages:
            if language not in self._hashes:
                self._hashes[language] = texts_hash(itertools.chain.from_iterable(_checked(self._suite, language)))
        return dict(self._hashes)

    def notes(self) -> list[str]:
        """Notes for the result on queries without terms."""
        if not self._without_terms:
            return []
        listed = ", ".join(self._without_terms[:5]) + (", ..." if len(self._without_terms) > 5 else "")
        return [f"Queries without terms after analysis, which retrieved nothing: {len(self._without_terms)} ({listed})."]

    def search(self, setting: Setting, queries: Sequence[Text], depth: int | None = None) -> Mapping[str, Sequence[Hit]]:
        """The run of a setting; without ``depth``, every passage that matches."""
        own = self.analysis_of(setting.query_language if setting.pool == ALL else setting.pool)
        if own is None:
            raise HybridBenchError(
                "the queries have no single language", "Search the pool of all languages with queries of one language."
            )
        self._check_terms(setting, own)
        asked = queries
        if setting.pool == ALL:
            asked = [Text(query.id, " ".join(own.terms(query.text))) for query in queries]
        index, searcher = self._searcher(setting.pool)
        found = searcher.search(asked, depth or index.manifest.indexed, self._threads)
        without = [query.id for query in queries if not found[query.id] and not own.terms(query.text)]
        self._without_terms += [f"{setting.query_language}:{setting.pool} {query_id}" for query_id in without]
        return found

    def _check_terms(self, setting: Setting, own: Analysis) -> None:
        """Raise HybridBenchError if an analyzer removes every term of every query of a language."""
        if (setting.query_language, own) in self._with_terms:
            return
        if not any(own.terms(query.text) for query in self._suite.query_texts(setting.query_language)):
            raise HybridBenchError(
                f"the analyzer {own.name} leaves no term in any query of {setting.query_language} on the pool {setting.pool}",
                f"Choose another: --analyzer {setting.pool if setting.pool != ALL else setting.query_language}=standard.",
            )
        self._with_terms.add((setting.query_language, own))

    def close(self) -> None:
        """Close the open index."""
        if self._open:
            self._open[2].close()
            self._open = None

    def _searcher(self, pool: str) -> tuple[Index, searching.BM25]:
        if self._open is None or self._open[0] != pool:
            self.close()
            analysis = self.analysis_of(pool) or analyzers.PRE_ANALYSED
            index, options = self._index(pool), self._options
            self._open = pool, index, searching.BM25(index.folder, analysis, k1=options.k1, b=options.b)
        return self._open[1:]

    def _index(self, pool: str) -> Index:
        analysis = self.analysis_of(pool)
        inside = list(self._suite.passage_languages) if pool == ALL else [pool]
        hashes = self.hashes()
        key = IndexKey(
            suite=self._suite.name,
            pool=pool,
            passages=texts_hash(f"{language} {hashes[language]}" for language in inside),
            analysis=analysis.name if analysis else str(sorted(self.names().items())),
            anserini=java.anserini_version(),
        )
        return open_or_build(
            self._root,
            key,
            lambda: itertools.chain.from_iterable(self._prepared(language, analysis) for language in inside),
            analysis or analyzers.PRE_ANALYSED,
            threads=self._threads,
            say=self._progress.say,
        )

    def _prepared(self, language: str, analysis: Analysis | None) -> Iterator[tuple[Text, str]]:
        """Passages with the text to index: their terms in the pool of all languages, else the prepared text."""
        for passage in _texts(self._suite, language):
            if analysis:
                yield passage, analysis.prepare(passage.text)
            else:
                own = self.analysis_of(passage.id.partition("-")[0] if language == ALL else language)
                yield passage, " ".join(own.terms(passage.text)) if own else ""


def _texts(suite: Suite, language: str) -> Iterable[Text]:
    return (Text(doc.doc_id, doc.default_text()) for doc in suite.docs(language))


def _checked(suite: Suite, language: str) -> Iterator[Text]:
    """Yield and check the passages of a collection, which may not fit into memory."""
    seen: set[str] = set()
    for passage in _texts(suite, language):
        if passage.id in seen:
            raise HybridBenchError(
                f"{suite.name}/{language} has two passages with the id {passage.id!r}", "Give every passage a unique id."
            )
        seen.add(passage.id)
        if not passage.text.strip():
            raise HybridBenchError(
                f"the passage {passage.id!r} of {suite.name}/{language} is empty", "Add its text or remove the passage."
            )
        yield passage
    if not seen:
        raise HybridBenchError(f"{suite.name}/{language} has no passages", "Check its files.")
