from __future__ import annotations

import json
from pathlib import Path

from hybrid_bench.datasets.resolvers import load_suite
from tests.conftest import Cli
from tests.training.data.test_translation import save_m2m100


def rows(path: Path, *more: dict[str, object]) -> None:
    fine = {"id": "a", "question": {"en": "What is this test about?"}, "sentence": {"en": "It is about a table of one row."}}
    path.write_text("".join(json.dumps(row) + "\n" for row in (fine, *more)))


def test_build_and_show(here: Cli, tmp_path: Path) -> None:
    query = next(iter(load_suite("mini").queries("en")))
    rows(tmp_path / "my.jsonl", {"id": "b", "question": {"en": query.content}})
    done = here("training-data", "build", "my.jsonl", "--out", "mix", "--suites", "mini", "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "source,language,questions,passages\nmy,en,1,1\n"
    assert "1 rows removed: same question as in mini" in done.stderr
    assert "1 of 2 rows remain" in done.stderr
    again = here("training-data", "show", "mix", "--format", "csv")
    assert again.stdout == done.stdout
    taken = here("training-data", "build", "my.jsonl", "--out", "mix")
    assert taken.returncode == 2
    assert "mix is not empty" in taken.stderr


def test_sources_are_listed(here: Cli) -> None:
    done = here("training-data", "sources", "--format", "csv")
    assert done.returncode == 0
    assert [line.partition(",")[0] for line in done.stdout.splitlines()] == [
        "source",
        "squad",
        "squad-translated",
        "ntrex",
        "ntrex-spans",
        "tatoeba",
        "mintaka",
        "mkqa-dev",
        "tatoeba-pairs",
        "wmt-newstest",
    ]
    assert "CC BY-NC-ND 4.0" in done.stdout
    table = here("training-data", "sources")
    assert "each file has its own ..." in " ".join(table.stdout.replace("│", " ").split())
    assert "CC BY-NC-ND" not in table.stdout
    assert "--format csv" in table.stderr


def test_data_sets_of_the_hub_become_json_lines(here: Cli, tmp_path: Path) -> None:
    """A local folder is read as one of the Hub is."""
    records = [
        {"q": "Who?", "plot": "A dog ran. The cat drinks milk.", "found": {"text": ["a tea", "milk"]}, "title": "Cats", "ok": 1},
        {"q": "What?", "plot": "A dog ran.", "found": {"text": ["tea"]}, "title": "Dogs", "ok": 1},
        {"q": "When?", "plot": "A dog ran.", "found": {"text": ["dog"]}, "title": "Dogs", "ok": 0},
        {"q": " ", "plot": "A dog ran.", "found": {"text": ["dog"]}, "title": "Dogs", "ok": 1},
    ]
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "train.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    words = ("training-data", "import", "hub", "--out", "cats.jsonl", "--question", "q", "--where", "ok=1")
    done = here(*words, "--context", "plot", "--answers", "found.text", "--article", "title")
    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in (tmp_path / "cats.jsonl").read_text().splitlines()] == [
        {
            "id": "cats-0",
            "source": "cats",
            "article": "Cats",
            "question": {"en": "Who?"},
            "sentence": {"en": "The cat drinks milk."},
            "context": {"en": "A dog ran. The cat drinks milk."},
        }
    ]
    assert "1 records whose answer is not in the paragraph" in done.stderr
    assert "1 records that are left out by --where" in done.stderr
    assert here(*words[:3], "--out", "x.jsonl", "--question", "q", "--passage", "plot").returncode == 0
    for more, message in (
        ((), "no column has the answer passage"),
        (("--passage", "text"), "no column 'text'"),
        (("--passage", "plot", "--where", "ok=2"), "no record of hub"),
        (("--passage", "plot", "--split", "test"), "cannot load the data set hub"),
    ):
        failed = here(*words, *more)
        assert failed.returncode == 2, more
        assert message in failed.stderr


def test_translated_questions_become_training_data(here: Cli, tmp_path: Path) -> None:
    model = save_m2m100(tmp_path / "models")
    answer = "The cat drinks milk."
    paragraph = {"context": answer, "qas": [{"id": "1", "question": "Who?", "answers": [{"text": "milk", "answer_start": 15}]}]}
    (tmp_path / "squad.json").write_text(json.dumps({"data": [{"title": "Cats", "paragraphs": [paragraph]}]}))
    words = ("translate", "squad.json", "--to", "de,zh", "--model", str(model), "--beams", "1")
    done = here(*words)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "translated/squad/parallel.jsonl\n", "one line, for a pipe"
    first = (tmp_path / "translated" / "squad" / "parallel.jsonl").read_bytes()
    row = json.loads(first)
    assert row["sentence"]["en"] == answer
    assert row["question"].keys() == row["sentence"].keys() == {"en", "de", "zh"}
    assert row["translator"]["de"] == row["translator"]["zh"]
    assert row["translator"]["de"].startswith("m2m@")
    again = here(*words)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "translated" / "squad" / "parallel.jsonl").read_bytes() == first
    data = done.stdout.strip()
    built = here("training-data", "build", data, "--out", "mix", "--suites", "mini", "--format", "csv")
    assert built.stdout.splitlines()[1:] == [f"parallel,{language},1,1" for language in ("de", "en", "zh")]


def test_errors_are_reported_before_the_work_begins(here: Cli, tmp_path: Path) -> None:
    rows(tmp_path / "my.jsonl")
    for words, message in [
        (("training-data", "build", "ntrx", "--out", "mix"), "Did you mean ntrex"),
        (("training-data", "build", "my.jsonl", "--out", "mix", "--suites", "xqad-r"), "xquad-r"),
        (("training-data", "show", "nowhere"), "there is no folder nowhere"),
        (
            ("translate", "my.jsonl", "--to", "de", "--model", "no-such-folder/x/y", "--out", "t"),
            "cannot load no-such-folder/x/y",
        ),
        (("translate", "none.jsonl", "--to", "de", "--model", "m", "--out", "t"), "cannot read none.jsonl"),
    ]:
        done = here(*words)
        assert done.returncode == 2, words
        assert message in done.stderr, words
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "mix").exists()
