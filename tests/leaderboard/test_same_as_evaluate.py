"""Packing, check and leaderboard give the scores of ``evaluate``, on a board that a TOML file adds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import EvaluationOptions, evaluate, load_encoder
from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.leaderboard import specs
from hybrid_bench.leaderboard.build import build, differences, write
from hybrid_bench.results import tables
from hybrid_bench.submissions import attestation, checking, packing
from tests.submissions.examples import CARD
from tests.tiny_encoder import TinyEncoder

MINI = """\
title = "mini"
about = "Everyday topics in 11 languages."
suites = ["mini"]
sorted_by = "multi_ap"
detail = "multi_ap"
columns = [
  { key = "mono_ap", label = "mono AP", setting = "monolingual", measure = "AP" },
  { key = "cross_ap", label = "cross AP", setting = "cross-lingual", measure = "AP" },
  { key = "multi_ap", label = "multi AP", setting = "multilingual", measure = "AP" },
  { key = "distance", label = "RankDistance", setting = "multilingual", measure = "RankDistance", higher_is_better = false },
]
"""


class Halves(TinyEncoder):
    """Its vectors are fp16 numbers, so that rounding breaks no ties."""

    def __init__(self) -> None:
        super().__init__(dimension=256)
        self.card = self.card.model_copy(update={"name": "halves", "similarity": "dot"})
        self.fingerprint = "halves"

    def encode(self, texts, role):  # type: ignore[no-untyped-def]
        vectors = super().encode(texts, role)
        # Few digits, so that float32 and exact products break ties of equal texts in the same way.
        return (np.round(vectors * 64) / 64).astype(np.float32)


def test_pack_check_build_gives_the_scores_of_evaluate(tmp_path: Path) -> None:
    encoders: list[Encoder] = [load_encoder("use-multilingual", dtype="fp32"), Halves()]
    folder, card = tmp_path / "leaderboards", tmp_path / "card.toml"
    for encoder in encoders:
        card.write_text(CARD, encoding="utf-8")
        done = packing.pack(
            encoder,
            ["mini"],
            folder / "submissions",
            org="org",
            revision="1",
            card=card,
            vectors_out=tmp_path,
            store=tmp_path / "s",
        )
        assert done.missing == []
        (part,) = done.suites
        assert part.vectors is not None
        assert part.largest is not None
        assert part.largest[1] < 1e-4
        checked = checking.run(done.folder, vectors=[part.vectors])
        assert checked.findings == []
        assert checked.inspection
        attestation.record(folder / "checks", checked.inspection.submission, checked.attested)
    (folder / "boards").mkdir()
    (folder / "boards" / "mini.toml").write_text(MINI, encoding="utf-8")
    (board,) = specs.load(folder)
    built = build(folder, store=tmp_path / "rescored")
    write(folder, built)
    assert differences(folder, build(folder, store=tmp_path / "again")) == [], "the same bytes"
    rows = {row["encoder"]: row for row in json.loads((folder / "mini.json").read_text(encoding="utf-8"))["recomputed"]}
    printed = {line.split(" | ")[0].strip("| "): line for line in (folder / "mini.md").read_text(encoding="utf-8").splitlines()}
    for encoder in encoders:
        expected = tables.by_query_set(evaluate(encoder, "mini", options=EvaluationOptions(store=tmp_path / "s")))
        expected = expected.rename(lambda name: name.removesuffix(" *"))  # use-multilingual knows three languages less
        expected = expected.drop([name for name in expected.index if name.startswith("mean without")])
        row = rows[f"org/{encoder.card.name}"]
        assert row["checked"] == "vectors re-scored"
        for column in board.columns:
            mean = expected.loc["mean", column.label]
            of_language = expected[column.label].drop("mean").to_dict()
            assert row["values"][column.key] == pytest.approx(mean, rel=1e-4, abs=1e-4), column.label
            # With 15 questions per language, one rank of one question changes the mean by .067.
            one_rank = 1e-4 if column.measure != "RankDistance" else 0.07
            assert row["by_language"][column.key] == pytest.approx(of_language, abs=one_rank), column.label
            assert column.format(row["values"][column.key]) in printed[f"org/{encoder.card.name}" + r"\*" * ("left_out" in row)]
