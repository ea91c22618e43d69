"""Start-up loads nothing heavy; tested by the modules that are loaded, not by time."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

MODELS = {"torch", "transformers", "sentence_transformers", "tokenizers", "jnius", "pyserini", "faiss"}
HEAVY = MODELS | {"datasets", "ir_datasets", "ir_measures", "matplotlib", "numba", "numpy", "pandas", "pytrec_eval", "scipy"}

REPORT = "; import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"


def loaded_by(code: str) -> set[str]:
    """The top-level modules that are loaded after the code has run in a new interpreter."""
    done = subprocess.run([sys.executable, "-c", code + REPORT], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def command(*words: str) -> str:
    run = f"import contextlib, sys; sys.argv = {['hybrid-bench', *words]!r}; from hybrid_bench.cli import main"
    return f"{run}\nwith contextlib.suppress(SystemExit): main()\n0"


@pytest.mark.parametrize("code", ["import hybrid_bench", "import hybrid_bench.plugin", "from hybrid_bench.plugin import ALL"])
def test_importing_the_package_loads_nothing_heavy(code: str) -> None:
    found = loaded_by(code)
    assert "hybrid_bench" in found
    assert not found & HEAVY


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["evaluate", "--help"],
        ["datasets", "--help"],
        ["results", "show", "--help"],
        ["results", "migrate", "--help"],
        ["search", "--help"],
        ["fuse", "--help"],
    ],
    ids=" ".join,
)
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    found = loaded_by(command(*words))
    assert "typer" in found
    assert not found & HEAVY


@pytest.mark.parametrize("words", [["encoders"], ["suites"], ["datasets", "list", "mini"]], ids=" ".join)
def test_listing_loads_no_model_and_no_plugin(words: list[str]) -> None:
    points = list(entry_points(group="hybrid_bench.encoders"))
    if words != ["suites"]:  # whose descriptions it prints
        points += entry_points(group="hybrid_bench.suites")
    plugins = {point.module.partition(".")[0] for point in points} - {"hybrid_bench"}
    found = loaded_by(command(*words))
    assert "hybrid_bench" in found
    assert not found & (MODELS | plugins)


def test_loading_a_suite_loads_no_model() -> None:
    found = loaded_by("import hybrid_bench; hybrid_bench.load_suite('mini').passages('en')")
    assert "ir_datasets" in found
    assert not found & MODELS
