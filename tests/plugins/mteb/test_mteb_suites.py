"""mteb's retrieval tasks as suites: real task classes of mteb, with data in local folders."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import mteb
import numpy as np
import PIL.Image
import pytest
from datasets import Dataset, Features, Value
from datasets import Image as ImageFeature
from mteb import TaskMetadata
from mteb.abstasks import AbsTaskRetrieval
from mteb.get_tasks import _TASKS_REGISTRY, TASK_LIST

from hybrid_bench import HybridBenchError, Image, Suite, load_suite
from hybrid_bench.testing import SuiteConformance
from hybrid_bench_mteb.codes import bcp47, mteb_language
from hybrid_bench_mteb.suites import suite_of
from tests.conftest import Cli
from tests.plugins.mteb.comparison import evaluated, model_for_mteb, scores_of, scores_of_mteb
from tests.tiny_encoder import TinyEncoder

Rows = list[dict[str, Any]]

#: Subset to corpus, queries and qrels, as the data sets of mteb have them.
GARDEN: dict[str, tuple[Rows, Rows, Rows]] = {
    "de": (
        [
            {"_id": "1", "title": "Kompost", "text": " Laub und Rinde. "},
            {"_id": "2", "title": "", "text": "Schnecken fressen Salat."},
            {"_id": "3", "title": "Salat", "text": "Salat braucht Wasser und Sonne."},
        ],
        [
            {"_id": "a", "text": "Was fressen Schnecken?"},
            {"_id": "b", "text": "Woraus wird Kompost?"},
            {"_id": "c", "text": "Sonne?"},
        ],
        [
            {"query-id": "a", "corpus-id": "2", "score": 2},
            {"query-id": "a", "corpus-id": "3", "score": 1},
            {"query-id": "b", "corpus-id": "1", "score": 1},
            {"query-id": "b", "corpus-id": "2", "score": 0},
            {"query-id": "c", "corpus-id": "3", "score": 1},
        ],
    ),
    "en": (
        [{"_id": str(number), "title": "", "text": text} for number, text in enumerate(["Slugs eat salad.", "Salad needs sun."])],
        [{"_id": "a", "text": "What do slugs eat?"}],
        [{"query-id": "a", "corpus-id": "0", "score": 1}],
    ),
}


def save(folder: Path, configs: Mapping[str, Rows], split: str = "test") -> Path:
    """A folder that ``datasets`` loads like a repository of the hub."""
    lines = ["---", "configs:"]
    for name, rows in configs.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        lines += [f"- config_name: {name}", "  data_files:", f"  - split: {split}", f"    path: {name}.jsonl"]
    (folder / "README.md").write_text("\n".join([*lines, "---", ""]), encoding="utf-8")
    return folder


def task_class(name: str, path: Path | str, **more: Any) -> type[AbsTaskRetrieval]:
    """A retrieval task with mteb's own loader."""
    fields: dict[str, Any] = {
        "name": name,
        "description": name,
        "dataset": {"path": str(path), "revision": "1"},
        "type": "Retrieval",
        "category": "t2t",
        "eval_langs": {"de": ["deu-Latn"], "en": ["eng-Latn"]},
        "main_score": "ndcg_at_10",
        "license": "cc0-1.0",
    }
    attributes = {"metadata": TaskMetadata(**fields | more.pop("metadata", {})), "k_values": (1, 10, 100), **more}
    return type(name, (AbsTaskRetrieval,), attributes)


@pytest.fixture(autouse=True)
def registry() -> Iterator[dict[str, Any]]:
    """mteb's tasks by name, to which a test may add."""
    before = dict(_TASKS_REGISTRY)
    yield _TASKS_REGISTRY
    _TASKS_REGISTRY.clear()
    _TASKS_REGISTRY.update(before)


@pytest.fixture
def garden(registry: dict[str, Any], tmp_path: Path) -> str:
    """The name of a task in two languages."""
    folder = tmp_path / "garden"
    folder.mkdir()
    configs = {
        f"{subset}-{part}": rows
        for subset, parts in GARDEN.items()
        for part, rows in zip(("corpus", "queries", "qrels"), parts, strict=True)
    }
    registry["Garden"] = task_class("Garden", save(folder, configs))
    return "mteb:Garden"


