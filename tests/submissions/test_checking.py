"""Comparison of a submission with other submissions, its attestation and its vectors."""

from __future__ import annotations

import hashlib
import itertools
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from hybrid_bench import HybridBenchError
from hybrid_bench.submissions import attestation, checking, ranking, rerunning
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.format import vectors
from hybrid_bench.submissions.inspection import read_card
from hybrid_bench.submissions.rescoring import content_hash, rescore
from tests.submissions.examples import Example
from tests.tiny_encoder import TinyEncoder


def rules(found: list[checking.Finding]) -> set[tuple[str, str]]:
    return {(finding.rule, finding.severity) for finding in found}


def recorded(example: Example) -> None:
    assert example.vectors is not None
    checked = checking.run(example.folder, vectors=[example.vectors])
    assert checked.inspection
    attestation.record(example.root / "checks", checked.inspection.submission, checked.attested)


def test_an_attestation_raises_the_level_until_the_ranks_change(example: Example) -> None:
    assert rescore(example.folder).levels == {"mini": "ranks re-scored"}
    before = content_hash(example.folder)
    recorded(example)
    assert rescore(example.folder).levels == {"mini": "vectors re-scored"}
    assert content_hash(example.folder) != before
    assert checking.check(example.folder) == []
    example.edit_table(lambda whole: _one_rank_better(whole))
    assert rescore(example.folder).levels == {"mini": "ranks re-scored"}
    assert ("revision", "error") in rules(checking.check(example.folder))
    assert example.vectors is not None
    assert ("vectors-ranks", "error") in rules(checking.check(example.folder, vectors=[example.vectors]))


def _one_rank_better(whole: str) -> str:
    """Improve a rank by one where the table stays consistent."""
    lines = whole.split("\n")
    for number, line in enumerate(lines[1:-1], start=1):
        cells = line.split("\t")
        ranks, everywhere = ([int(word) for word in cell.split(" ")] for cell in cells[3:])
        if ranks[0] > 40 and everywhere[0] - 1 not in everywhere and everywhere[0] > 100:
            ranks[0], everywhere[0] = ranks[0] - 1, everywhere[0] - 1
            lines[number] = "\t".join([*cells[:3], *(" ".join(map(str, cell)) for cell in (ranks, everywhere))])
            return "\n".join(lines)
    raise AssertionError("no such rank")


def test_a_submitter_cannot_raise_the_level(example: Example) -> None:
    recorded(example)
    own = example.folder / "checks"
    own.mkdir()
    assert ("folder", "error") in rules(checking.check(example.folder))
    with pytest.raises(HybridBenchError, match="submit check"):
        rescore(example.folder)


def test_running_the_encoder_again(example: Example) -> None:
    found = rerunning.rerun(example.folder, TinyEncoder(dimension=64), store=example.root / "store")
    assert found["mini"].same_ranks == 1
    assert found["mini"].difference == 0
    rerunning.record(found, example.folder)
    assert rescore(example.folder).levels == {"mini": "re-run"}
    recorded(example)
    assert rescore(example.folder).levels == {"mini": "re-run"}, "verifying the vectors does not lower the level"


@pytest.mark.parametrize(
    "order", [("check", "rerun"), ("rerun", "check"), ("check", "rerun", "rerun"), ("rerun", "check", "rerun")]
)
def test_verifications_in_any_order_keep_the_level_and_the_vectors(example: Example, order: tuple[str, ...]) -> None:
    for step in order:
        if step == "check":
            recorded(example)
        else:
            found = rerunning.rerun(example.folder, TinyEncoder(dimension=64), store=example.root / "store")
            rerunning.record(found, example.folder)
    attested = attestation.read(example.root / "checks", read_card(example.card)).suites["mini"]
    assert attested.level == "re-run"
    assert example.vectors is not None
    assert attested.vectors == hashlib.sha256(example.vectors.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('description = "Hashed', 'description = "Better hashed'),
        ("dimension = 64", 'dimension = 64\nmodel = "org/other"'),
        ('contact = "the authors', 'contact = "not the authors'),
        ('"none"', '"mono"'),
    ],
)
def test_an_attestation_binds_the_whole_submission(example: Example, was: str, becomes: str) -> None:
    recorded(example)
    assert rescore(example.folder).levels == {"mini": "vectors re-scored"}
    example.edit(lambda text: text.replace(was, becomes, 1))
    assert rescore(example.folder).levels == {"mini": "ranks re-scored"}
    assert rules(checking.check(example.folder)) == {("revision", "error")}


def test_an_attestation_of_an_earlier_version_binds_the_ranks(example: Example) -> None:
    recorded(example)
    path = example.root / "checks" / "org__tiny" / "r1.toml"
    path.write_text(re.sub(r'submission = "\w+"\n', "", path.read_text()))
    example.edit(lambda text: text.replace("Hashed", "Better hashed", 1))
    found = rescore(example.folder)
    assert (found.levels, found.ranks_only) == ({"mini": "vectors re-scored"}, {"mini"})
    recorded(example)
    assert (rescore(example.folder).ranks_only, checking.check(example.folder)) == (set(), [])


def test_another_encoder_does_not_reproduce_the_scores(example: Example) -> None:
    found = rerunning.rerun(example.folder, TinyEncoder(dimension=128), store=example.root / "store")
    assert found["mini"].attested is None
    assert rerunning.record(found, example.folder) is None
    assert rescore(example.folder).levels == {"mini": "ranks re-scored"}


