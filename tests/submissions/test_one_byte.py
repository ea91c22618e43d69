"""A change of any single byte of a valid submission is detected."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid_bench.submissions.checking import check
from tests.submissions.examples import Example

FILES = ("submission.toml", "mini.ranks.tsv.gz", "SHA256SUMS")


@pytest.mark.parametrize("file", FILES)
@settings(max_examples=60)
@given(data=st.data())
def test_a_changed_byte_is_detected(
    valid: Example, tmp_path_factory: pytest.TempPathFactory, file: str, data: st.DataObject
) -> None:
    example = valid.copy(tmp_path_factory.mktemp("changed"))
    path = example.folder / file
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    assert any(finding.severity == "error" for finding in check(example.folder))


@settings(max_examples=25)
@given(data=st.data())
def test_a_changed_byte_of_the_vectors_is_detected(
    valid: Example, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    example = valid.copy(tmp_path_factory.mktemp("changed"))
    assert example.vectors is not None
    content = bytearray(example.vectors.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    example.vectors.write_bytes(content)
    assert "vectors-hash" in {finding.rule for finding in check(example.folder, vectors=[example.vectors])}


def test_an_added_or_removed_byte_is_detected(valid: Example, tmp_path: Path) -> None:
    for number, change in enumerate((lambda content: content[:-1], lambda content: content + b"\n")):
        for file in FILES:
            example = valid.copy(tmp_path / f"{number}-{file}")
            path = example.folder / file
            path.write_bytes(change(path.read_bytes()))
            assert any(finding.severity == "error" for finding in check(example.folder)), file
