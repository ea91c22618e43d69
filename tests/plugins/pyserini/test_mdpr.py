"""mDPR with a small model of its architecture, compared with Pyserini's encoder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import EvaluationOptions, HybridBenchError, Result, Setting, load_suite
from hybrid_bench.evaluation import reproducible
from hybrid_bench_pyserini import mdpr
from hybrid_bench_pyserini.dense import import_pyserini


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tied multilingual BERT with random weights, saved like castorini/mdpr-tied-pft-msmarco."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("mdpr") / "tiny"
    folder.mkdir()
    texts = [str(passage.content) for language in ("en", "de") for passage in load_suite("mini").passages(language)]
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
    queries = [str(query.content) for query in load_suite("mini").queries("en")][:5]
    theirs = np.stack([query_encoder.encode(query) for query in queries])
    np.testing.assert_allclose(encoder.encode(queries, "query"), theirs, atol=1e-4)


def test_mdpr_is_scored_in_every_setting_and_names_its_command(model: Path) -> None:
    options = EvaluationOptions(("de", "en"), measures=("nDCG@10",), encoder={"dtype": "fp32", "device": "cpu"})
    result = mdpr.evaluate_mdpr("mini", str(model), options=options)
    assert {row.setting for row in result.rows if row.measure == "nDCG@10"} == {"monolingual", "cross-lingual", "multilingual"}
    assert result.provenance.command.startswith("hybrid-bench baseline mdpr --suite mini --model ")
    assert result.provenance.command.endswith("--languages de,en --measures nDCG@10")
    assert result.ranks_file


@pytest.fixture
def hybrid_bench(tmp_path: Path) -> Callable[..., str]:
    """Run the command line in ``tmp_path``, with the large suite ``large-mini``; returns standard output and error."""
    folder = tmp_path / "installed"
    info = folder / "large_mini-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "large_mini.py").write_text(
        "import dataclasses\nfrom hybrid_bench import load_suite\n"
        'SUITE = dataclasses.replace(load_suite("mini").restrict(["de", "en"]), name="large-mini", base="", large=True)\n'
    )
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: large-mini\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[hybrid_bench.suites]\nlarge-mini = large_mini:SUITE\n")
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))

    def run(*words: str | Path) -> str:
        command = [sys.executable, "-m", "hybrid_bench", *map(str, words)]
        environment = os.environ | {"PYTHONPATH": path}
        ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout + ended.stderr

    return run


def test_mdpr_on_a_large_suite_keeps_its_runs_and_is_reproduced(
    model: Path, hybrid_bench: Callable[..., str], tmp_path: Path
) -> None:
    hybrid_bench(
        "baseline", "mdpr", "--suite", "large-mini", "--model", model, "--dtype", "fp32", "--device", "cpu", "--run-depth", "9"
    )
    (path,) = (tmp_path / "results" / "large-mini").glob("*.json")
    result = Result.read(path)
    assert {run.pool for run in result.runs} == {"de", "en", "all"}
    assert len(result.run_files) == len(result.settings) == 6
    assert {file.parent for file in result.run_files.values()} == {path.with_suffix(".runs")}
    assert result.damaged_runs() == []
    assert (result.provenance.depth, result.provenance.storage) == (9, "fp16")
    assert {row.measure for row in result.rows} == {"nDCG@10", "R@100", "SameLanguage@20"}
    run = result.run_files[Setting("de", "all", "multilingual")]
    whole = run.read_bytes()
    run.write_bytes(whole[: len(whole) // 2])
    shown = hybrid_bench("reproduce", path)
    assert f"the same: {len(result.rows)} scores" in shown
    assert (
        f"{run.relative_to(tmp_path)} is missing, truncated or a different run; it will be restored if it is reproduced"
        in shown.replace(f"{tmp_path}/", "")
    )
    assert run.read_bytes() == whole


def test_prebuilt_indexes_exist_only_for_miracl(model: Path) -> None:
    with pytest.raises(HybridBenchError, match="no prebuilt index for mini"):
        mdpr.evaluate_prebuilt("mini", str(model))
    with pytest.raises(HybridBenchError, match=r"index miracl-v1\.0-sw-tiny"):
        mdpr.evaluate_prebuilt("miracl/sw/dev", str(model))


@pytest.mark.parametrize(
    "options", [EvaluationOptions(languages=("sw",)), EvaluationOptions(storage="fp32"), EvaluationOptions(check=True)]
)
def test_an_option_without_effect_on_a_prebuilt_index_is_refused(model: Path, options: EvaluationOptions) -> None:
    with pytest.raises(HybridBenchError, match=r"the option (languages|storage|check) has no effect on a prebuilt index"):
        mdpr.evaluate_prebuilt("miracl/sw/dev", str(model), options=options)


def test_the_command_of_a_result_states_every_option_that_decides_scores(model: Path) -> None:
    options = EvaluationOptions(
        ("en",), passage_text="sentence+context", measures=("AP",), encoder={"dtype": "fp32", "device": "cpu"}
    )
    command = mdpr.evaluate_mdpr("mini", str(model), options=options).provenance.command
    assert "--passage-text sentence+context" in command
    assert reproducible.parse(command)[:2] == ["baseline", "mdpr"]
