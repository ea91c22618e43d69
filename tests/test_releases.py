"""What belongs to a release agrees: versions, the changelog, and the table of plugins."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from hybrid_bench.support import toml

ROOT = Path(__file__).parent.parent
PROJECTS = {path.parent: toml.load(path)["project"] for path in (ROOT / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml"))}
CORE = PROJECTS[ROOT]
#: What Keep a Changelog 1.1.0 has, and the versions of boards and their data.
SECTIONS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security", "Boards and data"}


def test_all_distributions_have_one_version() -> None:
    assert {project["version"] for project in PROJECTS.values()} == {CORE["version"]}
    stated = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    assert stated and stated[1] == CORE["version"]


def test_plugins_require_a_compatible_version_of_the_core() -> None:
    ours = {project["name"] for project in PROJECTS.values()}
    for project in PROJECTS.values():
        stated = [
            Requirement(text) for text in (*project["dependencies"], *project.get("optional-dependencies", {}).get("all", []))
        ]
        for requirement in stated:
            if requirement.name in ours - {project["name"]}:
                assert str(requirement.specifier) == f"~={CORE['version']}", f"{project['name']}: {requirement}"


def test_the_changelog_is_in_the_format_of_keep_a_changelog() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heads = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d{2}-\d{2}))?$", text, re.MULTILINE)
    assert len(heads) == text.count("\n## ")
    assert heads[0] == ("Unreleased", "")
    versions = [Version(version) for version, _ in heads[1:]]
    assert versions == sorted(versions, reverse=True)
    assert versions[0] == Version(CORE["version"])
    assert all(date for _, date in heads[1:])
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= SECTIONS


def test_the_table_of_plugins_lists_each_and_says_which_come_with_all() -> None:
    rows = re.findall(
        r"^\| `(hybrid-bench-[a-z0-9-]+)` .*\| (yes|) *\|$", (ROOT / "plugins" / "README.md").read_text("utf-8"), re.MULTILINE
    )
    assert len(rows) == len(dict(rows))
    assert dict(rows).keys() == {project["name"] for project in PROJECTS.values()} - {CORE["name"]}
    usual = {Requirement(text).name for text in CORE["optional-dependencies"]["all"]} - {CORE["name"]}
    assert {name for name, usually in rows if usually} == usual
