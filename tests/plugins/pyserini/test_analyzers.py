"""Every language gets its Lucene analyzer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hybrid_bench import HybridBenchError
from hybrid_bench.datasets.languages import MIRACL, NAMES, XQUAD_R
from hybrid_bench_pyserini import analyzers, java, thai

README = Path(__file__).resolve().parents[3] / "plugins" / "pyserini" / "README.md"

#: Two forms of one word, which only an analyzer of the language conflates.
FORMS = {
    "ar": ("الكتاب", "كتاب"),
    "de": ("Häuser", "hauser"),
    "el": ("ΘΆΛΑΣΣΑ", "θάλασσες"),
    "en": ("rivers", "river"),
    "es": ("niñas", "niñas"),
    "fi": ("taloissa", "talossa"),
    "ru": ("реками", "реки"),
    "tr": ("evler", "evleri"),
}


@pytest.mark.parametrize("language", sorted({*XQUAD_R, *MIRACL}))
def test_every_language_of_the_suites_has_an_analyzer_that_produces_terms(language: str) -> None:
    found = analyzers.analysis(language)
    assert found.terms("2024 Lucene")
    if language not in ("en",):
        assert found.java_class != analyzers.ENGLISH


@pytest.mark.parametrize("language", FORMS)
def test_forms_of_a_word_become_one_term(language: str) -> None:
    one, other = FORMS[language]
    found = analyzers.analysis(language)
    assert found.terms(one) == found.terms(other) != []


def test_greek_and_vietnamese_are_not_english() -> None:
    assert analyzers.analysis("el").name == "GreekAnalyzer"
    assert analyzers.analysis("vi").terms("the các con sông") == ["the", "các", "con", "sông"]
    analyzers.register()
    table = java.load("io.anserini.analysis.AnalyzerMap")
    for language in ("el", "vi", "yo", "sw"):
        by_pyserini = table.getLanguageSpecificAnalyzer(language)
        assert by_pyserini.getClass().getName() == analyzers.ANALYZERS[language]


def test_thai_is_segmented_with_and_without_javas_data() -> None:
    text = "แม่น้ำท่วมเมือง ปี ๒๕๖๗"
    without = analyzers.analysis("th", segmenter="newmm")
    assert "2567" in without.terms(text)
    assert len(without.terms(text)) >= 4
    assert thai.segment("แม่น้ำ และ เมือง", {"และ"}).split() == ["แม่น้ำ", "เมือง"]
    if analyzers.java_segments_thai():
        assert analyzers.analysis("th").name == "ThaiAnalyzer"
        assert "2567" in analyzers.analysis("th").terms(text)
    else:
        with pytest.raises(HybridBenchError, match="cannot segment Thai"):
            analyzers.analysis("th", segmenter="lucene")


def test_a_region_or_a_chinese_script_does_not_change_the_analyzer() -> None:
    assert analyzers.analysis("es-419") == analyzers.analysis("es")
    assert analyzers.analysis("zh-Hant-TW") == analyzers.analysis("zh")
    assert analyzers.analysis("zh-Hans", {"zh-Hans": "standard"}).java_class == analyzers.STANDARD
    with pytest.raises(HybridBenchError, match="no analyzer for the language 'ar-Latn'"):
        analyzers.analysis("ar-Latn")


def test_a_language_without_an_analyzer_is_an_error_that_explains_the_option() -> None:
    with pytest.raises(HybridBenchError, match=r"no analyzer for the language 'und'\n  Choose one: --analyzer und=standard"):
        analyzers.analysis("und")
    assert analyzers.analysis("und", {"und": "standard"}).java_class == analyzers.STANDARD
    with pytest.raises(HybridBenchError, match=r"languages und, qu\n  Choose one: --analyzer und=standard,qu=standard"):
        analyzers.check(["und", "de", "qu", "bo"], {"bo": "whitespace"})
    with pytest.raises(HybridBenchError, match="does not have the form"):
        analyzers.parse_choices("und")


def test_the_readme_lists_the_analyzers() -> None:
    rows = dict(re.findall(r"^\| \w[\w ]* \((\w\w)\) \| `(\w+)`", README.read_text(), flags=re.MULTILINE))
    expected = {code: name.rpartition(".")[2] for code, name in analyzers.ANALYZERS.items() if code in {*XQUAD_R, *MIRACL}}
    assert rows == expected
    assert rows.keys() <= NAMES.keys()
