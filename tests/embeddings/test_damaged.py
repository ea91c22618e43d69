"""Damaged stores: whatever is changed in a file, a search gives what it gave before, or an error that names the file."""

from __future__ import annotations

import dataclasses
import json
import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import EvaluationOptions, HybridBenchError, evaluate, load_suite
from hybrid_bench.embeddings import shards, store
from hybrid_bench.embeddings.store import EmbeddingStore
from hybrid_bench.embeddings.stored_collection import Collection, shard_path
from hybrid_bench.encoders.load import REGISTRY
from hybrid_bench.evaluation.stored import search_store
from hybrid_bench.plugin import SilentProgress
from hybrid_bench.results.record import Result
from hybrid_bench.retrieval.streamed.faiss_index import FaissIndex
from hybrid_bench.retrieval.streamed.search import search
from tests.embeddings.whole_numbers import Table, Told, encode, encoded, unit_rows
from tests.tiny_encoder import TinyEncoder

MUTATIONS = 2000
ROWS = unit_rows(20, 8)
QUERIES = ROWS[:3]
DEPTH = 4


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    return encoded(tmp_path / "collection", Table(ROWS), shard=8)


def hits(folder: Path) -> list[list[tuple[str, float]]]:
    return [[tuple(hit) for hit in of_query] for of_query in search(Collection(folder), QUERIES, DEPTH).hits(range(len(QUERIES)))]


def rewritten(path: Path, **changes: np.ndarray) -> None:
    """Change arrays of a shard, and keep its header with the checksum of before."""
    import safetensors
    import safetensors.numpy

    with safetensors.safe_open(path, framework="numpy") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    path.write_bytes(safetensors.numpy.save(tensors | changes, metadata=metadata))


def exchange_ids(path: Path) -> None:
    ids = shards.read(path, ("vectors", "ids")).tensors["ids"]
    rewritten(path, ids=ids[::-1].copy())


def exchange_vectors(path: Path) -> None:
    rewritten(path, vectors=shards.read(path, ("vectors", "ids")).vectors[::-1].copy())


