"""Build time of the leaderboard of 20 submissions on XQuAD-R: with an empty cache, unchanged, and with one new submission.

tox run -e benchmarks                      # or: python benchmarks/leaderboard.py

The submissions are mixtures of the committed ones: each line of ranks is drawn from one of them with a fixed seed.
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
from hybrid_bench.submissions.checksums import seal
from hybrid_bench.submissions.inspection import read_card

ROOT = Path(__file__).resolve().parent.parent / "leaderboards"
SUITE = "xquad-r"
RANKS = f"{SUITE}.ranks.tsv.gz"


def main() -> None:
    """Write the submissions and time three builds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--submissions", type=int, default=20)
    arguments = parser.parse_args()
    known = (file.parent for file in ROOT.glob(f"submissions/*/*/{RANKS}"))
    # Only rankings of whole pools: lines that are cut at a depth are invalid in them.
    complete = sorted(folder for folder in known if read_card(folder / "submission.toml").suites[SUITE].depth is None)
    tables = [gzip.decompress((folder / RANKS).read_bytes()).decode().splitlines() for folder in complete]
    with tempfile.TemporaryDirectory() as name:
        folder, store = Path(name) / "leaderboards", Path(name) / "store"
        shutil.copytree(ROOT / "published", folder / "published")
        for number in range(arguments.submissions):
            _mix(folder, number, complete[0], tables)
        seconds = {"empty cache": _seconds(folder, store), "unchanged": _seconds(folder, store)}
        _mix(folder, arguments.submissions, complete[0], tables)
        seconds["one new submission"] = _seconds(folder, store)
    for what, taken in seconds.items():
        share = taken / seconds["empty cache"]
        print(f"leaderboard of {arguments.submissions} submissions, {what}: {taken:.1f} s CPU time, {share:.2f} of a full build")


def _mix(folder: Path, number: int, card: Path, tables: list[list[str]]) -> None:
    # Revisions of one encoder: mixtures share lines, which is an error between different submitters.
    target = folder / "submissions" / "mixed__mixture" / str(number)
    target.mkdir(parents=True)
    draw = random.Random(number)  # noqa: S311 - not for security
    weights = [draw.random() for _ in tables]
    lines = [draw.choices(alike, weights)[0] for alike in zip(*tables, strict=True)]
    (target / RANKS).write_bytes(gzip.compress("\n".join([*lines, ""]).encode(), mtime=0))
    text = (card / "submission.toml").read_text(encoding="utf-8")
    for field, value in (("org", "mixed"), ("name", "mixture"), ("revision", str(number))):
        text = re.sub(rf'^{field} = ".*"$', f'{field} = "{value}"', text, count=1, flags=re.MULTILINE)
    parts = re.split(r"(?=^\[)", text, flags=re.MULTILINE)
    kept = [part for part in parts if not part.startswith("[suites.") or part.startswith(f'[suites."{SUITE}"]')]
    (target / "submission.toml").write_text("".join(kept), encoding="utf-8")
    seal(target)


def _seconds(folder: Path, store: Path) -> float:
    """CPU time of a build, which excludes other load on the machine."""
    start = time.process_time()
    build(folder, store=store)
    return time.process_time() - start


if __name__ == "__main__":
    main()
