"""Folders of models that are damaged, incomplete, of another format, or that name files elsewhere."""

from __future__ import annotations

import json
import random
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from transformers import BertModel

from hybrid_bench import Encoder, HybridBenchError, load_encoder
from hybrid_bench.encoders.model_folder import check_model_folder
from hybrid_bench.encoders.weight_files import read_header
from tests.encoders.models import TEXTS

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 471\n"
MUTATIONS = 2000


def load(folder: Path, **options: Any) -> Encoder:
    encoder = load_encoder(str(folder), dtype="fp32", device="cpu", **options)
    encoder.encode(TEXTS, "query")
    return encoder


def edit(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_pointer_of_git_lfs_is_named(name: str, bare: Path) -> None:
    (bare / name).write_bytes(POINTER)
    with pytest.raises(HybridBenchError, match=rf"{name} is a Git LFS pointer, not the file itself\n  Run `git lfs pull`"):
        load(bare)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"PK\x03\x04" + bytes(100), "is a pickle, which could run code"),
        (b"\x80\x02}q\x00.", "is a pickle, which could run code"),
        (b"GGUF" + bytes(100), "is in the format GGUF"),
        (b"\xff" * 100, "fewer than its header says"),
    ],
)
def test_weights_that_are_something_else_are_named(content: bytes, message: str, bare: Path) -> None:
    (bare / "model.safetensors").write_bytes(content)
    with pytest.raises(HybridBenchError, match=message):
        load(bare)


@pytest.mark.parametrize("part", ["", "2_Dense"])
def test_pickles_alone_are_refused_with_a_conversion(part: str, saved: Path) -> None:
    weights = saved / part / "model.safetensors"
    torch.save(load_file(weights), weights.with_name("pytorch_model.bin"))
    weights.unlink()
    with pytest.raises(HybridBenchError, match=r"no weights in safetensors: pytorch_model\.bin is a pickle") as refused:
        load(saved)
    exec(refused.value.remedy.split("convert them: ")[1], {})  # noqa: S102  # the remedy works
    assert load(saved).card.dimension == 8


def shard(folder: Path) -> Path:
    """Save the weights in two files with an index."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(weights)
    parts = {"model-1.safetensors": names[:9], "model-2.safetensors": names[9:]}
    for file, inside in parts.items():
        save_file({name: weights[name] for name in inside}, folder / file, {"format": "pt"})
    index = folder / "model.safetensors.index.json"
    places = {name: file for file, inside in parts.items() for name in inside}
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return index


def test_a_lost_file_of_several_is_named(bare: Path) -> None:
    shard(bare)
    assert load(bare).card.dimension == 16
    (bare / "model-2.safetensors").unlink()
    with pytest.raises(HybridBenchError, match=r"tiny-bert lacks model-2\.safetensors, one of the files of its weights"):
        load(bare)


@pytest.mark.parametrize("file", ["../elsewhere/model-2.safetensors", "pytorch_model.bin", "sub/model-2.safetensors"])
def test_an_index_names_safetensors_beside_it_only(file: str, bare: Path) -> None:
    """What is loaded is what is hashed."""
    index = shard(bare)
    (bare / file).resolve().parent.mkdir(exist_ok=True)
    shutil.copyfile(bare / "model-2.safetensors", (bare / file).resolve())
    stated = json.loads(index.read_text())["weight_map"]
    index.write_text(json.dumps({"weight_map": {name: stated[name].replace("model-2.safetensors", file) for name in stated}}))
    with pytest.raises(HybridBenchError, match=r"index\.json names '.*', which is not a safetensors file beside it"):
        load(bare)


@pytest.mark.parametrize(
    "modules",
    [
        {},
        [],
        [3],
        [{"name": "0"}],
        [{"idx": 0, "name": "0", "path": 7, "type": "sentence_transformers.models.Transformer"}],
        [{"idx": 0, "name": "0", "path": "", "type": ""}],
        [{"idx": 0, "name": "0", "path": "", "type": "os.system"}],
        [{"idx": 0, "name": "0", "path": "../with-modules", "type": "sentence_transformers.models.Transformer"}],
        [{"idx": 0, "name": "0", "path": "/tmp", "type": "sentence_transformers.models.Transformer"}],  # noqa: S108
        [{"idx": 0, "name": "0", "path": "1_Pooling", "type": "sentence_transformers.models.Nothing"}],
    ],
)
def test_an_odd_list_of_modules_is_refused(modules: Any, saved: Path) -> None:
    (saved / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(HybridBenchError, match=r"modules\.json|cannot load .*saved"):
        load(saved)


@pytest.mark.parametrize("kind", ["bare", "saved"])
@pytest.mark.parametrize(
    "fields",
    [
        {"num_hidden_layers": 10**6},
        {"num_hidden_layers": 10**12},
        {"hidden_size": "16"},
        {"num_attention_heads": 3},
        {"num_attention_heads": "2"},
        {"hidden_size": None},
        {"hidden_size": -16},
        {"vocab_size": 10**9},
        {"intermediate_size": 10**9},
        {"max_position_embeddings": 10**9},
        {"hidden_act": "none"},
        {"model_type": "berd"},
    ],
)
def test_a_configuration_that_the_weights_do_not_have_is_refused(
    fields: dict[str, Any], kind: str, request: pytest.FixtureRequest
) -> None:
    """At once, and without gigabytes of random weights."""
    folder = request.getfixturevalue(kind)
    edit(folder / "config.json", **fields)
    with pytest.raises(HybridBenchError):
        load(folder)


@pytest.mark.parametrize(
    "fields",
    [{"tokenizer_name_or_path": "elsewhere"}, {"model_args": {"subfolder": "bert"}}, {"model_kwargs": {"gguf_file": "a"}}],
)
def test_settings_that_load_from_elsewhere_are_refused(fields: dict[str, Any], saved: Path) -> None:
    edit(saved / "sentence_bert_config.json", **fields)
    with pytest.raises(HybridBenchError, match=r"sentence_bert_config\.json loads files from elsewhere"):
        load(saved)


@pytest.mark.parametrize(
    ("own", "name"),
    [
        ("my model (v2)", "my-model-v2"),
        ("modèle français", "modele-francais"),
        ("[draft] e5", "draft-e5"),
        ("ok_name.v1+x", "ok_name.v1+x"),
        ("-- -", "[0-9a-f]{8}"),
        ("模型 small", "small-[0-9a-f]{8}"),
        ("модель", "[0-9a-f]{8}"),
        ("x" * 200, "x{100}"),
    ],
)
def test_a_folder_of_any_name_is_an_encoder(own: str, name: str, bare: Path, tmp_path: Path) -> None:
    folder = bare.rename(tmp_path / own)
    assert re.fullmatch(name.replace("+", r"\+"), load(folder).card.name)


def link_a_module(folder: Path, elsewhere: Path) -> Path:
    """Move the projection out of the folder and link to it."""
    moved = (folder / "2_Dense").rename(elsewhere / "dense")
    (folder / "2_Dense").symlink_to(moved)
    return moved / "model.safetensors"


def test_what_a_link_leads_to_is_in_the_fingerprint(saved: Path, tmp_path: Path) -> None:
    linked = link_a_module(saved, tmp_path)
    try:
        before = load(saved).fingerprint
    except HybridBenchError as error:
        assert "outside" in error.problem  # refused is as good
        return
    content = bytearray(linked.read_bytes())
    content[-1] ^= 1
    linked.write_bytes(content)
    assert load(saved).fingerprint != before


def test_code_that_runs_is_in_the_fingerprint(bare: Path) -> None:
    (bare / "own_code.py").write_text("FACTOR = 1\n")
    plain, trusted = load(bare).fingerprint, load(bare, trust_remote_code=True).fingerprint
    (bare / "own_code.py").write_text("FACTOR = 2\n")
    assert load(bare).fingerprint == plain
    assert load(bare, trust_remote_code=True).fingerprint != trusted


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, removed, repeated or cut off."""
    own = bytearray(content)
    for _ in range(chance.randint(1, 3)):
        at, length = chance.randrange(len(own)), chance.randint(1, 12)
        kind = chance.randrange(5)
        if kind == 0:
            own[at] = chance.choice(b'0129-"[]{},:ax\x00\xff')
        elif kind == 1:
            del own[at : at + length]
        elif kind == 2:
            own[at:at] = own[at : at + length]
        elif kind == 3:
            own[at:at] = chance.choice([b"99999999999", b"null", b"-1", b'"', b"[[[[", b"1e400"])
        else:
            del own[max(1, at) :]
        if not own:
            own = bytearray(b"{")
    return bytes(own)


