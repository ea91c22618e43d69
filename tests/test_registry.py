"""The registry: entry points, loaded lazily, with errors that name the plugin."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hybrid_bench import HybridBenchError
from hybrid_bench.registry import Entry, Registry

GROUP = "hybrid_bench.test_numbers"

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a distribution: its entry points in the group, and the source of its one module."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def write(distribution: str, entry_points: dict[str, str], module: str = "", version: str = "1.0") -> None:
        info = tmp_path / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        points = "".join(f"{name} = {target}\n" for name, target in entry_points.items())
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{points}")
        (tmp_path / f"{distribution.replace('-', '_')}.py").write_text(module)

    yield write
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]


@pytest.fixture
def numbers() -> Registry[int]:
    return Registry(GROUP, "number", int)


def test_listing_imports_nothing_and_getting_imports_one(install: Install, numbers: Registry[int]) -> None:
    install("prime-numbers", {"two": "prime_numbers:TWO", "three": "prime_numbers:THREE"}, "TWO, THREE = 2, 3")
    install("even-numbers", {"four": "even_numbers:FOUR"}, "FOUR = 4", version="2.1")
    assert list(numbers) == ["four", "three", "two"]
    assert "two" in numbers
    assert numbers.entries() == [
        Entry("four", "even_numbers:FOUR", "even-numbers", "2.1"),
        Entry("three", "prime_numbers:THREE", "prime-numbers", "1.0"),
        Entry("two", "prime_numbers:TWO", "prime-numbers", "1.0"),
    ]
    assert not {"prime_numbers", "even_numbers"} & set(sys.modules)
    assert numbers.get("two") == 2
    assert "prime_numbers" in sys.modules
    assert "even_numbers" not in sys.modules


def test_a_near_miss_is_suggested(install: Install, numbers: Registry[int]) -> None:
    install("prime-numbers", {"seventeen": "prime_numbers:X", "two": "prime_numbers:X"})
    with pytest.raises(HybridBenchError, match=r"unknown number 'sevnteen'\n  Did you mean seventeen\?"):
        numbers.get("sevnteen")


def test_a_far_miss_is_told_what_there_is(install: Install, numbers: Registry[int]) -> None:
    install("prime-numbers", {"seventeen": "prime_numbers:X", "two": "prime_numbers:X"})
    with pytest.raises(HybridBenchError, match=r"unknown number 'zzz'\n  Known: seventeen, two\."):
        numbers.get("zzz")


def test_a_registry_without_names_says_so(numbers: Registry[int]) -> None:
    assert list(numbers) == numbers.entries() == []
    with pytest.raises(LookupError, match=r"unknown number 'one'\n  Known: none\."):
        numbers.get("one")


def test_a_name_that_two_packages_register_names_both(install: Install, numbers: Registry[int]) -> None:
    install("prime-numbers", {"two": "prime_numbers:TWO"}, "TWO = 2")
    install("even-numbers", {"two": "even_numbers:TWO"}, "TWO = 2", version="2.1")
    with pytest.raises(HybridBenchError, match="two packages register the number 'two'") as refused:
        numbers.get("two")
    assert "prime-numbers 1.0" in refused.value.problem
    assert "even-numbers 2.1" in refused.value.problem
    assert refused.value.remedy == "Uninstall one of them."


@pytest.mark.parametrize(("value", "kind"), [("'2'", "str"), ("2.0", "float"), ("int", "type"), ("None", "NoneType")])
def test_a_wrong_type_is_refused(install: Install, numbers: Registry[int], value: str, kind: str) -> None:
    install("prime-numbers", {"two": "prime_numbers:TWO"}, f"TWO = {value}")
    problem = f"the number 'two' of prime-numbers 1.0 is a {kind}, not a int\n  Its entry point (prime_numbers:TWO)"
    with pytest.raises(HybridBenchError, match=re.escape(problem)):
        numbers.get("two")


BROKEN = {
    "missing package": ("import no_such_package", "broken:X", "ModuleNotFoundError: No module named 'no_such_package'"),
    "syntax": ("def", "broken:X", "SyntaxError"),
    "raises": ("raise RuntimeError('no licence')", "broken:X", "RuntimeError: no licence"),
    "missing name": ("Y = 1", "broken:X", "AttributeError: module 'broken' has no attribute 'X'"),
    "missing module": ("", "elsewhere:X", "ModuleNotFoundError: No module named 'elsewhere'"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_is_reported_by_name_and_the_others_keep_working(
    install: Install, numbers: Registry[int], kind: str
) -> None:
    module, target, problem = BROKEN[kind]
    install("broken", {"one": target}, module, version="0.3")
    install("prime-numbers", {"two": "prime_numbers:TWO"}, "TWO = 2")
    assert list(numbers) == ["one", "two"]
    with pytest.raises(HybridBenchError) as refused:
        numbers.get("one")
    assert refused.value.problem.startswith(f"the number 'one' of broken 0.3 cannot be loaded: {problem}")
    assert refused.value.remedy == "Fix or uninstall it: python -m pip uninstall broken"
    assert refused.value.__cause__ is not None
    assert numbers.get("two") == 2
    assert list(numbers.broken()) == ["one"]


def test_working_plugins_are_not_reported(install: Install, numbers: Registry[int]) -> None:
    install("prime-numbers", {"two": "prime_numbers:TWO"}, "TWO = 2")
    numbers.add("five", 5)
    assert numbers.broken() == {}


def test_an_object_can_be_registered_for_this_process(install: Install, numbers: Registry[int]) -> None:
    install("prime-numbers", {"two": "prime_numbers:TWO"}, "TWO = 2")
    numbers.add("five", 5)
    assert numbers.get("five") == 5
    assert list(numbers) == ["five", "two"]
    assert numbers.entries()[0] == Entry("five", "int", "this process", "")


def test_a_name_is_registered_once(install: Install, numbers: Registry[int]) -> None:
    install("prime-numbers", {"two": "prime_numbers:TWO"}, "TWO = 2")
    numbers.add("five", 5)
    for name in ("two", "five"):
        with pytest.raises(HybridBenchError, match=f"the number '{name}' is already registered"):
            numbers.add(name, 0)
    assert (numbers.get("two"), numbers.get("five")) == (2, 5)


def test_a_registry_without_a_base_takes_anything(install: Install) -> None:
    install("prime-numbers", {"two": "prime_numbers:TWO"}, "TWO = 'two'")
    assert Registry[object](GROUP, "thing").get("two") == "two"
