"""Names that look like another one are found; names that differ in a number or a code are not confused."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hybrid_bench.submissions import checksums
from hybrid_bench.submissions.checking import check
from hybrid_bench.submissions.format.confusables import forms, latin
from tests.submissions.examples import Example

CONFUSABLE = [
    ("rnicrosoft", "microsoft"), ("vvhisper", "whisper"), ("clistil", "distil"), ("MlCROSOFT", "Microsoft"), ("Al2", "AI2"),
    ("paypaI", "paypal"), ("paypa1", "paypal"), ("goog1e", "google"), ("0rg", "org"), ("ORG", "org"), ("t1ny", "tiny"),
    ("ti-ny", "tiny"), ("Tiny", "tiny"), ("e5_large", "e5-large"), ("v1.5", "v1-5"), ("m\u0456crosoft", "microsoft"),
    ("e5+lite0", "e5-lite0"),
]  # fmt: skip
DIFFERENT = [
    ("qwen3-embedding-4b", "qwen3-embedding-8b"), ("gte-v1", "gte-vl"), ("me5-vi", "me5-vl"), ("v1.5", "v15"), ("e5", "es"),
    ("bge-m3", "bge-me"), ("r1", "rl"), ("1b", "lb"), ("gte-0.6b", "gte-0.8b"), ("10b", "lob"), ("bert-1", "bert-2"),
    ("model-1-2", "model-12"), ("qwen2-vl-2b", "qwen2-v1-2b"), ("small", "base"), ("e5", "e5+lite0"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), CONFUSABLE)
def test_confusable_names_share_a_form(one: str, other: str) -> None:
    assert forms(one) & forms(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_names_share_none(one: str, other: str) -> None:
    assert not forms(one) & forms(other)


def test_letters_of_other_scripts_are_read_as_the_latin_ones_that_they_resemble() -> None:
    assert latin("g\u0456thub \u0430pple \uff47") == "github apple g"
    assert latin("m\u00fcller \u6771\u4eac") == "m\u00fcller \u6771\u4eac"


def second(example: Example, org: str, name: str, revision: str = "r1") -> list[tuple[str, str]]:
    """(severity, message) of the findings on the name of a second submission."""
    folder = example.root / "submissions" / f"{org}__{name}" / revision
    folder.parent.mkdir(exist_ok=True)
    folder.mkdir()
    for file in example.folder.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    card = example.card.read_text(encoding="utf-8").replace('org = "org"', f'org = "{org}"', 1)
    card = card.replace('name = "tiny"', f'name = "{name}"', 1).replace('revision = "r1"', f'revision = "{revision}"', 1)
    (folder / "submission.toml").write_text(card, encoding="utf-8")
    checksums.seal(folder)
    return [(one.severity, one.message) for one in check(folder) if one.rule == "name"]


def test_an_org_that_looks_like_another_one_is_found_whatever_its_encoder(example: Example) -> None:
    assert second(example, "0rg", "else") == [("error", "0rg is confusable with the existing org 'org'")]


def test_sizes_of_one_encoder_are_no_confusable_names(example: Example) -> None:
    assert second(example, "org", "tiny-4b") == second(example, "org", "tiny-8b") == second(example, "other", "tiny") == []
    assert second(example, "org", "tiny+lite0") == []


def test_a_revision_that_differs_by_case_is_a_warning(example: Example) -> None:
    ((severity, message),) = second(example, "org", "tiny", "R1")
    assert (severity, message) == ("warning", "the revision differs from 'r1' only by case")


def test_a_thousand_names_take_no_quadratic_pass() -> None:
    from hybrid_bench.submissions.names import KnownNames

    names = KnownNames(Path(f"org{n % 50}__model-{n}") / "r1" for n in range(300))  # warm
    start = time.process_time()
    names = KnownNames(Path(f"org{n % 50}__model-{n}") / "r1" for n in range(3000))
    assert names
    assert time.process_time() - start < 30  # another order of time would take minutes
