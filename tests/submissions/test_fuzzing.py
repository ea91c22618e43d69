"""Random content in every file leads to findings, never to exceptions."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid_bench import HybridBenchError
from hybrid_bench.submissions import attestation, checking, lock
from hybrid_bench.submissions.checking import check
from hybrid_bench.submissions.format import expected as suite_data
from hybrid_bench.submissions.format import rank_table_reader, vectors
from hybrid_bench.submissions.format.findings import RULES, Report
from hybrid_bench.submissions.inspection import inspect
from tests.submissions.examples import Example

#: Random bytes, partly in the expected format.
NOISE = st.one_of(
    st.binary(max_size=400),
    st.text(max_size=200).map(str.encode),
    st.binary(max_size=300).map(gzip.compress),
    st.text(alphabet='abc=[]{}"\n\t.0-9 #\\', max_size=200).map(str.encode),
)


@pytest.mark.parametrize("file", ["submission.toml", "mini.ranks.tsv.gz", "SHA256SUMS"])
@settings(max_examples=40)
@given(noise=NOISE)
def test_noise_instead_of_a_file(valid: Example, tmp_path_factory: pytest.TempPathFactory, file: str, noise: bytes) -> None:
    example = valid.copy(tmp_path_factory.mktemp("noise"))
    (example.folder / file).write_bytes(noise)
    found = check(example.folder)
    assert any(finding.severity == "error" for finding in found)
    assert {finding.rule for finding in found} <= set(RULES)


@settings(max_examples=150)
@given(content=NOISE, length=st.integers(0, 500))
def test_noise_instead_of_vectors(tmp_path_factory: pytest.TempPathFactory, content: bytes, length: int) -> None:
    path = tmp_path_factory.mktemp("noise") / "mini.vectors.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + content)
    report = Report()
    assert vectors.read(path, suite_data.load("mini"), report, path.name) is None
    assert report.failed


def test_two_thousand_mutations_of_a_submission(valid: Example, tmp_path: Path) -> None:
    """Each is refused by a rule, or is still a valid submission."""
    example = valid.copy(tmp_path / "mutated")
    draw = random.Random(20)
    names = ["submission.toml"] * 8 + ["SHA256SUMS", "mini.ranks.tsv.gz"]
    whole = {name: (example.folder / name).read_bytes() for name in set(names)}
    pieces = [
        *whole["submission.toml"].split(b"\n"),
        b"\xff",
        b'"',
        b"\x00",
        "\u3164".encode(),
        b"1e308",
        b"[",
        b"true",
        b"-1",
        b"''",
    ]
    refused = 0
    for _ in range(2000):
        name = draw.choice(names)
        mutated = bytearray(whole[name])
        for _ in range(draw.randint(1, 3)):
            start = draw.randrange(len(mutated))
            mutated[start : start + draw.choice((0, 1, 1, 8))] = draw.choice((b"", draw.randbytes(1), draw.choice(pieces)))
        report = Report()
        (example.folder / name).write_bytes(mutated)
        inspect(example.folder, report)
        (example.folder / name).write_bytes(whole[name])
        assert {finding.rule for finding in report.findings} <= set(RULES)
        refused += report.failed
    assert refused > 1900


def test_two_thousand_mutations_of_an_attestation_and_a_lock_file(valid: Example, tmp_path: Path) -> None:
    """Each is read or is an error."""
    example = valid.copy(tmp_path / "mutated")
    assert example.vectors is not None
    checked = checking.run(example.folder, vectors=[example.vectors])
    assert checked.inspection
    submission = checked.inspection.submission
    path = attestation.record(example.root / "checks", submission, checked.attested)
    (example.root / lock.FILE).write_text(lock.text({submission.folder: checked.inspection.whole_hash}), encoding="utf-8")
    files = [path, example.root / lock.FILE]
    whole = [file.read_bytes() for file in files]
    draw = random.Random(22)
    pieces = [b"\n", b'"', b"\xff", b"\x00", b"[" * 3000, b"nan", b"1e999", b"= {", b"  ", b"0" * 64, b"suites"]
    failed = 0
    for number in range(2000):
        at = number % 2
        mutated = bytearray(whole[at])
        start = draw.randrange(len(mutated))
        mutated[start : start + draw.choice((0, 1, 1, 8))] = draw.choice((b"", draw.randbytes(1), draw.choice(pieces)))
        files[at].write_bytes(mutated)
        try:
            attestation.read(example.root / "checks", submission)
            lock.read(example.root)
        except HybridBenchError:
            failed += 1
        files[at].write_bytes(whole[at])
    assert 1000 < failed < 2000


@settings(max_examples=60)
@given(data=st.data())
def test_random_cells_in_a_table(valid: Example, data: st.DataObject) -> None:
    """The result is either a consistent table or an error."""
    suite = suite_data.load("mini")
    lines = gzip.decompress(valid.table.read_bytes()).decode().split("\n")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(1, len(lines) - 2))
        cells = lines[at].split("\t")
        column = data.draw(st.integers(0, 4))
        cells[column] = data.draw(st.one_of(st.text(max_size=8), st.integers(-1, 900).map(str), st.just(cells[column - 1])))
        lines[at] = "\t".join(cells)
    report = Report()
    table = rank_table_reader.parse("\n".join(lines), suite, None, report, "table")
    assert report.failed or table is not None
    if table is not None and not report.failed:
        for found in table.ranks.by_query_set.values():
            assert (found.rank >= 1).all()
            assert (found.rank_in["all"] >= found.rank).all()
