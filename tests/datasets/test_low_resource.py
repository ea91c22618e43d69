"""The suites of low-resource languages and of domains: counts against published files, and rules for odd data."""

from __future__ import annotations

import itertools
import json
import random
import zipfile
from collections import Counter
from pathlib import Path

import ir_datasets
import pytest

import hybrid_bench
from hybrid_bench import HybridBenchError, load_suite
from hybrid_bench.datasets import resolvers
from hybrid_bench.datasets.sources import afriqa, lareqa, parallel_lines, published, squad, squadshifts
from hybrid_bench.plugin import UnknownNameError
from tests.mutations import mutated

pytestmark = pytest.mark.usefixtures("shared")

#: Test questions that have a passage, as parsed and counted apart from this code.
AFRIQA = {"bem": 308, "fon": 386, "ha": 300, "ig": 409, "rw": 345, "sw": 295, "tw": 486, "yo": 253, "zu": 325}
#: Questions, sentences, and questions whose annotators point to more than one sentence.
SQUADSHIFTS = {"new_wiki": (7938, 8168, 978), "reddit": (9803, 17_419, 2000), "amazon": (9885, 15_642, 1569)}


def upstream(shared: Path, name: str, path: str) -> Path:
    (found,) = (shared / "mirror" / "raw.githubusercontent.com").glob(f"{name}/*/{path}")
    return found


def test_the_suites_are_registered_and_load_nothing() -> None:
    for name in ("afriqa", "flores200", "tico19", "mkqa", "squadshifts", "squadshifts/full", "xquad-r+ro"):
        suite = load_suite(name)
        assert suite.name == name
        assert suite.licence.startswith("CC")
        assert suite.primary == "AP"
    assert all("@" in published.source(name)["citation"] for name in ("afriqa", "flores200", "tico19", "mkqa", "squadshifts"))


def test_every_hash_is_that_of_the_manifest(shared: Path) -> None:
    with (shared / "mirror" / "MANIFEST.tsv").open(encoding="utf-8") as rows:
        known = {row.split("\t")[2] for row in rows}
    stated = [md5 for name in ("afriqa", "squadshifts") for md5 in published.source(name)["md5"].values()]
    for name in ("flores200", "tico19"):
        stated += [md5 for _, *hashes in published.source(name)["languages"].values() for md5 in hashes]
        stated.append(published.source(name)["metadata_md5"])
    stated.append(published.source("mkqa")["md5"])
    assert len(stated) == 24 + 3 + 204 + 2 * 38 + 2 + 1
    assert set(stated) <= known


def test_afriqa_has_as_many_questions_and_passages_as_its_files() -> None:
    suite = load_suite("afriqa")
    asked = {of.name: len(suite.queries(of.name)) for of in suite.query_sets}
    translated = {f"{name}-{afriqa.PIVOTS[name]}": count for name, count in AFRIQA.items()}
    assert asked == AFRIQA | translated
    assert {of.name: len(suite.passages(of.name)) for of in suite.collections} == {"en": 5413, "fr": 790}
    relevant = {pivot: set(afriqa.load(pivot).relevant.values()) for pivot in ("en", "fr")}
    assert {pivot: len(found) for pivot, found in relevant.items()} == {"en": 2570, "fr": 358}
    pool = afriqa.load("en")
    users = Counter(
        doc_id for language in pool.questions for doc_id in {pool.relevant[name] for name in pool.questions[language]}
    )
    assert sum(count > 1 for count in users.values()) == 43  # passages of questions in more than one language


def test_afriqa_asks_the_same_question_in_both_languages() -> None:
    suite = load_suite("afriqa")
    for language, pivot in afriqa.PIVOTS.items():
        both = [suite.queries(name) for name in (language, f"{language}-{pivot}")]
        assert [query.id for query in both[0]] == [query.id for query in both[1]]
        judged = [list(suite.query_set(name).judgements()) for name in (language, f"{language}-{pivot}")]
        assert judged[0] == judged[1]
        assert all(len(list(group)) == 1 for _, group in itertools.groupby(judged[0], key=lambda judgement: judgement.query_id))


