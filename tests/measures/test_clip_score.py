"""CLIPScore and RefCLIPScore against closed forms, and pairs from files."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import HybridBenchError
from hybrid_bench.evaluation.clip_pairs import read_pairs, score_pairs
from hybrid_bench.measures.clip_score import clip_score, ref_clip_score
from tests.conftest import Cli
from tests.embeddings.encoders import ForImages
from tests.mutations import mutated
from tests.tiny_encoder import TinyEncoder


def at(*degrees: float) -> np.ndarray:
    """Unit vectors at angles to the first axis."""
    radians = np.radians(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def test_clip_score_is_the_cosine_times_two_and_a_half_and_never_negative() -> None:
    found = clip_score(at(0, 0, 0, 0), at(0, 60, 90, 120))
    np.testing.assert_allclose(found, [2.5, 1.25, 0, 0], atol=1e-6)


def test_ref_clip_score_is_the_harmonic_mean_with_the_best_reference() -> None:
    """2ab / (a + b), with a = 1.25 and the best b = cos 60 = 0.5; a reference behind counts as 0."""
    captions = at(60, 60, 60, 90)
    score = clip_score(at(0, 0, 0, 0), captions)
    found = ref_clip_score(score, captions, [at(0, 150), at(60), at(), at(90)])
    np.testing.assert_allclose(found, [2 * 1.25 * 0.5 / 1.75, 2 * 1.25 / 2.25, np.nan, 0], atol=1e-6)
    assert ref_clip_score(score[:1], captions[:1], [at(200)])[0] == 0


def write(path: Path, *records: object) -> Path:
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return path


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(name.encode() * 3)
    return write(
        tmp_path / "pairs.jsonl",
        {"image": "a.png", "caption": "Ein Hund", "references": ["Der Hund", "Ein Tier"], "language": "de"},
        {"image": "b.png", "caption": "Eine Katze", "language": "de"},
        {"image": "a.png", "caption": "A dog"},
    )


def test_pairs_are_scored_by_language(pairs: Path, tmp_path: Path) -> None:
    encoder = ForImages()
    found = score_pairs(encoder, read_pairs(pairs), prefix="X ", store=tmp_path / "store")
    vectors = encoder.encode(["X Ein Hund", "X Eine Katze", "X A dog", "X Der Hund", "X Ein Tier"], "query")
    from hybrid_bench import Image

    images = encoder.encode([Image.from_path(tmp_path / name) for name in ("a.png", "b.png", "a.png")], "query")
    cosines = np.einsum("ij,ij->i", images.astype(float), vectors[:3].astype(float))
    np.testing.assert_allclose(found.clip, 2.5 * cosines, atol=1e-9)
    best = (vectors[:1].astype(float) @ vectors[3:].T).max()
    np.testing.assert_allclose(found.ref_clip[0], 2 / (1 / best + 1 / (2.5 * cosines[0])), atol=1e-6)
    frame = found.by_language()
    assert frame.loc["de", "CLIPScore"] == pytest.approx(2.5 * cosines[:2].mean())
    assert list(frame["pairs"]) == [2, 1]
    assert list(frame["with references"]) == [1, 0]
    assert np.isnan(frame.loc["und", "RefCLIPScore"])
    assert [json.loads(line)["RefCLIPScore"] is None for line in found.lines()] == [False, True, True]
    other = score_pairs(encoder, read_pairs(pairs), store=tmp_path / "store")
    assert other.prefix == "A photo depicts "
    assert not np.allclose(other.clip, found.clip)


def test_an_encoder_that_cannot_judge_is_refused(pairs: Path, tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match="CLIPScore needs an encoder of images, but tiny encodes only texts"):
        score_pairs(TinyEncoder(), read_pairs(pairs))
    with pytest.raises(HybridBenchError, match="CLIPScore is of cosines"):
        score_pairs(ForImages({"similarity": "dot"}), read_pairs(pairs))
    (tmp_path / "b.png").unlink()
    with pytest.raises(HybridBenchError, match=r"1 of 2 images are missing: .*b\.png"):
        score_pairs(ForImages(), read_pairs(pairs), store=tmp_path / "store")


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ({"caption": "x"}, "line 1: KeyError: 'image'"),
        ({"image": "a", "caption": ""}, "a value is no text, or empty"),
        ({"image": "a", "caption": "x", "references": "y"}, "a value is no text, or empty"),
        ({"image": "a", "caption": "x", "refs": []}, "unknown field 'refs'"),
        ([1], "not an object"),
    ],
)
def test_a_malformed_pair_is_named_by_its_line(record: object, problem: str, tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match=problem):
        read_pairs(write(tmp_path / "pairs.jsonl", record))


def test_a_file_without_pairs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HybridBenchError, match="has no pairs"):
        read_pairs(write(tmp_path / "pairs.jsonl"))
    with pytest.raises(HybridBenchError, match="cannot read"):
        read_pairs(tmp_path / "none.jsonl")


def test_damaged_pairs_are_errors_or_right(pairs: Path) -> None:
    content = pairs.read_bytes()
    rng = random.Random(24)
    for _ in range(2000):
        pairs.write_bytes(mutated(content, rng))
        try:
            found = read_pairs(pairs)
        except HybridBenchError:
            continue
        assert all(pair.caption.strip() for pair in found)


def test_the_command_refuses_an_encoder_of_texts(cli: Cli, pairs: Path) -> None:
    done = cli("clipscore", "tiny", "--pairs", pairs)
    assert done.returncode == 2
    assert done.stderr.startswith("error: CLIPScore needs an encoder of images")
