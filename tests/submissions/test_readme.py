"""leaderboards/README.md documents every rule and field."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hybrid_bench.leaderboard.levels import LEVELS
from hybrid_bench.leaderboard.specs import BoardSpec, Column
from hybrid_bench.submissions.format.findings import RULES
from hybrid_bench.submissions.format.schema import Card, Submission, SuiteEntry


@pytest.fixture(scope="module")
def readme(root: Path) -> str:
    return (root / "leaderboards" / "README.md").read_text(encoding="utf-8")


def test_every_rule_is_listed(readme: str) -> None:
    listed = dict(re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", readme.partition("The rules and the ids")[2], re.MULTILINE))
    assert listed == RULES


def test_every_level_is_explained(readme: str) -> None:
    section = readme.partition("## Verification levels")[2].partition("\n## ")[0]
    assert dict(re.findall(r"^\| ([a-z -]+) \| (.+\.) \|$", section, re.MULTILINE)) == LEVELS


def test_every_field_is_described(readme: str) -> None:
    described = set(re.findall(r"`(?:card|suites\.NAME)?\.?([a-z_0-9]+)`", readme))
    assert {*Card.model_fields, *SuiteEntry.model_fields, *Submission.model_fields} - described - {"card", "suites"} == set()


def test_every_field_of_a_board_is_described(readme: str) -> None:
    section = readme.partition("## Boards")[2].partition("## For maintainers")[0]
    described = set(re.findall(r"`(?:columns)?\.?([a-z_]+)`", section))
    assert {*BoardSpec.model_fields, *Column.model_fields} - described == {"name", "columns"}