def test_a_question_without_a_passage_is_left_out(shared: Path, tmp_path: Path) -> None:
    file = upstream(shared, "masakhane-io/afriqa", "data/gold_passages/bem/gold_span_passages.afriqa.bem.en.test.json")
    without = [json.loads(line)["id"] for line in file.read_text(encoding="utf-8").splitlines() if '"context": null' in line]
    assert len(without) == 1
    assert f"bem-{without[0]}" not in afriqa.load("en").questions["bem"]
    row = {"id": "1", "question_lang": "q", "question_translated": "t", "title": None, "context": "p"}
    path = tmp_path / "rows.json"
    path.write_text("".join(json.dumps(row | {"id": str(n), "context": text}) + "\n" for n, text in enumerate(["p", None, " "])))
    assert [found.id for found in afriqa.read(path)] == ["0"]
    path.write_text(json.dumps(row) * 2)
    with pytest.raises(HybridBenchError, match="line 1: not a question of AfriQA"):
        list(afriqa.read(path))
    path.write_text((json.dumps(row) + "\n") * 2)
    with pytest.raises(HybridBenchError, match=r"line 2.*there twice"):
        list(afriqa.read(path))


def test_all_languages_of_flores_are_parallel() -> None:
    languages = parallel_lines.languages("flores200")
    assert len(languages) == 204
    assert {len(parallel_lines.load("flores200", language)) for language in languages} == {1012}
    twice = [1012 - len(set(parallel_lines.load("flores200", language).values())) for language in languages]
    assert (sum(count > 0 for count in twice), max(twice)) == (19, 3)
    assert Counter(parallel_lines.domains("flores200").values()) == {"wikibooks": 351, "wikinews": 341, "wikivoyage": 320}


def test_tico_has_five_versions_of_its_english(shared: Path) -> None:
    english = parallel_lines.english("tico19")
    assert len(parallel_lines.languages("tico19")) == 39
    assert Counter(english.values()) == {"en": 14, "en-ar": 10, "en-ckb": 10, "en-fa": 3, "en-zu": 1}
    for language in ("zu", "es-419", "sw"):
        code = published.source("tico19")["languages"][language][0]
        file = upstream(shared, "Helsinki-NLP/OPUS-MT-testsets", f"datasets/tico19/testsets/en-{code}/tico19-test.en")
        own = file.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        assert list(parallel_lines.load("tico19", english[language]).values()) == own
    assert {len(parallel_lines.load("tico19", name)) for name in (*parallel_lines.languages("tico19"), *english.values())} == {
        2100
    }
    domains = {"cmu": 104, "pubmed": 676, "wikinews": 67, "wikipedia": 1155, "wikisource": 98}
    assert Counter(parallel_lines.domains("tico19").values()) == domains
    suite = load_suite("tico19")
    pools = {setting.pool for setting in suite.settings if setting.query_set == "zu"}
    assert pools == {"en-zu", "all"}
    assert "en-zu" not in suite.pool("all")


def test_mkqa_asks_5000_questions_in_twelve_languages() -> None:
    languages = parallel_lines.languages("mkqa")
    found = [parallel_lines.load("mkqa", language) for language in languages]
    assert len(languages) == 12
    assert {len(lines) for lines in found} == {5000}
    assert len({frozenset(lines) for lines in found}) == 1


def test_a_parallel_suite_asks_to_and_from_english_and_in_one_pool() -> None:
    suite = load_suite("flores200").restrict(["en", "sw", "ks-Arab"])
    kinds = {(setting.query_set, setting.pool): setting.kind for setting in suite.settings}
    cross = {("sw", "en"), ("en", "sw"), ("ks-Arab", "en"), ("en", "ks-Arab")}
    assert {pair for pair, kind in kinds.items() if kind == "cross-lingual"} == cross
    assert {pair for pair, kind in kinds.items() if kind == "multilingual"} == {(of, "all") for of in ("en", "sw", "ks-Arab")}
    judged = [judgement for judgement in suite.query_set("sw").judgements() if judgement.query_id == "sw-0007"]
    assert [(judgement.collection, judgement.doc_id) for judgement in judged] == [("en", "en-0007"), ("ks-Arab", "ks-Arab-0007")]
    assert suite.dropped("sw-0007", suite.pool("all")) == {"sw-0007"}
    assert suite.slices["domain"]()["ks-Arab-0001"] == "wikinews"


