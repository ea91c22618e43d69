"""TREC runs: names of files, canonical order, and files that were written and read."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_measures import RR

from hybrid_bench import HybridBenchError
from hybrid_bench.results import runs as trec
from hybrid_bench.results.runs import Hit, canonical
from tests.datasets import examples

#: Any names that a suite may have.
names = st.from_regex(r"[a-cA-C0-9](-?[a-c0-9._+]){0,5}", fullmatch=True)


@settings(max_examples=60)
@given(st.lists(st.tuples(names, names), min_size=1, max_size=6, unique_by=lambda pair: tuple(map(str.lower, pair))))
def test_the_name_of_a_file_tells_query_set_and_pool(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    for query_set, pool in pairs:
        examples.by_language([query_set])  # a suite accepts the name
        (folder / trec.file_name(query_set, pool)).touch()
    assert trec.runs_in(folder) == {pair: folder / trec.file_name(*pair) for pair in pairs}
    assert len(list(folder.iterdir())) == len(pairs)


def test_two_hyphens_separate_names_that_hold_one() -> None:
    assert trec.file_name("en", "all") == "en-all.trec.gz"
    assert trec.file_name("zh-hans", "all") == "zh-hans--all.trec.gz"
    assert trec.file_name("en", "sr-latn") == "en--sr-latn.trec.gz"


@pytest.mark.parametrize("name", ["de.trec.gz", "zh-hans-all.trec.gz", "-de.trec.gz", "de-.trec.gz", ".trec.gz"])
def test_a_file_whose_name_does_not_tell_its_setting_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(HybridBenchError, match=r"the name of the run .* does not tell its setting\n  Name runs <query set>-"):
        trec.runs_in(tmp_path)


def test_a_folder_without_runs_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(HybridBenchError, match=r"holds no runs\n  Runs are named"):
        trec.runs_in(tmp_path)


@given(st.dictionaries(st.text("ab1é", min_size=1, max_size=3), st.sampled_from([0.5, 0.25, 1 / 3, 1 / 3 + 1e-12]), min_size=1))
def test_canonical_order_is_that_of_trec_eval(scores: dict[str, float]) -> None:
    found = canonical(scores.items())
    for rank, hit in enumerate(found, start=1):
        assert RR.calc_aggregate({"q": {hit.doc_id: 1}}, {"q": scores}) == pytest.approx(1 / rank)
        assert hit.score == float(np.float32(scores[hit.doc_id]))
    assert canonical(scores.items(), 2) == found[:2]


def test_scores_that_are_not_finite_and_passages_that_occur_twice_are_refused() -> None:
    with pytest.raises(HybridBenchError, match="the score of document 'b' is not a finite number\n  Correct the searcher"):
        canonical([("a", 1.0), ("b", float("nan"))])
    with pytest.raises(HybridBenchError, match="document 'a' was found twice for one query"):
        canonical([("a", 1.0), ("a", 0.5)])


runs = st.dictionaries(
    st.text("q12", min_size=1, max_size=3),
    st.dictionaries(st.text("dé-1", min_size=1, max_size=3), st.floats(-(2.0**99), 2.0**99, width=32), min_size=1, max_size=5),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60)
@given(runs)
def test_a_run_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, found: dict[str, dict[str, float]]) -> None:
    path = tmp_path_factory.mktemp("run") / "de-all.trec.gz"
    run = {query_id: canonical(scores.items()) for query_id, scores in found.items()}
    sha256 = trec.write(run, path, "a tag")
    assert trec.read(path) == run
    assert trec.digest(path) == sha256
    plain = path.with_name("plain.trec")
    plain.write_bytes(gzip.decompress(path.read_bytes()))
    assert trec.read(plain) == run
    assert trec.digest(plain) == sha256


def test_a_damaged_file_has_no_digest(tmp_path: Path) -> None:
    path = tmp_path / "de-all.trec.gz"
    trec.write({"q": [Hit("d", 1.0)]}, path, "tag")
    path.write_bytes(path.read_bytes()[:-4])
    assert trec.digest(path) == ""
    assert trec.digest(tmp_path / "nowhere.trec.gz") == ""
    with pytest.raises(HybridBenchError, match=r"cannot read the run .*de-all\.trec\.gz, after line \d: .*\n  Run the search"):
        trec.read(path)


LINE = "q Q0 d1 1 0.5 tag\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("q d1 1 0.5 tag\n", "line 1: expected query id, Q0, document id, rank, score and tag"),
        ("q Q0 d1 1 0_5 tag\n", "line 1: expected query id, Q0, document id, rank, score and tag"),
        ("q Q0 d1 \u0661 0.5 tag\n", "line 1: expected query id, Q0, document id, rank, score and tag"),
        ("q Q0 d1\0 1 0.5 tag\n", "line 1: expected query id, Q0, document id, rank, score and tag"),
        ("q Q0 d1 1 1e39 tag\n", "line 1: the score 1e39 is not a finite number, or not in float32"),
        ("q Q0 d1 first 0.5 tag\n", "line 1: expected query id, Q0, document id, rank, score and tag"),
        (f"{LINE}q Q0 d2 2 nan tag\n", "line 2: the score nan is not a finite number"),
        (f"{LINE}q Q0 d1 2 0.25 tag\n", "line 2: document 'd1' occurs twice for query 'q'"),
    ],
)
def test_a_malformed_run_is_named_by_file_and_line(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "run.trec"
    path.write_text(text)
    with pytest.raises(HybridBenchError) as refused:
        trec.read(path)
    assert str(path) in refused.value.problem
    assert problem in refused.value.problem
    assert refused.value.remedy


@pytest.mark.parametrize("run", [{"a query": [Hit("d", 1.0)]}, {"q": [Hit("a passage", 1.0)]}, {"q": [Hit("", 1.0)]}])
def test_an_id_that_a_run_cannot_hold_is_refused_and_the_earlier_file_stays(tmp_path: Path, run: trec.Run) -> None:
    path = tmp_path / "de-all.trec.gz"
    trec.write({"q": [Hit("d", 1.0)]}, path, "tag")
    before = path.read_bytes()
    with pytest.raises(HybridBenchError, match="cannot be written to a TREC run\n  Give it a name without spaces"):
        trec.write(run, path, "tag")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("de-all.trec.gz", before)]


FORMS = {
    "rank 0 throughout": ("q Q0 a 0 2 t\nq Q0 b 0 1 t\np Q0 c 0 3 t\n", ["ranks do not rise (in 1 lines)"]),
    "unsorted": ("q Q0 b 1 1 t\nq Q0 a 2 2 t\np Q0 c 1 3 t\n", ["1 of its lines have a higher score than the line before"]),
    "no tag": ("q Q0 a 1 2\nq Q0 b 2 1\np Q0 c 1 3\n", ["3 of its lines have no tag"]),
    "blank lines": ("q Q0 a 1 2 t\n\nq Q0 b 2 1 t\np Q0 c 1 3 t\n \n", ["2 of its lines are blank"]),
    "byte order mark": ("\ufeffq Q0 a 1 2 t\nq Q0 b 2 1 t\n\ufeffp Q0 c 1 3 t\n", []),
    "Windows": ("q Q0 a 1 2 t\r\nq Q0 b 2 1 t\r\np\tQ0\tc\t1\t3\tt\r\n", []),
    "all of it": (
        "\ufeffq Q0 b 0 1\n\nq Q0 a 0 2\np Q0 c 0 3\n",
        ["ranks do not rise (in 1", "1 of its lines have a higher", "3 of its lines have no tag", "1 of its lines are blank"],
    ),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("text", "noted"), FORMS.values(), ids=FORMS)
def test_forms_of_other_programs_are_read_and_noted(tmp_path: Path, text: str, noted: list[str], packed: bool) -> None:
    path = tmp_path / "run.trec"
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    notes: list[str] = []
    assert trec.read(path, notes) == {"q": [Hit("a", 2.0), Hit("b", 1.0)], "p": [Hit("c", 3.0)]}
    assert len(notes) == len(noted)
    assert all(note.startswith("The run run.trec: ") and part in note for note, part in zip(notes, noted, strict=True))


def test_the_identity_of_a_run_is_in_its_header(tmp_path: Path) -> None:
    path, identity = tmp_path / "de-all.trec.gz", "0123456789abcdef" * 4
    plain = trec.write({"q": [Hit("d", 1.0)]}, path, "tag")
    assert trec.identity_of(path) == ""
    assert trec.write({"q": [Hit("d", 1.0)]}, path, "tag", identity) == plain == trec.digest(path)
    assert trec.identity_of(path) == identity
    assert trec.read(path) == {"q": [Hit("d", 1.0)]}
    path.write_bytes(gzip.compress(b"q Q0 d 1 1.0 tag\n"))
    assert (trec.identity_of(path), trec.identity_of(tmp_path / "nowhere.trec.gz")) == ("", "")
