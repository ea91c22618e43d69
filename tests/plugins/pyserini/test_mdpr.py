"""mDPR with a small model of its architecture, compared with Pyserini's encoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import HybridBenchError, load_suite
from hybrid_bench_pyserini import mdpr
from hybrid_bench_pyserini.dense import import_pyserini


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tied multilingual BERT with random weights, saved like castorini/mdpr-tied-pft-msmarco."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("mdpr") / "tiny"
    folder.mkdir()
    texts = [text.text for language in ("en", "de") for text in load_suite("mini").passage_texts(language)]
    pieces = sorted({character for text in texts for character in text.lower() if not character.isspace()})
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces, *(f"##{piece}" for piece in pieces)]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=512,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    return folder


def test_vectors_equal_those_of_pyserinis_encoder(model: Path) -> None:
    encoder = mdpr.load_mdpr(str(model), dtype="fp32", device="cpu")
    assert (encoder.card.pooling, encoder.card.similarity, encoder.card.max_length) == ("cls", "dot", 256)
    assert encoder.card.query_prefix == encoder.card.passage_prefix == ""
    pyserini = import_pyserini("pyserini.encode")
    query_encoder = pyserini.AutoQueryEncoder(encoder_dir=str(model), device="cpu", pooling="cls", l2_norm=False)
    queries = [query.text for query in load_suite("mini").query_texts("en")][:5]
    theirs = np.stack([query_encoder.encode(query) for query in queries])
    np.testing.assert_allclose(encoder.encode(queries, "query"), theirs, atol=1e-4)


def test_mdpr_is_scored_in_every_setting_and_names_its_command(model: Path) -> None:
    result = mdpr.evaluate_mdpr("mini", str(model), languages=["de", "en"], measures=["nDCG@10"], dtype="fp32", device="cpu")
    assert {row.setting for row in result.rows if row.measure == "nDCG@10"} == {"monolingual", "cross-lingual", "multilingual"}
    assert result.provenance.command.startswith("hybrid-bench baseline mdpr --suite mini --model ")
    assert result.ranks_file


def test_prebuilt_indexes_exist_only_for_miracl(model: Path) -> None:
    with pytest.raises(HybridBenchError, match="no prebuilt index for mini"):
        mdpr.evaluate_prebuilt("mini", str(model))
    with pytest.raises(HybridBenchError, match=r"index miracl-v1\.0-sw-tiny"):
        mdpr.evaluate_prebuilt("miracl/sw/dev", str(model))
