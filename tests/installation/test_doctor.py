"""Findings of the doctor, with the command that fixes each."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hybrid_bench.installation.doctor import _EXTRAS, Finding, examine
from hybrid_bench.support import versions

Install = Callable[..., None]


def found(what: str) -> Finding:
    (finding,) = (finding for finding in examine() if finding.what == what)
    return finding


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Install a distribution with one module and the entry points of a group into ``tmp_path/installed``."""

    def write(distribution: str, points: dict[str, str], module: str, group: str = "hybrid_bench.encoders") -> None:
        info = tmp_path / "installed" / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        lines = "".join(f"{name} = {target}\n" for name, target in points.items())
        (info / "entry_points.txt").write_text(f"[{group}]\n{lines}")
        (info.parent / f"{distribution.replace('-', '_')}.py").write_text(module)

    return write


def examined_with(folder: Path) -> dict[str, dict[str, Any]]:
    """Findings of a subprocess in which the distributions of a folder are installed too."""
    program = """
        import dataclasses, json
        from hybrid_bench.installation.doctor import examine
        print(json.dumps([dataclasses.asdict(finding) for finding in examine()]))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return {finding["what"]: finding for finding in json.loads(done.stdout)}


def test_this_package_and_everything_registered_is_listed() -> None:
    names = [finding.what for finding in examine()]
    assert len(set(names)) == len(names)
    assert {"hybrid-bench", "torch", "suite mini", "suite xquad-r", "cache folder", "mirror", "device"} <= set(names)
    assert found("hybrid-bench") == Finding("hybrid-bench", "ok", versions.hybrid_bench())
    assert found("transformers") == Finding("transformers", "ok", importlib.metadata.version("transformers"))


def test_a_missing_package_is_listed_with_its_purpose_and_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    version = importlib.metadata.version

    def without_torch(package: str) -> str:
        if package == "torch":
            raise importlib.metadata.PackageNotFoundError(package)
        return version(package)

    monkeypatch.setattr(importlib.metadata, "version", without_torch)
    assert found("torch") == Finding(
        "torch", "missing", "for encoders from transformers", 'python -m pip install "hybrid-bench[transformers]"'
    )


def test_a_broken_plugin_is_listed_with_its_remedy_and_the_others_are_checked(tmp_path: Path, install: Install) -> None:
    install("broken-encoders", {"broken": "broken_encoders:Encoder", "sound": "sound_encoders:Encoder"}, "1 / 0")
    install("sound-encoders", {"whole": "sound_encoders:Encoder"}, "class Encoder: pass")
    findings = examined_with(tmp_path / "installed")
    assert findings["encoder broken"] == {
        "what": "encoder broken",
        "status": "broken",
        "detail": "the encoder 'broken' of broken-encoders 1.0 cannot be loaded: ZeroDivisionError: division by zero",
        "remedy": "Fix or uninstall it: python -m pip uninstall broken-encoders",
    }
    assert (findings["encoder sound"]["status"], findings["encoder sound"]["detail"]) == ("ok", "broken-encoders 1.0")
    assert (findings["encoder whole"]["status"], findings["encoder whole"]["detail"]) == ("ok", "sound-encoders 1.0")
    assert findings["suite mini"]["status"] == "ok"


def test_two_packages_with_the_same_name_are_reported_and_the_rest_is_checked(tmp_path: Path, install: Install) -> None:
    for distribution in ("one-package", "other-package"):
        install(distribution, {"same": f"{distribution.replace('-', '_')}:Encoder"}, "class Encoder: pass")
    findings = examined_with(tmp_path / "installed")
    assert findings["encoders"]["status"] == "broken"
    assert "two packages register the encoder 'same': " in findings["encoders"]["detail"]
    assert "one-package 1.0" in findings["encoders"]["detail"]
    assert "other-package 1.0" in findings["encoders"]["detail"]
    assert findings["encoders"]["remedy"] == "Uninstall one of them."
    assert findings["suite mini"]["status"] == findings["cache folder"]["status"] == "ok"


def test_an_installed_plugin_is_listed_with_its_version_and_its_own_checks(tmp_path: Path, install: Install) -> None:
    module = """
        from hybrid_bench import HybridBenchError
        from hybrid_bench.plugin import Finding
        def examine():
            yield Finding("my service", "ok", "it answers")
        def fail():
            raise HybridBenchError("the other service does not answer", "Start it.")
    """
    points = {"service": "my_plugin:examine", "other": "my_plugin:fail"}
    install("my-plugin", points, textwrap.dedent(module), group="hybrid_bench.doctor")
    findings = examined_with(tmp_path / "installed")
    assert findings["my-plugin"] == {"what": "my-plugin", "status": "ok", "detail": "1.0", "remedy": ""}
    assert findings["my service"] == {"what": "my service", "status": "ok", "detail": "it answers", "remedy": ""}
    assert findings["other"] == {
        "what": "other", "status": "broken", "detail": "the other service does not answer", "remedy": "Start it.",
    }  # fmt: skip


def test_two_checks_with_the_same_name_are_reported(tmp_path: Path, install: Install) -> None:
    for distribution in ("one-package", "other-package"):
        target = f"{distribution.replace('-', '_')}:examine"
        install(distribution, {"same": target}, "def examine(): return []", group="hybrid_bench.doctor")
    findings = examined_with(tmp_path / "installed")
    assert findings["checks"]["status"] == "broken"
    assert "two packages register the check 'same': " in findings["checks"]["detail"]
    assert findings["suite mini"]["status"] == "ok"


def test_every_extra_of_this_package_is_checked() -> None:
    """Every extra but `all` is listed with a package that only it or an extra listed later needs."""
    requirements = importlib.metadata.requires("hybrid-bench") or []
    extras = {match[1]: set[str]() for line in requirements if (match := re.search(r"extra == ['\"](\w+)['\"]", line))}
    for line in requirements:
        if match := re.search(r"extra == ['\"](\w+)['\"]", line):
            extras[match[1]].add(re.split(r"[^\w.-]", line)[0])
    del extras["all"]
    assert {extra for extra, _, _ in _EXTRAS} == extras.keys()
    listed: set[str] = set()
    for extra, _, packages in _EXTRAS:
        assert set(packages) <= extras[extra]
        listed.update(packages)
    assert listed == set().union(*extras.values())


def test_a_cache_folder_need_not_exist_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(tmp_path / "not" / "yet"))
    finding = found("cache folder")
    assert finding.status == "ok"
    assert finding.detail.startswith(f"{tmp_path / 'not' / 'yet'}, ")
    assert finding.detail.endswith(" GiB free")
    assert not (tmp_path / "not").exists()


def test_a_cache_folder_that_cannot_be_written_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not tested through permissions: the tests may run as root."""
    broken = Finding(
        "cache folder", "broken", f"cannot write to {tmp_path / 'home'}", "export HYBRID_BENCH_HOME=<another folder>"
    )
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(tmp_path / "home"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda path, mode: False)
        assert found("cache folder") == broken
    (tmp_path / "home").write_text("a file")
    assert found("cache folder") == broken


