"""A generic registry of named objects: filled from entry points, loaded lazily."""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from hybrid_bench.errors import HybridBenchError, UnknownNameError

T = TypeVar("T")


@dataclass(frozen=True)
class Entry:
    """A registered name and its origin, known before anything is imported."""

    name: str
    target: str
    distribution: str
    version: str


class Registry(Generic[T]):
    """The objects of one entry-point group.

    Listing names imports nothing. ``get`` imports one object only; a plugin that fails to import is reported by its
    name and distribution, and the others keep working.

    Args:
        group: the entry-point group, e.g. ``hybrid_bench.encoders``.
        kind: what messages call one of the objects, e.g. ``encoder``.
        base: class, abstract class or runtime-checkable protocol that loaded objects must be instances of.
    """

    def __init__(self, group: str, kind: str, base: type[Any] | None = None) -> None:
        self.group = group
        self.kind = kind
        self._base = base
        self._added: dict[str, T] = {}

    @functools.cached_property
    def _entry_points(self) -> dict[str, importlib.metadata.EntryPoint]:
        found: dict[str, importlib.metadata.EntryPoint] = {}
        for point in importlib.metadata.entry_points(group=self.group):
            other = found.setdefault(point.name, point)
            if other.value != point.value:
                raise HybridBenchError(
                    f"two packages register the {self.kind} {point.name!r}: {_origin(other)} and {_origin(point)}",
                    "Uninstall one of them.",
                )
        return found

    def add(self, name: str, obj: T) -> None:
        """Register an object for this process; raises HybridBenchError if the name is taken."""
        if name in self:
            raise HybridBenchError(f"the {self.kind} {name!r} is already registered", "Choose another name.")
        self._added[name] = obj

    def __contains__(self, name: object) -> bool:
        return name in self._added or name in self._entry_points

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._added, *self._entry_points}))

    def entries(self) -> list[Entry]:
        """All registered names with their origins, sorted; imports nothing."""
        rows = [Entry(name, type(obj).__qualname__, "this process", "") for name, obj in self._added.items()]
        for name, point in self._entry_points.items():
            dist = point.dist
            rows.append(Entry(name, point.value, dist.name if dist else "?", dist.version if dist else "?"))
        return sorted(rows, key=lambda entry: entry.name)

    def get(self, name: str) -> T:
        """Import and return the object registered as ``name``.

        Raises:
            UnknownNameError: if the name is not registered; similar names are suggested.
            HybridBenchError: if its plugin cannot be imported, or the object has the wrong type.
        """
        if name in self._added:
            return self._added[name]
        if name not in self._entry_points:
            raise UnknownNameError(self.kind, name, self)
        point = self._entry_points[name]
        try:
            loaded = point.load()
        except (Exception, SystemExit) as error:  # third-party code can raise anything at import
            raise HybridBenchError(
                f"the {self.kind} {name!r} of {_origin(point)} cannot be loaded: {type(error).__name__}: {error}",
                f"Fix or uninstall it: python -m pip uninstall {point.dist.name if point.dist else point.value}",
            ) from error
        if self._base is not None and not isinstance(loaded, self._base):
            raise HybridBenchError(
                f"the {self.kind} {name!r} of {_origin(point)} is a {type(loaded).__name__}, not a {self._base.__name__}",
                f"Its entry point ({point.value}) must name a {self._base.__name__}.",
            )
        return cast(T, loaded)

    def broken(self) -> dict[str, HybridBenchError]:
        """Names that fail to load, with their errors. Imports every object; used by ``hybrid-bench doctor``."""
        failures = {}
        for name in self:
            try:
                self.get(name)
            except HybridBenchError as error:
                failures[name] = error
        return failures


def _origin(point: importlib.metadata.EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value
