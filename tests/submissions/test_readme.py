"""What submitters read is what is checked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hybrid_bench.submissions.format.findings import RULES
from hybrid_bench.submissions.format.schema import Card, Handed, Submission


@pytest.fixture(scope="module")
def readme(root: Path) -> str:
    return (root / "leaderboards" / "README.md").read_text(encoding="utf-8")


def test_every_rule_is_listed_as_it_is(readme: str) -> None:
    listed = dict(
        re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", readme.partition("Its rules, as findings name them")[2], re.MULTILINE)
    )
    assert listed == RULES


def test_every_field_is_described(readme: str) -> None:
    described = set(re.findall(r"`(?:card|suites\.NAME)?\.?([a-z_0-9]+)`", readme))
    assert {*Card.model_fields, *Handed.model_fields, *Submission.model_fields} - described - {"card", "suites"} == set()