def test_lines_with_the_same_text_are_relevant_to_the_same_queries() -> None:
    name = next(
        of for of in parallel_lines.languages("flores200") if len(set(parallel_lines.load("flores200", of).values())) < 1012
    )
    suite = load_suite("flores200").restrict(["en", name])
    by_text: dict[str, list[str]] = {}
    for query in suite.queries(name):
        by_text.setdefault(str(query.content), []).append(query.id)
    first, second = next(ids for ids in by_text.values() if len(ids) > 1)[:2]
    found = {(judgement.query_id, judgement.doc_id) for of in ("en", name) for judgement in suite.query_set(of).judgements()}
    number, other = first.rpartition("-")[2], second.rpartition("-")[2]
    assert {(f"en-{number}", first), (f"en-{number}", second), (f"en-{other}", first), (first, second), (second, first)} <= found
    assert (first, first) not in found


def test_languages_beyond_the_default_ones() -> None:
    suite = load_suite("flores200")
    assert len(suite.languages) == 30
    chosen = suite.restrict(["en", "lus", "knc-Arab"])
    assert chosen.name == "flores200+en+knc-Arab+lus"
    assert len(chosen.passages("knc-Arab")) == 1012
    assert load_suite("tico19").restrict(["en", "nus"]).name == "tico19+en+nus"
    with pytest.raises(UnknownNameError, match="unknown language of flores200 'gcf'"):
        suite.restrict(["en", "gcf"])
    for name, code, tag in (("flores200", "swh_Latn", "sw"), ("tico19", "es_LA", "es-419")):
        with pytest.raises(HybridBenchError, match=f"{code} of {name} is named {tag} here"):
            load_suite(name).restrict(["en", code])
    with pytest.raises(HybridBenchError, match="alone has no translations"):
        suite.restrict(["lus"])
    with pytest.raises(HybridBenchError, match="afriqa has no setting in ha alone"):
        load_suite("afriqa").restrict(["ha"])


def test_romanian_is_a_twelfth_language_of_xquad_r() -> None:
    romanian, english = lareqa.load("xquad-ro", "ro"), lareqa.load("xquad-r", "en")
    assert list(romanian.questions) == list(english.questions)
    assert len({passage.context for passage in romanian.passages}) == 240
    suite = load_suite("xquad-r+ro")
    assert suite.languages[-1] == "ro"
    assert suite.passages("en") == load_suite("xquad-r").passages("en")
    assert "ro" not in load_suite("xquad-r").languages


@pytest.mark.parametrize("domain", SQUADSHIFTS)
def test_squadshifts_counts(shared: Path, domain: str) -> None:
    whole = squadshifts.load(domain)
    file = upstream(shared, "modestyachts/squadshifts-website", f"datasets/{squadshifts.DOMAINS[domain]}_v1.0.json")
    several = 0
    for paragraph in (part for article in json.loads(file.read_text())["data"] for part in article["paragraphs"]):
        spans = squad.sentences(paragraph["context"])
        for question in paragraph["qas"]:
            offsets = [answer["answer_start"] for answer in question["answers"]]
            several += len({next(span for span in spans if span[0] <= offset < span[1]) for offset in offsets}) > 1
    assert (len(whole.questions), len(whole.passages), several) == SQUADSHIFTS[domain]
    drawn = squadshifts.drawn(domain)
    assert (len(drawn.passages), len(drawn.questions)) == (3000, 1500)
    inside = {passage.doc_id for passage in drawn.passages}
    assert all(inside.issuperset(relevant) and relevant for relevant in drawn.relevant.values())
    assert squadshifts.draw(whole, 3000, 1500, "squadshifts/" + domain + "/1") == drawn
    assert squadshifts.draw(whole, 3000, 1500, "another seed") != drawn
    with pytest.raises(HybridBenchError, match="are to be drawn"):
        squadshifts.draw(whole, 10**6, 10, "1")


def test_the_domains_have_pools_of_equal_sizes() -> None:
    suite = load_suite("squadshifts")
    assert {len(suite.passages(of.name)) for of in suite.collections} == {squadshifts.PASSAGES}
    assert {len(suite.queries(of.name)) for of in suite.query_sets} == {squadshifts.QUESTIONS}
    assert {setting.kind for setting in suite.settings} == {"in-domain", "all-domain"}
    full = resolvers.full(suite)
    assert {of.name: len(suite.passages(of.name)) for of in full.collections} == dict.fromkeys(SQUADSHIFTS, 3000)
    assert {of.name: len(full.passages(of.name)) for of in full.collections} == {of: SQUADSHIFTS[of][1] for of in SQUADSHIFTS}
    with pytest.raises(HybridBenchError, match="mini draws no pools"):
        resolvers.full(load_suite("mini"))


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("One. Two! three? Four", ["One.", "Two! three?", "Four"]),
        ('He said "No." Then left. ', ['He said "No."', "Then left."]),
        ("A line\nand another. 7 more", ["A line", "and another.", "7 more"]),
        (". Este. Și apoi. Țara", ["Este.", "Și apoi.", "Țara"]),
        ("", []),
    ],
)
def test_the_rule_for_sentences(text: str, cut: list[str]) -> None:
    assert [text[start:end] for start, end in squad.sentences(text)] == cut