def read_by_library(path: Path) -> dict[str, tuple[int, ...]] | None:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError):
        return None


def test_a_header_of_safetensors_is_read_as_the_library_reads_it_or_refused(tmp_path: Path) -> None:
    chance, path = random.Random(11), tmp_path / "model.safetensors"
    save_file({"a": torch.ones(2, 3), "b.c": torch.ones(4, dtype=torch.float16), "d": torch.ones(0)}, path, {"format": "pt"})
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    accepted = 0
    for number in range(MUTATIONS):
        header = mutated(content[8 : 8 + size], chance) if number % 10 else content[8 : 8 + size]
        stated = len(header) if number % 7 else chance.choice([0, 1, size, size + 8, 2**62, 2**64 - 1])
        path.write_bytes(stated.to_bytes(8, "little") + header + content[8 + size :])
        try:
            found = {name: tensor.shape for name, tensor in read_header(path).tensors.items()}
        except HybridBenchError:
            continue
        accepted += 1
        assert found == read_by_library(path)
    assert MUTATIONS / 20 < accepted < MUTATIONS / 2


@pytest.mark.parametrize("name", ["config.json", "modules.json", "sentence_bert_config.json"])
def test_damaged_settings_are_refused_or_pass(name: str, saved: Path) -> None:
    chance = random.Random(12)
    content = (saved / name).read_bytes()
    for _ in range(MUTATIONS // 2):
        (saved / name).write_bytes(mutated(content, chance))
        try:
            check_model_folder(saved)
        except HybridBenchError as error:
            assert "\n" not in error.problem


@pytest.mark.parametrize("name", ["config.json", "modules.json"])
def test_what_passes_is_loaded_or_refused(name: str, saved: Path) -> None:
    """Of the same damages fewer, because loading takes longer."""
    chance = random.Random(13)
    content = (saved / name).read_bytes()
    for _ in range(25):
        (saved / name).write_bytes(mutated(content, chance))
        try:
            load(saved)
        except HybridBenchError as error:
            assert error.remedy


def test_a_model_as_large_as_its_weights_passes(bare: Path) -> None:
    assert BertModel.from_pretrained(bare, add_pooling_layer=False).config.num_hidden_layers == 2
    check_model_folder(bare)
