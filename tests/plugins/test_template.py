"""The plugin hybrid-bench-template, which third parties copy."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("hybrid_bench_template")

import hybrid_bench
from hybrid_bench.encoders.load import REGISTRY

TEMPLATE = Path(__file__).parents[2] / "plugins" / "template"


def test_its_own_tests_pass() -> None:
    """Run as by a plugin author: in the plugin's folder, in a subprocess."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", "-W", "error::pytest.PytestWarning", "."],
        cwd=TEMPLATE,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed and int(passed[1]) >= 45, done.stdout
    skipped = set(re.findall(r"^SKIPPED .*?: (the card .*|[^:]*)$", done.stdout, re.MULTILINE))
    assert skipped == {"the card has no modality 'image'"}


def test_its_encoder_is_found_by_its_entry_point() -> None:
    (entry,) = (entry for entry in REGISTRY.entries() if entry.name == "char-ngrams")
    assert (entry.target, entry.distribution) == ("hybrid_bench_template:load", "hybrid-bench-template")
    assert hybrid_bench.load_encoder("char-ngrams").card.name == "char-ngrams"


@pytest.mark.parametrize("option", [{"dtype": "bf16"}, {"device": "cuda"}])
def test_unsupported_options_are_refused(option: dict[str, Any]) -> None:
    ((name, asked),) = option.items()
    with pytest.raises(hybrid_bench.HybridBenchError, match=f"char-ngrams cannot compute with {name} '{asked}'"):
        hybrid_bench.load_encoder("char-ngrams", **option)


def test_texts_that_share_words_are_similar() -> None:
    texts = ["the bridge over the river", "Bridges over rivers", "a cup of green tea"]
    bridge, bridges, tea = hybrid_bench.load_encoder("char-ngrams").encode(texts, "query")
    assert bridge @ bridges > 0.4 > bridge @ tea


def test_it_is_above_chance_on_mini(tmp_path: Path) -> None:
    result = hybrid_bench.evaluate("char-ngrams", "mini", options=hybrid_bench.EvaluationOptions(store=tmp_path))
    scores = result.scores
    monolingual = scores[(scores["setting"] == "monolingual") & (scores["measure"] == "AP")].set_index("pool")["value"]
    # One relevant among 75 passages in random order: AP is the mean of 1/rank.
    chance = np.mean(1 / np.arange(1, 76))
    assert monolingual["en"] > 0.25 > 3 * chance
    assert (monolingual > 2 * chance).all()
