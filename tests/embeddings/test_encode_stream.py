"""Streamed encoding: the bytes depend only on the content and the encoder; corrupt files are detected and reported."""

from __future__ import annotations

import json
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import HybridBenchError, Image
from hybrid_bench.embeddings.encode_stream import EncoderSource, encode_collection
from hybrid_bench.embeddings.locking import Part, locked
from hybrid_bench.embeddings.stored_collection import Collection, CollectionKey
from hybrid_bench.execution.local import LocalExecutor
from hybrid_bench.plugin import Item
from hybrid_bench.support.hashing import texts_hash
from tests.embeddings.encoders import ForImages
from tests.embeddings.test_store import contents
from tests.embeddings.whole_numbers import Table, Told, doc_ids, encode, encoded, texts, unit_rows

ROWS = unit_rows(300, 16)


def files(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in contents(folder).items() if "lock" not in name}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "collection"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("undisturbed")
    encoded(folder, Table(ROWS))
    return files(folder)


def test_vectors_and_ids_are_those_of_the_texts(folder: Path) -> None:
    collection = encoded(folder, Table(ROWS))
    np.testing.assert_array_equal(np.concatenate([collection.read(number).vectors for number in range(5)]), ROWS)
    found = collection.ids_of(np.array([299, 0, 64, 63, 0]))
    assert [doc_id.decode() for doc_id in found] == [doc_ids(300)[number] for number in (299, 0, 64, 63, 0)]
    assert len(collection) == 300
    assert [entry.count for entry in collection.manifest.shards] == [64] * 4 + [44]
    assert collection.manifest.texts == texts_hash(part for text in texts(300) for part in text)


def test_half_floats_are_the_nearest(folder: Path) -> None:
    collection = encoded(folder, Table(ROWS), storage="fp16")
    np.testing.assert_array_equal(collection.read(0).vectors, ROWS[:64].astype(np.float16))
    assert sum(path.stat().st_size for path in folder.glob("*.safetensors")) < 300 * (16 * 2 + 16) + 5 * 512


def test_numbers_that_half_floats_do_not_have_are_refused(folder: Path) -> None:
    with pytest.raises(HybridBenchError, match="too large for fp16\n  Use --storage fp32"):
        encode(folder, Table(ROWS * 1e6), storage="fp16")


def test_a_second_run_encodes_nothing_and_changes_nothing(folder: Path, undisturbed: dict[str, bytes]) -> None:
    encode(folder, Table(ROWS))
    again, told = Table(ROWS), Told()
    encode(folder, again, told=told)
    assert again.shards == 0
    assert told.done == 300
    assert files(folder) == undisturbed


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_change_no_byte(folder: Path, undisturbed: dict[str, bytes], workers: int) -> None:
    encode(folder, Table(ROWS), workers=LocalExecutor(workers=workers))
    assert files(folder) == undisturbed


def test_texts_are_taken_shard_by_shard(folder: Path) -> None:
    """Only as many as the workers need, because a collection may not fit into memory."""
    taken = 0

    def counted() -> Iterator[Item]:
        nonlocal taken
        for text in texts(300):
            taken += 1
            yield text

    class Watching(Table):
        def encode(self, part: object, role: object) -> np.ndarray:
            ahead.append(taken - 64 * self.shards)
            return super().encode(part, role)  # type: ignore[arg-type]

    ahead: list[int] = []
    encoder = Watching(ROWS)
    key = CollectionKey.of(encoder, "sentence", "fp32", 64)
    encode_collection(EncoderSource(encoder), key, counted(), folder, workers=LocalExecutor(), progress=Told())
    assert len(ahead) == 5
    assert max(ahead) == 64


def test_parts_make_the_whole_in_any_order(folder: Path, undisturbed: dict[str, bytes]) -> None:
    for number in (2, 0):
        assert encode(folder, Table(ROWS), part=Part(number, 3)) is None
    assert not (folder / Collection.FILE).exists()
    with pytest.raises(
        HybridBenchError, match=r"holds no complete collection: manifest.json is missing\n  Run `hybrid-bench encode`"
    ):
        Collection(folder)
    last = Table(ROWS)
    encoded(folder, last)
    assert last.shards == 2  # the shards 1 and 4, which no part has encoded
    assert files(folder) == undisturbed


