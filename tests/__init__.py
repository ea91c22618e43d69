"""The tests. A package, so that ``tests/datasets`` is never taken for a module ``datasets``."""
