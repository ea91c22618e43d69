"""The groups of a suite's collections: by language, by domain."""

from __future__ import annotations

from hybrid_bench.datasets.settings import ATTRIBUTES, Attribute
from hybrid_bench.datasets.suite import Suite


def grouped_by(suite: Suite, pool: str) -> list[Attribute]:
    """The attributes in which the collections of a pool differ: bias is measured by each of them."""
    collections = [suite.collection(name) for name in suite.pool(pool)]
    stated = {attribute: {getattr(one, attribute) for one in collections} - {None} for attribute in ATTRIBUTES}
    return [attribute for attribute, values in stated.items() if len(values) > 1]


def groups_of(suite: Suite, attribute: Attribute) -> dict[str, str | None]:
    """Collection to its language or domain."""
    return {collection.name: getattr(collection, attribute) for collection in suite.collections}
