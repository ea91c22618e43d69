"""Encoders for the store: one that counts what it is asked, one that takes its time, and ones that misbehave."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hybrid_bench import Role
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


class Slow(TinyEncoder):
    """Takes a while for a text, and writes into a file which texts it encodes."""

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
    """Well-behaved for the first ``calls`` calls; what it returns then is changed by ``change``."""

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
