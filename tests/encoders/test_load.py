"""Loading an encoder by its name."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hybrid_bench import HybridBenchError, load_encoder
from hybrid_bench.encoders.load import REGISTRY
from tests.encoders.models import save_transformer
from tests.tiny_encoder import TinyEncoder


@pytest.fixture
def _registered() -> Iterator[None]:
    REGISTRY.add("tiny-ngrams", TinyEncoder)
    yield
    del REGISTRY._added["tiny-ngrams"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_transformer(tmp_path_factory.mktemp("models") / "tiny-bert")


def write_card(folder: Path, **fields: Any) -> Path:
    folder.mkdir(exist_ok=True)
    stated = {"name": "org/mine", "pooling": "cls"} | fields
    (folder / "encoder.toml").write_text("".join(f"{name} = {value!r}\n" for name, value in stated.items()))
    return folder


@pytest.mark.usefixtures("_registered")
def test_a_registered_name_is_made_by_its_factory_with_the_options() -> None:
    assert isinstance(load_encoder("tiny-ngrams", dtype="fp32"), TinyEncoder)
    with pytest.raises(HybridBenchError, match="tiny cannot compute with dtype 'bf16'"):
        load_encoder("tiny-ngrams", dtype="bf16")


@pytest.mark.usefixtures("_registered")
def test_a_registered_encoder_states_its_own_card() -> None:
    with pytest.raises(
        HybridBenchError, match=r"tiny-ngrams is a registered encoder with a fixed max_length, pooling\n  Omit the option"
    ):
        load_encoder("tiny-ngrams", pooling="cls", max_length=64, query_prefix=None)


@pytest.mark.usefixtures("_registered")
@pytest.mark.parametrize("name", ["tiny-ngram", "Tiny-NGrams", "tinyngrams"])
def test_an_unknown_name_is_refused_with_the_nearest(name: str) -> None:
    with pytest.raises(HybridBenchError, match=f"unknown encoder '{name}'\n  Did you mean tiny-ngrams") as refused:
        load_encoder(name)
    assert "`hybrid-bench encoders`, a folder, or org/model" in refused.value.remedy


@pytest.mark.parametrize("name", ["./no/such/folder", "/no/such", "../up", "a/b/c", "org/"])
def test_a_path_that_is_not_there_is_not_looked_for_on_the_hub(name: str) -> None:
    with pytest.raises(HybridBenchError, match="there is no folder"):
        load_encoder(name)


def test_an_empty_folder_is_refused_with_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(
        HybridBenchError, match=r"is not an encoder\n  It needs an encoder\.toml, a modules\.json or a config\.json"
    ):
        load_encoder(str(tmp_path))


def test_a_folder_of_transformers_is_pooled_by_mean_unless_another_pooling_is_asked_for(weights: Path) -> None:
    assert load_encoder(str(weights)).card.pooling == "mean"
    card = load_encoder(str(weights), pooling="eos", query_prefix="q: ", max_length=16, similarity="dot").card
    assert (card.pooling, card.query_prefix, card.max_length, card.similarity) == ("eos", "q: ", 16, "dot")


def test_vectors_are_computed_in_fp32_unless_another_dtype_is_asked_for(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"avx512_bf16": True, "amx_bf16": True})
    assert load_encoder(str(weights)).dtype == "fp32"
    assert load_encoder(str(weights), dtype="auto", device="cpu").dtype == "bf16"
    installed = [REGISTRY.get(entry.name) for entry in REGISTRY.entries() if entry.distribution != "this process"]
    for factory in (load_encoder, *installed):
        assert inspect.signature(factory).parameters["dtype"].default == "fp32", factory


def test_a_card_names_a_folder_inside_its_own(weights: Path, tmp_path: Path) -> None:
    folder = write_card(tmp_path / "encoder", model="weights", query_prefix="q: ", max_length=16)
    save_transformer(folder / "weights")
    encoder = load_encoder(str(folder))
    card = encoder.card
    assert (card.name, card.pooling, card.query_prefix, card.max_length) == ("org/mine", "cls", "q: ", 16)
    assert encoder.fingerprint == load_encoder(str(weights)).fingerprint


def test_a_card_beside_the_weights_needs_to_name_no_folder(tmp_path: Path) -> None:
    folder = write_card(save_transformer(tmp_path / "encoder"))
    assert load_encoder(str(folder)).card.pooling == "cls"
    assert load_encoder(str(folder), pooling="mean").card.pooling == "mean"


def test_a_link_to_the_folder_is_as_good(tmp_path: Path) -> None:
    folder = write_card(save_transformer(tmp_path / "encoder"))
    (tmp_path / "link").symlink_to(folder)
    assert load_encoder(str(tmp_path / "link")).card.name == "org/mine"


@pytest.mark.parametrize("model", ["../elsewhere", "/", "weights/../..", "link"])
def test_a_card_that_leaves_its_folder_is_refused(tmp_path: Path, model: str) -> None:
    save_transformer(tmp_path / "elsewhere")
    folder = write_card(tmp_path / "encoder", model=model)
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(
        HybridBenchError, match=r"encoder\.toml: model = '.*' is outside of the card's folder\n  Use a folder inside it"
    ):
        load_encoder(str(folder))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"poling": "mean"}, r"encoder\.toml is not an encoder card: poling: Extra inputs are not permitted"),
        ({"model": 3}, r"encoder\.toml is not an encoder card: model: Input should be a valid string"),
        ({"backend": "static"}, "the card of org/mine says backend 'static', which needs a plugin that loads it"),
        ({"model": "nothing"}, r"cannot load .*nothing"),
    ],
)
def test_a_card_that_says_something_else_is_refused(tmp_path: Path, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(HybridBenchError, match=message):
        load_encoder(str(write_card(tmp_path / "encoder", **fields)))


def test_a_folder_without_a_needed_modality_is_refused_before_its_weights_are_loaded(tmp_path: Path) -> None:
    folder = str(write_card(tmp_path / "encoder", model="nothing"))
    with pytest.raises(HybridBenchError) as refused:
        load_encoder(folder, modalities=("text", "image"), needed_by="the suite photos")
    assert refused.value.problem == (
        "the suite photos needs an encoder of images, but org/mine encodes only texts (modalities on its card)"
    )
    assert refused.value.remedy == "Choose an encoder whose card lists 'image', or a suite of texts only."
    with pytest.raises(HybridBenchError, match=r"cannot load .*nothing"):
        load_encoder(folder, modalities=("text",))


def test_a_hub_id_without_a_needed_modality_is_refused_before_it_is_downloaded() -> None:
    with pytest.raises(HybridBenchError, match="an encoder of images, but intfloat/multilingual-e5-small encodes"):
        load_encoder("intfloat/multilingual-e5-small", modalities=("image",))


@pytest.mark.usefixtures("_registered")
def test_a_registered_encoder_without_a_needed_modality_is_refused() -> None:
    assert load_encoder("tiny-ngrams", modalities=("text",)).card.modalities == ("text",)
    with pytest.raises(HybridBenchError, match="the suite photos needs an encoder of images, but tiny encodes only texts"):
        load_encoder("tiny-ngrams", modalities=("image",), needed_by="the suite photos")


def test_a_backend_of_texts_is_refused_for_images(tmp_path: Path) -> None:
    folder = write_card(save_transformer(tmp_path / "encoder"), modalities=["text", "image"])
    with pytest.raises(HybridBenchError, match="lists images among its modalities, but the backend 'transformers' reads texts"):
        load_encoder(str(folder))


def test_options_that_no_card_has_are_refused(weights: Path) -> None:
    with pytest.raises(HybridBenchError, match=r"the options for tiny-bert is not an encoder card: poling: Extra"):
        load_encoder(str(weights), poling="mean")


@pytest.mark.parametrize("name", ["no-such-org/no-such-model", "intfloat/multilingual-e5-small"])
def test_a_model_of_a_hub_that_cannot_be_reached_is_an_error_at_once(name: str) -> None:
    start = time.perf_counter()
    with pytest.raises(HybridBenchError, match=f"cannot load {name}: ") as refused:
        load_encoder(name)
    assert time.perf_counter() - start < 5
    assert "download it on another machine and pass its folder" in refused.value.remedy
    assert "\n" not in refused.value.problem
