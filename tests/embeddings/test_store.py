"""The store of vectors: encodes once, verifies what it reads, and stores only valid vectors."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from hybrid_bench import HybridBenchError, Image
from hybrid_bench.embeddings.store import EmbeddingStore
from hybrid_bench.plugin import Role
from tests.embeddings.encoders import TEXTS, Counting, ForImages, Misbehaving, ReusesItsBuffer
from tests.tiny_encoder import TinyEncoder

#: 70 texts in shards of 16: five shards, the last with 6.
SHARD = 16


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "store", SHARD)


def shards(store: EmbeddingStore) -> list[Path]:
    return sorted(store.folder.rglob("*.safetensors"))


def contents(folder: Path) -> dict[str, bytes]:
    """All files except the lock."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_vectors_are_those_of_the_encoder(store: EmbeddingStore) -> None:
    for _ in range(2):
        np.testing.assert_array_equal(store.vectors(Counting(), "query", TEXTS), TinyEncoder(dimension=16).encode(TEXTS, "query"))


class DependsOnItsBatch(TinyEncoder):
    """Rounds a vector according to its place in the batch, as floating point does."""

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        return np.nextafter(super().encode(texts, role), np.arange(len(texts), dtype=np.float32)[:, None])


def test_equal_texts_have_equal_vectors_in_whatever_batch(store: EmbeddingStore) -> None:
    texts = [*TEXTS[:20], TEXTS[7], "another", TEXTS[7], TEXTS[3]]
    vectors = store.vectors(DependsOnItsBatch(dimension=16), "passage", texts)
    np.testing.assert_array_equal(vectors[[20, 22, 23]], vectors[[7, 7, 3]])
    np.testing.assert_array_equal(vectors, store.vectors(DependsOnItsBatch(dimension=16), "passage", texts))


def test_a_second_call_encodes_nothing(store: EmbeddingStore) -> None:
    first = Counting()
    store.vectors(first, "passage", TEXTS, passage_text="sentence")
    assert first.calls == [("passage", TEXTS[start : start + SHARD]) for start in range(0, 70, SHARD)]
    second = Counting()
    before = contents(store.folder)
    np.testing.assert_array_equal(
        store.vectors(second, "passage", TEXTS, passage_text="sentence"),
        first_vectors := TinyEncoder(dimension=16).encode(TEXTS, "passage"),
    )
    assert first_vectors.shape == (70, 16)
    assert second.calls == []
    assert contents(store.folder) == before


def test_progress_is_told_of_every_text_encoded_or_not(store: EmbeddingStore) -> None:
    told: list[int] = []
    for _ in range(2):
        store.vectors(Counting(), "query", TEXTS, progress=told.append)
    assert told == [16, 16, 16, 16, 6] * 2


@pytest.mark.parametrize(
    "other",
    [
        lambda store: store.vectors(Counting(), "query", TEXTS),
        lambda store: store.vectors(Counting(), "passage", TEXTS, passage_text="sentence+context"),
        lambda store: store.vectors(Counting({"passage_prefix": "p: "}), "passage", TEXTS, passage_text="sentence"),
        lambda store: store.vectors(Counting(fingerprint="other weights"), "passage", TEXTS, passage_text="sentence"),
        lambda store: store.vectors(Counting(), "passage", TEXTS[:16], passage_text="sentence"),
    ],
    ids=["role", "passage text", "prefix", "weights", "texts"],
)
def test_inputs_with_other_vectors_are_stored_in_another_folder(
    store: EmbeddingStore, other: Callable[[EmbeddingStore], Any]
) -> None:
    store.vectors(Counting(), "passage", TEXTS, passage_text="sentence")
    before = contents(store.folder)
    other(store)
    after = contents(store.folder)
    assert len({path.partition("/")[0] for path in after}) == 2
    assert before.items() < after.items()


def test_no_texts_are_no_vectors(store: EmbeddingStore) -> None:
    assert store.vectors(Counting(), "query", []).shape == (0, 16)


def test_holds_only_valid_shards(store: EmbeddingStore) -> None:
    assert not store.holds(Counting(), "query", TEXTS)
    store.vectors(Counting(), "query", TEXTS)
    assert store.holds(Counting(), "query", TEXTS)
    assert not store.holds(Counting(), "passage", TEXTS)
    shards(store)[-1].unlink()
    assert not store.holds(Counting(), "query", TEXTS)


