"""The plugin hybrid-bench-template-suite: a third party copies and renames it, and it passes its conformance tests."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hybrid_bench.support import toml

TEMPLATE = Path(__file__).parents[2] / "plugins" / "template-suite"
#: What the five steps of the README rename.
NAMES = {
    "hybrid_bench_template_suite": "hybrid_bench_my_recipes",
    "hybrid-bench-template-suite": "hybrid-bench-my-recipes",
    "garden-faq": "my-recipes",
    "TestGardenFaq": "TestMyRecipes",
}


def install(folder: Path) -> None:
    """Install a distribution without pip: its entry points and version in a dist-info folder beside the package."""
    project = toml.load(folder / "pyproject.toml")["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = project["entry-points"].items()
    lines = [
        line for group, entries in groups for line in (f"[{group}]", *(f"{name} = {value}" for name, value in entries.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the folder of an installed plugin."""
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")} | {"PYTHONPATH": path}
    return subprocess.run([sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def renamed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the plugin with other names."""
    folder = tmp_path_factory.mktemp("copy") / "my-recipes"
    shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        text = path.read_text(encoding="utf-8")
        for old, new in NAMES.items():
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
    (folder / "hybrid_bench_template_suite").rename(folder / "hybrid_bench_my_recipes")
    (folder / "tests" / "test_garden_faq.py").rename(folder / "tests" / "test_my_recipes.py")
    install(folder)
    return folder


def test_the_renamed_copy_passes_its_conformance_tests(renamed: Path) -> None:
    """No test is skipped but that of images."""
    done = run(renamed, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error::pytest.PytestWarning", "-rs", "tests")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"9 passed, 1 skipped in", done.stdout), done.stdout
    assert "the suite has no images" in done.stdout


def test_nothing_of_the_template_is_left_in_the_copy(renamed: Path) -> None:
    sources = [path for path in renamed.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert [path for path in sources if any(name in path.read_text(encoding="utf-8") for name in NAMES)] == []


def test_the_copy_is_listed_and_evaluated(renamed: Path, tmp_path: Path) -> None:
    listed = run(renamed, "-m", "hybrid_bench", "suites", "--format", "csv")
    assert "my-recipes," in listed.stdout
    code = """
import sys
from hybrid_bench import evaluate
from tests.tiny_encoder import TinyEncoder
print(evaluate(TinyEncoder(), "my-recipes").save(sys.argv[1]))
"""
    # The copy has a folder `tests` too.
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=TEMPLATE.parents[1],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(TEMPLATE.parents[1]), str(renamed)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "my-recipes" / "tiny.json").read_text())
    settings = {(row["query_set"], row["pool"], row["setting"]) for row in result["rows"]}
    assert settings == {
        ("de", "de", "monolingual"), ("de", "en", "cross-lingual"), ("de", "all", "multilingual"),
        ("en", "de", "cross-lingual"), ("en", "en", "monolingual"), ("en", "all", "multilingual"),
    }  # fmt: skip
    assert {row["queries"] for row in result["rows"]} == {6}
    monolingual = [row["value"] for row in result["rows"] if (row["setting"], row["measure"]) == ("monolingual", "nDCG@10")]
    assert min(monolingual) > 0.6