@pytest.mark.parametrize("plain", [False, True], ids=["our encoder", "sentence-transformers"])
def test_our_scores_on_a_task_are_mtebs(
    garden: str, tiny_encoder: TinyEncoder, plain_model: Path, plain: bool, tmp_path: Path
) -> None:
    encoder = plain_model if plain else tiny_encoder
    ours = scores_of(evaluated(encoder, load_suite(garden), tmp_path / "store"))
    theirs = scores_of_mteb(model_for_mteb(encoder, tmp_path / "store"), [mteb.get_task("Garden")])
    assert {(f"{subset}:{subset}", measure): value for (subset, measure), value in theirs.items()} == pytest.approx(
        ours, abs=1e-5
    )
    assert len(ours) == 4


def test_a_task_becomes_a_suite(garden: str) -> None:
    suite = load_suite(garden)
    assert suite.name == "mteb:Garden"
    assert [(of.name, of.language) for of in suite.collections] == [("de", "de"), ("en", "en")]
    assert {setting.kind for setting in suite.settings} == {"monolingual"}
    assert suite.licence == "cc0-1.0"
    assert [item.content for item in suite.passages("de")][:2] == ["Kompost  Laub und Rinde.", "Schnecken fressen Salat."]
    assert load_suite(garden).restrict(["en"]).name == "mteb:Garden+en"


class TestConformance(SuiteConformance):
    """A suite of a task fulfils what every suite has to."""

    @pytest.fixture
    def suite(self, garden: str) -> Suite:  # type: ignore[override]
        return load_suite(garden)


@pytest.fixture
def belebele(registry: dict[str, Any], tmp_path: Path) -> str:
    """mteb's class of Belebele, which loads and joins its data itself, with data of the same form."""
    texts = {
        "deu_Latn": [
            ("Der Fluss entspringt im Gebirge.", "Wo entspringt der Fluss?"),
            ("Brot braucht Hefe.", "Was braucht Brot?"),
        ],
        "eng_Latn": [
            ("The river rises in the mountains.", "Where does the river rise?"),
            ("Bread needs yeast.", "What does it need?"),
        ],
    }
    configs = {
        language: [
            {"link": f"https://x.example/{at}", "question_number": at, "flores_passage": passage, "question": question,
             "dialect": language, "mc_answer1": "", "correct_answer_num": "1", "ds": "2023-05-03"}
            for at, (passage, question) in enumerate(pairs)
        ]
        for language, pairs in texts.items()
    }  # fmt: skip
    folder = tmp_path / "belebele"
    folder.mkdir()
    save(folder, configs)
    real = registry["BelebeleRetrieval"]
    metadata = real.metadata.model_copy(update={"dataset": {"path": str(folder), "revision": "1"}})
    registry["BelebeleRetrieval"] = type("BelebeleRetrieval", (real,), {"metadata": metadata})
    return "mteb:BelebeleRetrieval"


def test_belebele_states_its_languages_and_is_evaluated_in_some(belebele: str, tiny_encoder: TinyEncoder, tmp_path: Path) -> None:
    whole = load_suite(belebele)
    assert len(whole.settings) == 376
    suite = whole.restrict(["de", "en"])  # reads the data of these alone, and no other are there
    kinds = {setting.name: setting.kind for setting in suite.settings}
    assert kinds == {
        "deu_Latn-deu_Latn:deu_Latn-deu_Latn": "monolingual",
        "deu_Latn-eng_Latn:deu_Latn-eng_Latn": "cross-lingual",
        "eng_Latn-deu_Latn:eng_Latn-deu_Latn": "cross-lingual",
        "eng_Latn-eng_Latn:eng_Latn-eng_Latn": "monolingual",
    }
    assert suite.collection("deu_Latn-eng_Latn").language == "de"
    assert suite.query_set("deu_Latn-eng_Latn").language == "en"
    assert suite.queries("deu_Latn-eng_Latn")[0].content == "Where does the river rise?"
    result = evaluated(tiny_encoder, suite, tmp_path / "store")
    subsets = [of.name for of in suite.collections]
    task = mteb.get_task("BelebeleRetrieval", hf_subsets=subsets)
    theirs = scores_of_mteb(model_for_mteb(tiny_encoder, tmp_path / "store"), [task])
    assert {(f"{subset}:{subset}", measure): value for (subset, measure), value in theirs.items()} == pytest.approx(
        scores_of(result), abs=1e-5
    )


