"""The lowest versions that are tested are those that pyproject.toml allows."""

from __future__ import annotations

import itertools
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from hybrid_bench.support import toml

ROOT = Path(__file__).parent.parent


def test_every_lower_bound_is_the_version_that_is_tested() -> None:
    project = toml.load(ROOT / "pyproject.toml")["project"]
    stated = [*project["dependencies"], *itertools.chain.from_iterable(project["optional-dependencies"].values())]
    bounds = {}
    for requirement in map(Requirement, stated):
        if requirement.marker is None and not requirement.name.startswith("hybrid-bench"):
            (bound,) = (specifier for specifier in requirement.specifier if specifier.operator == ">=")
            bounds[requirement.name] = Version(bound.version)
    lines = (ROOT / "tests" / "lowest.txt").read_text(encoding="utf-8").splitlines()
    tested = {name: Version(version) for name, version in (line.split("==") for line in lines if "==" in line)}
    assert bounds == tested
