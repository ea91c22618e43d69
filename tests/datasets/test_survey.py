"""What is accepted in a suite's data by a stated rule, what is refused, and where: before anything is encoded."""

from __future__ import annotations

import dataclasses

import pytest
from ir_datasets.formats import GenericDoc, GenericQuery

from hybrid_bench import Collection, HybridBenchError, Judgement, QuerySet, Setting, Suite, load_suite
from hybrid_bench.datasets.judged import judged_in, judged_queries, qrels
from hybrid_bench.datasets.oddities import Oddities
from hybrid_bench.datasets.survey import Survey
from tests.datasets import examples

DOCS = {"d1": "One.", "d2": "Two.", "d3": "Three."}
QUERIES = {"q1": "Which is one?", "q2": "Which is two?"}


def suite_of(
    judged: list[tuple[str, str, int]], docs: dict[str, str] | None = None, queries: dict[str, str] | None = None, **more: bool
) -> Suite:
    docs, queries = docs or DOCS, queries or QUERIES
    return Suite(
        "toy",
        "",
        (
            QuerySet(
                "a",
                lambda: [GenericQuery(*query) for query in queries.items()],
                lambda: [Judgement(query, "a", doc, grade) for query, doc, grade in judged],
            ),
        ),
        (Collection("a", lambda: [GenericDoc(*doc) for doc in docs.items()]),),
        (Setting("a", "a", "monolingual"),),
        **more,
    )


def notes_of(suite: Suite) -> list[str]:
    oddities = Oddities()
    survey = Survey(suite, judged_queries(suite, oddities), oddities)
    survey.of_all(lambda name: suite.passage_stream(name, oddities=oddities))
    return oddities.notes()


def of_judged(notes: list[str]) -> list[str]:
    """The notes but those on queries that are not judged."""
    return [note for note in notes if "no judgement" not in note and "no scores" not in note]


SOUND = [("q1", "d1", 1), ("q2", "d2", 1)]


def test_a_sound_suite_has_no_notes() -> None:
    assert notes_of(suite_of(SOUND)) == []
    assert notes_of(load_suite("mini")) == []


@pytest.mark.parametrize(("grades", "counted"), [((2, 1), {"d1": 1}), ((1, 2), {"d1": 2}), ((1, 0), {}), ((3, 3), {"d1": 3})])
def test_of_judgements_of_one_pair_the_last_counts(grades: tuple[int, int], counted: dict[str, int]) -> None:
    suite = suite_of([("q1", "d1", grades[0]), ("q2", "d2", 1), ("q1", "d1", grades[1])])
    found = judged_in(suite, "a")
    assert {j.doc_id: j.relevance for j in found.judgements if j.query_id == "q1"} == counted
    assert [query.id for query in found.queries] == [*(["q1"] if counted else []), "q2"]
    assert qrels(suite, suite.settings[0], suite.query_set("a").judgements()).get("q1", {}) == counted
    note, *others = notes_of(suite)
    assert len(others) == (not counted)
    assert note.startswith("1 judgement repeats a pair of query and passage: the last counts, as in ir_measures (first: ")
    assert note.endswith(f"query 'q1', passage 'd1', graded {grades[0]} and {grades[1]}).")


def test_a_judgement_of_a_query_that_does_not_exist_is_left_out() -> None:
    suite = suite_of([*SOUND, ("q8", "d1", 1), ("q9", "d3", 1)])
    assert [j.query_id for j in judged_in(suite, "a").judgements] == ["q1", "q2"]
    assert notes_of(suite) == ["2 judgements name queries that do not exist: they are left out (first: 'q8')."]


def test_a_judgement_of_a_passage_that_does_not_exist_is_kept() -> None:
    suite = suite_of([*SOUND, ("q1", "d9", 1)])
    assert [j.doc_id for j in judged_in(suite, "a").judgements] == ["d1", "d2", "d9"]
    (note,) = notes_of(suite)
    assert note.startswith("1 judgement names a passage that is not in its collection: it counts as relevant and never retrieved")


def test_irrelevant_passages_may_be_absent() -> None:
    assert notes_of(suite_of([*SOUND, ("q1", "d9", 0)])) == []


def test_qrels_of_another_collection_are_refused() -> None:
    with pytest.raises(HybridBenchError, match="no relevant passage of 2 is in the collection a of toy, first 'x1'"):
        notes_of(suite_of([("q1", "x1", 1), ("q2", "x2", 1)]))


ALIKE = [("caf\u00e9", "cafe\u0301"), ("cafe\u0301", "caf\u00e9"), ("d4", '"d4"'), ("d4", "d4 "), ("\ufeffd4", "d4")]


@pytest.mark.parametrize(("there", "judged"), ALIKE)
def test_an_id_that_differs_only_to_a_machine_is_shown(there: str, judged: str) -> None:
    with pytest.raises(HybridBenchError) as refused:
        notes_of(suite_of([*SOUND, ("q1", judged, 1)], docs=DOCS | {there: "Four."}))
    assert f"the passage {judged!a}, and the collection a has {there!a}" in refused.value.problem
    with pytest.raises(HybridBenchError) as refused:
        notes_of(suite_of([*SOUND, (judged, "d1", 1)], queries=QUERIES | {there: "Which is four?"}))
    assert f"the query {judged!a}, and toy has {there!a}" in refused.value.problem