class Payload:
    """Creates a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.canary),))


def flip_a_bit(shard: Path) -> None:
    content = bytearray(shard.read_bytes())
    content[-7] ^= 1
    shard.write_bytes(content)


def truncate(shard: Path) -> None:
    shard.write_bytes(shard.read_bytes()[:-4])


def of_another_key(shard: Path) -> None:
    with safetensors.safe_open(shard, framework="numpy") as file:
        header, vectors = file.metadata(), file.get_tensor("vectors")
    safetensors.numpy.save_file({"vectors": vectors}, shard, metadata=header | {"key": "0" * 64})


def of_another_place(shard: Path) -> None:
    shard.write_bytes(shard.with_name("000000064.safetensors").read_bytes())


def without_a_header(shard: Path) -> None:
    safetensors.numpy.save_file({"vectors": np.zeros((16, 16), np.float32)}, shard)


def of_other_tensors(shard: Path) -> None:
    safetensors.numpy.save_file({"weights": np.zeros((16, 16), np.float32)}, shard)


def in_float16(shard: Path) -> None:
    with safetensors.safe_open(shard, framework="numpy") as file:
        header, vectors = file.metadata(), file.get_tensor("vectors")
    safetensors.numpy.save_file({"vectors": vectors.astype(np.float16)}, shard, metadata=header)


def in_bfloat16(shard: Path) -> None:
    """A dtype that numpy lacks."""
    header = json.dumps({"vectors": {"dtype": "BF16", "shape": [16, 16], "data_offsets": [0, 512]}}).encode().ljust(80)
    shard.write_bytes(len(header).to_bytes(8, "little") + header + bytes(512))


def empty(shard: Path) -> None:
    shard.write_bytes(b"")


def noise(shard: Path) -> None:
    shard.write_bytes(np.random.default_rng(1).bytes(2000))


def pickled(shard: Path) -> None:
    shard.write_bytes(pickle.dumps(Payload(shard.parent.parent.parent / "canary")))


def pickled_by_numpy(shard: Path) -> None:
    with shard.open("wb") as file:
        np.save(file, np.array([Payload(shard.parent.parent.parent / "canary")]), allow_pickle=True)


@pytest.mark.parametrize(
    "damage",
    [
        flip_a_bit, truncate, of_another_key, of_another_place, without_a_header, of_other_tensors, in_float16, in_bfloat16,
        empty, noise, pickled, pickled_by_numpy, Path.unlink,
    ],
    ids=lambda damage: damage.__name__,
)  # fmt: skip
def test_only_the_corrupt_shard_is_encoded_again(store: EmbeddingStore, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    store.vectors(Counting(), "query", TEXTS)
    before = contents(store.folder)
    damage(shards(store)[1])
    assert contents(store.folder) != before
    assert not store.holds(Counting(), "query", TEXTS)
    encoder = Counting()
    vectors = store.vectors(encoder, "query", TEXTS)
    np.testing.assert_array_equal(vectors, TinyEncoder(dimension=16).encode(TEXTS, "query"))
    assert encoder.calls == [("query", TEXTS[16:32])]
    assert contents(store.folder) == before
    assert not (tmp_path / "canary").exists()


def test_shards_of_another_size_are_encoded_again(store: EmbeddingStore) -> None:
    store.vectors(Counting(), "query", TEXTS)
    wider = EmbeddingStore(store.folder, 32)
    np.testing.assert_array_equal(wider.vectors(Counting(), "query", TEXTS), TinyEncoder(dimension=16).encode(TEXTS, "query"))


def test_a_file_is_renamed_only_after_it_was_synced(store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    named: list[bool] = []

    def sync(file: int) -> None:
        synced.append(os.fstat(file).st_ino)
        named.append(any(path.stat().st_ino == synced[-1] for path in shards(store)))

    monkeypatch.setattr(os, "fsync", sync)
    store.vectors(Counting(), "query", TEXTS)
    assert sorted(path.stat().st_ino for path in store.folder.rglob("*") if path.suffix in (".json", ".safetensors")) == sorted(
        synced
    )
    assert named == [False] * 6


def test_what_a_killed_writer_left_behind_is_removed(store: EmbeddingStore) -> None:
    store.vectors(Counting(), "query", TEXTS)
    before = contents(store.folder)
    shards(store)[2].unlink()
    leftover = shards(store)[0].with_name(".000000032.safetensors.4711.tmp")
    leftover.write_bytes(b"half a shard")
    store.vectors(Counting(), "query", TEXTS)
    assert contents(store.folder) == before


def one_nan(vectors: np.ndarray) -> np.ndarray:
    vectors[3, 5] = np.nan
    return vectors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (one_nan, r"tiny returned NaN or infinity for 1 of 16 texts, first for the query 'Sentence 35, .*'\n  Try --dtype fp32"),
        (lambda vectors: vectors * np.inf, "tiny returned NaN or infinity for 16 of 16 texts"),
        (lambda vectors: vectors[:-1], "tiny returned 15 vectors for 16 texts"),
        (lambda vectors: vectors[0], r"tiny returned float32 of shape \(16,\) for 16 texts"),
        (lambda vectors: vectors.astype(int), r"tiny returned int64 of shape \(16, 16\) for 16 texts, not a float array"),
        (lambda vectors: vectors.tolist(), "tiny returned list for 16 texts"),
        (lambda vectors: vectors[:, :8], r"tiny returned query vectors of dimension 8, its card says 16\n  Queries and passages"),
        (lambda vectors: vectors * 2, r"says similarity 'cosine' but returned a vector of length 2\n  Normalise the vectors"),
        (lambda vectors: vectors * 0, "says similarity 'cosine' but returned a vector of length 0"),
    ],
    ids=["NaN", "infinity", "a row less", "one row", "integers", "lists", "dimension", "length 2", "length 0"],
)
def test_invalid_vectors_are_refused_and_earlier_shards_are_kept(store: EmbeddingStore, change: Any, message: str) -> None:
    with pytest.raises(HybridBenchError, match=message):
        store.vectors(Misbehaving(change), "query", TEXTS)
    assert len(shards(store)) == 2
    correct = Counting()
    np.testing.assert_array_equal(store.vectors(correct, "query", TEXTS), TinyEncoder(dimension=16).encode(TEXTS, "query"))
    assert [texts for _, texts in correct.calls] == [TEXTS[32:48], TEXTS[48:64], TEXTS[64:]]


def test_shards_of_different_dimensions_are_refused(store: EmbeddingStore) -> None:
    def narrower(vectors: np.ndarray) -> np.ndarray:
        return np.asarray(vectors[:, :8] / np.linalg.norm(vectors[:, :8], axis=1, keepdims=True))

    with pytest.raises(HybridBenchError, match=r"tiny returned query vectors of different dimensions: \[8, 16\]"):
        store.vectors(Misbehaving(narrower, dimension=None), "query", TEXTS)


def test_vectors_of_any_length_are_kept_where_the_card_says_dot(store: EmbeddingStore) -> None:
    encoder = Misbehaving(lambda vectors: vectors * 5, calls=0)
    encoder.card = encoder.card.model_copy(update={"similarity": "dot"})
    found = store.vectors(encoder, "query", TEXTS)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 5, atol=1e-5)


def test_float64_and_fortran_order_are_stored_as_float32(store: EmbeddingStore) -> None:
    expected = TinyEncoder(dimension=16).encode(TEXTS, "query")
    found = store.vectors(Misbehaving(lambda vectors: np.asfortranarray(vectors.astype(np.float64)), calls=0), "query", TEXTS)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(store.vectors(Counting(), "query", TEXTS), expected)


def test_an_encoder_may_reuse_its_buffer(store: EmbeddingStore) -> None:
    expected = TinyEncoder(dimension=16).encode(TEXTS, "query")
    for _ in range(2):
        np.testing.assert_array_equal(store.vectors(ReusesItsBuffer(), "query", TEXTS), expected)


IMAGES = [Image.from_bytes(bytes([number, number // 2]), f"image {number}") for number in range(40)]


def test_images_are_encoded_once_and_found_by_their_bytes(store: EmbeddingStore, tmp_path: Path) -> None:
    first, second = ForImages(), ForImages()
    vectors = store.vectors(first, "passage", IMAGES)
    assert (vectors.shape, first.calls) == ((40, 16), 3)
    assert not np.array_equal(vectors[0], vectors[1])
    for number, image in enumerate(IMAGES):
        (tmp_path / f"{number}.png").write_bytes(image.read())
    files = [Image.from_path(tmp_path / f"{number}.png") for number in range(40)]
    assert store.holds(second, "passage", files)
    np.testing.assert_array_equal(store.vectors(second, "passage", files), vectors)
    assert second.calls == 0


def test_images_under_another_preprocessing_are_stored_elsewhere(store: EmbeddingStore) -> None:
    store.vectors(ForImages(), "passage", IMAGES)
    assert not store.holds(ForImages({"preprocessing": "224 x 224"}), "passage", IMAGES)
    assert not store.holds(ForImages(), "passage", IMAGES[::-1])
    assert not store.holds(ForImages(), "query", IMAGES)
    store.vectors(ForImages(), "query", TEXTS)
    assert store.holds(ForImages({"preprocessing": "224 x 224"}), "query", TEXTS)


def test_an_encoder_of_texts_gets_no_image(store: EmbeddingStore) -> None:
    encoder = Counting()
    with pytest.raises(HybridBenchError, match=r"this input needs an encoder of images, but tiny encodes only texts"):
        store.vectors(encoder, "passage", IMAGES)
    assert encoder.calls == []
    with pytest.raises(HybridBenchError, match="of the types Image, str"):
        store.vectors(ForImages(), "passage", [IMAGES[0], "text"])


def test_an_image_that_cannot_be_read_is_named(store: EmbeddingStore, tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match=r"cannot read the image .*gone\.png: No such file"):
        store.vectors(ForImages(), "passage", [Image.from_path(tmp_path / "gone.png")])


def test_an_image_with_an_invalid_vector_is_named(store: EmbeddingStore) -> None:
    class Broken(ForImages):
        def encode(self, texts: Any, role: Any) -> np.ndarray:
            return super().encode(texts, role) * np.where(np.arange(len(texts)) == 2, np.nan, 1)[:, None]

    with pytest.raises(HybridBenchError, match="NaN or infinity for 1 of 16 images, first for the passage 'image 2'"):
        store.vectors(Broken(), "passage", IMAGES)


def test_a_folder_that_cannot_be_one_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(HybridBenchError, match=r"cannot write vectors to .*file.*\n.*--store or HYBRID_BENCH_HOME"):
        EmbeddingStore(tmp_path / "file").vectors(Counting(), "query", TEXTS)
