"""Encoders for tests of the store: one that records its calls, a slow one, and one with invalid output."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hybrid_bench import Image
from hybrid_bench.plugin import Role
from tests.tiny_encoder import TinyEncoder

TEXTS = [f"Sentence {number}, which says {number * number}." for number in range(70)]


class Counting(TinyEncoder):
    """Remembers the texts of every call.

    Args:
        card: fields of the card that differ.
        attributes: other attributes of the encoder that differ.
    """

    def __init__(self, card: dict[str, Any] | None = None, **attributes: Any) -> None:
        super().__init__(dimension=16)
        self.card = self.card.model_copy(update=card or {})
        for name, value in attributes.items():
            setattr(self, name, value)
        self.calls: list[tuple[Role, list[str]]] = []

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        self.calls.append((role, list(texts)))
        return super().encode(texts, role)


class ForImages(TinyEncoder):
    """The vector of an image is one of the n-grams of its bytes in hexadecimal; they need not be a picture."""

    def __init__(self, card: dict[str, Any] | None = None) -> None:
        super().__init__(dimension=16)
        self.card = self.card.model_copy(update={"modalities": ("text", "image"), "preprocessing": "none"} | (card or {}))
        self.calls = 0

    def encode(self, texts: Sequence[str | Image], role: Role) -> np.ndarray:
        self.calls += 1
        return super().encode([item.read().hex() if isinstance(item, Image) else item for item in texts], role)


class ReusesItsBuffer(TinyEncoder):
    """Returns the same array from every call."""

    def __init__(self) -> None:
        super().__init__(dimension=16)
        self._buffer = np.zeros((64, 16), np.float32)

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        self._buffer[: len(texts)] = super().encode(texts, role)
        return self._buffer[: len(texts)]


class Slow(TinyEncoder):
    """Sleeps for each text, and logs the first text of each call to a file."""

    def __init__(self, seconds: float, log: Path | None = None) -> None:
        super().__init__(dimension=16)
        self._seconds = seconds
        self._log = log

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        if self._log:
            with self._log.open("a") as file:
                file.write(f"{texts[0]}\n")
        for _ in texts:
            time.sleep(self._seconds)
        return super().encode(texts, role)


class Misbehaving(TinyEncoder):
    """Correct for the first ``calls`` calls; later output is changed by ``change``."""

    def __init__(self, change: Any, *, calls: int = 2, dimension: int | None = 16) -> None:
        super().__init__(dimension=16)
        self._change = change
        self._calls = calls
        self._stated = self.card
        self.card = self.card.model_copy(update={"dimension": dimension})

    def encode(self, texts: Sequence[str], role: Role) -> Any:
        self._calls -= 1
        stated, self.card = self.card, self._stated
        try:
            vectors = super().encode(texts, role)
        finally:
            self.card = stated
        return vectors if self._calls >= 0 else self._change(vectors)