def test_a_document_with_the_querys_id_is_left_out_as_by_mteb(
    registry: dict[str, Any], tiny_encoder: TinyEncoder, tmp_path: Path
) -> None:
    corpus = [{"_id": "a", "text": "salad and sun"}, {"_id": "b", "text": "salad and the sun"}, {"_id": "c", "text": "slugs"}]
    queries = [{"_id": "a", "text": "salad and sun"}]
    judged = [{"query-id": "a", "corpus-id": "b", "score": 1}]
    folder = save(tmp_path, {"corpus": corpus, "queries": queries, "default": judged})
    languages = {"metadata": {"eval_langs": ["eng-Latn"]}}
    registry["Own"] = task_class("Own", folder, ignore_identical_ids=True, **languages)
    ours = scores_of(evaluated(tiny_encoder, load_suite("mteb:Own"), tmp_path / "store"))
    theirs = scores_of_mteb(model_for_mteb(tiny_encoder, tmp_path / "store"), [mteb.get_task("Own")])
    assert ours["default:default", "AP"] == theirs["default", "AP"] == 1


def test_instructions_are_read_after_the_query(registry: dict[str, Any], tmp_path: Path) -> None:
    parts = dict(zip(("de-corpus", "de-queries", "de-qrels"), GARDEN["de"], strict=True))
    told = [{"query-id": row["_id"], "instruction": "Suche Sätze."} for row in GARDEN["de"][1]]
    folder = save(tmp_path, parts | {"de-instruction": told})
    registry["Told"] = task_class("Told", folder, metadata={"eval_langs": {"de": ["deu-Latn"]}})
    assert load_suite("mteb:Told").queries("de")[0].content == "Was fressen Schnecken? Suche Sätze."


def test_queries_with_grades_of_0_alone_are_left_out_and_noted(
    registry: dict[str, Any], tiny_encoder: TinyEncoder, tmp_path: Path
) -> None:
    corpus, queries, judged = GARDEN["de"]
    parts = {
        "de-corpus": corpus,
        "de-queries": queries,
        "de-qrels": [row | {"score": int(row["query-id"] == "a")} for row in judged],
    }
    registry["Zero"] = task_class("Zero", save(tmp_path, parts), metadata={"eval_langs": {"de": ["deu-Latn"]}})
    result = evaluated(tiny_encoder, load_suite("mteb:Zero"), tmp_path / "store")
    assert {row.queries for row in result.rows if row.measure == "AP" and row.pool} == {1}
    assert any("grade 0" in note for note in result.notes)


def test_images_are_searched_with_texts(registry: dict[str, Any], tmp_path: Path) -> None:
    class Squares(
        task_class("Squares", "none", metadata={"category": "t2i", "modalities": ["text", "image"], "eval_langs": ["eng-Latn"]})
    ):  # type: ignore[misc]
        def load_data(self, *_: object, **__: object) -> None:
            images = [PIL.Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
            features = Features({"id": Value("string"), "image": ImageFeature()})
            corpus = Dataset.from_dict({"id": ["r", "b"], "image": images}, features=features)
            queries = Dataset.from_dict({"id": ["a"], "text": ["a red square"]})
            data = {"corpus": corpus, "queries": queries, "relevant_docs": {"a": {"r": 1}}, "top_ranked": None}
            self.dataset = {"default": {"test": data}}
            self.data_loaded = True

    registry["Squares"] = Squares
    suite = load_suite("mteb:Squares")
    assert suite.settings[0].kind == "text-to-image"
    content = suite.passages("default")[0].content
    assert isinstance(content, Image)
    assert np.array_equal(np.asarray(content.open()), np.full((4, 4, 3), (255, 0, 0)))


def test_large_tasks_are_large_by_mtebs_statistics() -> None:
    assert suite_of("MSMARCO").large
    assert not suite_of("SciFact").large
    assert suite_of("ArguAna").drops_own


def test_a_split_can_be_named() -> None:
    assert "split test:" in load_suite("mteb:MLQARetrieval").description
    suite = load_suite("mteb:MLQARetrieval/validation")
    assert suite.name == "mteb:MLQARetrieval/validation"
    assert "split validation" in suite.description
    with pytest.raises(HybridBenchError, match="unknown split of mteb's task MLQARetrieval 'dev'"):
        load_suite("mteb:MLQARetrieval/dev")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("SciFakt", "unknown mteb task 'SciFakt'\n  Did you mean SciFact"),
        ("Banking77Classification", "of the type Classification"),
        ("WikipediaRerankingMultilingual", "of the type Reranking"),
        ("AudioCapsA2TRetrieval", "queries of mteb's task AudioCapsA2TRetrieval are of the modalities audio"),
        ("CUB200I2IRetrieval", "leaves out the best document"),
        ("CQADupstackRetrieval", "a suite searches whole collections"),
        ("", "unknown mteb task ''"),
    ],
)
def test_tasks_that_are_no_suites_are_an_error(name: str, message: str) -> None:
    with pytest.raises(HybridBenchError) as error:
        load_suite(f"mteb:{name}")
    assert message in str(error.value)


