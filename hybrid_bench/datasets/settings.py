"""Settings: a query set on a pool of collections, each of a stated kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from hybrid_bench.errors import HybridBenchError, UnknownNameError

if TYPE_CHECKING:
    from hybrid_bench.datasets.parts import Collection, QuerySet

#: The usual name of the pool of all collections.
ALL = "all"

SettingKind = Literal[
    "monolingual",
    "cross-lingual",
    "multilingual",
    "in-domain",
    "cross-domain",
    "all-domain",
    "text-to-image",
    "image-to-text",
]
#: All kinds of settings, in the order of tables.
KINDS: tuple[SettingKind, ...] = get_args(SettingKind)

#: What query sets and collections have in common with each other, by which bias is measured.
Attribute = Literal["language", "domain"]
ATTRIBUTES: tuple[Attribute, ...] = get_args(Attribute)


class Setting(NamedTuple):
    """A query set on a pool.

    Attributes:
        query_set: name of the query set.
        pool: name of a collection, or of a pool of several.
        kind: what the setting measures.
    """

    query_set: str
    pool: str
    kind: SettingKind

    @property
    def name(self) -> str:
        """``en:de``: how the command line names it."""
        return f"{self.query_set}:{self.pool}"


def language_settings(
    query_sets: Iterable[QuerySet], collections: Sequence[Collection], pool: str | None = ALL
) -> tuple[Setting, ...]:
    """The settings of a suite whose collections differ in language.

    Every query set on every collection, ``monolingual`` where both have the same language and ``cross-lingual`` elsewhere; and
    ``multilingual`` on the pool of all collections, where there are several.

    Args:
        query_sets: each with a language.
        collections: each with a language.
        pool: the name of the pool of all; None for monolingual settings alone.

    Returns:
        The settings in the order of tables: monolingual, cross-lingual, multilingual.
    """
    return _settings(query_sets, collections, pool, "language", ("monolingual", "cross-lingual", "multilingual"))


def domain_settings(
    query_sets: Iterable[QuerySet], collections: Sequence[Collection], pool: str | None = ALL
) -> tuple[Setting, ...]:
    """The settings of a suite whose collections differ in domain: ``in-domain``, ``cross-domain`` and ``all-domain``.

    Args:
        query_sets: each with a domain.
        collections: each with a domain.
        pool: the name of the pool of all; None for settings within a domain alone.

    Returns:
        The settings in the order of tables: in-domain, cross-domain, all-domain.
    """
    return _settings(query_sets, collections, pool, "domain", ("in-domain", "cross-domain", "all-domain"))


def image_settings(query_sets: Iterable[QuerySet], pools: Iterable[tuple[str, str]]) -> tuple[Setting, ...]:
    """Query sets on pools of the other modality: ``text-to-image`` and ``image-to-text``.

    Args:
        query_sets: of texts or images.
        pools: names of pools, each with its modality.

    Returns:
        A setting for each query set and each pool of the other modality.
    """
    kinds: dict[tuple[str, str], SettingKind] = {("text", "image"): "text-to-image", ("image", "text"): "image-to-text"}
    pairs = [(queries, pool, kinds.get((queries.modality, modality))) for queries in query_sets for pool, modality in pools]
    return tuple(Setting(queries.name, pool, kind) for queries, pool, kind in pairs if kind)


def _settings(
    query_sets: Iterable[QuerySet],
    collections: Sequence[Collection],
    pool: str | None,
    attribute: Attribute,
    kinds: tuple[SettingKind, SettingKind, SettingKind],
) -> tuple[Setting, ...]:
    parts: list[QuerySet | Collection] = [*query_sets, *collections]
    for one in parts:
        if getattr(one, attribute) is None:
            raise HybridBenchError(f"{one.name!r} states no {attribute}", f"Give every query set and collection a {attribute}.")
    found = []
    for queries in query_sets:
        for collection in collections:
            same = getattr(queries, attribute) == getattr(collection, attribute)
            if same or pool is not None:
                found.append(Setting(queries.name, collection.name, kinds[0] if same else kinds[1]))
        if pool is not None and len(collections) > 1:
            found.append(Setting(queries.name, pool, kinds[2]))
    return tuple(found)


def parse_settings(asked: Sequence[str], settings: Sequence[Setting]) -> list[Setting]:
    """The settings named by kinds (``monolingual``) or by pairs (``en:de``, ``en:all``); all if none is named.

    Args:
        asked: names of kinds or pairs.
        settings: of the suite.

    Returns:
        The settings that are named, each once.

    Raises:
        UnknownNameError: if a name is neither; near misses are suggested.
    """
    if not asked:
        return list(settings)
    chosen = []
    for name in asked:
        found = [setting for setting in settings if name in (setting.kind, setting.name)]
        if not found:
            pairs = {setting.name for setting in settings} if ":" in name else set()
            raise UnknownNameError("setting", name, {setting.kind for setting in settings} | pairs)
        chosen += [setting for setting in found if setting not in chosen]
    return chosen
