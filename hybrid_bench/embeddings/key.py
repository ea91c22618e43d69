"""Keys of stored vectors: everything that a vector depends on."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from hybrid_bench.datasets.images import Modality
from hybrid_bench.encoders.protocol import Identified, Role

#: Fields that a key leaves out where they have these values, so that the digests of keys for texts never change.
DEFAULTS = {"modality": "text", "preprocessing": ""}
#: Poolings that earlier versions computed otherwise, so that no vectors of theirs are taken: they appended no EOS.
_POOLINGS = {"eos": "eos, appended if the tokenizer adds none"}


@dataclass(frozen=True)
class StoreKey:
    """Everything that the stored vectors of some inputs depend on. Keys differ wherever vectors could.

    Attributes:
        texts: sha256 of the inputs, texts or images, in order: see :func:`hybrid_bench.support.hashing.texts_hash`.
        count: number of inputs.
        modality: of the inputs.
        preprocessing: of images, as on the encoder's card; empty for texts.
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
    modality: Modality = "text"
    preprocessing: str = ""

    @classmethod
    def of(
        cls, encoder: Identified, role: Role, passage_text: str, texts: str, count: int, modality: Modality = "text"
    ) -> StoreKey:
        """The key of some inputs, given by their hash, under an encoder."""
        card = encoder.card
        return cls(
            encoder=card.name,
            fingerprint=encoder.fingerprint,
            role=role,
            prefix=card.query_prefix if role == "query" else card.passage_prefix,
            passage_text=passage_text if role == "passage" else "",
            max_length=card.max_length,
            pooling=_POOLINGS.get(card.pooling or "", card.pooling or ""),
            similarity=card.similarity,
            dtype=encoder.dtype,
            device=encoder.device,
            texts=texts,
            count=count,
            modality=modality,
            preprocessing=card.preprocessing if modality == "image" else "",
        )

    def fields(self) -> dict[str, Any]:
        """All fields, but for those of :data:`DEFAULTS` that have their default."""
        return {name: value for name, value in dataclasses.asdict(self).items() if (name, value) not in DEFAULTS.items()}

    def as_json(self) -> str:
        """The fields as JSON; equal keys give equal bytes."""
        return json.dumps(self.fields(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    @property
    def digest(self) -> str:
        """sha256 of the JSON."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()
