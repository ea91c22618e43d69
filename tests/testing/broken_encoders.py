"""Small correct encoders, and others with one defect each."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from hybrid_bench import EncoderCard, HybridBenchError, Image
from hybrid_bench.plugin import Role

_COUNTER = itertools.count()


def _card(**fields: Any) -> EncoderCard:
    return EncoderCard.model_validate({"name": "good", "backend": "static", "dimension": 128} | fields)


class Good:
    """Signed hashing of character trigrams."""

    card = _card()
    fingerprint = "good-1"
    dtype = "fp32"
    device = "cpu"

    def encode(self, texts: Sequence[str], role: Role) -> Any:
        prefix = self.card.query_prefix if role == "query" else self.card.passage_prefix
        vectors = np.zeros((len(texts), 128), np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self.vector(f"{prefix}{text.casefold()}")
        return vectors

    def vector(self, text: str) -> np.ndarray:
        vector = np.zeros(128)
        padded = f"  {text}  ".encode("utf-32-le")
        for start in range(0, len(padded) - 8, 4):
            value = self.hash(padded[start : start + 12])
            vector[value % 128] += 1 if value >> 16 & 1 else -1
        vector[0] += 1e-3
        unit: np.ndarray = vector / np.linalg.norm(vector)
        return unit

    def hash(self, piece: bytes) -> int:
        return zlib.crc32(piece)


class GoodWithPrefixes(Good):
    card = _card(query_prefix="query: ", passage_prefix="passage: ")


class GoodWithDotProduct(Good):
    card = _card(similarity="dot")

    def vector(self, text: str) -> np.ndarray:
        return super().vector(text) * 3


class GoodInGerman(Good):
    card = _card(languages=["de", "sw"])


class GoodInSwahili(Good):
    card = _card(languages=["sw"])


class GoodWithImages(Good):
    """Encodes an image as its pixels at 6 x 6, in RGB."""

    card = _card(modalities=["text", "image"], preprocessing="6 x 6")

    def encode(self, texts: Sequence[str | Image], role: Role) -> Any:
        if texts and isinstance(texts[0], Image):
            return np.stack([self.image(item, role) for item in texts if isinstance(item, Image)]).astype(np.float32)
        return super().encode([text for text in texts if isinstance(text, str)], role)

    def image(self, image: Image, role: Role) -> np.ndarray:
        pixels = np.asarray(image.open().convert("RGB").resize((6, 6)), np.float64).ravel() / 127.5 - 1
        vector = np.concatenate([pixels, np.full(128 - len(pixels), 0.05)])
        unit: np.ndarray = vector / np.linalg.norm(vector)
        return unit


class GoodWithOnlyImages(GoodWithImages):
    card = _card(modalities=["image"], query_prefix="only texts have prefixes")

    def vector(self, text: str) -> np.ndarray:
        raise TypeError("texts are not supported")


class CrashesOnGreyscale(GoodWithImages):
    def image(self, image: Image, role: Role) -> np.ndarray:
        if image.open().mode == "L":
            raise ValueError("expected 3 channels")
        return super().image(image, role)


class ImagesByName(GoodWithImages):
    """Ignores the pixels."""

    def image(self, image: Image, role: Role) -> np.ndarray:
        vector = np.random.default_rng(zlib.crc32(image.sha256.encode())).standard_normal(128)
        unit: np.ndarray = vector / np.linalg.norm(vector)
        return unit


class ImagesDependOnTheRole(GoodWithImages):
    def image(self, image: Image, role: Role) -> np.ndarray:
        return super().image(image, role) * (-1 if role == "query" else 1)


class SmallerImages(GoodWithImages):
    card = _card(modalities=["text", "image"], dimension=None)

    def encode(self, texts: Sequence[str | Image], role: Role) -> Any:
        vectors = super().encode(texts, role)
        if texts and isinstance(texts[0], Image):
            vectors = vectors[:, :108] / np.linalg.norm(vectors[:, :108], axis=1, keepdims=True)
        return vectors


class ImagesInOneBatch(GoodWithImages):
    """The brightest image of a batch changes the others."""

    def encode(self, texts: Sequence[str | Image], role: Role) -> Any:
        vectors = super().encode(texts, role)
        if texts and isinstance(texts[0], Image):
            vectors = vectors + vectors.max() * np.float32(0.1)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


class ReusesItsBuffer(Good):
    buffer = np.zeros((100, 128), np.float32)

    def encode(self, texts: Sequence[str], role: Role) -> Any:
        vectors = super().encode(texts, role)
        self.buffer[: len(vectors)] = vectors
        return self.buffer[: len(vectors)]


class WithNaN(Good):
    def vector(self, text: str) -> np.ndarray:
        vector = super().vector(text)
        vector[5] = np.nan
        return vector


class OneRowForAll(Good):
    def encode(self, texts: Sequence[str], role: Role) -> Any:
        return super().encode(texts, role)[:1]


class WithoutRepeatedTexts(Good):
    def encode(self, texts: Sequence[str], role: Role) -> Any:
        return super().encode(list(dict.fromkeys(texts)), role)


class FlatForOneText(Good):
    def encode(self, texts: Sequence[str], role: Role) -> Any:
        vectors = super().encode(texts, role)
        return vectors[0] if len(vectors) == 1 else vectors


class SmallerQueries(Good):
    def encode(self, texts: Sequence[str], role: Role) -> Any:
        vectors = super().encode(texts, role)
        if role == "query":
            vectors = vectors[:, :64]
            vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


class OtherDimensionThanTheCard(Good):
    card = _card(dimension=64)


class NotNormalised(Good):
    def vector(self, text: str) -> np.ndarray:
        return super().vector(text) * 3


class SortedByLength(Good):
    def encode(self, texts: Sequence[str], role: Role) -> Any:
        return super().encode(sorted(texts, key=len), role)


class Reversed(Good):
    def encode(self, texts: Sequence[str], role: Role) -> Any:
        return super().encode(texts, role)[::-1]


class DependsOnTheBatch(Good):
    def encode(self, texts: Sequence[str], role: Role) -> Any:
        vectors = super().encode(texts, role)
        if len(vectors):
            vectors[:, 0] += 0.01 * max(map(len, texts))
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


class Noisy(Good):
    def encode(self, texts: Sequence[str], role: Role) -> Any:
        return super().encode(texts, role) * np.float32(1 + 1e-6 * (next(_COUNTER) % 97))


class SortsItsInput(Good):
    def encode(self, texts: Sequence[str], role: Role) -> Any:
        vectors = super().encode(texts, role)
        if isinstance(texts, list):
            texts.sort()
        return vectors


class NeedsAList(Good):
    def encode(self, texts: Sequence[str], role: Role) -> Any:
        return super().encode(texts.copy(), role)  # type: ignore[attr-defined]


class CrashesOnNoTexts(Good):
    def encode(self, texts: Sequence[str], role: Role) -> Any:
        return np.stack([self.vector(text.casefold()) for text in texts]).astype(np.float32)


class FlatForNoTexts(Good):
    def encode(self, texts: Sequence[str], role: Role) -> Any:
        return super().encode(texts, role) if texts else np.zeros(0, np.float32)


class CrashesOnLongText(Good):
    def vector(self, text: str) -> np.ndarray:
        if len(text) > 10_000:
            raise IndexError("index 512 is out of bounds for 512 positions")
        return super().vector(text)


class CrashesBeyondTheBasicPlane(Good):
    def vector(self, text: str) -> np.ndarray:
        if any(ord(letter) > 0xFFFF for letter in text):
            raise UnicodeEncodeError("ucs-2", text, 0, 1, "not in the basic plane")
        return super().vector(text)


class NothingForZeroWidth(Good):
    def vector(self, text: str) -> np.ndarray:
        return super().vector(text) * (not all(letter in "\u200b\u200d\u2060" for letter in text))


class Float64(Good):
    def encode(self, texts: Sequence[str], role: Role) -> Any:
        return super().encode(texts, role).astype(np.float64)


class Lists(Good):
    def encode(self, texts: Sequence[str], role: Role) -> Any:
        return super().encode(texts, role).tolist() or np.zeros((0, 128), np.float32)


class AlwaysTheSame(Good):
    def vector(self, text: str) -> np.ndarray:
        return super().vector("the same")


class WithoutMeaning(Good):
    """Every text its own vector, and none has to do with another."""

    def vector(self, text: str) -> np.ndarray:
        vector = np.random.default_rng(zlib.crc32(text.encode())).standard_normal(128)
        unit: np.ndarray = vector / np.linalg.norm(vector)
        return unit


class ForgetsItsPrefixes(Good):
    card = GoodWithPrefixes.card

    def encode(self, texts: Sequence[str], role: Role) -> Any:
        return np.stack([self.vector(text) for text in texts]).astype(np.float32) if texts else np.zeros((0, 128), np.float32)


class HasSecretPrefixes(Good):
    def encode(self, texts: Sequence[str], role: Role) -> Any:
        return super().encode([f"{role}: {text}" for text in texts], role)


class WrongName(Good):
    card = _card(name="better")


class OtherFingerprintEachTime(Good):
    @property
    def fingerprint(self) -> str:  # type: ignore[override]
        return f"good-{next(_COUNTER)}"


class EmptyFingerprint(Good):
    fingerprint = ""


class NoFingerprint:
    card = Good.card
    dtype = "fp32"
    device = "cpu"

    def encode(self, texts: Sequence[str], role: Role) -> Any:
        return Good().encode(texts, role)


class DictForACard(Good):
    class card(dict[str, Any]):
        name = "good"
        similarity = "cosine"
        dimension = 128
        languages = ()
        query_prefix = passage_prefix = ""


class UnknownDtype(Good):
    dtype = "float16"


class DeviceObject(Good):
    device = 0  # type: ignore[assignment]


class HashSeeded(Good):
    """Python's own hash of bytes differs in every process."""

    fingerprint = f"good-{hash(b'weights')}"

    def hash(self, piece: bytes) -> int:
        return hash(piece)


def load_good(*, dtype: str = "fp32", device: str = "auto") -> Good:
    if dtype not in ("auto", "fp32"):
        raise HybridBenchError(f"good cannot compute in {dtype}")
    return Good()


def load_good_images(*, dtype: str = "fp32", device: str = "auto") -> GoodWithImages:
    load_good(dtype=dtype, device=device)
    encoder = GoodWithImages()
    encoder.card = _card(modalities=["text", "image"], name="good-images")
    return encoder


def load_hash_seeded(*, dtype: str = "fp32", device: str = "auto") -> HashSeeded:
    """Accepts any dtype."""
    return HashSeeded()
