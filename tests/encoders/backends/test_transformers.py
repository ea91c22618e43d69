"""The transformers backend on a small real BERT, against plain torch without batches."""

from __future__ import annotations

import json
import pickle
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, BertModel

from hybrid_bench import Encoder, HybridBenchError, load_encoder
from hybrid_bench.encoders.backends import transformers as backend
from hybrid_bench.encoders.backends.packed_linear import mark
from hybrid_bench.encoders.backends.transformers import pool
from tests.encoders.models import POSITIONS, TEXTS, put_on_hub, save_transformer

#: Sums in another order, over 16 dimensions and two layers.
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_transformer(tmp_path_factory.mktemp("models") / "tiny-bert")


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(folder, tmp_path / "tiny-bert"))


def load(folder: Path, **options: Any) -> Encoder:
    return load_encoder(str(folder), **({"dtype": "fp32", "device": "cpu"} | options))


def one_by_one(folder: Path, texts: list[str], pooling: str) -> np.ndarray:
    """Each text on its own: no batch, no padding, no mask."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), BertModel.from_pretrained(folder, add_pooling_layer=False).eval()
    rows = []
    with torch.no_grad():
        for text in texts:
            states = model(torch.tensor([tokenizer(text)["input_ids"]])).last_hidden_state[0]
            rows.append({"mean": states.mean(dim=0), "cls": states[0], "eos": states[-1]}[pooling].numpy())
    return np.array(rows)


@pytest.mark.parametrize("pooling", ["mean", "cls", "eos"])
def test_vectors_are_those_of_plain_torch(folder: Path, pooling: str) -> None:
    expected = one_by_one(folder, TEXTS, pooling)
    found = load(folder, pooling=pooling, similarity="dot").encode(TEXTS, "passage")
    assert (found.shape, found.dtype) == ((len(TEXTS), 16), np.float32)
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)
    unit = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(load(folder, pooling=pooling).encode(TEXTS, "passage"), unit, atol=TOLERANCE)
    assert np.linalg.norm(unit[0] - unit[1]) > 0.1


@pytest.mark.parametrize("padding", ["left", "right"])
@pytest.mark.parametrize("pooling", ["mean", "cls", "eos"])
def test_padding_is_not_pooled_on_either_side(pooling: Any, padding: str) -> None:
    torch.manual_seed(1)
    lengths, width = [1, 4, 7], 7
    texts = [torch.randn(length, 5) for length in lengths]
    states, mask = torch.full((3, width, 5), 1e6), torch.zeros(3, width, dtype=torch.int64)
    for row, states_of_text in enumerate(texts):
        inside = slice(0, len(states_of_text)) if padding == "right" else slice(width - len(states_of_text), width)
        states[row, inside] = states_of_text
        mask[row, inside] = 1
    if pooling == "mean":
        states *= mask.unsqueeze(-1)
    expected = [{"mean": text.mean(dim=0), "cls": text[0], "eos": text[-1]}[pooling] for text in texts]
    torch.testing.assert_close(pool(states, mask, pooling), torch.stack(expected))


def test_a_tokenizer_that_pads_on_the_left_changes_no_vector(folder: Path, tmp_path: Path) -> None:
    left = save_transformer(tmp_path / "left", padding_side="left")
    assert AutoTokenizer.from_pretrained(left).padding_side == "left"
    np.testing.assert_allclose(load(left).encode(TEXTS, "query"), load(folder).encode(TEXTS, "query"), atol=TOLERANCE)


def test_neither_order_nor_company_changes_a_vector(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = load(folder)
    expected = encoder.encode(TEXTS, "query")
    np.testing.assert_allclose(encoder.encode(TEXTS[::-1], "query")[::-1], expected, atol=TOLERANCE)
    np.testing.assert_allclose(encoder.encode([*TEXTS, *TEXTS], "query")[len(TEXTS) :], expected, atol=TOLERANCE)
    monkeypatch.setitem(backend._TOKENS_PER_BATCH, "cpu", 25)
    np.testing.assert_allclose(encoder.encode(TEXTS, "query"), expected, atol=TOLERANCE)


def test_a_longer_text_is_cut_at_max_length(folder: Path) -> None:
    """Two of the eight tokens are the special ones."""
    words = TEXTS[2].split()
    encoder = load(folder, max_length=8)
    assert encoder.card.max_length == 8
    cut, whole = encoder.encode([" ".join(words[:6]), TEXTS[2]], "passage")
    np.testing.assert_allclose(whole, cut, atol=TOLERANCE)
    assert np.abs(load(folder).encode([TEXTS[2]], "passage")[0] - cut).max() > 0.01


def test_without_a_limit_texts_are_cut_at_the_positions_of_the_model(folder: Path) -> None:
    encoder = load(folder)
    assert encoder.card.max_length == POSITIONS
    endless, cut = encoder.encode(["rain falls " * 500, " ".join(["rain falls"] * 15)], "passage")
    np.testing.assert_allclose(endless, cut, atol=TOLERANCE)


def test_a_roberta_has_two_positions_less(tmp_path: Path) -> None:
    folder = save_transformer(tmp_path / "roberta", roberta=True)
    encoder = load(folder)
    assert encoder.card.max_length == POSITIONS - 2
    assert np.isfinite(encoder.encode(["rain " * 100], "query")).all()
    with pytest.raises(HybridBenchError, match=f"max_length {POSITIONS - 1} is more than the model's {POSITIONS - 2} positions"):
        load(folder, max_length=POSITIONS - 1)


def test_a_prefix_is_put_before_the_text_of_its_role(folder: Path) -> None:
    plain, prefixed = load(folder), load(folder, query_prefix="query : ", passage_prefix="passage : ")
    for role, prefix in (("query", "query : "), ("passage", "passage : ")):
        expected = plain.encode([prefix + text for text in TEXTS], role)  # type: ignore[arg-type]
        np.testing.assert_allclose(prefixed.encode(TEXTS, role), expected, atol=TOLERANCE)  # type: ignore[arg-type]
    assert np.abs(prefixed.encode(TEXTS, "query") - prefixed.encode(TEXTS, "passage")).max() > 0.01
    np.testing.assert_array_equal(plain.encode(TEXTS, "query"), plain.encode(TEXTS, "passage"))


def test_bf16_is_close_to_fp32(folder: Path) -> None:
    encoder = load(folder, dtype="bf16")
    found, expected = encoder.encode(TEXTS, "query"), load(folder).encode(TEXTS, "query")
    assert (encoder.dtype, found.dtype) == ("bf16", np.float32)
    assert ((found * expected).sum(axis=1) > 0.999).all()
    assert np.abs(found - expected).max() > TOLERANCE


def test_no_texts_are_no_vectors(folder: Path) -> None:
    vectors = load(folder).encode([], "query")
    assert (vectors.shape, vectors.dtype) == ((0, 16), np.float32)


def test_the_card_says_what_was_loaded(folder: Path) -> None:
    encoder = load(folder)
    assert isinstance(encoder, Encoder)
    assert (encoder.dtype, encoder.device) == ("fp32", "cpu")
    assert encoder.card.name == "tiny-bert"
    assert (encoder.card.pooling, encoder.card.dimension, encoder.card.max_length) == ("mean", 16, POSITIONS)
    assert encoder.card.parameters == sum(
        p.numel() for p in BertModel.from_pretrained(folder, add_pooling_layer=False).parameters()
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dimension": 17}, "tiny-bert: the model has 16 dimensions, its card says 17"),
        ({"max_length": 33}, "tiny-bert: max_length 33 is more than the model's 32 positions\n  Set it to 32 or less."),
        ({"dtype": "int4"}, "unknown dtype 'int4'"),
        ({"device": "cuda:99"}, "device 'cuda:99' is not available here"),
    ],
)
def test_what_the_model_cannot_do_is_refused(folder: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(HybridBenchError, match=message):
        load(folder, **options)


def change_a_weight(folder: Path) -> None:
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def change_the_configuration(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"layer_norm_eps": 1e-3}))


def change_the_tokenizer(folder: Path) -> None:
    path = folder / "tokenizer.json"
    path.write_text(path.read_text().replace('"rises"', '"falls down"'))


@pytest.mark.parametrize("change", [change_a_weight, change_the_configuration, change_the_tokenizer])
def test_another_model_has_another_fingerprint(folder: Path, own: Path, change: Any) -> None:
    assert load(own).fingerprint == load(folder).fingerprint
    change(own)
    assert load(own).fingerprint != load(folder).fingerprint


def test_a_model_of_the_hub_has_its_commit_as_fingerprint(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    first, second = "a" * 40, "b" * 40
    found = []
    for commit in (first, second):
        put_on_hub(tmp_path, "org/tiny", commit, folder)
        found.append(load_encoder("org/tiny", dtype="fp32", device="cpu", pooling="mean").fingerprint)
    found.append(load_encoder("org/tiny", dtype="fp32", device="cpu", pooling="mean", revision=first).fingerprint)
    assert found == [commit + mark(torch.device("cpu"), torch.float32) for commit in (first, second, first)]


def test_what_decides_no_vector_is_not_in_the_fingerprint(folder: Path, own: Path) -> None:
    (own / "README.md").write_text("Read me.")
    assert load(own).fingerprint == load(folder).fingerprint


class Payload:
    """Creates a folder when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.mkdir, (self.canary,))


