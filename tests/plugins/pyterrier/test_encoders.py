"""Encoders as bi-encoders of pyterrier_dr."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyterrier as pt
import pytest

from hybrid_bench import evaluate, load_encoder
from hybrid_bench_pyterrier import encoder
from tests.tiny_encoder import TinyEncoder

TEXTS = ["the river rises", "rain falls in the mountains", "the river rises"]


def test_the_toolkit_knows_what_it_takes_and_gives() -> None:
    made = encoder(TinyEncoder())
    gives = {tuple(given): pt.inspect.transformer_outputs(made, given) for given in pt.inspect.transformer_inputs(made)}
    assert gives["qid", "query"] == ["qid", "query", "query_vec"]
    assert gives["docno", "text"] == ["docno", "text", "doc_vec"]


def test_vectors_are_those_of_the_encoder_with_its_prefixes() -> None:
    made, plain = encoder(TinyEncoder(), batch_size=2), TinyEncoder()
    assert (made.encode_queries(TEXTS) == plain.encode(TEXTS, "query")).all()
    assert (made.encode_docs(TEXTS) == plain.encode(TEXTS, "passage")).all()
    assert made.encode_docs([]).shape == (0, 256)
    assert (made.encode_queries_torch(TEXTS).numpy() == plain.encode(TEXTS, "query")).all()
    assert (made.encode_queries(TEXTS) != made.encode_docs(TEXTS)).any()


def test_a_name_and_options_load_an_encoder() -> None:
    made = pt.hybrid_bench.encoder("char-ngrams", device="cpu")
    assert (made.encode_docs(TEXTS) == load_encoder("char-ngrams").encode(TEXTS, "passage")).all()


def test_frames_of_queries_documents_and_pairs() -> None:
    import pandas as pd

    made = encoder(TinyEncoder())
    frame = pd.DataFrame({"qid": ["1"] * 3, "query": [TEXTS[0]] * 3, "docno": list("abc"), "text": TEXTS})
    scores = made(frame).set_index("docno")["score"]
    plain = TinyEncoder()
    expected = plain.encode(TEXTS, "passage") @ plain.encode(TEXTS[:1], "query")[0]
    assert scores[list("abc")].to_numpy() == pytest.approx(expected, abs=1e-6)


def test_a_flex_index_gives_the_scores_of_the_grid(tmp_path: Path) -> None:
    from pyterrier_dr import FlexIndex

    dataset, made = pt.get_dataset("hb:mini/de/en"), encoder(TinyEncoder())
    index = FlexIndex(str(tmp_path / "de.flex"))
    (made >> index).index(dataset.get_corpus_iter())
    topics, judged = dataset.get_topicsqrels()
    found = pt.Experiment([made >> index.np_retriever(num_results=75)], topics, judged, ["map", "ndcg_cut_10"])
    ours = evaluate(TinyEncoder(), "mini").matrix("AP").loc["en", "de"]
    assert found["map"][0] == pytest.approx(ours, abs=1e-6)
    assert np.isfinite(found["ndcg_cut_10"][0])


def test_the_toolkit_is_not_imported_before_it_is_used() -> None:
    program = "import sys, hybrid_bench, hybrid_bench_pyterrier; from hybrid_bench_pyterrier import from_object; "
    program += "assert from_object(object(), None) is None; print([m for m in sys.modules if m.split('.')[0] == 'pyterrier'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
