"""Standard output holds only what was asked for, and its reader may close it at any time."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hybrid_bench.cli.console import BarProgress
from tests.conftest import Cli

LISTINGS = {
    "suites": ["suite", "what", "languages", "licence"],
    "encoders": ["encoder", "from", "entry point"],
}


@pytest.mark.parametrize("command", LISTINGS)
def test_listings_parse_as_csv_and_as_json(here: Cli, command: str) -> None:
    as_csv, as_json = here(command, "--format", "csv"), here(command, "--format", "json")
    head, *rows = csv.reader(io.StringIO(as_csv.stdout))
    assert head == LISTINGS[command]
    assert rows
    assert [list(row) for row in json.loads(as_json.stdout)] == [head] * len(rows)
    assert as_csv.stderr == as_json.stderr == ""


def test_listings_name_what_is_installed(cli: Cli, here: Cli) -> None:
    suites = [row[0] for row in csv.reader(io.StringIO(here("suites", "--format", "csv").stdout))]
    assert {"mini", "miracl", "mlqa-r", "xquad-r"} <= set(suites)
    encoders = list(csv.reader(io.StringIO(cli("encoders", "--format", "csv").stdout)))
    assert ["tiny", "tiny-encoder 1.0", "tiny_encoder:TinyEncoder"] in encoders


def test_a_table_comes_with_a_remark_on_standard_error(here: Cli) -> None:
    done = here("suites")
    assert "xquad-r" in done.stdout
    assert "CC BY-SA 4.0" in done.stdout
    assert done.stderr == "Any ir_datasets id and any local folder in BEIR's layout works as well.\n"


def test_a_long_list_of_languages_is_shortened_in_a_table_only(here: Cli) -> None:
    rows = {row[0]: row[2] for row in csv.reader(io.StringIO(here("suites", "--format", "csv").stdout))}
    assert rows["miracl"].split() == ["ar", "bn", "de", "en", "es", "fa", "fi", "fr", "hi", "id", "ja", "ko", "ru", "sw", "te",
                                      "th", "yo", "zh"]  # fmt: skip
    table = here("suites").stdout
    assert "18: ar bn ..." in table
    assert rows["miracl"] not in table
    assert rows["xquad-r"] in table


def test_markdown_is_a_table_of_as_many_columns_everywhere(here: Cli) -> None:
    lines = here("suites", "--format", "markdown").stdout.splitlines()
    assert lines[0] == "| suite | what | languages | licence |"
    assert {line.count(" | ") for line in lines} == {3}


def start(*words: str, stdout: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "hybrid_bench", *words]
    return subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, text=True)


def complaints(remarks: str) -> list[str]:
    """Standard error without the messages of ir_datasets about fields."""
    return [line for line in remarks.splitlines() if not line.startswith("[INFO] ")]


@pytest.mark.parametrize("words", [("datasets", "list"), ("datasets", "export", "mini/all", "docs")], ids=" ".join)
def test_a_reader_that_closes_the_pipe_early_causes_no_message(words: tuple[str, ...]) -> None:
    with start(*words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        # A page is all that the pipe holds, so that the command cannot be done before its reader has left.
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
        assert os.read(process.stdout.fileno(), 1).strip()
        process.stdout.close()
        assert complaints(process.stderr.read()) == []
        assert process.wait() != 0


@pytest.mark.parametrize(
    "words",
    [("suites",), ("suites", "--format", "csv"), ("datasets", "list", "mini"), ("--version",)],
    ids=" ".join,
)
def test_a_pipe_that_was_closed_before_anything_was_written_causes_no_message(words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with start(*words, stdout=writing) as process:
        os.close(writing)
        assert process.stderr is not None
        remarks = process.stderr.read()
        process.wait()
    assert complaints(remarks) == []


def test_a_remark_is_one_line_however_long(capsys: pytest.CaptureFixture[str]) -> None:
    BarProgress().say("step 4:" + " dev" * 60)
    assert capsys.readouterr().err == "step 4:" + " dev" * 60 + "\n"


def test_commands_print_results_through_the_console_alone(root: Path) -> None:
    """What they print otherwise goes to standard error."""
    for source in (root / "hybrid_bench" / "cli").glob("*.py"):
        if source.name not in ("main.py", "streams.py", "console.py", "progress.py"):
            assert not re.search(r"\b(typer\.echo|print|sys\.stdout\.write)\(", source.read_text(encoding="utf-8")), source
