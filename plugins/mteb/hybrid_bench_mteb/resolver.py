"""The resolver of suites ``mteb:NAME``. It imports mteb for such a name alone."""

from __future__ import annotations

from hybrid_bench import Suite

_PREFIX = "mteb:"


def resolve(name: str) -> Suite | None:
    """The suite of mteb's retrieval task ``mteb:NAME``, or of one of its splits ``mteb:NAME/SPLIT``.

    Raises:
        HybridBenchError: if mteb has no such task or split, or the task is not one of searching a pool of texts or images.
    """
    if not name.startswith(_PREFIX):
        return None
    from hybrid_bench_mteb.suites import suite_of

    return suite_of(*name.removeprefix(_PREFIX).partition("/")[::2])
