"""What decides a vector, and therefore where it is stored."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass

from hybrid_bench.encoders.protocol import Encoder, Role


@dataclass(frozen=True)
class StoreKey:
    """Everything that a stored vector depends on. Two keys differ wherever two vectors could.

    Attributes:
        texts: sha256 of the texts themselves, in order: see :func:`texts_hash`.
        count: how many texts there are.
    """

    encoder: str
    fingerprint: str
    role: Role
    prefix: str
    passage_text: str
    max_length: int | None
    pooling: str
    similarity: str
    dtype: str
    device: str
    texts: str
    count: int

    @classmethod
    def of(cls, encoder: Encoder, role: Role, passage_text: str, texts: str, count: int) -> StoreKey:
        """The key of some texts, by their hash, under an encoder."""
        card = encoder.card
        return cls(
            encoder=card.name,
            fingerprint=encoder.fingerprint,
            role=role,
            prefix=card.query_prefix if role == "query" else card.passage_prefix,
            passage_text=passage_text if role == "passage" else "",
            max_length=card.max_length,
            pooling=card.pooling or "",
            similarity=card.similarity,
            dtype=encoder.dtype,
            device=encoder.device,
            texts=texts,
            count=count,
        )

    def as_json(self) -> str:
        """All fields, readable, always the same bytes."""
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    @property
    def digest(self) -> str:
        """sha256 of the key."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()
