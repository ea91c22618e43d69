"""Ranks that cannot be true together are rejected, and those of any ranking are accepted."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hybrid_bench import Setting, Suite
from hybrid_bench.datasets.parts import Collection, Judgement, QuerySet
from hybrid_bench.results.ranks import QuerySetRanks, Ranks
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.format import rank_consistency, rank_table_reader
from hybrid_bench.submissions.format.expected import SuiteData
from hybrid_bench.submissions.format.findings import Finding, Report
from hybrid_bench.submissions.format.rank_table import HEADER, RankTable
from hybrid_bench.submissions.inspection import inspect

Same = NDArray[np.int32]
Forged = tuple[QuerySetRanks, Same]
Forge = Callable[[QuerySetRanks, Same], Forged]

TOP = 3
#: A passage that was not retrieved.
MISSING = 0


class Text(NamedTuple):
    doc_id: str
    query_id: str = "q"

    def default_text(self) -> str:
        return "text"


class World(NamedTuple):
    """A tiny suite: (language, number of passages, how many of them are relevant) of each collection, asked in ``l``."""

    parts: tuple[tuple[str, int, int], ...]
    depth: int | None = None

    @property
    def passages(self) -> list[tuple[int, int]]:
        """(collection, number) of all passages; the relevant ones are the first of their collection."""
        return [(at, number) for at, (_, size, _) in enumerate(self.parts) for number in range(size)]

    @property
    def relevant(self) -> list[tuple[int, int]]:
        return [(at, number) for at, number in self.passages if number < self.parts[at][2]]

    def data(self) -> SuiteData:
        names = [f"c{at}" for at in range(len(self.parts))]
        collections = tuple(
            Collection(name, lambda name=name, size=size: [Text(f"{name}-{number}") for number in range(size)], language)  # type: ignore[misc]
            for name, (language, size, _) in zip(names, self.parts, strict=True)
        )
        judged = [Judgement("q", names[at], f"{names[at]}-{number}", 1) for at, number in self.relevant]
        query_set = QuerySet("l", lambda: [Text("", "q")], lambda: judged, "l")
        pools = {"all": tuple(names)}
        return SuiteData(Suite("tiny", "", (query_set,), collections, (Setting("l", "all", "multilingual"),), pools))

    def lists(self, collection: int | None) -> Iterator[tuple[tuple[int, int], ...]]:
        """Every list that a search whose scores depend on the pool can give."""
        pool = [passage for passage in self.passages if collection in (None, passage[0])]
        for length in range(min(len(pool), self.depth or len(pool)) + 1):
            for found in itertools.permutations(pool, length):
                if self.depth is not None or set(self.relevant) & set(pool) <= set(found):
                    yield found

    def ranks(self, found: Iterable[tuple[int, int]], collection: int | None = None) -> tuple[int, ...]:
        place = {passage: rank for rank, passage in enumerate(found, start=1)}
        return tuple(place.get(passage, MISSING) for passage in self.relevant if collection in (None, passage[0]))

    def same(self, found: Iterable[tuple[int, int]]) -> int:
        return sum(self.parts[at][0] == "l" for at, _ in list(found)[:TOP])

    def true_tables(self, *, pool_dependent: bool) -> set[tuple[int, ...]]:
        """(own ranks, ranks in the pool of all, same) of all possible searches, by enumeration."""
        if pool_dependent:
            of_collections = [{self.ranks(found, at) for found in self.lists(at)} for at in range(len(self.parts))]
            of_all = {(*self.ranks(found), self.same(found)) for found in self.lists(None)}
            own = [tuple(itertools.chain(*parts)) for parts in itertools.product(*of_collections)]
            return {one + other for one in own for other in of_all}
        tables: set[tuple[int, ...]] = set()
        for order in itertools.permutations(self.passages):
            lists = [[passage for passage in order if passage[0] == at][: self.depth] for at in range(len(self.parts))]
            ranks = itertools.chain(*(self.ranks(found, at) for at, found in enumerate(lists)))
            tables.add((*ranks, *self.ranks(order[: self.depth]), self.same(order[: self.depth])))
        return tables

    def candidates(self) -> list[tuple[int, ...]]:
        """Every table of ranks within the pools, possible or not."""
        first = 1 if self.depth is None else MISSING
        own = [range(first, self.parts[at][1] + 2) for at, _ in self.relevant]
        everywhere = [range(first, len(self.passages) + 2)] * len(self.relevant)
        return list(itertools.product(*own, *everywhere, range(TOP + 2)))

    def accepted(self, tables: list[tuple[int, ...]], *, pool_dependent: bool) -> set[tuple[int, ...]]:
        """The tables without a finding; each is checked as a query of its own."""
        pairs = len(self.relevant)
        table = np.array(tables, dtype=np.int32)
        own, everywhere = table[:, :pairs].ravel(), table[:, pairs : 2 * pairs].ravel()
        cut = self.depth is not None
        found = QuerySetRanks(
            query_ids=[str(number) for number in range(len(tables))],
            query=np.repeat(np.arange(len(tables), dtype=np.int32), pairs),
            collection=np.array([f"c{at}" for at, _ in self.relevant] * len(tables)),
            doc_id=[""] * len(own),
            relevance=np.ones_like(own),
            rank=np.where(own == MISSING, (self.depth or 0) + 1, own),
            rank_in={"all": np.where(everywhere == MISSING, (self.depth or 0) + 1, everywhere)},
            found=own != MISSING if cut else None,
            found_in={"all": everywhere != MISSING} if cut else {},
        )
        report = Everything()
        rank_consistency.check("l", found, table[:, -1], self.data(), self.depth, report, "table", pool_dependent=pool_dependent)
        return {one for number, one in enumerate(tables) if str(number) not in report.queries}


class Everything(Report):
    """A report that keeps the queries of all findings."""

    def __init__(self) -> None:
        super().__init__()
        self.queries: set[str] = set()
        self.remedies: set[str] = set()

    def full(self, rule: str, file: str) -> bool:
        return False

    def error(self, rule: str, file: str, message: str, remedy: str = "") -> None:
        self.queries.add(message.split("'")[1])
        self.remedies.add(remedy)


WORLDS = [
    World((("l", 3, 2), ("m", 2, 1))),
    World((("l", 2, 1), ("m", 4, 2))),
    World((("l", 2, 1), ("m", 2, 1), ("n", 2, 1))),
    World((("l", 4, 1), ("m", 1, 0), ("n", 1, 1))),
    World((("l", 1, 0), ("m", 3, 3))),
    World((("m", 3, 1), ("n", 2, 1))),  # no collection in the query's language
    World((("l", 2, 1), ("l", 2, 1), ("m", 2, 1))),  # two of them
    World((("l", 1, 1), ("m", 1, 1))),  # fewer passages than the first 20
    World((("l", 3, 1), ("m", 3, 1)), depth=4),
    World((("l", 3, 2), ("m", 2, 1)), depth=2),
    World((("l", 2, 1), ("m", 2, 1), ("n", 2, 1)), depth=3),
    World((("l", 1, 1), ("m", 4, 2)), depth=3),
    World((("l", 3, 1), ("m", 2, 2)), depth=5),
    World((("l", 2, 1), ("m", 3, 1)), depth=9),
]


@pytest.mark.parametrize("pool_dependent", [False, True])
@pytest.mark.parametrize("world", WORLDS, ids=str)
def test_the_conditions_are_necessary_and_sufficient(world: World, pool_dependent: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all tables, exactly those of a possible search are accepted."""
    monkeypatch.setattr(rank_consistency, "GROUP_DEPTH", TOP)
    true = world.true_tables(pool_dependent=pool_dependent)
    candidates = world.candidates()
    assert true <= set(candidates)
    accepted = world.accepted(candidates, pool_dependent=pool_dependent)
    assert sorted(accepted - true)[:5] == []
    assert sorted(true - accepted)[:5] == []
    assert len(true) < len(candidates)