@pytest.mark.parametrize(
    ("name", "queries", "passages"),
    [("afriqa/en/ha", 300, 5413), ("afriqa/fr/fon-fr", 386, 790), ("flores200/en/sw", 1012, 1012),
     ("squadshifts/all/reddit", 1500, 9000), ("xquad-r+ro/ro/en", 1190, None),
     ("flores200/lus/en", 1012, 1012), ("tico19/en-zu/zu", 2100, 2100)],
)  # fmt: skip
def test_ir_datasets_entries(name: str, queries: int, passages: int | None) -> None:
    hybrid_bench.register()
    entry = ir_datasets.load(name)
    doc_ids = [doc.doc_id for doc in entry.docs_iter()]
    assert len(list(entry.queries_iter())) == queries
    assert entry.docs_count() == len(doc_ids) == len(set(doc_ids)) == passages or passages is None
    qrels = list(entry.qrels_iter())
    assert {qrel.doc_id for qrel in qrels} <= set(doc_ids)
    assert {qrel.query_id for qrel in qrels} == {query.query_id for query in entry.queries_iter()}
    first = entry.docs_store().get(doc_ids[0])
    assert first == next(iter(entry.docs_iter()))
    assert "bibtex" in entry.documentation()
    assert load_suite(name).settings


def test_an_entry_of_parallel_lines_leaves_out_the_querys_own_line() -> None:
    suite = load_suite("flores200/all/sw")
    assert suite.drops_own
    assert suite.dropped("sw-0001", suite.pool("all")) == {"sw-0001"}
    with pytest.raises(UnknownNameError, match="gcf"):
        load_suite("flores200/gcf/en")


@pytest.mark.parametrize("content", [b"one\n\ntwo\n", b"\xff\n", b"one\n \n"])
def test_damaged_lines(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "lines"
    path.write_bytes(content)
    with pytest.raises(HybridBenchError, match="lines"):
        parallel_lines.lines(path)


@pytest.mark.parametrize("reader", ["afriqa", "squad", "lines", "mkqa"])
def test_damaged_files(tmp_path: Path, reader: str) -> None:
    path, rng, refused = tmp_path / "file", random.Random(reader), 0
    rows = [
        {"id": str(n), "question_lang": f"q{n}", "question_translated": "t", "title": "T", "context": "C. D."} for n in range(4)
    ]
    answers = [{"text": "One", "answer_start": 0}, {"text": "Two", "answer_start": 5}]
    paragraph = {"context": "One. Two.", "qas": [{"id": f"q{n}", "question": "Which?", "answers": answers} for n in range(2)]}
    archive = tmp_path / "archive"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        lines = [json.dumps({"id": f"{n}_en", "question": f"question {n}"}) for n in range(20)]
        file.writestr("mkqa_test_without_answers/mkqa-en.jsonl", "\n".join(lines))
    content = {
        "afriqa": "".join(json.dumps(row) + "\n" for row in rows).encode(),
        "squad": json.dumps({"data": [{"title": "A_b", "paragraphs": [paragraph]}]}).encode(),
        "lines": "".join(f"line {n}\n" for n in range(9)).encode(),
        "mkqa": archive.read_bytes(),
    }[reader]
    for _ in range(2000):
        path.write_bytes(mutated(content, rng))
        try:
            if reader == "afriqa":
                assert all(isinstance(value, str) for row in afriqa.read(path) for value in row)
            elif reader == "squad":
                found = squad.read(path, "x", every_annotator=True)
                inside = {passage.doc_id for passage in found.passages}
                assert all(relevant and inside.issuperset(relevant) for relevant in found.relevant.values())
                assert all(isinstance(text, str) for text in found.questions.values())
            elif reader == "lines":
                assert all(line.strip() for line in parallel_lines.lines(path))
            else:
                assert all(isinstance(text, str) for text in parallel_lines.questions(path, "en").values())
        except HybridBenchError as error:
            assert str(path) in error.problem
            assert "\n" not in error.problem
            refused += 1
    assert 100 < refused < 2000
