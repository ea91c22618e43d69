"""Malformed submissions are refused, each by its rule and file, in bounded time and memory, and nothing else happens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hybrid_bench.submissions.format.findings import RULES
from tests.submissions import attack
from tests.submissions.examples import Example


@pytest.fixture(scope="module")
def attacks(honest: Example, honest_runs: Example, root: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What became of every malformed submission, in a process with 1 GiB of memory."""
    scratch = tmp_path_factory.mktemp("attacks")
    ended = subprocess.run(
        [sys.executable, "-m", "tests.submissions.attack", honest.root, honest_runs.root, scratch],
        cwd=root,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_there_are_hundreds_of_different_ones(attacks: list[dict[str, Any]]) -> None:
    assert len(attacks) >= 200
    assert len({one["name"] for one in attacks}) == len(attacks)
    assert {rule for one in attacks for rule, _, _ in one["errors"]} >= {
        "folder", "size", "encoding", "toml", "schema", "text", "placeholder", "name", "sums", "suite", "gzip", "table",
        "coverage", "ranks", "run", "vectors-file", "vectors-hash", "vectors-values", "vectors-ranks",
    }  # fmt: skip


def test_each_is_refused_with_a_message_that_names_its_file_and_rule(attacks: list[dict[str, Any]]) -> None:
    missed = [
        (one["name"], one["errors"][:3])
        for one in attacks
        if not any(rule in one["rules"] and file == one["file"] and message for rule, file, message in one["errors"])
    ]
    assert missed == []
    assert {rule for one in attacks for rule, _, _ in one["errors"]} <= set(RULES)


def test_no_board_is_built_with_one(attacks: list[dict[str, Any]]) -> None:
    """And who builds is told the file and the rule. Where the vectors alone are wrong, ranks are scored, as ranks."""
    moved = ["name", "submission.toml", ""]  # what a link leads to lies beside it, and is found first
    missed = [
        (one["name"], one["refused"])
        for one in attacks
        if not one["vectors"]
        and not any(f"{file}: " in one["refused"] and f"[{rule}]" in one["refused"] for rule, file, _ in [*one["errors"], moved])
    ]
    assert missed == []
    assert sum(not one["vectors"] for one in attacks) >= 200


def test_each_takes_little_time(attacks: list[dict[str, Any]]) -> None:
    assert max(one["seconds"] for one in attacks) < attack.SECONDS


def test_nothing_is_written_run_or_unpickled(attacks: list[dict[str, Any]]) -> None:
    assert [(one["name"], one["did"]) for one in attacks if one["did"] or one["changed"]] == []


def test_what_is_shown_obeys_nobody(attacks: list[dict[str, Any]]) -> None:
    """No message repeats a control, invisible or direction-changing character, and none is long."""
    for one in attacks:
        assert all(character == "\n" or character.isprintable() for character in one["shown"]), one["name"]
        assert len(one["shown"]) < 50_000
