"""Text from files never commands the terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from hybrid_bench.cli import console
from hybrid_bench.evaluation.evaluate import evaluate
from hybrid_bench.evaluation.options import EvaluationOptions
from tests.conftest import Cli
from tests.tiny_encoder import TinyEncoder

#: Clears the screen; a title; an 8-bit control sequence; a change of the writing direction.
HOSTILE = "\x1b[2J\x1b]0;title\x07\x9b31m\u202egnp"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result with escape sequences in every text that commands show; a name with them is refused when it is read."""
    options = EvaluationOptions(languages=("de", "en"), measures=("AP",))
    path = evaluate(TinyEncoder(), "mini", options=options).save(tmp_path_factory.mktemp("hostile"))
    fields = json.loads(path.read_text())
    fields["notes"] = [f"a note{HOSTILE}"]
    fields["provenance"]["command"] = f"hybrid-bench evaluate {HOSTILE}"
    path.write_text(json.dumps(fields))
    return path


def harmless(text: str) -> bool:
    return not set(text) & set(HOSTILE) - set("[2J]0;title31mgnp")


@pytest.mark.parametrize("style", ["table", "markdown", "csv", "json"])
@pytest.mark.parametrize("words", [["results", "show"], ["results", "show", "--long"], ["reproduce"], ["compare"]], ids=" ".join)
def test_names_notes_and_commands_are_shown_as_escapes(here: Cli, hostile: Path, words: list[str], style: str) -> None:
    files = [hostile] * (2 if words == ["compare"] else 1)
    done = here(*words, *files, *([] if words == ["reproduce"] else ["--format", style]))
    assert done.stdout or done.stderr
    assert harmless(done.stdout)
    assert harmless(done.stderr)


def test_an_error_and_its_traceback_are_shown_as_escapes(here: Cli) -> None:
    for words in (["evaluate", HOSTILE], ["--debug", "evaluate", HOSTILE]):
        done = here(*words)
        assert done.returncode == 2
        assert "\\x1b[2J" in done.stderr
        assert harmless(done.stderr)


def test_data_on_a_terminal_are_shown_as_escapes(hostile: Path) -> None:
    read, write = pty.openpty()
    words = [sys.executable, "-m", "hybrid_bench", "results", "show", str(hostile), "--provenance"]
    process = subprocess.Popen(words, stdout=write)
    os.close(write)
    shown = b""
    try:
        while part := os.read(read, 65536):
            shown += part
    except OSError:  # Linux: the other end is closed
        pass
    assert process.wait() == 0
    assert b"hybrid-bench evaluate" in shown
    assert harmless(shown.decode())


def test_ordinary_text_of_all_scripts_is_unchanged() -> None:
    text = "Größe 模型\tنموذج\u200f ไทย e\u0301 👩\u200d👧\n"
    assert console.plain(text) == text
