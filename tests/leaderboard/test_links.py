"""Links at the head of every page."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.leaderboard import links
from hybrid_bench.support import escaping
from tests.mutations import mutated

GOOD = b'Documentation = "../../docs/index.md"\nCode = "https://example.org/code"\n'


def test_links_of_a_folder(tmp_path: Path) -> None:
    assert links.read(tmp_path) == {}
    (tmp_path / links.FILE).write_bytes(GOOD)
    assert list(links.read(tmp_path).items()) == [("Documentation", "../../docs/index.md"), ("Code", "https://example.org/code")]


@pytest.mark.parametrize("value", ['"javascript:alert(1)"', '"//evil.invalid"', '"/etc/passwd"', '"a b"', '""', "1", "[]"])
def test_what_is_no_address_is_an_error(tmp_path: Path, value: str) -> None:
    (tmp_path / links.FILE).write_text(f"x = {value}\n", encoding="utf-8")
    with pytest.raises(HybridBenchError, match="is not an address"):
        links.read(tmp_path)


def test_damaged_files_are_errors_or_links(tmp_path: Path) -> None:
    rng = random.Random(26)
    for _ in range(2000):
        (tmp_path / links.FILE).write_bytes(mutated(GOOD, rng))
        try:
            found = links.read(tmp_path)
        except HybridBenchError:
            continue
        assert all(escaping.link(address) or escaping.relative(address) for address in found.values())


def test_the_committed_links_lead_to_files(root: Path) -> None:
    for address in links.read(root / "leaderboards").values():
        assert (root / "leaderboards" / "site" / address).is_file() or escaping.link(address)
