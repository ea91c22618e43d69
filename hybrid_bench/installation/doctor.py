"""Checks of the installation: what is installed, missing or broken, and the command that fixes it.

Entry-point group ``hybrid_bench.doctor``: a plugin that needs more than its Python dependencies (Java, a service, a start-up
file) checks it itself. The object is a callable without arguments that yields :class:`Finding`; the name of an entry is the
name of the finding if the callable raises HybridBenchError. In a plugin's ``pyproject.toml``::

    [project.entry-points."hybrid_bench.doctor"]
    my-service = "my_plugin.doctor:examine"
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from hybrid_bench.errors import HybridBenchError

Status = Literal["ok", "missing", "broken"]


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        what: name of the package, plugin, file or device.
        status: ``ok``; ``missing`` if it is optional and not installed; ``broken`` if it does not work.
        detail: version, location, or what is wrong.
        remedy: the command that fixes it; empty if the status is ``ok``.
    """

    what: str
    status: Status
    detail: str
    remedy: str = ""


#: Extra of this package, its purpose, and its distributions (without those of the extras listed before it).
_EXTRAS = (
    ("transformers", "encoders from transformers", ("torch", "transformers")),
    ("transformers", "encoders from sentence-transformers", ("sentence-transformers",)),
    ("faiss", "FAISS indexes", ("faiss-cpu",)),
    ("images", "suites with images", ("pillow",)),
    ("parquet", "texts and vectors in Parquet", ("pyarrow",)),
    ("leaderboard", "leaderboard pages", ("jinja2",)),
    ("figures", "figures", ("matplotlib",)),
    ("data", "training data", ("datasets",)),
    ("train", "training", ("accelerate", "peft")),
    ("translate", "translating training data", ("sentencepiece",)),
)


def examine() -> Iterator[Finding]:
    """Run every check. Imports each plugin once; starts no process and downloads nothing."""
    from hybrid_bench.support import versions

    yield Finding("hybrid-bench", "ok", versions.hybrid_bench())
    yield from _extras()
    yield from _plugins()
    yield from _registered()
    yield _folder()
    yield _mirror()
    if importlib.util.find_spec("torch"):
        yield _device()
    yield from _checks_of_plugins()


def _extras() -> Iterator[Finding]:
    for extra, purpose, packages in _EXTRAS:
        for package in packages:
            try:
                yield Finding(package, "ok", importlib.metadata.version(package))
            except importlib.metadata.PackageNotFoundError:
                remedy = f'python -m pip install "hybrid-bench[{extra}]"'
                yield Finding(package, "missing", f"for {purpose}", remedy)


def _plugins() -> Iterator[Finding]:
    """Distributions with entry points in any group of this package."""
    groups = importlib.metadata.entry_points()
    points = [point for group in groups.groups if group.startswith("hybrid_bench.") for point in groups.select(group=group)]
    installed = {point.dist.name: point.dist.version for point in points if point.dist}
    for name in sorted(installed.keys() - {"hybrid-bench"}):
        yield Finding(name, "ok", installed[name])


def _registered() -> Iterator[Finding]:
    """Encoders, suites and executors by name: whether they can be imported."""
    from hybrid_bench.datasets.resolvers import SUITES
    from hybrid_bench.encoders.load import REGISTRY as ENCODERS
    from hybrid_bench.execution.protocol import REGISTRY as EXECUTORS

    for registry in (ENCODERS, SUITES, EXECUTORS):
        try:
            broken = registry.broken()
        except HybridBenchError as error:  # two distributions register the same name
            yield Finding(f"{registry.kind}s", "broken", error.problem, error.remedy)
            continue
        for entry in registry.entries():
            what = f"{registry.kind} {entry.name}"
            if fault := broken.get(entry.name):
                yield Finding(what, "broken", fault.problem, fault.remedy)
            else:
                yield Finding(what, "ok", f"{entry.distribution} {entry.version}".strip())


def _folder() -> Finding:
    from hybrid_bench.support import cache

    home = cache.home()
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free / 2**30
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        remedy = "export HYBRID_BENCH_HOME=<another folder>"
        if home.is_dir() and os.access(home, os.R_OK):
            return Finding("cache folder", "missing", f"{home} is read-only: what it holds is used, nothing is added", remedy)
        return Finding("cache folder", "broken", f"cannot write to {home}", remedy)
    status: Status = "ok" if free >= 2 else "broken"
    return Finding("cache folder", status, f"{home}, {free:.1f} GiB free", "" if status == "ok" else "Free disk space.")


def _mirror() -> Finding:
    from pathlib import Path

    from hybrid_bench.datasets.downloads import MIRROR_VARIABLE, without_password

    mirror = without_password(os.environ.get(MIRROR_VARIABLE, ""))
    if mirror and "://" not in mirror and not Path(mirror).expanduser().is_dir():
        return Finding("mirror", "broken", f"{MIRROR_VARIABLE}={mirror} is not a folder", f"unset {MIRROR_VARIABLE}")
    return Finding("mirror", "ok", mirror or "none; files are downloaded from their publishers")


def _device() -> Finding:
    from hybrid_bench.encoders.devices import choose_device, choose_dtype

    device = choose_device("auto")
    dtype, _ = choose_dtype("auto", device)
    native = "" if dtype == "fp32" else f"; it also computes {dtype} natively (--dtype {dtype})"
    return Finding("device", "ok", f"{device.type}, computes in fp32 by default{native}")


def _checks_of_plugins() -> Iterator[Finding]:
    from hybrid_bench.registry import Registry

    registry: Registry[Callable[[], Iterable[Finding]]] = Registry("hybrid_bench.doctor", "check")
    try:
        names = list(registry)
    except HybridBenchError as error:  # two distributions register the same name
        yield Finding(f"{registry.kind}s", "broken", error.problem, error.remedy)
        return
    for name in names:
        try:
            yield from registry.get(name)()
        except HybridBenchError as error:
            yield Finding(name, "broken", error.problem, error.remedy)
        except (Exception, SystemExit) as error:  # third-party code: the other checks still run
            yield Finding(name, "broken", f"its check ended with {type(error).__name__}: {error}", "Fix or uninstall its plugin.")
