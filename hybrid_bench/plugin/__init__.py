"""What plugins implement and call: protocols, records, registries and the parts of the harness that are stable.

A plugin imports names of :mod:`hybrid_bench` and of this module, and nothing else of the package. The names are listed in
``__init__.pyi`` and imported when they are first used.
"""

from __future__ import annotations

from hybrid_bench.support.lazy_exports import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
