"""Time to the first table: ``hybrid-bench evaluate`` on ``mini`` from a warm cache, as a whole process.

tox run -e benchmarks                      # or: python benchmarks/first_table.py
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time


def main() -> None:
    """Warm the cache, then time whole processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    for words in (["--help"], ["evaluate", "use-multilingual"], ["evaluate", "me5-small"]):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "hybrid_bench", *words]
            command += ["--out", folder] if "evaluate" in words else []
            seconds = [_seconds(command) for _ in range(arguments.repeat + 1)][1:]
        limit = 10.0 if "evaluate" in words else 0.5
        median = statistics.median(seconds)
        print(f"{' '.join(words)}: {median:.2f} s; share of the {limit:g} s allowed: {median / limit:.2f} (under 1)")


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