@pytest.mark.filterwarnings("ignore:The task:UserWarning")
def test_every_retrieval_task_of_mteb_is_a_suite_or_a_clear_error() -> None:
    """No data are needed for it: names, languages and kinds come from metadata."""
    suites, refused = [], []
    for of in TASK_LIST:
        try:
            suites.append(suite_of(of.metadata.name))
        except HybridBenchError as error:
            refused.append(error)
    assert len(suites) > 400
    assert all(error.remedy for error in refused)


def test_data_that_cannot_be_had_are_an_error_that_says_where_they_are(cli: Cli) -> None:
    found = cli("evaluate", "tiny", "--suite", "mteb:SciFact", env={"HF_HUB_OFFLINE": "1"})
    assert found.returncode == 2
    assert "error: the data of mteb's task SciFact cannot be loaded (default, test):" in found.stderr
    assert "mteb/scifact on the Hugging Face hub" in " ".join(found.stderr.split())
    assert "Traceback" not in found.stderr


def test_a_task_that_gives_the_documents_to_rank_is_an_error(registry: dict[str, Any], tmp_path: Path) -> None:
    parts = dict(zip(("de-corpus", "de-queries", "de-qrels"), GARDEN["de"], strict=True))
    given = [{"query-id": row["_id"], "corpus-ids": ["1", "2"]} for row in GARDEN["de"][1]]
    registry["Given"] = task_class(
        "Given", save(tmp_path, parts | {"de-top_ranked": given}), metadata={"eval_langs": {"de": ["deu-Latn"]}}
    )
    with pytest.raises(HybridBenchError, match="re-ranks given documents"):
        load_suite("mteb:Given").passages("de")


def test_mteb_is_imported_for_its_own_names_alone() -> None:
    code = """
import sys, hybrid_bench_mteb
from hybrid_bench import HybridBenchError, load_suite
load_suite("mini")
try:
    load_suite("unknown")
except HybridBenchError:
    pass
assert not {"mteb", "datasets", "torch"} & sys.modules.keys(), sorted(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("code", "tag"),
    [("deu-Latn", "de"), ("zho-Hans", "zh"), ("zho-Hant", "zh-Hant"), ("cmn-Hans", "zh"), ("arb-Arab", "ar"),
     ("acm-Arab", "acm-Arab"), ("kor-Hang", "ko"),
     ("ben-Latn", "bn-Latn"), ("python-Code", None), ("c++-Code", None), ("zxx-Zxxx", None), ("eng", "en")],
)  # fmt: skip
def test_languages_of_mteb_become_tags(code: str, tag: str | None) -> None:
    assert bcp47(code) == tag


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("de", "deu-Latn"),
        ("zh", "zho-Hans"),
        ("zh-Hant", "zho-Hant"),
        ("sr-latn", "srp-Latn"),
        ("ko", "kor-Hang"),
        (None, "und-Zyyy"),
    ],
)
def test_tags_become_languages_of_mteb(tag: str | None, code: str) -> None:
    assert mteb_language(tag) == code
