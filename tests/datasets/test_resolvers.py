"""Resolvers from a name to a suite: asked in turn, those of plugins between those of the core."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hybrid_bench import HybridBenchError, Suite, load_suite
from hybrid_bench.datasets import resolvers
from hybrid_bench.plugin import UnknownNameError
from hybrid_bench.registry import Registry
from tests.datasets import examples

CORE = ["10-registered", "20-beir-folder", "30-miracl", "90-ir-datasets"]


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry[Any]:
    """A registry with the same entry points as that of the package; what a test adds is gone afterwards."""
    fresh: Registry[Any] = Registry(resolvers.RESOLVERS.group, resolvers.RESOLVERS.kind, resolvers.RESOLVERS._base)
    monkeypatch.setattr(resolvers, "RESOLVERS", fresh)
    return fresh


def test_the_core_s_resolvers_are_entry_points_in_their_order() -> None:
    assert [name for name in resolvers.RESOLVERS if name in CORE] == CORE
    assert list(resolvers.RESOLVERS) == sorted(resolvers.RESOLVERS)
    assert resolvers.RESOLVERS.broken() == {}


@pytest.mark.parametrize("name", ["mini", "miracl/sw+yo/dev"])
def test_a_plugin_s_resolver_is_not_asked_for_what_an_earlier_one_knows(registry: Registry[Any], name: str) -> None:
    asked: list[str] = []
    registry.add("50-mine", lambda name: asked.append(name))  # type: ignore[func-returns-value]
    assert load_suite(name).name == name
    assert asked == []


def test_a_plugin_s_resolver_is_asked_before_ir_datasets(registry: Registry[Any]) -> None:
    mine = examples.by_domain(["law", "news"])
    registry.add("50-mine", lambda name: mine if name == "mini/de/en" else None)
    assert load_suite("mini/de/en") is mine
    assert load_suite("mini/en/de").settings[0].kind == "cross-lingual"


def test_resolvers_are_asked_in_turn_until_one_knows_the_name(registry: Registry[Any]) -> None:
    asked: list[str] = []

    def knows(name: str, number: str, found: Suite | None) -> Suite | None:
        asked.append(f"{number} {name}")
        return found

    suite = examples.by_language(["de", "en"])
    registry.add("60-second", lambda name: knows(name, "60", suite))
    registry.add("41-first", lambda name: knows(name, "41", None))
    registry.add("70-third", lambda name: knows(name, "70", suite))
    assert load_suite("my/format") is suite
    assert asked == ["41 my/format", "60 my/format"]


def test_a_folder_without_a_collection_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("Nothing to search.")
    with pytest.raises(HybridBenchError, match=f"the folder {tmp_path} holds no collection, and no suite has its name"):
        load_suite(str(tmp_path))


def test_an_unknown_name_is_an_error_after_all_were_asked(registry: Registry[Any]) -> None:
    asked: list[str] = []
    registry.add("50-mine", lambda name: asked.append(name))  # type: ignore[func-returns-value]
    with pytest.raises(UnknownNameError, match=r"unknown suite 'minni'\n  Did you mean mini\? `hybrid-bench suites` lists them"):
        load_suite("minni")
    assert asked == ["minni"]


def test_an_error_of_a_resolver_is_the_user_s_and_no_later_one_is_asked(registry: Registry[Any]) -> None:
    def refuses(name: str) -> Suite | None:
        if name.endswith(".mine"):
            raise HybridBenchError(f"{name} is truncated", "Download it again.")
        return None

    registry.add("50-mine", refuses)
    registry.add("60-later", lambda name: examples.by_language(["de", "en"]))
    with pytest.raises(HybridBenchError, match=r"data\.mine is truncated\n  Download it again"):
        load_suite("data.mine")
    assert load_suite("mini").name == "mini"
    assert load_suite("anything else").name == "toy"


def test_a_resolver_that_gives_something_else_than_a_suite_is_named(registry: Registry[Any]) -> None:
    registry.add("50-mine", lambda name: {"name": name})
    with pytest.raises(HybridBenchError, match=r"the suite resolver '50-mine' gave a dict for 'my/format', not a Suite"):
        load_suite("my/format")


@pytest.fixture
def broken(registry: Registry[Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An entry point of a module that cannot be imported."""
    point = importlib.metadata.EntryPoint("50-broken", "a_module_that_does_not_exist:resolve", registry.group)
    monkeypatch.setitem(registry._entry_points, "50-broken", point)
    yield


@pytest.mark.usefixtures("broken")
def test_a_resolver_that_cannot_be_imported_is_named_and_the_earlier_ones_work() -> None:
    assert load_suite("mini").name == "mini"
    assert load_suite("miracl/sw+yo/dev").name == "miracl/sw+yo/dev"
    with pytest.raises(HybridBenchError, match=r"the suite resolver '50-broken' .*cannot be loaded: ModuleNotFoundError"):
        load_suite("mini/de/en")


def test_a_resolver_is_imported_when_it_is_asked(registry: Registry[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("a_late_module")
    module.resolve = lambda name: examples.by_language(["de", "en"])  # type: ignore[attr-defined]
    point = importlib.metadata.EntryPoint("50-late", "a_late_module:resolve", registry.group)
    monkeypatch.setitem(registry._entry_points, "50-late", point)
    assert load_suite("mini").name == "mini"
    monkeypatch.setitem(sys.modules, "a_late_module", module)
    assert load_suite("my/format").name == "toy"


def test_a_registered_name_comes_before_a_folder_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mini").mkdir()
    (tmp_path / "mini" / "corpus.jsonl").write_text('{"_id": "1", "text": "A."}\n')
    monkeypatch.chdir(tmp_path)
    assert (load_suite("mini").folder, load_suite("mini").description[:9]) == ("", "15 everyd")
    assert not resolvers.is_folder("mini")
    assert resolvers.is_folder(str(tmp_path / "mini"))
    assert not resolvers.is_folder(str(tmp_path / "nothing"))


@pytest.mark.parametrize("name", ["miracl", "miracl/yo", "miracl/sw+yo", "miracl/SW/dev", "miracl/sw/dev/sw", "mini"])
def test_the_miracl_resolver_knows_languages_with_a_split_alone(name: str) -> None:
    assert resolvers.miracl(name) is None


def test_the_miracl_resolver_sorts_the_languages_of_a_pool() -> None:
    suite = resolvers.miracl("miracl/yo+sw+yo/dev")
    assert suite is not None
    assert [of.name for of in suite.collections] == [of.name for of in suite.query_sets] == ["sw", "yo"]
    assert suite.pools == {"all": ("sw", "yo")}
    everything = resolvers.miracl("miracl/all/dev")
    assert everything is not None
    assert len(everything.settings) == 18 * 19


def test_an_entry_of_ir_datasets_without_a_language_is_undetermined(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        def has(self, part: str) -> bool:
            return True

        def docs_lang(self) -> None:
            return None

        queries_lang = docs_lang

        def metadata(self) -> dict[str, Any]:
            return {"docs": {"count": 100_001}}

        def documentation(self) -> None:
            return None

    monkeypatch.setattr(resolvers, "entry", lambda name: Entry())
    monkeypatch.setattr("hybrid_bench.datasets.catalog.entry", lambda name: Entry())
    suite = resolvers.ir_datasets_id("my/entry")
    assert suite is not None
    assert (suite.languages, [setting.name for setting in suite.settings], suite.large) == ((), ["und:und"], True)
    assert suite.collection("und").count() == 100_001
