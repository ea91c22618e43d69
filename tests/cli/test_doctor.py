"""``hybrid-bench doctor`` on installations that lack something or have something broken."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.conftest import Cli

pytestmark = pytest.mark.usefixtures("shared")

Findings = dict[str, tuple[str, str, str]]


def findings(done: subprocess.CompletedProcess[str]) -> Findings:
    """Finding to its status, detail and remedy."""
    return {what: (status, detail, remedy) for what, status, detail, remedy in csv.reader(io.StringIO(done.stdout))}


@pytest.fixture
def without_torch(tmp_path: Path, root: Path) -> Path:
    """The installed packages without torch and without the plugins of this project."""
    packages = tmp_path / "packages"
    packages.mkdir()
    for source in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for entry in Path(source).iterdir():
            if not entry.name.startswith(("torch", "hybrid_bench_", "_hybrid", "_editable")) and entry.suffix != ".pth":
                (packages / entry.name).symlink_to(entry)
    if not (packages / "hybrid_bench").exists():
        (packages / "hybrid_bench").symlink_to(root / "hybrid_bench")
    return packages


def doctor(packages: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-S", "-m", "hybrid_bench", "doctor", "--format", "csv"],
        env=os.environ | {"PYTHONPATH": str(packages)} | env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_missing_extra_is_listed_with_the_command_that_installs_it(without_torch: Path) -> None:
    done = doctor(without_torch)
    assert (done.returncode, done.stderr) == (0, "")
    found = findings(done)
    assert found["torch"] == (
        "missing", "for encoders from transformers", 'python -m pip install "hybrid-bench[transformers]"',
    )  # fmt: skip
    assert not [what for what in found if what.startswith("hybrid-bench-")]  # plugins that are not installed are not listed
    assert found["suite mini"][0] == "ok"
    assert all("python -m pip install " in remedy for status, _, remedy in found.values() if status == "missing")
    assert "broken" not in {status for status, _, _ in found.values()}


def test_a_working_installation_has_nothing_broken(cli: Cli) -> None:
    done = cli("doctor", "--format", "csv")
    found = findings(done)
    assert done.returncode == 0
    assert found["encoder tiny"] == ("ok", "tiny-encoder 1.0", "")
    assert found["suite xquad-r"][0] == found["cache folder"][0] == found["mirror"][0] == "ok"
    assert "broken" not in {status for status, _, _ in found.values()}


def test_broken_parts_are_listed_and_the_rest_is_still_checked(
    without_torch: Path, tiny_distribution: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_distribution, without_torch, dirs_exist_ok=True)
    (without_torch / "tiny_encoder.py").write_text("import no_such_package")
    done = doctor(without_torch, HYBRID_BENCH_MIRROR=str(tmp_path / "nowhere"))
    found = findings(done)
    assert done.returncode == 1
    status, detail, remedy = found["encoder tiny"]
    assert status == "broken"
    assert "tiny-encoder 1.0 cannot be loaded: ModuleNotFoundError: No module named 'no_such_package'" in detail
    assert remedy.endswith("python -m pip uninstall tiny-encoder")
    assert found["mirror"] == (
        "broken", f"HYBRID_BENCH_MIRROR={tmp_path / 'nowhere'} is not a folder", "unset HYBRID_BENCH_MIRROR",
    )  # fmt: skip
    assert found["suite mini"][0] == "ok"
