"""Settings: made from query sets and collections, and parsed from the command line."""

from __future__ import annotations

import pytest

from hybrid_bench import HybridBenchError, Setting
from hybrid_bench.datasets.settings import KINDS, parse_settings
from hybrid_bench.plugin import domain_settings, image_settings, language_settings
from tests.datasets import examples
from tests.datasets.examples import collection, query_set


def test_language_settings_are_every_query_set_on_every_collection_and_their_pool_in_the_order_of_tables() -> None:
    assert examples.by_language(["de", "en"]).settings == (
        Setting("de", "de", "monolingual"), Setting("de", "en", "cross-lingual"), Setting("de", "all", "multilingual"),
        Setting("en", "de", "cross-lingual"), Setting("en", "en", "monolingual"), Setting("en", "all", "multilingual"),
    )  # fmt: skip


def test_the_language_decides_the_kind_and_not_the_name() -> None:
    settings = language_settings(
        [query_set("topics", language="zh-hans")],
        [collection("news", language="zh-hans"), collection("zh-hans", language="zh-hant")],
        "everything",
    )
    assert settings == (
        Setting("topics", "news", "monolingual"),
        Setting("topics", "zh-hans", "cross-lingual"),
        Setting("topics", "everything", "multilingual"),
    )


def test_without_a_pool_language_settings_are_monolingual_alone() -> None:
    two = examples.by_language(["de", "en"])
    assert language_settings(two.query_sets, two.collections, pool=None) == (
        Setting("de", "de", "monolingual"),
        Setting("en", "en", "monolingual"),
    )


def test_a_pool_of_all_needs_several_collections() -> None:
    queries = [query_set(name, language=name) for name in ("de", "en")]
    assert language_settings(queries, [collection("de", language="de")]) == (
        Setting("de", "de", "monolingual"),
        Setting("en", "de", "cross-lingual"),
    )


def test_domain_settings_tell_domains_apart_in_one_language() -> None:
    assert examples.by_domain(["law", "news"]).settings == (
        Setting("law", "law", "in-domain"), Setting("law", "news", "cross-domain"), Setting("law", "all", "all-domain"),
        Setting("news", "law", "cross-domain"), Setting("news", "news", "in-domain"), Setting("news", "all", "all-domain"),
    )  # fmt: skip
    two = examples.by_domain(["law", "news"])
    assert {setting.kind for setting in domain_settings(two.query_sets, two.collections, None)} == {"in-domain"}


def test_image_settings_are_between_modalities_alone() -> None:
    queries = [query_set("captions"), query_set("photos", modality="image")]
    assert image_settings(queries, [("photos", "image"), ("captions", "text"), ("all-photos", "image")]) == (
        Setting("captions", "photos", "text-to-image"),
        Setting("captions", "all-photos", "text-to-image"),
        Setting("photos", "captions", "image-to-text"),
    )


@pytest.mark.parametrize("attribute", ["language", "domain"])
def test_a_part_that_does_not_state_the_attribute_is_named(attribute: str) -> None:
    make = {"language": language_settings, "domain": domain_settings}[attribute]
    stated = {attribute: "x"}
    with pytest.raises(HybridBenchError, match=f"'silent' states no {attribute}\n  Give every query set and collection a"):
        make([query_set("a", **stated)], [collection("b", **stated), collection("silent")])
    with pytest.raises(HybridBenchError, match=f"'silent' states no {attribute}"):
        make([query_set("silent")], [collection("b", **stated)])


SETTINGS = examples.by_language(["de", "en"]).settings
NAMED = {setting.name: setting for setting in SETTINGS}


def test_all_settings_are_meant_when_none_is_named() -> None:
    assert parse_settings([], SETTINGS) == list(SETTINGS)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (["monolingual"], ["de:de", "en:en"]),
        (["cross-lingual"], ["de:en", "en:de"]),
        (["multilingual"], ["de:all", "en:all"]),
        (["en:de"], ["en:de"]),
        (["en:all", "multilingual", "en:all"], ["en:all", "de:all"]),
    ],
)
def test_settings_are_named_by_kind_or_by_pair(asked: list[str], expected: list[str]) -> None:
    assert parse_settings(asked, SETTINGS) == [NAMED[name] for name in expected]


def test_settings_of_names_with_hyphens_are_named_by_pair() -> None:
    settings = examples.by_language(["zh-hans", "sr-latn"]).settings
    assert parse_settings(["zh-hans:sr-latn"], settings) == [Setting("zh-hans", "sr-latn", "cross-lingual")]


def test_an_unknown_setting_is_refused_with_what_there_is() -> None:
    with pytest.raises(HybridBenchError, match=r"unknown setting 'multilingal'\n  Did you mean multilingual"):
        parse_settings(["de:de", "multilingal"], SETTINGS)
    with pytest.raises(HybridBenchError, match="unknown setting 'de:th'"):
        parse_settings(["de:th"], SETTINGS)


def test_kinds_are_those_of_languages_domains_and_modalities() -> None:
    assert KINDS == (
        "monolingual", "cross-lingual", "multilingual", "in-domain", "cross-domain", "all-domain",
        "text-to-image", "image-to-text",
    )  # fmt: skip