def test_parts_of_one_division_work_at_once_and_all_others_wait(folder: Path) -> None:
    waited: list[Path] = []

    def other(number: int, of: int) -> str:
        """What happens to another process that tries to write this part now."""
        child = os.fork()
        if child == 0:
            with locked(folder, lambda _: os._exit(3), Part(number, of)):
                os._exit(0)
        return {0: "works", 3: "waits"}[os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])]

    with locked(folder, waited.append, Part(1, 3)):
        assert [other(0, 3), other(1, 3), other(0, 2), other(0, 1)] == ["works", "waits", "waits", "waits"]
    with locked(folder, waited.append):
        assert [other(0, 3), other(0, 1)] == ["waits", "waits"]
    assert [other(0, 3), other(0, 2), other(0, 1)] == ["works"] * 3
    assert waited == []


@pytest.mark.parametrize("damage", ["flipped bit", "truncated", "missing", "another encoder", "not a file of this kind"])
def test_a_corrupt_shard_is_reported_and_encoded_again(
    folder: Path, undisturbed: dict[str, bytes], damage: str, tmp_path: Path
) -> None:
    encode(folder, Table(ROWS))
    shard = folder / "0000002.safetensors"
    content = bytearray(shard.read_bytes())
    if damage == "flipped bit":
        content[-700] ^= 4
        shard.write_bytes(content)
    elif damage == "truncated":
        shard.write_bytes(content[:-100])
    elif damage == "missing":
        shard.unlink()
    elif damage == "another encoder":
        encode(tmp_path / "other", Table(ROWS[::-1].copy(), "reversed"))
        shard.write_bytes((tmp_path / "other" / shard.name).read_bytes())
    else:
        shard.write_bytes(b"\x80\x04K*.")
    with pytest.raises(HybridBenchError, match=r"0000002.safetensors of the manifest (is|holds)") as refused:
        Collection(folder).read(2)
    assert "encoded again" in refused.value.remedy
    encoder, told = Table(ROWS), Told()
    encoded(folder, encoder, told=told)
    assert encoder.shards == 1
    assert [remark.rpartition("; ")[2] for remark in told.remarks] == ["encoding it again"] * (damage != "missing")
    assert files(folder) == undisturbed


def test_a_valid_shard_that_does_not_match_the_manifest_is_refused(folder: Path) -> None:
    encode(folder, Table(ROWS))
    manifest = json.loads((folder / Collection.FILE).read_text())
    manifest["shards"][1]["sha256"] = "0" * 64
    del manifest["sha256"]  # as in an earlier version, without a checksum of the manifest itself
    (folder / Collection.FILE).write_text(json.dumps(manifest))
    with pytest.raises(HybridBenchError, match=r"0000001.safetensors does not match the manifest"):
        Collection(folder).read(1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda fields: fields.update(count=301), "its counts do not add up"),
        (lambda fields: fields["shards"].pop(0), "its counts do not add up"),
        (lambda fields: fields.update(schema_version=2), "Input should be 1"),
        (lambda fields: fields["shards"][0].update(file="../../x"), "Extra inputs are not permitted"),
    ],
    ids=["count", "shard left out", "schema", "path"],
)
def test_a_corrupt_manifest_is_refused_and_written_again(
    folder: Path, undisturbed: dict[str, bytes], change: object, message: str
) -> None:
    encode(folder, Table(ROWS))
    path = folder / Collection.FILE
    fields = json.loads(path.read_text())
    change(fields)  # type: ignore[operator]
    path.write_text(json.dumps(fields))
    with pytest.raises(HybridBenchError, match=f"is corrupt: {message}"):
        Collection(folder)
    encode(folder, Table(ROWS))
    assert files(folder) == undisturbed


def test_vectors_of_another_encoder_are_named_by_what_differs(folder: Path) -> None:
    collection = encoded(folder, Table(ROWS))
    other = CollectionKey.of(Table(ROWS, "newer"), "sentence", "fp16", 64)
    with pytest.raises(HybridBenchError, match=r"another encoder: fingerprint 'table', not 'newer', storage 'fp32', not 'fp16'"):
        collection.check_key(other)


