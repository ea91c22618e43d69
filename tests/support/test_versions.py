"""The versions that results record."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from hybrid_bench.support import versions


def install(folder: Path, distribution: str, version: str, entry_points: str = "") -> None:
    info = folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(entry_points)


def test_the_packages_of_the_core_are_recorded() -> None:
    found = versions.of_everything()
    assert {"python", "machine", "numpy", "ir-datasets", "ir-measures"} <= found.keys()
    assert found["numpy"] == importlib.metadata.version("numpy")


def test_a_plugin_lists_distributions_whose_versions_are_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = versions.of_everything()
    group = "[hybrid_bench.versions]\n"
    listed = "the-plugin = no_such_module\nits-library = no_such_module\nnot-installed = no_such_module\n"
    install(tmp_path, "the-plugin", "1.2", group + listed)
    install(tmp_path, "its-library", "3.4")
    install(tmp_path, "another-plugin", "5.6", group + "its-library = another_module\nnumpy = another_module\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = versions.of_everything()
    assert found == before | {"the-plugin": "1.2", "its-library": "3.4"}
    assert [name for name in found if name not in before] == ["its-library", "the-plugin"]