def test_pickled_weights_are_refused_and_not_opened(own: Path, tmp_path: Path) -> None:
    (own / "model.safetensors").unlink()
    (own / "pytorch_model.bin").write_bytes(pickle.dumps(Payload(tmp_path / "canary")))
    with pytest.raises(HybridBenchError, match=r"no weights in safetensors: pytorch_model\.bin is a pickle"):
        load(own).encode(TEXTS, "query")
    assert not (tmp_path / "canary").exists()


CODE = """
from pathlib import Path
Path({canary!r}).mkdir()
from transformers import BertConfig, BertModel
class OwnConfig(BertConfig):
    model_type = "own"
class OwnModel(BertModel):
    config_class = OwnConfig
"""


@pytest.fixture
def with_code(own: Path, tmp_path: Path) -> Path:
    """A model of a kind that only the code beside it knows. The code leaves a trace when it runs."""
    config = json.loads((own / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own_code.OwnConfig", "AutoModel": "own_code.OwnModel"}}
    (own / "config.json").write_text(json.dumps(config))
    (own / "own_code.py").write_text(CODE.format(canary=str(tmp_path / "canary")))
    return own


def test_code_beside_a_model_does_not_run(with_code: Path, tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match=r"cannot load .*tiny-bert"):
        load(with_code).encode(TEXTS, "query")
    config = json.loads((with_code / "config.json").read_text())
    (with_code / "config.json").write_text(json.dumps(config | {"model_type": "bert"}))
    assert load(with_code).encode(TEXTS, "query").shape == (len(TEXTS), 16)
    assert not (tmp_path / "canary").exists()


def test_code_beside_a_model_runs_when_it_is_trusted(
    with_code: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    found = load(with_code, trust_remote_code=True).encode(TEXTS, "query")
    np.testing.assert_allclose(found, load(folder).encode(TEXTS, "query"), atol=TOLERANCE)
    assert (tmp_path / "canary").is_dir()


def test_a_model_that_is_not_whole_is_refused(own: Path) -> None:
    (own / "model.safetensors").write_bytes((own / "model.safetensors").read_bytes()[:1000])
    with pytest.raises(HybridBenchError, match=r"model\.safetensors is not a complete safetensors file"):
        load(own).encode(TEXTS, "query")


@pytest.mark.parametrize("missing", ["torch", "transformers"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(HybridBenchError) as refused:
        load(folder)
    assert refused.value.problem == f"this encoder needs the package '{missing}', which is not installed"
    assert refused.value.remedy == 'Run: python -m pip install "hybrid-bench[transformers]"'