def test_texts_that_changed_are_encoded_again_and_the_rest_is_kept(folder: Path) -> None:
    encode(folder, Table(ROWS))
    encoder = Table(ROWS)
    shrunk = encoded(folder, encoder, count=130)
    assert encoder.shards == 1  # the last, which has fewer texts now
    assert sorted(path.name for path in folder.glob("*.safetensors")) == [f"{number:07d}.safetensors" for number in range(3)]
    assert len(shrunk) == 130


def test_no_passages_are_an_error(folder: Path) -> None:
    with pytest.raises(HybridBenchError, match="has no passages"):
        encode(folder, Table(ROWS), count=0)


def encode_images(folder: Path, encoder: ForImages, workers: int = 1, count: int = 40) -> Collection:
    collection = encode_collection(
        EncoderSource(encoder),
        CollectionKey.of(encoder, "", "fp32", 16, "image"),
        [(f"photo-{number}", Image.from_bytes(bytes([number, 7]))) for number in range(count)],
        folder,
        workers=LocalExecutor(workers=workers),
        progress=Told(),
    )
    assert collection is not None
    return collection


def test_a_collection_of_images_is_encoded_and_resumed(folder: Path, tmp_path: Path) -> None:
    first, second = ForImages(), ForImages()
    collection = encode_images(folder, first)
    expected = ForImages().encode([Image.from_bytes(bytes([number, 7])) for number in range(40)], "passage")
    np.testing.assert_array_equal(np.concatenate([collection.read(number).vectors for number in range(3)]), expected)
    assert (collection.manifest.key["modality"], collection.manifest.key["preprocessing"]) == ("image", "none")
    (folder / "0000001.safetensors").unlink()
    encode_images(folder, second)
    assert (first.calls, second.calls) == (3, 1)
    encode_images(tmp_path / "others", ForImages(), workers=2)
    assert files(tmp_path / "others") == files(folder)


def test_a_collection_of_images_is_not_taken_for_one_of_texts(folder: Path) -> None:
    encoder = ForImages()
    collection = encode_images(folder, encoder)
    with pytest.raises(HybridBenchError, match=r"another encoder: modality 'image', not 'text', preprocessing 'none', not ''"):
        collection.check_key(CollectionKey.of(encoder, "", "fp32", 16))
    with pytest.raises(HybridBenchError, match="contains images, but its vectors are stored as those of texts"):
        encode_collection(
            EncoderSource(encoder),
            CollectionKey.of(encoder, "", "fp32", 16),
            [("photo", Image.from_bytes(b""))],
            folder,
            workers=LocalExecutor(),
            progress=Told(),
        )


def test_a_worker_with_other_weights_is_refused() -> None:
    source = EncoderSource(None, "mini-encoder-that-is-not-there")
    with pytest.raises(HybridBenchError, match="unknown encoder"):
        source()
    with pytest.raises(HybridBenchError, match="other weights of table than the main process: table, not newer"):
        EncoderSource(Table(ROWS), "table", {}, ("newer", "fp32", "cpu"))()
    with pytest.raises(HybridBenchError, match=r"another dtype of table than the main process: fp32, not bf16\n  .*set --dtype"):
        EncoderSource(Table(ROWS), "table", {}, ("table", "bf16", "cpu"))()


def test_a_full_disk_is_an_error_with_a_remedy_and_the_store_resumes(folder: Path, undisturbed: dict[str, bytes]) -> None:
    """The operating system limits the file size, in another process."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

        class Filling(Table):
            def encode(self, part: object, role: object) -> np.ndarray:
                if self.shards == 2:
                    resource.setrlimit(resource.RLIMIT_FSIZE, (600, resource.RLIM_INFINITY))
                return super().encode(part, role)  # type: ignore[arg-type]

        try:
            encode(folder, Filling(ROWS))
        except HybridBenchError as error:
            os._exit(7 if "cannot write vectors" in error.problem and "run again" in error.remedy else 8)
        os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert sorted(files(folder)) == ["0000000.safetensors", "0000001.safetensors"]
    encoder = Table(ROWS)
    encode(folder, encoder)
    assert encoder.shards == 3
    assert files(folder) == undisturbed
