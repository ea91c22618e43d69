"""Malformed submissions are rejected with the right rule and file, in bounded time and memory, without side effects."""

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
def attacks(valid: Example, valid_runs: Example, root: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The outcome for every malformed submission, from a process with 1 GiB of memory."""
    scratch = tmp_path_factory.mktemp("attacks")
    ended = subprocess.run(
        [sys.executable, "-m", "tests.submissions.attack", valid.root, valid_runs.root, scratch],
        cwd=root,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_hundreds_of_distinct_defects_cover_the_rules(attacks: list[dict[str, Any]]) -> None:
    assert len(attacks) >= 200
    assert len({one["name"] for one in attacks}) == len(attacks)
    assert {rule for one in attacks for rule, _, _ in one["errors"]} >= {
        "folder", "size", "encoding", "toml", "schema", "text", "placeholder", "name", "sums", "suite", "gzip", "table",
        "coverage", "ranks", "run", "vectors-file", "vectors-hash", "vectors-values", "vectors-ranks",
    }  # fmt: skip


def test_each_is_rejected_with_its_file_and_rule(attacks: list[dict[str, Any]]) -> None:
    missed = [
        (one["name"], one["errors"][:3])
        for one in attacks
        if not any(rule in one["rules"] and file == one["file"] and message for rule, file, message in one["errors"])
    ]
    assert missed == []
    assert {rule for one in attacks for rule, _, _ in one["errors"]} <= set(RULES)


def test_no_board_is_built_with_a_malformed_submission(attacks: list[dict[str, Any]]) -> None:
    """The build names the file and the rule. Defects of vectors do not matter, because the build scores ranks."""
    moved = ["name", "submission.toml", ""]  # the target of the link is another folder, which is found first
    missed = [
        (one["name"], one["rejected"])
        for one in attacks
        if not one["vectors"]
        and not any(
            f"{file}: " in one["rejected"] and f"[{rule}]" in one["rejected"] for rule, file, _ in [*one["errors"], moved]
        )
    ]
    assert missed == []
    assert sum(not one["vectors"] for one in attacks) >= 200


def test_checks_take_bounded_time(attacks: list[dict[str, Any]]) -> None:
    assert max(one["seconds"] for one in attacks) < attack.SECONDS


def test_nothing_is_written_executed_or_unpickled(attacks: list[dict[str, Any]]) -> None:
    assert [(one["name"], one["forbidden"]) for one in attacks if one["forbidden"] or one["changed"]] == []


def test_messages_are_printable_and_short(attacks: list[dict[str, Any]]) -> None:
    """No message repeats control, invisible or bidirectional characters, and none is long."""
    for one in attacks:
        assert all(character == "\n" or character.isprintable() for character in one["shown"]), one["name"]
        assert len(one["shown"]) < 50_000
