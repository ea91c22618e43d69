"""A suite: query sets, collections, and the settings in which the query sets are searched on the collections."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hybrid_bench.datasets import suite_checks
from hybrid_bench.datasets.images import Input, Modality
from hybrid_bench.datasets.items import check_distinct, read_item, reader
from hybrid_bench.datasets.parts import Collection, ImagePassage, ImageQuery, Item, Judgement, PassageText, QuerySet, named
from hybrid_bench.datasets.settings import Setting
from hybrid_bench.datasets.trec_ids import doc_id_in, separator, trec_id
from hybrid_bench.errors import HybridBenchError, UnknownNameError

if TYPE_CHECKING:
    from hybrid_bench.datasets.oddities import Oddities


@dataclass(frozen=True)
class Suite:
    """A benchmark by name.

    Attributes:
        name: as the command line takes it and as results record it.
        description: one line for listings.
        query_sets: what is asked.
        collections: what is searched.
        settings: which query set is asked on which pool, in the order of tables.
        pools: name to collections of every pool of several collections; a collection alone is a pool of its own name.
        primary: the measure that a summary shows, as ir_measures writes it.
        measures: names of measures of an evaluation by default; those of every suite if it is empty.
        licence: of the data.
        citation: of the data, in BibTeX; several entries if several are to be cited.
        note: what a reader of a score has to know.
        large: whether collections are streamed and searched to a depth, since the matrix of all scores would not fit into memory.
        drops_own: whether a passage that has the query's id is left out of what the query finds, as BEIR does: ArguAna and Quora
            ask with passages of their corpus.
        folder: the relative path that the suite was loaded from, if any; results hold no absolute paths.
        base: name of the suite that this one is a restriction of; empty if it is whole.
        limit: number of queries that are left of each query set, see :mod:`hybrid_bench.datasets.limit`; 0 if all are.
        unique_ids: whether passage ids are unique over all collections; where they are not, TREC ids begin with the collection.
        all_collections: names of the collections of the unrestricted suite, which decide TREC ids; by default those above.
        available: gives the suite of the images that are there, where they are the user's own; its name is another.
        subset_of: name of the suite that this one has the available images of.
        by_name: gives the same suite with images that stand by their names, where they are the user's own: none is read.
        slices: name of a property of queries, e.g. ``topic``, to what gives query id to its value; results are reported by it.
        question_of: from the name of a query set and the id of a query in it, what its translations share with it; by default its
            id. Tests and intervals take what has this in common as one observation.
        unit: what such an observation is, in the words of reports: ``question``, ``sentence``.
        of_languages: gives the suite of other languages, where more are published than it searches by default.
        prefixed: whether TREC ids begin with the collection's name; by default where a query set is asked on several
            collections, or a pool holds several, and their ids are not unique.

    Raises:
        HybridBenchError: if a name occurs twice or is malformed, a pool does not have several collections, or a setting or a
            pool names something that is not there.
    """

    name: str
    description: str
    query_sets: tuple[QuerySet, ...]
    collections: tuple[Collection, ...]
    settings: tuple[Setting, ...]
    pools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    primary: str = "nDCG@10"
    measures: tuple[str, ...] = ()
    licence: str = ""
    citation: str = ""
    note: str = ""
    large: bool = False
    drops_own: bool = False
    folder: str = ""
    base: str = ""
    limit: int = 0
    unique_ids: bool = False
    available: Callable[[], Suite] | None = None
    subset_of: str = ""
    by_name: Callable[[], Suite] | None = None
    slices: Mapping[str, Callable[[], Mapping[str, str]]] = field(default_factory=dict)
    question_of: Callable[[str, str], str] | None = None
    unit: str = "question"
    of_languages: Callable[[Sequence[str]], Suite] | None = None
    prefixed: bool | None = None
    all_collections: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        query_sets, collections = ([part.name for part in parts] for parts in (self.query_sets, self.collections))
        suite_checks.check(self.name, query_sets, collections, self.pools, self.settings)
        if self.prefixed is None:
            object.__setattr__(self, "prefixed", not self.unique_ids and (bool(self.pools) or self._asks_on_several))
        if not self.all_collections:
            object.__setattr__(self, "all_collections", tuple(collection.name for collection in self.collections))

    @property
    def asked_as(self) -> str:
        """What ``--suite`` takes to load the suite again, as far as that can be said without an absolute path."""
        return self.folder or self.subset_of or self.base_name

    @property
    def base_name(self) -> str:
        """The name of the suite without restrictions."""
        return self.base or self.name

    @functools.cached_property
    def _query_sets(self) -> dict[str, QuerySet]:
        return {queries.name: queries for queries in self.query_sets}

    @functools.cached_property
    def _collections(self) -> dict[str, Collection]:
        return {collection.name: collection for collection in self.collections}

    def query_set(self, name: str) -> QuerySet:
        """The query set of this name.

        Raises:
            UnknownNameError: if there is none.
        """
        return named(self._query_sets, name, f"query set of {self.name}")

    def collection(self, name: str) -> Collection:
        """The collection of this name.

        Raises:
            UnknownNameError: if there is none.
        """
        return named(self._collections, name, f"collection of {self.name}")

    def pool(self, name: str) -> tuple[str, ...]:
        """The names of the collections of a pool.

        Raises:
            UnknownNameError: if there is no such pool.
        """
        if name not in self.pools and name not in self._collections:
            raise UnknownNameError(f"pool of {self.name}", name, [*self.pools, *self._collections])
        return self.pools.get(name) or (name,)

    def asked_on(self, collection: str) -> tuple[str, ...]:
        """The query sets that are asked on a collection, alone or in a pool with others."""
        pools = {name for name in (*self.pools, *self._collections) if collection in self.pool(name)}
        return tuple(dict.fromkeys(setting.query_set for setting in self.settings if setting.pool in pools))

    def _searched(self, settings: Iterable[Setting]) -> set[str]:
        """The collections in the pools of some settings."""
        return {name for setting in settings for name in self.pool(setting.pool)}

    @property
    def _asks_on_several(self) -> bool:
        """Whether a query set is asked on more than one collection."""
        asked = {(setting.query_set, name) for setting in self.settings for name in self.pool(setting.pool)}
        return len(asked) > len({query_set for query_set, _ in asked})

    @property
    def _parts(self) -> list[QuerySet | Collection]:
        return [*self.query_sets, *self.collections]

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of the query sets and then of the collections, each once."""
        return tuple(dict.fromkeys(part.language for part in self._parts if part.language))

    @property
    def modalities(self) -> frozenset[Modality]:
        """What an encoder has to be able to encode."""
        return frozenset(part.modality for part in self._parts)

    def trec_id(self, collection: str, doc_id: str) -> str:
        """The id of a passage in runs, rankings and ties, unique in the suite's pools."""
        return trec_id(collection, doc_id, self._between) if self.prefixed else doc_id

    def doc_id(self, collection: str, trec_id: str) -> str:
        """The id that a passage with a TREC id has in its collection."""
        own = doc_id_in(collection, trec_id, self._between) if self.prefixed else None
        return trec_id if own is None else own

    def dropped(self, query_id: str, collections: Iterable[str]) -> set[str]:
        """The TREC ids that a query's search leaves out in some collections: its own, where the suite drops it."""
        return {self.trec_id(name, query_id) for name in collections} if self.drops_own else set()

    @functools.cached_property
    def _between(self) -> str:
        return separator(self.all_collections)

    @functools.cached_property
    def _read_ids(self) -> dict[str, str]:
        return {record.doc_id: of.name for of in self.collections for record in of.passages()}

    def collection_of(self, trec_id: str) -> str | None:
        """The collection of a passage; None if it is in none of the suite's collections.

        Where TREC ids begin with the collection's name, nothing is read: an id that its collection does not have is not
        detected. Elsewhere the ids of all collections are read at the first call.
        """
        if not self.prefixed:
            return self._read_ids.get(trec_id)
        return next((name for name in self._collections if doc_id_in(name, trec_id, self._between) is not None), None)

    def restrict(self, languages: Sequence[str]) -> Suite:
        """The same suite with these languages alone, named ``<name>+<language>+...``.

        Pools of several collections shrink with it; query sets and collections without a language stay. What only settings
        needed that are left out is left out with them. A suite with :attr:`of_languages` may get other languages than it has
        by default.

        Raises:
            UnknownNameError: if a language is not in the suite.
            HybridBenchError: if no setting is left.
        """
        if self.of_languages is not None and not set(languages) <= set(self.languages):
            return self.of_languages(languages).restrict(languages)
        for language in languages:
            if language not in self.languages:
                raise UnknownNameError(f"language of {self.name}", language, self.languages)
        kept = {None, *languages}
        asked = {queries.name for queries in self.query_sets if queries.language in kept}
        names = {collection.name for collection in self.collections if collection.language in kept}
        inside = {name: tuple(one for one in pool if one in names) for name, pool in self.pools.items()}
        pools = {name: pool for name, pool in inside.items() if len(pool) > 1}
        settings = tuple(setting for setting in self.settings if setting.query_set in asked and setting.pool in {*names, *pools})
        if not settings:
            raise HybridBenchError(
                f"{self.name} has no setting in {', '.join(languages)} alone",
                "Add the language of the passages or of the queries.",
            )
        lost = [setting for setting in self.settings if setting not in settings]
        asked -= {setting.query_set for setting in lost} - {setting.query_set for setting in settings}
        names -= self._searched(lost) - self._searched(settings)
        pools = {name: pool for name, pool in pools.items() if names.issuperset(pool)}
        query_sets = tuple(queries for queries in self.query_sets if queries.name in asked)
        collections = tuple(collection for collection in self.collections if collection.name in names)
        dropped = set(self._collections) - names

        def judgements(queries: QuerySet) -> Iterable[Judgement]:
            return (judgement for judgement in queries.judgements() if judgement.collection not in dropped)

        return dataclasses.replace(
            self,
            name=f"{self.base_name}+{'+'.join(language for language in self.languages if language in kept)}",
            base=self.base_name,
            query_sets=tuple(
                dataclasses.replace(queries, judgements=functools.partial(judgements, queries)) for queries in query_sets
            ),
            collections=collections,
            pools=pools,
            settings=settings,
        )

    def passages(self, collection: str, passage_text: PassageText = "sentence", oddities: Oddities | None = None) -> list[Item]:
        """Every passage of a collection, by its TREC id, in the order of the collection.

        Args:
            collection: its name.
            passage_text: what is read of a passage.
            oddities: counts passages without a text, and texts that are not valid Unicode.

        Raises:
            HybridBenchError: on a NUL byte, an id that occurs twice, or ``sentence+context`` where passages have no paragraph.
        """
        what = f"passage of {self.name}/{collection}"
        return check_distinct(list(self.passage_stream(collection, passage_text, oddities)), what)

    def passage_stream(
        self, collection: str, passage_text: PassageText = "sentence", oddities: Oddities | None = None
    ) -> Iterator[Item]:
        """The same one by one, without holding them in memory. Ids that occur twice are not detected here.

        Raises:
            HybridBenchError: on a NUL byte.
        """
        of = self.collection(collection)
        read = reader(passage_text, self.name)
        for record in of.passages():
            content: Input = record.image if isinstance(record, ImagePassage) else read(record)
            item = Item(self.trec_id(collection, record.doc_id), content)
            yield read_item(item, of.modality, f"passage of {self.name}/{collection}", oddities, may_be_empty=True)

    def queries(self, query_set: str, oddities: Oddities | None = None) -> list[Item]:
        """Every query of a query set, in its order.

        Args:
            query_set: its name.
            oddities: counts texts that are not valid Unicode.

        Raises:
            HybridBenchError: on an empty text, a NUL byte, or an id that occurs twice.
        """
        of = self.query_set(query_set)
        what = f"query of {self.name}/{query_set}"
        items = [Item(q.query_id, q.image if isinstance(q, ImageQuery) else q.default_text()) for q in of.queries()]
        read = functools.partial(read_item, modality=of.modality, what=what, oddities=oddities, may_be_empty=of.may_be_empty)
        return check_distinct([read(item) for item in items], what)
