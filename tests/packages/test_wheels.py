"""Wheels and sdists of every distribution: built, installed without this checkout, and used in an empty folder.

`tox run -e wheels` leaves them in ``dist/``.
"""

from __future__ import annotations

import email
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DIST = ROOT / "dist"
FOLDERS = [ROOT, *sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml"))]
TEMPLATES = ("hybrid_bench_template", "hybrid_bench_template_suite")
Run = Callable[..., str]


def run(command: Sequence[str | Path], **options: object) -> str:
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{command}:\n{done.stdout}"
    return str(done.stdout)


@pytest.fixture(scope="session")
def wheels() -> dict[str, Path]:
    """Name of a distribution to its wheel, which is built from its sdist."""
    shutil.rmtree(DIST, ignore_errors=True)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda folder: run([sys.executable, "-m", "build", "--no-isolation", "--outdir", DIST, folder]), FOLDERS))
    found = {path.name.partition("-")[0]: path for path in DIST.glob("*.whl")}
    assert len(found) == len(FOLDERS) == len(list(DIST.glob("*.tar.gz")))
    return found


@pytest.fixture(scope="session")
def installed(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a command of a new environment in a folder, with nothing of this one."""
    home = tmp_path_factory.mktemp("home")
    run([sys.executable, "-m", "venv", home / "env"])
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "REQUESTS_", "HTTP", "OMP_"))}
    kept |= {"HOME": str(home), "HYBRID_BENCH_HOME": str(home / "cache"), "LANG": "C.UTF-8"}
    kept |= {
        "PATH": f"{home / 'env' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PIP_CACHE_DIR": run([sys.executable, "-m", "pip", "cache", "dir"]).strip(),
    }

    def here(*command: str | Path, folder: Path = home) -> str:
        return run(command, cwd=folder, env=kept)

    pip = ("python", "-m", "pip")
    here(*pip, "install", "--quiet", "--upgrade", "pip>=24")
    # Torch is named by its version: so pip takes the CPU build where the machine offers one.
    here(*pip, "install", "--quiet", "--no-compile", "--find-links", DIST, "torch==2.13.0", "hybrid-bench[all]")
    here(*pip, "check")
    here(*pip, "install", "--quiet", "--no-compile", "--no-deps", *wheels.values())
    return here


def test_every_archive_carries_the_licence(wheels: dict[str, Path]) -> None:
    text = (ROOT / "LICENSE").read_bytes()
    for name, wheel in wheels.items():
        with zipfile.ZipFile(wheel) as archive:
            (own,) = (one for one in archive.namelist() if one.endswith(".dist-info/licenses/LICENSE"))
            assert archive.read(own) == text, name
    for sdist in DIST.glob("*.tar.gz"):
        with tarfile.open(sdist) as archive:
            member = archive.extractfile(f"{sdist.name.removesuffix('.tar.gz')}/LICENSE")
            assert member is not None
            assert member.read() == text, sdist.name


def test_the_metadata_are_what_pypi_accepts(wheels: dict[str, Path]) -> None:
    assert run([sys.executable, "-m", "twine", "check", "--strict", *DIST.iterdir()]).count("PASSED") == 2 * len(FOLDERS)
    for name, wheel in wheels.items():
        if name in TEMPLATES:
            continue
        with zipfile.ZipFile(wheel) as archive:
            (metadata,) = (one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
            read = email.message_from_bytes(archive.read(metadata))
        text = str(read.get_payload())
        assert len(text) > 300, name
        assert re.findall(r"\]\((?!https?://|#)", text) == [], f"{name}: links to files lead nowhere on PyPI"
        assert read["Requires-Python"].startswith(">=3.1")
        assert read["License-Expression"] == "Apache-2.0"


def test_wheels_have_every_file_of_their_package(wheels: dict[str, Path]) -> None:
    for folder in FOLDERS:
        tracked = run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=folder).splitlines()
        (package,) = {path.partition("/")[0] for path in tracked if path.startswith("hybrid_bench") and "/" in path}
        with zipfile.ZipFile(wheels[package]) as archive:
            packed = {name for name in archive.namelist() if ".dist-info/" not in name}
        expected = {path for path in tracked if path.startswith("hybrid_bench") and (folder / path).is_file()}
        assert packed == expected, folder


def test_the_main_job_in_an_empty_folder(installed: Run, tmp_path: Path) -> None:
    place = installed("python", "-c", "import hybrid_bench; print(hybrid_bench.__file__)", folder=tmp_path).strip()
    assert "site-packages" in place
    printed = installed(
        "hybrid-bench", "evaluate", "me5-small", "use-multilingual", "--languages", "de,en,th", "--check", folder=tmp_path
    )
    assert "RankDistance" in printed
    results = sorted((tmp_path / "results" / "mini+de+en+th").glob("*.json"))
    assert [path.stem for path in results] == ["me5-small", "use-multilingual"]
    for path in results:
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
        assert all(0 < row["value"] <= 1 for row in rows if row["measure"] == "AP")
    table = installed("hybrid-bench", "report", "results/mini+de+en+th", "--format", "markdown", folder=tmp_path)
    assert "| me5-small |" in table


def test_plugins_are_found(installed: Run, tmp_path: Path) -> None:
    encoders = installed("hybrid-bench", "encoders", "--format", "csv", folder=tmp_path)
    assert {"hybrid-me5-small", "char-ngrams"} <= {line.partition(",")[0] for line in encoders.splitlines()}
    assert "hybrid-bench beir" in installed("hybrid-bench", "beir", "--help", folder=tmp_path)
    assert "garden-faq" in installed("hybrid-bench", "evaluate", "char-ngrams", "--suite", "garden-faq", folder=tmp_path)
    hook = "import ir_datasets; print(ir_datasets.load('xquad-r/de/en').has_qrels())"
    assert installed("python", "-c", hook, folder=tmp_path).strip() == "True", "without importing hybrid_bench"


def test_the_web_page_is_built_from_the_wheel(installed: Run, tmp_path: Path) -> None:
    (tmp_path / "leaderboards" / "published").mkdir(parents=True)
    installed("hybrid-bench", "leaderboard", "build", folder=tmp_path)
    assert "<script>" in (tmp_path / "leaderboards" / "site" / "xquad-r.html").read_text(encoding="utf-8")