@pytest.mark.parametrize("depth", [None, 4])
def test_mutated_tables_are_possible_or_rejected(depth: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """1,000 changes of the text of a valid table: what is accepted is the table of a possible search."""
    monkeypatch.setattr(rank_consistency, "GROUP_DEPTH", TOP)
    world = World((("l", 4, 2), ("m", 3, 1)), depth)
    data, draw, true = world.data(), random.Random(20), world.true_tables(pool_dependent=False)
    accepted = set()
    for start in draw.choices(sorted(true), k=1000):
        words = [str(rank or "-") for rank in start]
        cells = [words[-1], " ".join(words[:3]), " ".join(words[3:6])]
        text = list("\t".join(["q", "l", *cells]))
        at = draw.randrange(4, len(text))
        text[at : at + draw.randint(0, 1)] = draw.choice(["1", "2", "3", "4", "5", "7", "0", "-", " ", "\t", "\n", "x", "\u0663"])
        report = Report()
        table = rank_table_reader.parse("\t".join(HEADER) + f"\n{''.join(text)}\n", data, depth, report, "table")
        if table is not None and not report.failed:
            found = table.ranks.by_query_set["l"]
            everything = np.ones(3, dtype=bool)
            own = np.where(everything if found.found is None else found.found, found.rank, MISSING)
            everywhere = np.where(found.found_in.get("all", everything), found.rank_in["all"], MISSING)
            accepted.add((*own[::-1].tolist(), *everywhere[::-1].tolist(), int(table.same_group["l"][0])))
    assert accepted - true == set()
    assert accepted


def searched(seed: int, kinds: int, *, pool_dependent: bool, depth: int | None = None) -> RankTable:
    """Rank ``mini`` by random scores of so many kinds, hence with ties; relevant passages have better ones."""
    data, draw = suite_data.load("mini"), np.random.default_rng(seed)
    ids = np.array([doc_id for of in data.passage_ids.values() for doc_id in of])
    collection = np.repeat(list(data.passage_ids), [len(of) for of in data.passage_ids.values()])
    tie = np.argsort(np.argsort(ids))  # among equal scores, the highest id is first
    ranks, same = {}, {}
    for name, found in data.unranked.items():
        language = data.suite.query_set(name).language
        spoken = np.array([data.suite.collection(of).language == language for of in collection])
        place = {doc_id: at for at, doc_id in enumerate(ids)}
        relevant = np.array([place[doc_id] for doc_id in found.doc_id])
        own, everywhere = np.zeros((2, len(relevant)), dtype=np.int32)
        counts = np.zeros(len(found.query_ids), dtype=np.int32)
        for query in range(len(found.query_ids)):
            of_query = np.flatnonzero(found.query == query)
            score = draw.integers(0, kinds, len(ids)) + 0.3 * kinds * spoken
            score[relevant[of_query]] += draw.integers(0, kinds)
            order = np.lexsort((-tie, -score))
            everywhere[of_query] = np.argsort(order)[relevant[of_query]] + 1
            counts[query] = spoken[order[: min(20, depth or 20)]].sum()
            if pool_dependent:
                order = np.lexsort((-tie, -draw.integers(0, kinds, len(ids))))
            for pair in of_query:
                inside = order[collection[order] == collection[relevant[pair]]]
                own[pair] = np.flatnonzero(inside == relevant[pair])[0] + 1
        cut = depth or len(ids)
        ranks[name] = dataclasses.replace(
            found,
            rank=np.minimum(own, cut + 1),
            rank_in={"all": np.minimum(everywhere, cut + 1)},
            found=own <= cut,
            found_in={"all": everywhere <= cut},
        )
        same[name] = counts
    return RankTable(Ranks(ranks), same)


def findings(table: RankTable, depth: int | None = None, *, pool_dependent: bool = False) -> list[Finding]:
    report = Report()
    rank_table_reader.parse(table.text(), suite_data.load("mini"), depth, report, "table", pool_dependent=pool_dependent)
    return report.findings


@settings(max_examples=20)
@given(st.integers(0, 1 << 30), st.sampled_from([1, 2, 5, 1000]), st.sampled_from([None, 1, 7, 20, 75, 100, 1000]), st.booleans())
def test_honest_tables_are_accepted(seed: int, kinds: int, depth: int | None, pool_dependent: bool) -> None:
    table = searched(seed, kinds, pool_dependent=pool_dependent, depth=depth)
    assert findings(table, depth, pool_dependent=pool_dependent) == []


def clipped(found: QuerySetRanks, same: Same) -> Same:
    """``same20`` within what the relevant passages among the first 20 allow."""
    top, own = found.rank_in["all"] <= 20, found.collection == LANGUAGE
    least, most = (np.bincount(found.query[top & mask], minlength=len(same)) for mask in (own, ~own))
    return np.clip(same, least, 20 - most).astype(np.int32)


def squeezed(found: QuerySetRanks, same: Same) -> Forged:
    """The best ranks in the pool of all that are not better than those in the collections, and keep their order."""
    better = found.rank_in["all"].copy()
    for query in range(len(found.query_ids)):
        last = 0
        for pair in sorted(np.flatnonzero(found.query == query), key=found.rank_in["all"].__getitem__):
            last = better[pair] = max(last + 1, found.rank[pair])
    return dataclasses.replace(found, rank_in={"all": better}), same


def first_one_better(found: QuerySetRanks, same: Same) -> Forged:
    """The best rank in the pool of all is that in the collection."""
    first = np.minimum.reduceat(found.rank_in["all"], np.searchsorted(found.query, range(len(found.query_ids))))
    is_first = found.rank_in["all"] == first[found.query]
    return dataclasses.replace(found, rank_in={"all": np.where(is_first, found.rank, found.rank_in["all"])}), same


def own_ranks_better(found: QuerySetRanks, same: Same) -> Forged:
    """The best ranks in the collections: 1, 2, ... in the order of the pool of all."""
    order = np.lexsort((found.rank_in["all"], found.collection, found.query))
    starts = np.flatnonzero(np.diff(found.query[order], prepend=-1) | (np.diff(found.collection_index[order], prepend=-1)))
    better = np.empty_like(found.rank)
    better[order] = np.arange(len(order)) - np.repeat(starts, np.diff([*starts, len(order)])) + 1
    return dataclasses.replace(found, rank=better), same


def own_ranks_worse(found: QuerySetRanks, same: Same) -> Forged:
    """The ranks of the pool of all, as far as the collections reach."""
    return dataclasses.replace(found, rank=np.maximum(found.rank, np.minimum(found.rank_in["all"], 1000))), same


def same_up(found: QuerySetRanks, same: Same) -> Forged:
    return found, np.full_like(same, 20)


def same_down(found: QuerySetRanks, same: Same) -> Forged:
    return found, np.zeros_like(same)


def far(found: QuerySetRanks, same: Same) -> Forged:
    """The rank in the pool of all is as low as the passages of the other languages can cause."""
    others = sum(suite_data.load("xquad-r").pool_sizes.values()) - 1500
    return dataclasses.replace(found, rank_in={"all": found.rank_in["all"] % 7 + found.rank + others}), same


LANGUAGE = "de"
FORGERIES = [squeezed, first_one_better, own_ranks_better, own_ranks_worse, same_up, same_down, far]


@pytest.fixture(scope="module")
def use(root: Path, shared: Path) -> RankTable:
    """A published submission on XQuAD-R."""
    (folder,) = (root / "leaderboards" / "submissions" / "hybrid-bench__use-multilingual").iterdir()
    report = Report()
    found = inspect(folder, report)
    assert found is not None
    assert report.findings == []
    return found.tables["xquad-r"]


@pytest.mark.parametrize("depth", [None, 1000])
@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__)
def test_forgeries_are_rejected(use: RankTable, forge: Forge, depth: int | None) -> None:
    """Each changes one thing, within what the other things allow one by one. Stating a depth does not help."""
    found, same = forge(use.ranks.by_query_set[LANGUAGE], use.same_group[LANGUAGE])
    same = clipped(found, same)
    if depth is not None:
        own, everywhere = found.rank, found.rank_in["all"]
        found = dataclasses.replace(
            found,
            rank=np.minimum(own, depth + 1),
            rank_in={"all": np.minimum(everywhere, depth + 1)},
            found=own <= depth,
            found_in={"all": everywhere <= depth},
        )
    report = Everything()
    rank_consistency.check(LANGUAGE, found, same, suite_data.load("xquad-r"), depth, report, "table")
    assert len(report.queries) > 50
    assert any("state similarity = 'lexical'" in remedy for remedy in report.remedies)
