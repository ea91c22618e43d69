"""Whether the parts of a suite fit together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from hybrid_bench.datasets.settings import KINDS, Setting
from hybrid_bench.errors import HybridBenchError

_NAME = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9._+])*")


def check(
    suite: str,
    query_sets: Sequence[str],
    collections: Sequence[str],
    pools: Mapping[str, Sequence[str]],
    settings: Sequence[Setting],
) -> None:
    """Raise HybridBenchError if the parts of a suite, by their names, do not fit together."""

    def wrong(problem: str, remedy: str) -> HybridBenchError:
        return HybridBenchError(f"the suite {suite!r}: {problem}", remedy)

    for what, names in (("query set", query_sets), ("collection or pool", [*collections, *pools])):
        for name in names:
            if not _NAME.fullmatch(name):
                raise wrong(
                    f"{name!r} cannot be the name of a {what}", "Use letters, digits, '.', '_', '+', and single '-' between."
                )
            if names.count(name) > 1:
                raise wrong(f"the {what} {name!r} is there twice", "Give each its own name.")
    for pool, inside in pools.items():
        if len(set(inside)) < 2 or len(set(inside)) < len(inside):
            raise wrong(f"the pool {pool!r} is not of several collections", "Name a collection itself, and each only once.")
        if unknown := set(inside) - set(collections):
            raise wrong(f"the pool {pool!r} names the collection {min(unknown)!r}, which it does not have", "Add it.")
    for setting in settings:
        if setting.query_set not in query_sets:
            raise wrong(f"a setting names the query set {setting.query_set!r}, which it does not have", "Add it.")
        if setting.pool not in collections and setting.pool not in pools:
            raise wrong(f"a setting names the pool {setting.pool!r}, which it does not have", "Add it.")
        if setting.kind not in KINDS:
            raise wrong(f"there is no kind of settings {setting.kind!r}", f"Kinds are: {', '.join(KINDS)}.")