def renamed(example: Example, org: str, name: str = "tiny", revision: str = "r1") -> Example:
    """The same submission under another name."""
    copied = example.root / "submissions" / f"{org}__{name}" / revision
    copied.parent.mkdir(exist_ok=True)
    other = Example(example.root, example.folder.rename(copied), example.vectors)
    examples_text = other.card.read_text(encoding="utf-8")
    other.edit(
        lambda _: (
            examples_text.replace('org = "org"', f'org = "{org}"', 1)
            .replace('name = "tiny"', f'name = "{name}"', 1)
            .replace('revision = "r1"', f'revision = "{revision}"', 1)
        )
    )
    return other


def test_the_same_ranks_and_vectors_under_another_name(example: Example, valid: Example) -> None:
    recorded(example)
    valid.copy(example.root / "theirs")
    theirs = renamed(Example(example.root / "theirs", example.root / "theirs/submissions/org__tiny/r1", None), "thief")
    theirs.folder.parent.rename(example.root / "submissions" / "thief__tiny")
    stolen = example.root / "submissions" / "thief__tiny" / "r1"
    assert example.vectors is not None
    found = checking.check(stolen, vectors=[example.vectors])
    assert rules(found) == {("duplicate", "error")}
    assert {finding.file for finding in found} == {"mini.ranks.tsv.gz", "mini.vectors.safetensors"}


def test_nearly_the_same_vectors_under_another_name(example: Example) -> None:
    """Rotated vectors are another file with other ranks, but have the same sketch."""
    recorded(example)
    assert example.vectors is not None
    arrays = safetensors.numpy.load_file(example.vectors)
    noise = np.random.default_rng(1)
    turn = np.linalg.qr(noise.standard_normal((64, 64)))[0]
    turned = {name: (array @ turn).astype(np.float16) for name, array in sorted(arrays.items())}
    there = attestation.read(example.root / "checks", read_card(example.card)).suites["mini"].sketch
    assert np.abs(np.array(ranking.sketch(turned)) - there).max() < 0.003
    other = {name: np.roll(array, 1, axis=0) for name, array in arrays.items() if name.startswith("queries")}
    assert np.abs(np.array(ranking.sketch(arrays | other)) - there).max() > 0.01


@pytest.mark.parametrize(("org", "name"), [("0rg", "tiny"), ("ORG", "tiny"), ("org", "t1ny"), ("org", "ti-ny"), ("org", "Tiny")])
def test_a_confusable_name(example: Example, tmp_path: Path, org: str, name: str) -> None:
    copied = example.copy(tmp_path / "copy")
    theirs = renamed(copied, org, name)
    theirs.folder.parent.rename(example.root / "submissions" / f"{org}__{name}")
    found = checking.check(example.root / "submissions" / f"{org}__{name}" / "r1")
    assert ("name", "error") in rules(found)


def test_a_card_with_another_org_than_its_folder(example: Example) -> None:
    example.edit(lambda text: text.replace('org = "org"', 'org = "famous"'))
    (finding,) = (f for f in checking.check(example.folder) if f.severity == "error")
    assert (finding.rule, finding.file) == ("name", "submission.toml")


def test_the_ranks_of_vectors_are_those_of_exact_arithmetic(valid: Example) -> None:
    """Compared with rational arithmetic for some queries: score as float32 descending, then document id descending."""
    assert valid.vectors is not None
    data = suite_data.load("mini")
    arrays = safetensors.numpy.load_file(valid.vectors)
    table = ranking.ranks_of(arrays, data)
    passages = [
        (doc_id, [Fraction(float(value)) for value in vector])
        for language, ids in data.passage_ids.items()
        for doc_id, vector in zip(ids, arrays[f"passages/{language}"], strict=True)
    ]
    for language, number in itertools.product(("de", "zh"), (0, 17)):
        query = [Fraction(float(value)) for value in arrays[f"queries/{language}"][number]]
        scores = {
            doc_id: np.float32(float(sum((a * b for a, b in zip(query, vector, strict=True) if a and b), Fraction(0))))
            for doc_id, vector in passages
        }
        order = sorted(scores, key=lambda doc_id: (scores[doc_id], doc_id), reverse=True)
        found = table.ranks.by_query_set[language]
        for pair in np.flatnonzero(found.query == number):
            assert order.index(found.doc_id[pair]) + 1 == found.rank_in["all"][pair]
            own = [doc_id for doc_id in order if doc_id.startswith(found.collection[pair] + "-")]
            assert own.index(found.doc_id[pair]) + 1 == found.rank[pair]
        assert table.same_group[language][number] == sum(doc_id.startswith(language) for doc_id in order[:20])


def test_products_of_fp16_numbers_are_exact_in_any_order() -> None:
    """The smallest fp16 numbers together with the longest vectors that are allowed."""
    noise = np.random.default_rng(2)
    exponents = noise.integers(-24, 1, (200, 64))
    arrays = [(noise.choice([-1, 1], (200, 64)) * 2.0**exponents).astype(np.float16).astype(np.float64) for _ in range(2)]
    one, other = (
        array / np.maximum(1, 2.0 ** np.ceil(np.log2(np.linalg.norm(array, axis=1) / 3.9)))[:, None] for array in arrays
    )
    one, other = (array.astype(np.float16).astype(np.float64) for array in (one, other))
    assert (np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)).max() <= vectors.LONGEST_PRODUCT
    for a, b in zip(one, other, strict=True):
        exact = sum((Fraction(x) * Fraction(y) for x, y in zip(a.tolist(), b.tolist(), strict=True)), Fraction(0))
        shuffled = noise.permutation(64)
        assert Fraction(float(np.dot(a, b))) == exact == Fraction(float(np.dot(a[shuffled], b[shuffled])))


def test_a_broken_card_hides_no_other_finding(example: Example) -> None:
    example.edit(lambda text: text.replace('"none"', '"best"'))
    (example.folder / "extra.py").write_text("import os")
    found = rules(checking.check(example.folder))
    assert {("schema", "error"), ("sums", "error")} <= found
