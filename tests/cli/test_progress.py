"""Progress: one bar for the whole job, honest estimates, lines of a log where there is no terminal, --quiet."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hybrid_bench.cli import progress
from hybrid_bench.cli.progress import BarProgress
from hybrid_bench.support.progress import Estimate
from tests.conftest import Cli


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_an_estimate_is_right_from_the_first_shard() -> None:
    """Passages cost 10 s, queries 2 s; each of their parts as much as its share."""
    clock = Clock()
    estimate = Estimate({"passage de": 500.0, "passage en": 500.0, "query de": 200.0}, clock)
    assert (estimate.share, estimate.remaining) == (0, None)
    elapsed = 0.0
    for step, items, seconds in (("passage de", 100, 5.0), ("passage en", 50, 5.0), ("query de", 20, 2.0)):
        estimate.start(step, items)
        for _ in range(2):
            clock.now += seconds / 2
            elapsed += seconds / 2
            estimate.advance(items // 2)
            assert estimate.share == pytest.approx(elapsed / 12)
            assert estimate.remaining == pytest.approx(12 - elapsed)
            assert estimate.whole == pytest.approx(12)


def test_what_was_in_the_store_does_not_count_as_speed() -> None:
    clock = Clock()
    estimate = Estimate({"a": 900.0, "b": 100.0}, clock)
    estimate.start("a", 90)
    estimate.advance(90)
    assert (estimate.share, estimate.remaining) == (0.9, None)
    estimate.start("b", 10)
    clock.now += 4
    estimate.advance(5)
    assert estimate.remaining == pytest.approx(4)


def test_a_step_of_unknown_length_and_one_that_ends_early_are_complete_at_the_next() -> None:
    clock = Clock()
    estimate = Estimate({"a": 1.0, "b": 1.0}, clock)
    estimate.start("a", 10)
    estimate.advance(3)
    estimate.start("b", 10)
    assert estimate.share == pytest.approx(0.5)
    estimate.advance(20)
    assert estimate.share == 1


def test_a_log_has_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    bar = BarProgress(2, clock)
    with bar:
        for encoder in ("small", "large"):
            bar.job(encoder, {"passage de": 3.0, "query de": 1.0})
            for step, items in (("passage de", 300), ("query de", 100)):
                bar.start(step, items)
                for _ in range(items):
                    clock.now += 0.5
                    bar.advance(1)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "[1/2] small: passage de: 3% done, 2.0/s, about 6 min left"
    assert re.fullmatch(r"\[2/2\] large: query de: 9\d% done, 2.0/s, about \d+ s left", lines[-1])
    # The first line after 10 s, then every 30 s, and more seldom after 300 s: 400 s in all.
    assert len(lines) == 13


@pytest.mark.parametrize("jobs", [1, 3])
def test_trainings_that_follow_each_other_are_jobs_of_their_own(capsys: pytest.CaptureFixture[str], jobs: int) -> None:
    """Each has the same step, whether the jobs are announced or not."""
    clock = Clock()
    bar = BarProgress(jobs, clock)
    with bar:
        for seed in (1, 2, 3):
            if jobs > 1:
                bar.job(f"seed {seed}", {"training": 100})
            bar.start("training", 100)
            for _ in range(100):
                clock.now += 1
                bar.advance(1)
    lines = capsys.readouterr().err.splitlines()
    left = [float(found.group(1)) for line in lines if (found := re.search(r"about (\d+) (?:s|min) left", line))]
    assert len(left) == len(lines) > 6
    assert lines[0] == (
        "[1/3] seed 1: training: 3% done, 1.0/s, about 5 min left" if jobs > 1 else "training: 10% done, 1.0/s, about 2 min left"
    )
    assert ("[3/3] seed 3: training: " in lines[-1]) == (jobs > 1)


def test_quiet_has_no_line_and_no_message(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "quiet", True)
    clock = Clock()
    bar = BarProgress(clock=clock)
    with bar:
        bar.say("a message")
        bar.start("step", 10)
        clock.now += 1000
        bar.advance(5)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("words", [("--quiet", "evaluate"), ("evaluate", "--quiet")], ids=" ".join)
def test_quiet_may_stand_anywhere(here: Cli, words: tuple[str, ...]) -> None:
    done = here(*words, "tiny", "--languages", "de", "--format", "csv")
    assert done.returncode == 0
    assert "wrote results" in done.stderr
    assert "pooling" not in done.stderr
    assert "tiny: " in here("evaluate", "tiny", "--languages", "de,en", "--format", "csv").stderr


def on_a_terminal(folder: Path, path: Path, *words: str) -> str:
    """What a command writes to a terminal of 80 columns on standard error."""
    read, write = pty.openpty()
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(path), os.environ.get("PYTHONPATH", "")]),
        "COLUMNS": "80",
        "TERM": "xterm",
    }
    env.pop("NO_COLOR", None)
    command = [sys.executable, "-m", "hybrid_bench", *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=write, cwd=folder, env=env)
    os.close(write)
    shown = b""
    try:
        while part := os.read(read, 65536):
            shown += part
    except OSError:  # Linux: the other end is closed
        pass
    assert process.wait() == 0, shown.decode()
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())


def test_a_terminal_has_one_bar_with_the_names_of_encoder_and_step(tmp_path: Path, tiny_distribution: Path) -> None:
    words = ("evaluate", "tiny", "tiny", "--languages", "de,en", "--store", "s", "--overwrite", "--format", "csv")
    shown = on_a_terminal(tmp_path, tiny_distribution, *words)
    assert "[1/2] tiny: " in shown
    assert "%" in shown
    assert "[1/2]" not in on_a_terminal(tmp_path, tiny_distribution, "--quiet", *words)
