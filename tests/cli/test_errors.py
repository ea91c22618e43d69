"""Errors for the user: the problem, similar names, exit status 2, and no traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Cli

EVALUATE = ("evaluate", "tiny", "--languages", "de,en")

WRONG = {
    "encoder": (("evaluate", "tinny"), "unknown encoder 'tinny'", "Did you mean tiny?"),
    "suite": (("evaluate", "tiny", "--suite", "xqad-r"), "unknown suite 'xqad-r'", "Did you mean xquad-r"),
    "language": (("evaluate", "tiny", "--languages", "de,enn"), "unknown language of mini 'enn'", "Did you mean en?"),
    "setting": ((*EVALUATE, "--runs", "runs", "--run-settings", "mono"), "unknown setting 'mono'", "Did you mean monolingual"),
    "measure": ((*EVALUATE, "--measures", "AP nDGC@10"), "ir_measures does not know the measure 'nDGC@10'", "nDCG@10"),
    "measure of other things": ((*EVALUATE, "--measures", "Bpref"), "'Bpref' cannot be computed from ranks", "AP, RR, nDCG"),
    "cut-off": ((*EVALUATE, "--measures", "R"), "the measure 'R' needs a cut-off", "For example R@10"),
    "format": ((*EVALUATE, "--format", "cvs"), "unknown format 'cvs'", "Did you mean csv?"),
    "dtype": ((*EVALUATE, "--dtype", "bf17"), "tiny cannot compute with dtype 'bf17'", "or say fp32"),
    "passage text": ((*EVALUATE, "--passage-text", "paragraph"), "unknown passage text 'paragraph'", "sentence+context"),
    "hub id without a network": (("evaluate", "org/model"), "cannot load org/model", "Check the name and the network"),
    "option of a registered encoder": (
        (*EVALUATE, "--pooling", "cls"),
        "tiny is a registered encoder with a fixed pooling",
        "Omit the option",
    ),
    "entry": (("datasets", "export", "mini/de/enn", "queries"), "unknown ir_datasets entry 'mini/de/enn'", "mini/de/en"),
    "part": (("datasets", "export", "mini/de", "queries"), "entry mini/de has no queries", "Try a deeper id"),
    "field": (("datasets", "export", "mini/de", "docs", "--fields", "contxt"), "unknown field of docs 'contxt'", "context"),
    "export format": (("datasets", "export", "mini/de", "docs", "--format", "tvs"), "unknown format 'tvs'", "mean tsv?"),
    "format of a listing": (("suites", "--format", "jsonl"), "unknown format 'jsonl'", "Did you mean json?"),
}


@pytest.mark.parametrize("what", WRONG)
def test_an_unknown_name_is_an_error_that_suggests_similar_ones(here: Cli, what: str) -> None:
    words, problem, suggestion = WRONG[what]
    done = here(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    first, *rest = done.stderr.splitlines()
    assert first.startswith("error: ")
    assert problem in first
    assert any(suggestion in line for line in (first, *rest))
    assert len(rest) <= 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("what", ["measure", "format", "language", "setting", "dtype", "passage text"])
def test_a_wrong_option_is_refused_before_anything_is_encoded_or_written(here: Cli, tmp_path: Path, what: str) -> None:
    words, _, _ = WRONG[what]
    assert here(*words, "--store", "vectors", "--out", "results", "--runs", "runs").returncode == 2
    assert list(tmp_path.iterdir()) == []


WITHOUT_EFFECT = {
    "storage": ("--storage", "fp32"),
    "workers": ("--workers", "2"),
    "depth": ("--run-depth", "10"),
    "run_settings": ("--run-settings", "monolingual"),
}


@pytest.mark.parametrize("option", WITHOUT_EFFECT)
def test_an_option_without_effect_on_mini_is_an_error(here: Cli, tmp_path: Path, option: str) -> None:
    done = here(*EVALUATE, *WITHOUT_EFFECT[option])
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: the option {option} has no effect: all scores of mini+de+en are computed exactly")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("option", "words"), [
    ("check", ("--check",)), ("runs", ("--runs", "runs")), ("run_settings", ("--run-settings", "monolingual")),
])  # fmt: skip
def test_an_option_without_effect_on_miracl_is_an_error(here: Cli, tmp_path: Path, option: str, words: tuple[str, ...]) -> None:
    done = here("evaluate", "tiny", "--suite", "miracl", *words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: the option {option} has no effect: miracl is searched to a depth")
    assert list(tmp_path.iterdir()) == []


def test_an_option_that_a_store_states_itself_is_an_error(here: Cli) -> None:
    done = here("search", "store", "--suite", "mini", "--storage", "fp16")
    assert done.returncode == 2
    assert done.stderr == "error: the option storage has no effect on a store, which states its own\n  Leave storage out.\n"


def test_an_error_ends_the_program_without_a_traceback(cli: Cli) -> None:
    done = cli("evaluate", "tinny")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: unknown encoder 'tinny'\n  Did you mean tiny? ")
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback(cli: Cli) -> None:
    done = cli("--debug", "evaluate", "tinny")
    assert done.returncode != 0
    assert "Traceback (most recent call last)" in done.stderr
    assert "UnknownNameError: unknown encoder 'tinny'" in done.stderr


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("evalute",), "No such command 'evalute'"),
        (("evaluate", "tiny", "--langages", "de"), "No such option: --langages"),
        (("evaluate",), "evaluate needs encoders, vectors or a run"),
        (("compare",), "Missing argument"),
        (("datasets", "export", "mini/de", "documents"), "'documents' is not one of 'docs', 'queries', 'qrels'"),
        (("evaluate", "tiny", "--run-depth", "0"), "--run-depth"),
    ],
)
def test_a_command_line_that_does_not_parse_is_explained(here: Cli, words: tuple[str, ...], problem: str) -> None:
    done = here(*words)
    assert done.returncode == 2
    assert problem in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"schema_version": 99, "future": true}', "result.json has schema version 99; this version of hybrid-bench"),
        (b'{"schema_version": 1}', "result.json is not a valid result: suite: Field required"),
        (b'{"schema_version": 2}', "result.json is not a valid result: suite: Field required"),
        (b'{"suite": "mini"}', "result.json is not a result of hybrid-bench: it has no schema_version"),
        (b"[]", "result.json is not a result of hybrid-bench: it has no schema_version"),
        (b'{"schema_version": 1', "result.json is not JSON"),
        (b"query,AP\n", "result.json is not JSON"),
        (b"\xff\xfe\x00", "result.json is not JSON"),
        (None, "cannot read result.json: No such file or directory"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_result_is_named(here: Cli, tmp_path: Path, content: bytes | None, problem: str) -> None:
    if content is not None:
        (tmp_path / "result.json").write_bytes(content)
    done = here("results", "show", "result.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {problem}")
    assert "Traceback" not in done.stderr


def test_a_newer_result_says_how_to_read_it(here: Cli, tmp_path: Path) -> None:
    (tmp_path / "newer.json").write_text(json.dumps({"schema_version": 3}))
    assert "python -m pip install --upgrade hybrid-bench" in here("results", "show", "newer.json").stderr


def test_a_path_through_a_file_is_an_error(here: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = here(*EVALUATE, "--out", "file/below")
    assert done.returncode == 2
    assert "error: file/below" in done.stderr
    assert "Not a directory" in done.stderr
    assert "Traceback" not in done.stderr
