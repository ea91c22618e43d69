"""Copies are found with their figures, whatever was done to hide them; different and related encoders are no copies."""

from __future__ import annotations

import itertools
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from hybrid_bench.submissions import attestation, checking, duplicates, ranking, similarity
from hybrid_bench.submissions.checksums import seal
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.format import vectors
from hybrid_bench.submissions.inspection import read_card
from tests.submissions import examples
from tests.submissions.examples import Example


def taken(example: Example, org: str = "thief") -> Example:
    """The same submission under another organisation."""
    name = example.folder.parent.name.partition("__")[2]
    folder = example.root / "submissions" / f"{org}__{name}" / "r1"
    shutil.copytree(example.folder, folder)
    other = Example(example.root, folder, example.vectors)
    other.edit(lambda text: text.replace('org = "org"', f'org = "{org}"', 1))
    return other


def found(example: Example) -> list[tuple[str, str, str]]:
    """(severity, file, message) of the findings on copies."""
    return [(one.severity, one.file, one.message) for one in checking.check(example.folder) if one.rule == "duplicate"]


def figures(message: str) -> tuple[float, float]:
    """(share of equal ranks in percent, correlation) that a message states."""
    match = re.search(r"([\d.]+)% of the ranks are equal, correlation ([\d.]+)", message)
    assert match
    return float(match[1]), float(match[2])


def test_an_exact_copy_of_ranks(example: Example) -> None:
    ((severity, file, message),) = found(taken(example))
    assert (severity, file, figures(message)) == ("error", "mini.ranks.tsv.gz", (100.0, 1.0))
    assert "nearly the ranks of org__tiny/r1" in message


def test_an_exact_copy_of_runs(valid_runs: Example, tmp_path: Path) -> None:
    ((severity, file, message),) = found(taken(valid_runs.copy(tmp_path / "board")))
    assert (severity, file, figures(message)) == ("error", "mini.runs", (100.0, 1.0))


def test_a_copy_of_runs_with_two_passages_exchanged_in_every_third_query(valid_runs: Example, tmp_path: Path) -> None:
    copy = taken(valid_runs.copy(tmp_path / "board"))
    for number, run in enumerate(sorted((copy.folder / "mini.runs").iterdir())):
        if number % 3 == 0:
            copy.edit_table(_exchanged, run)
    ((severity, _, message),) = found(copy)
    assert severity == "error"
    assert 80 < figures(message)[0] < 90


def test_a_copy_of_runs_that_is_cut_earlier(valid_runs: Example, tmp_path: Path) -> None:
    copy = taken(valid_runs.copy(tmp_path / "board"))
    for run in sorted((copy.folder / "mini.runs").iterdir()):
        copy.edit_table(lambda text: "".join(line for line in text.splitlines(keepends=True) if line.split(" ")[3] != "4"), run)
    copy.edit(lambda text: text.replace(f"depth = {examples.DEPTH}", f"depth = {examples.DEPTH - 1}"))
    assert [(severity, file) for severity, file, _ in found(copy)] == [("error", "mini.runs")]


def _exchanged(run: str) -> str:
    """Exchange the documents at ranks 2 and 3 of every query; scores stay."""
    lines = [line.split(" ") for line in run.splitlines()]
    for above, below in itertools.pairwise(lines):
        if (above[3], below[3]) == ("2", "3"):
            above[2], below[2] = below[2], above[2]
    return "".join(" ".join(line) + "\n" for line in lines)


def test_a_rank_moved_by_one_on_each_line(example: Example) -> None:
    def moved(table: str) -> str:
        lines = table.splitlines(keepends=True)
        for number, line in enumerate(lines[1:], start=1):
            *start, last = line.rstrip("\n").split("\t")
            ranks = list(map(int, last.split(" ")))
            ranks[int(np.argmax(ranks))] += 1
            lines[number] = "\t".join([*start, " ".join(map(str, ranks))]) + "\n"
        return "".join(lines)

    copy = taken(example)
    copy.edit_table(moved)
    ((severity, _, message),) = found(copy)
    assert severity == "error"
    assert figures(message)[0] > 50
    assert figures(message)[1] > 0.999


def noisy(example: Example, amount: float) -> Example:
    """A copy whose vectors have noise of a relative length, with the ranks and hashes that follow from them."""
    copy = taken(example)
    assert copy.vectors is not None
    draw = np.random.default_rng(1)
    arrays = {}
    for name, array in sorted(safetensors.numpy.load_file(copy.vectors).items()):
        changed = array + amount * draw.standard_normal(array.shape) / np.sqrt(array.shape[1])
        arrays[name] = (changed / np.linalg.norm(changed, axis=1, keepdims=True)).astype(np.float16)
    copy.replace(copy.table, ranking.ranks_of(arrays, suite_data.load("mini")).to_bytes())
    copy.set_vectors(vectors.to_bytes(arrays))
    return copy


@pytest.mark.parametrize(("amount", "severity"), [(0.01, "error"), (0.03, "warning")])
def test_vectors_with_noise(example: Example, amount: float, severity: str) -> None:
    """The ranks show it, and so do the vectors: with much noise, a maintainer judges the figure."""
    recorded(example)
    copy = noisy(example, amount)
    assert copy.vectors is not None
    ranks, found_vectors = (one for one in checking.check(copy.folder, vectors=[copy.vectors]) if one.rule == "duplicate")
    assert (ranks.severity, ranks.file) == ("error", "mini.ranks.tsv.gz")
    assert (found_vectors.severity, found_vectors.file) == (severity, "mini.vectors.safetensors")
    correlation = float(found_vectors.message.rpartition(" ")[2])
    assert 0.97 <= correlation <= 1