def test_a_read_only_cache_folder_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not tested through permissions either."""
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda path, mode: mode == os.R_OK)
    finding = found("cache folder")
    assert (finding.status, finding.detail) == ("missing", f"{tmp_path} is read-only: what it holds is used, nothing is added")


def test_a_cache_folder_on_a_full_disk_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100 << 30, 99 << 30, 1 << 30))  # type: ignore[attr-defined]
    assert found("cache folder") == Finding("cache folder", "broken", f"{tmp_path}, 1.0 GiB free", "Free disk space.")


@pytest.mark.parametrize("mirror", ["", "https://example.org/mirror"])
def test_a_mirror_may_be_empty_or_an_url(monkeypatch: pytest.MonkeyPatch, mirror: str) -> None:
    monkeypatch.setenv("HYBRID_BENCH_MIRROR", mirror)
    assert found("mirror") == Finding("mirror", "ok", mirror or "none; files are downloaded from their publishers")


def test_a_mirror_that_is_not_a_folder_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRID_BENCH_MIRROR", str(tmp_path))
    assert found("mirror") == Finding("mirror", "ok", str(tmp_path))
    monkeypatch.setenv("HYBRID_BENCH_MIRROR", str(tmp_path / "nowhere"))
    assert found("mirror") == Finding(
        "mirror", "broken", f"HYBRID_BENCH_MIRROR={tmp_path / 'nowhere'} is not a folder", "unset HYBRID_BENCH_MIRROR"
    )


def test_the_device_is_listed_with_its_default_dtype(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.accelerator.current_accelerator", lambda check_available: None)
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"avx512_bf16": True})
    assert found("device") == Finding(
        "device", "ok", "cpu, computes in fp32 by default; it also computes bf16 natively (--dtype bf16)"
    )
    monkeypatch.setattr("torch.cpu.get_capabilities", dict)
    assert found("device") == Finding("device", "ok", "cpu, computes in fp32 by default")