def widen_ids(path: Path) -> None:
    """The same bytes in another shape, which no checksum of bytes can tell."""
    ids = shards.read(path, ("vectors", "ids")).tensors["ids"]
    rewritten(path, ids=ids.reshape(ids.shape[0] // 2, -1))


@pytest.mark.parametrize("damage", [exchange_ids, exchange_vectors, widen_ids, Path.unlink])
@pytest.mark.parametrize("number", [0, 2])
@pytest.mark.parametrize("cached", [True, False])
def test_a_damaged_shard_is_refused_by_a_search(
    collection: Collection, damage: Callable[[Path], None], number: int, cached: bool
) -> None:
    if cached:
        hits(collection.folder)
    path = shard_path(collection.folder, number)
    damage(path)
    with pytest.raises(HybridBenchError, match=f"the shard {re.escape(str(path))} .*\n.*hybrid-bench encode"):
        hits(collection.folder)


@pytest.mark.parametrize("damage", [exchange_ids, Path.unlink])
def test_a_damaged_shard_is_refused_by_an_index(collection: Collection, damage: Callable[[Path], None]) -> None:
    pytest.importorskip("faiss")
    FaissIndex(collection, "flat", SilentProgress()).search(QUERIES, DEPTH)
    path = shard_path(collection.folder, 0)
    damage(path)
    with pytest.raises(HybridBenchError, match=f"the shard {re.escape(str(path))} "):
        FaissIndex(Collection(collection.folder), "flat", SilentProgress()).search(QUERIES, DEPTH)


@pytest.mark.parametrize("damage", [exchange_ids, exchange_vectors, widen_ids, Path.unlink])
def test_a_damaged_shard_is_encoded_again(collection: Collection, damage: Callable[[Path], None]) -> None:
    path = shard_path(collection.folder, 1)
    before = path.read_bytes()
    damage(path)
    told = Told()
    encode(collection.folder, Table(ROWS), shard=8, told=told)
    assert path.read_bytes() == before
    assert len(told.remarks) == (damage != Path.unlink)


def test_a_second_search_of_a_store_with_exchanged_ids_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way, through :func:`search_store`."""
    monkeypatch.setitem(REGISTRY._added, "tiny", TinyEncoder)  # other tests may have registered it
    large = dataclasses.replace(load_suite("mini"), large=True)
    options = EvaluationOptions(languages=("de", "en"), store=tmp_path / "store", results=tmp_path / "results")
    evaluate("tiny", large, options=options)
    (folder,) = (tmp_path / "store").glob("*/*")

    def again() -> Result:
        return search_store(large, dataclasses.replace(options, store=None, overwrite=True), store=folder)

    again()
    exchange_ids(shard_path(folder / "de", 0))
    with pytest.raises(HybridBenchError, match="is corrupt: its checksum does not match"):
        again()
    shard_path(folder / "de", 0).unlink()
    with pytest.raises(HybridBenchError, match=r"the shard .* of the manifest is missing"):
        again()


def mutated(content: bytes, chance: random.Random) -> bytes:
    """A file with a fault: bytes, lines, lengths, or names and numbers of its JSON that differ."""
    at, other = sorted(chance.sample(range(len(content)), 2))
    kind = chance.randrange(8)
    if kind == 0:
        return content[:at]
    if kind == 1:
        return content[:at] + content[other:]
    if kind == 2:
        return content[:at] + content[at:other] * 2 + content[other:]
    if kind == 3:
        return content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :]
    if kind == 4:
        return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]
    if kind == 5:
        return content[:at] + content[other : other + 1] + content[at + 1 : other] + content[at : at + 1] + content[other + 1 :]
    words = list(re.finditer(rb'-?\d+|"[A-Za-z0-9_]+"|[\[\]{},:]', content))
    word = chance.choice(words)
    values = [
        b"0",
        b"-1",
        b"8",
        b"16",
        b"1" * 30,
        b"1e400",
        b"null",
        b"[]",
        b'"F16"',
        b'"F32"',
        b'"U8"',
        b'"I64"',
        b'"ids"',
        b'"x"',
    ]
    replaced = chance.choice([*values, chance.choice(words)[0], b""])
    changed = content[: word.start()] + replaced + content[word.end() :]
    if kind == 7 and len(content) > 8 and word.end() < 8 + (size := int.from_bytes(content[:8], "little")):
        # The header of a safetensors file, whose length is told again.
        return (size + len(replaced) - len(word[0])).to_bytes(8, "little") + changed[8:]
    return changed


def mutations(content: bytes, number: int = MUTATIONS) -> Iterator[bytes]:
    chance = random.Random(20)
    yield from (mutated(content, chance) for _ in range(number))


def test_mutated_shards_of_a_collection(collection: Collection) -> None:
    path = shard_path(collection.folder, 0)
    before = collection.read(0)
    expected = {name: np.array(tensor) for name, tensor in before.tensors.items()}
    read = 0
    for content in mutations(path.read_bytes()):
        path.write_bytes(content)
        try:
            found = Collection(collection.folder).read(0)
        except HybridBenchError as refused:
            assert str(path) in refused.problem
            continue
        read += 1
        for name, tensor in expected.items():
            np.testing.assert_array_equal(found.tensors[name], tensor)
    assert read < MUTATIONS / 2


def test_mutated_shards_are_encoded_again_or_the_same(tmp_path: Path) -> None:
    encoder = Table(ROWS)
    kept = EmbeddingStore(tmp_path / "store", shard_texts=8)
    expected = kept.vectors(encoder, "query", [str(number) for number in range(8)])
    (path,) = (tmp_path / "store").glob("*/*.safetensors")
    key = shards.read(path).key
    for content in mutations(path.read_bytes()):
        path.write_bytes(content)
        found = store._read_shard(path, key, 8)
        if found is not None:
            np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(kept.vectors(encoder, "query", [str(number) for number in range(8)]), expected)


def test_mutated_manifests(collection: Collection) -> None:
    """A search that is still possible has the same hits, and states the same texts."""
    path = collection.folder / Collection.FILE
    expected, texts = hits(collection.folder), collection.manifest.texts
    searches = collection.folder / "searches"
    read = 0
    for content in mutations(path.read_bytes()):
        path.write_bytes(content)
        shutil.rmtree(searches, ignore_errors=True)
        try:
            assert hits(collection.folder) == expected
        except HybridBenchError as refused:
            assert str(collection.folder) in f"{refused.problem} {refused.remedy}"
            continue
        read += 1
        assert Collection(collection.folder).manifest.texts == texts
    assert read < MUTATIONS / 2


def test_mutated_results_of_a_search_are_searched_again_or_the_same(collection: Collection) -> None:
    expected = hits(collection.folder)
    (path,) = (collection.folder / "searches").glob("*.safetensors")
    original = path.read_bytes()
    for content in mutations(original, MUTATIONS // 10):
        path.write_bytes(content)
        assert hits(collection.folder) == expected
    found = search(collection, QUERIES, DEPTH)
    path.write_bytes(original[:-1])
    with pytest.raises(HybridBenchError, match="is corrupt or truncated\n  Search again"):
        found.hits([0])


def test_a_manifest_of_an_earlier_version_has_no_checksum(collection: Collection) -> None:
    path = collection.folder / Collection.FILE
    fields = json.loads(path.read_text())
    del fields["sha256"]
    path.write_text(json.dumps(fields))
    assert Collection(collection.folder).manifest.sha256 is None
    fields["key"].pop("dtype")
    path.write_text(json.dumps(fields))
    with pytest.raises(HybridBenchError, match="is corrupt: it does not state dtype"):
        Collection(collection.folder)
