"""Trainings that are killed and resumed, and distributed trainings with two processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("processes")
    command = [sys.executable, "-m", "tests.training.forked_trainings", str(folder)]
    environment = os.environ | {"HYBRID_BENCH_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900)
    assert ended.returncode == 0, ended.stderr
    return folder


def test_killed_training_gives_the_same_bytes_after_a_resume(done: Path) -> None:
    uninterrupted, killed = done / "killed" / "uninterrupted", done / "killed" / "killed"
    names = {path.name for path in uninterrupted.iterdir()}
    assert names == {path.name for path in killed.iterdir()}
    assert {"difference.safetensors", "model.safetensors", "training.jsonl", "encoder.toml"} <= names
    for name in names:
        assert (killed / name).read_bytes() == (uninterrupted / name).read_bytes(), name


@pytest.mark.parametrize("cached", ["False", "True"])
def test_two_processes_compute_the_loss_and_gradients_of_one(done: Path, cached: str) -> None:
    one, first, second = (json.loads((done / "together" / f"{name}.json").read_text())[cached] for name in ("1-0", "2-0", "2-1"))
    assert (first["loss"] + second["loss"]) / 2 == pytest.approx(one["loss"], abs=1e-5)
    assert first["loss"] != pytest.approx(second["loss"], abs=1e-3)  # each has its own half
    assert one["gradients"]
    for name, expected in one["gradients"].items():
        assert first["gradients"][name] == second["gradients"][name]
        assert np.abs(np.array(first["gradients"][name]) - np.array(expected)).max() < 1e-5


def test_two_processes_train_the_same_weights_as_one(done: Path) -> None:
    by_one, by_two = (load_file(done / "shared" / name / "difference.safetensors") for name in ("by-1", "by-2"))
    assert by_one.keys() == by_two.keys()
    assert max(np.abs(values.astype(float)).max() for name, values in by_one.items() if name.endswith(".b")) > 1e-3
    for name, values in by_one.items():
        if name.endswith(".key.bias.delta"):
            continue  # softmax is invariant to it, so its gradient is rounding error only
        assert np.abs(values.astype(float) - by_two[name].astype(float)).max() < 2e-3, name
    lines = [(done / "shared" / name / "training.jsonl").read_text().splitlines() for name in ("by-1", "by-2")]
    for ours, theirs in zip(*lines, strict=True):
        if "loss" in (record := json.loads(ours)):
            assert json.loads(theirs)["loss"] == pytest.approx(record["loss"], abs=1e-4)


def test_killed_distributed_training_with_dropout_gives_the_same_bytes(done: Path) -> None:
    uninterrupted, killed = (load_file(done / "shared" / name / "difference.safetensors") for name in ("uninterrupted", "killed"))
    for name, values in uninterrupted.items():
        assert np.array_equal(values, killed[name]), name


def test_killed_training_with_a_teacher_gives_the_same_bytes(done: Path) -> None:
    uninterrupted, killed = done / "distilled" / "uninterrupted", done / "distilled" / "killed"
    assert {path.name for path in uninterrupted.iterdir()} == {path.name for path in killed.iterdir()}
    for path in uninterrupted.iterdir():
        assert (killed / path.name).read_bytes() == path.read_bytes(), path.name


def test_two_processes_distil_the_same_weights_as_one(done: Path) -> None:
    by_one, by_two = (load_file(done / "distilled" / name / "difference.safetensors") for name in ("by-1", "by-2"))
    assert max(np.abs(values.astype(float)).max() for name, values in by_one.items() if name.endswith(".b")) > 1e-3
    for name, values in by_one.items():
        if not name.endswith(".key.bias.delta"):
            assert np.abs(values.astype(float) - by_two[name].astype(float)).max() < 2e-3, name
    lines = [(done / "distilled" / name / "training.jsonl").read_text().splitlines() for name in ("by-1", "by-2")]
    for ours, theirs in zip(*lines, strict=True):
        if "loss" in (record := json.loads(ours)):
            assert json.loads(theirs)["loss"] == pytest.approx(record["loss"], abs=1e-4)


def test_only_the_first_process_reports_progress(done: Path) -> None:
    assert "step 6: loss" in (done / "shared" / "uninterrupted-0.txt").read_text()
    assert not (done / "shared" / "uninterrupted-1.txt").exists()
