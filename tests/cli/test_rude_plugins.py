"""Plugins that end the program, or print: the command fails with an error, and standard output holds only results."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Cli

ENCODER = """
import os, subprocess, sys
from tests.tiny_encoder import TinyEncoder

{at_import}

class Rude(TinyEncoder):
    def encode(self, texts, role):
        {in_encode}
        return super().encode(texts, role)
"""

PRINTS = 'print("printed"); os.write(1, b"written"); subprocess.run([sys.executable, "-c", "print(\'of a process\')"])'

Install = Callable[[str, str, str], dict[str, str]]


@pytest.fixture
def install(tmp_path: Path, tiny_distribution: Path, root: Path) -> Install:
    """Install a distribution ``rude`` with an encoder and an entry of another group; returns the environment to run in."""

    def at(at_import: str, in_encode: str, more: str) -> dict[str, str]:
        folder = tmp_path / "site"
        info = folder / "rude-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rude\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[hybrid_bench.encoders]\nrude = rude:Rude\n{more}")
        (folder / "rude.py").write_text(ENCODER.format(at_import=at_import, in_encode=in_encode))
        return {"PYTHONPATH": f"{folder}:{tiny_distribution}:{root}", "HYBRID_BENCH_HOME": str(tmp_path / "home")}

    return at


@pytest.mark.parametrize("status", ["0", "", "1", "'a text'"])
def test_ending_the_program_at_import_is_an_error(cli: Cli, install: Install, status: str) -> None:
    env = install(f"sys.exit({status})", "pass", "")
    done = cli("evaluate", "rude", "--languages", "de", env=env)
    assert done.returncode == 2
    assert "error: the encoder 'rude' of rude 1.0 cannot be loaded: SystemExit" in done.stderr
    assert "python -m pip uninstall rude" in done.stderr
    shown = cli("doctor", "--format", "csv", env=env)
    assert shown.returncode == 1
    rows = {row[0]: row for row in csv.reader(io.StringIO(shown.stdout))}
    assert rows["encoder rude"][1] == "broken"
    assert rows["encoder tiny"][1] == "ok"


def test_ending_the_program_in_encode_is_an_error(cli: Cli, install: Install, tmp_path: Path) -> None:
    done = cli("evaluate", "rude", "--languages", "de", env=install("", "sys.exit(0)", ""))
    assert done.returncode == 2
    assert "error: tiny ended the program while it encoded: sys.exit(0)" in done.stderr
    assert not (tmp_path / "results").exists()


def test_ending_the_program_elsewhere_is_an_error(cli: Cli, install: Install) -> None:
    done = cli(
        "evaluate",
        "rude",
        "--languages",
        "de",
        env=install("TinyEncoder.__init__ = lambda self, **options: sys.exit(0)", "pass", ""),
    )
    assert done.returncode == 2
    assert "error: a plugin or library ended the program: sys.exit(0)" in done.stderr


def test_a_check_of_a_plugin_that_ends_the_program_is_a_finding(cli: Cli, install: Install) -> None:
    more = "[hybrid_bench.doctor]\nends = rude:sys.exit\nfails = rude:os.abs\nbreaks = rude:Breaks\n"
    done = cli("doctor", "--format", "csv", env=install("def Breaks(): raise RuntimeError('no service')", "pass", more))
    assert done.returncode == 1
    rows = {row[0]: row for row in csv.reader(io.StringIO(done.stdout))}
    assert {rows[name][1] for name in ("ends", "fails", "breaks")} == {"broken"}
    assert "RuntimeError: no service" in rows["breaks"][2]


@pytest.mark.parametrize("words", [("--languages", "de"), ("--suite", "mini", "--languages", "de,en")], ids=" ".join)
def test_what_a_plugin_prints_does_not_reach_standard_output(cli: Cli, install: Install, words: tuple[str, ...]) -> None:
    done = cli("evaluate", "rude", *words, "--format", "csv", env=install(PRINTS, PRINTS, ""))
    assert done.returncode == 0, done.stderr
    quiet = cli("evaluate", "tiny", *words, "--format", "csv")
    assert done.stdout == quiet.stdout
    for text in ("printed", "written", "of a process"):
        assert text in done.stderr


def test_what_a_plugin_prints_does_not_reach_listings(cli: Cli, install: Install) -> None:
    done = cli("doctor", "--format", "csv", env=install(PRINTS, "pass", ""))
    assert "printed" in done.stderr
    assert {len(row) for row in csv.reader(io.StringIO(done.stdout))} == {4}