def test_texts_that_are_empty_or_hold_half_a_character_are_counted_and_read() -> None:
    docs = DOCS | {"e1": "", "e2": " \n", "s": "cut \ud83d here"}
    suite = suite_of(SOUND, docs=docs, queries=QUERIES | {"q2": "Which\udc00 is two?"})
    assert [item.content for item in suite.passages("a")[3:]] == ["", "", "cut \ufffd here"]
    assert suite.queries("a")[1].content == "Which\ufffd is two?"
    assert notes_of(suite) == [
        "2 passages have no text: they are kept, and encoded as empty texts (first: 'e1').",
        "2 texts hold halves of surrogate pairs, which UTF-8 cannot: U+FFFD stands for each (first: query of toy/a 'q2').",
    ]


def test_a_passage_with_the_id_of_a_query_is_kept_or_left_out() -> None:
    suite = suite_of(SOUND, docs=DOCS | {"q1": f"Question. {QUERIES['q1']}", "q2": "Equal by chance."})
    (kept,) = notes_of(suite)
    assert kept.startswith("1 query is searched among passages of which one has its id: that passage is kept")
    (dropped,) = notes_of(dataclasses.replace(suite, drops_own=True))
    assert dropped.startswith("2 queries are searched among passages of which one has their id: it is left out, as by BEIR")
    assert suite.dropped("q1", ["a"]) == set()
    assert dataclasses.replace(suite, drops_own=True).dropped("q1", ["a"]) == {"q1"}


def test_the_sets_of_beir_leave_out_a_querys_own_passage() -> None:
    assert load_suite("beir/nfcorpus/test").drops_own
    assert not load_suite("mini").drops_own


@pytest.mark.parametrize(
    ("docs", "problem"),
    [
        (["d1", "d2", "d1"], "the passage of toy/a with id 'd1' occurs twice"),
        (["d1", "d2", ""], "the passage of toy/a with id '': its id is empty"),
        (["d1", "d2", "x\ud83d"], r"with id 'x\\ud83d': its id holds half of a surrogate pair"),
        (["d1", "d2", "x" * 10_001], "its id has 10,001 characters; 10,000 are allowed"),
    ],
)
def test_an_id_that_is_wrong_is_named(docs: list[str], problem: str) -> None:
    suite = suite_of(SOUND)
    collection = Collection("a", lambda: [GenericDoc(doc_id, "Text.") for doc_id in docs])
    suite = dataclasses.replace(suite, collections=(collection,))
    with pytest.raises(HybridBenchError, match=problem):
        notes_of(suite)


@pytest.mark.parametrize("white", [" ", "\t", "\u00a0", "\u3000", "\x1c"])
def test_white_space_in_an_id_is_refused_only_where_runs_are_written(white: str) -> None:
    for suite in (
        suite_of(SOUND, docs=DOCS | {f"d{white}4": "Four."}),
        suite_of([*SOUND, (f"q{white}3", "d3", 1)], queries=QUERIES | {f"q{white}3": "Which is three?"}),
    ):
        assert notes_of(suite) == []
        with pytest.raises(HybridBenchError, match="cannot be written to a TREC run"):
            Survey(suite, judged_queries(suite), for_runs=True).of_all(suite.passage_stream)


def test_ids_of_which_only_hashes_are_equal_are_no_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    from hybrid_bench.datasets import survey

    monkeypatch.setattr(survey.xxhash, "xxh3_64_intdigest", lambda _: 7)
    assert notes_of(suite_of(SOUND)) == []
    with pytest.raises(HybridBenchError, match="with id 'd2' occurs twice"):
        suite = suite_of(SOUND)
        twice = Collection("a", lambda: [GenericDoc(doc_id, "Text.") for doc_id in ("d1", "d2", "d3", "d2")])
        notes_of(dataclasses.replace(suite, collections=(twice,)))


@pytest.mark.parametrize("large", [False, True])
def test_an_id_that_is_in_two_collections_of_a_pool_is_named(large: bool) -> None:
    judged = {"de": [Judgement("q1", "de", "1", 1)]}
    ids = {"de": ["1", "2"], "en": ["3", "2"]}
    assert of_judged(notes_of(examples.by_language(["de", "en"], judged, ids, large=large))) == []
    with pytest.raises(HybridBenchError, match="the passage of toy/de and en with id '2' occurs twice"):
        notes_of(examples.by_language(["de", "en"], judged, ids, large=large, unique_ids=True))


def test_ids_in_quotes_are_shown_where_trec_ids_name_the_collection() -> None:
    judged = {"de": [Judgement("q1", "de", "1", 1), Judgement("q1", "de", '"2"', 1)]}
    with pytest.raises(HybridBenchError, match="the passage 'de-\"2\"', and the collection de has 'de-2': they look alike"):
        notes_of(examples.by_language(["de", "en"], judged))


def test_passages_of_every_collection_are_looked_up_in_their_own() -> None:
    judged = {"de": [Judgement("q1", "de", "1", 1), Judgement("q1", "en", "9", 1), Judgement("q2", "en", "2", 1)]}
    (note,) = of_judged(notes_of(examples.by_language(["de", "en"], judged)))
    assert note.startswith("1 judgement names a passage") and note.endswith("(first: query 'q1', passage '9').")
