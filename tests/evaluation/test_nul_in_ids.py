"""An id that other programs would read as another one is refused, in every way of scoring, before anything is encoded."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from hybrid_bench import EvaluationOptions, HybridBenchError, evaluate
from tests.embeddings.encoders import Counting
from tests.evaluation.suites import DOCS, of_lists


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("name", ["8\0", "\0", "8\0x"])
def test_an_id_with_a_nul_is_refused(tmp_path: Path, name: str, large: bool) -> None:
    suite = of_lists(docs=DOCS | {"en": DOCS["en"] | {name: "More yeast."}})
    encoder = Counting()
    with pytest.raises(HybridBenchError, match=r"its id holds the character U\+0000"):
        evaluate(encoder, dataclasses.replace(suite, large=large), options=EvaluationOptions(store=tmp_path))
    assert large or encoder.calls == []
