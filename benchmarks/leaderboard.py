"""Boards of 20 submissions of XQuAD-R: made from nothing, with nothing new, and with one new.

tox run -e benchmarks                      # or: python benchmarks/leaderboard.py

The submissions are mixtures of the committed ones: each line of ranks is taken from one of them, by a fixed seed.
"""

from __future__ import annotations

import argparse
import gzip
import random
import re
import shutil
import tempfile
import time
from pathlib import Path

from hybrid_bench.leaderboard.build import build
from hybrid_bench.submissions.inspection import seal

ROOT = Path(__file__).resolve().parent.parent / "leaderboards"
SUITE = "xquad-r"
RANKS = f"{SUITE}.ranks.tsv.gz"


def main() -> None:
    """Make the submissions, and time three builds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--submissions", type=int, default=20)
    arguments = parser.parse_args()
    honest = sorted(file.parent for file in ROOT.glob(f"submissions/*/*/{RANKS}"))
    tables = [gzip.decompress((folder / RANKS).read_bytes()).decode().splitlines() for folder in honest]
    with tempfile.TemporaryDirectory() as name:
        folder, store = Path(name) / "leaderboards", Path(name) / "store"
        shutil.copytree(ROOT / "published", folder / "published")
        for number in range(arguments.submissions):
            _mix(folder, number, honest[0], tables)
        seconds = {"from nothing": _seconds(folder, store), "with nothing new": _seconds(folder, store)}
        _mix(folder, arguments.submissions, honest[0], tables)
        seconds["with one new"] = _seconds(folder, store)
    for what, taken in seconds.items():
        share = taken / seconds["from nothing"]
        print(f"boards of {arguments.submissions} submissions, {what}: {taken:.1f} s, {share:.2f} of all anew")


def _mix(folder: Path, number: int, card: Path, tables: list[list[str]]) -> None:
    target = folder / "submissions" / f"mixed__number-{number}" / "1"
    target.mkdir(parents=True)
    draw = random.Random(number)  # noqa: S311 - nothing is secret here
    weights = [draw.random() for _ in tables]
    lines = [draw.choices(alike, weights)[0] for alike in zip(*tables, strict=True)]
    (target / RANKS).write_bytes(gzip.compress("\n".join([*lines, ""]).encode(), mtime=0))
    text = (card / "submission.toml").read_text(encoding="utf-8")
    for field, value in (("org", "mixed"), ("name", f"number-{number}"), ("revision", "1")):
        text = re.sub(rf'^{field} = ".*"$', f'{field} = "{value}"', text, count=1, flags=re.MULTILINE)
    parts = re.split(r"(?=^\[)", text, flags=re.MULTILINE)
    kept = [part for part in parts if not part.startswith("[suites.") or part.startswith(f'[suites."{SUITE}"]')]
    (target / "submission.toml").write_text("".join(kept), encoding="utf-8")
    seal(target)


def _seconds(folder: Path, store: Path) -> float:
    start = time.perf_counter()
    build(folder, store=store)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