def recorded(example: Example) -> None:
    assert example.vectors is not None
    checked = checking.run(example.folder, vectors=[example.vectors])
    assert checked.inspection
    attestation.record(example.root / "checks", checked.inspection.submission, checked.attested)


def test_rotated_and_scaled_vectors_have_the_same_projections(valid: Example) -> None:
    assert valid.vectors is not None
    arrays = safetensors.numpy.load_file(valid.vectors)
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((64, 64)))[0]
    turned = {name: (0.5 * array @ turn).astype(np.float16) for name, array in arrays.items()}
    mine = np.array(ranking.projections(arrays))
    assert len(mine) == 120
    assert mine @ ranking.projections(turned) > 0.9995
    other = {name: array[:, :32] for name, array in arrays.items()}
    assert mine @ ranking.projections(other) < 0.98


def test_another_encoder_is_no_copy(example: Example) -> None:
    other = examples.packed(example.root / "wide", dimension=128, org="wide")
    shutil.copytree(other.folder.parent, example.root / "submissions" / "wide__tiny")
    assert found(Example(example.root, example.root / "submissions" / "wide__tiny" / "r1", None)) == []


def test_a_revision_of_the_same_encoder_is_a_warning(example: Example) -> None:
    folder = example.folder.with_name("r2")
    shutil.copytree(example.folder, folder)
    other = Example(example.root, folder, None)
    other.edit(lambda text: text.replace('revision = "r1"', 'revision = "r2"', 1))
    assert [severity for severity, _, _ in found(other)] == ["warning"]


def test_an_organisation_may_train_encoders_alike_but_not_submit_one_twice(example: Example) -> None:
    twin = example.root / "submissions" / "org__twin" / "r1"
    shutil.copytree(example.folder, twin)
    copy = Example(example.root, twin, None)
    copy.edit(lambda text: text.replace('name = "tiny"', 'name = "twin"', 1))
    assert [severity for severity, _, _ in found(copy)] == ["error"]
    # hybrid- and cross-me5-small on FLORES-200; and one of them with noise of 5 % in its vectors
    alike, noised = (similarity.Similarity(*of, most=(0.15, 0.995)) for of in ((0.154, 0.997), (0.264, 0.9998)))
    assert (alike.copied, alike.copied_within) == (True, False)
    assert (noised.copied, noised.copied_within) == (True, True)


@pytest.mark.parametrize(("suite", "pairs", "ending"), [("mlqa-r", 15, ""), ("multi30k-flickr8k", 6, "+lite0")])
def test_no_committed_submission_is_a_copy(suite: str, pairs: int, ending: str, root: Path, shared: Path) -> None:
    """Encoders that were fine-tuned alike from one checkpoint are near to the limit, but not beyond it."""
    cards = {file.parent: read_card(file) for file in sorted((root / "leaderboards" / "submissions").glob("*/*/submission.toml"))}
    read = {of: similarity.ranked(of, suite, card.suites[suite]) for of, card in cards.items() if suite in card.suites}
    compared = {
        (one.parent.name, other.parent.name): similarity.compare(mine, theirs)
        for one, mine in read.items()
        for other, theirs in read.items()
        if one < other and mine and theirs
    }
    assert len(compared) == pairs
    assert not any(found.copied for found in compared.values())
    assert [pair for pair, found in compared.items() if found.related] == [
        (f"hybrid-bench__cross-me5-small{ending}", f"hybrid-bench__hybrid-me5-small{ending}")
    ]


def test_a_signature_estimates_the_correlation() -> None:
    draw = np.random.default_rng(2)
    hard = draw.normal(size=20_000)
    for amount in (0.05, 0.3, 1.0):
        one, other = (
            similarity.Ranked(np.arange(20_000, dtype=np.uint64), np.exp(2 * noise + 5).astype(int) + 1, runs=False)
            for noise in (hard + amount * draw.normal(size=20_000), hard + amount * draw.normal(size=20_000))
        )
        exact = similarity.compare(one, other).correlation
        assert one.signature() @ other.signature() == pytest.approx(exact, abs=0.35 * (1 - exact**2) + 0.001)


def test_a_thousand_submissions_take_no_quadratic_pass(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    submission = read_card(example.card)
    draw = np.random.default_rng(3)
    signatures, folders = {}, {}
    for number in range(1000):
        folder = Path(f"org{number}__model-x{number}x") / "r1"
        value = (
            draw.normal(size=similarity.SIZE)
            if number != 700
            else 0.01 * draw.normal(size=similarity.SIZE) + list(signatures.values())[3]["mini"]
        )
        signatures[folder] = {"mini": value / np.linalg.norm(value)}
        folders[folder] = submission.model_copy(update={"org": f"org{number}", "name": f"model-x{number}x"})
    read: list[Path] = []
    monkeypatch.setattr(similarity, "ranked", lambda folder, *_: read.append(folder))
    start = time.process_time()
    duplicates.check_all(folders, signatures)  # type: ignore[arg-type]
    assert time.process_time() - start < 60  # another order of time would take minutes
    assert [folder.parent.name for folder in read] == ["org700__model-x700x", "org3__model-x3x"]


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b"", lambda b: b"x" * 99], ids=["cut", "empty", "no-gzip"])
def test_a_damaged_neighbour_is_no_finding_of_another_submission(example: Example, damage: Callable[[bytes], bytes]) -> None:
    copy = taken(example)
    copy.table.write_bytes(damage(copy.table.read_bytes()))
    seal(copy.folder)
    assert found(example) == []
    (copy.table).unlink()
    assert found(example) == []
