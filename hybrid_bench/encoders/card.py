"""Encoder cards: TOML metadata of an encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hybrid_bench.datasets.images import Modality
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support import toml

Pooling = Literal["mean", "cls", "eos"]
#: How vectors are compared: unit vectors by their dot product, or vectors as they are by their dot product.
Similarity = Literal["cosine", "dot"]
Backend = Literal["transformers", "sentence-transformers", "image-text", "projection", "static"]

_Line = Annotated[str, Field(max_length=500)]


class EncoderCard(BaseModel):
    """Metadata of an encoder: everything that a vector depends on, and its origin. Unknown fields are an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: In results, tables and file names.
    name: Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[A-Za-z0-9][A-Za-z0-9._+/-]*$")]
    #: One sentence for readers.
    description: _Line = ""
    #: What computes the vectors; ``static`` for encoders with their own code, and for vectors.
    backend: Backend = "transformers"
    #: Hugging Face id or folder (relative to the card) of the weights; empty for encoders with their own code.
    model: _Line = ""
    #: Git revision on the hub. Empty: the latest, which is then recorded.
    revision: _Line = ""
    #: The model of images, if it is not the same: a folder beside the card or a Hugging Face id; both share a vector space.
    image_model: _Line = ""
    #: The checkpoint that it was trained from.
    base: _Line = ""
    #: How token vectors are combined into one; None if the backend decides.
    pooling: Pooling | None = None
    #: ``cosine`` normalises vectors; ``dot`` takes them as they are.
    similarity: Similarity = "cosine"
    #: Put before every query.
    query_prefix: str = Field(default="", max_length=2000)
    #: Put before every passage.
    passage_prefix: str = Field(default="", max_length=2000)
    #: In tokens, including prefix and special tokens; longer texts are truncated.
    max_length: Annotated[int, Field(ge=8, le=131072)] | None = None
    #: What the encoder reads. An encoder of texts and images maps both to one vector space.
    modalities: Annotated[tuple[Modality, ...], Field(min_length=1)] = ("text",)
    #: How an image becomes the model's input (size, crop, normalisation), in words; stored image vectors depend on it.
    preprocessing: _Line = ""
    #: Of the vectors.
    dimension: Annotated[int, Field(ge=1, le=65536)] | None = None
    #: How many; None: not stated.
    parameters: Annotated[int, Field(ge=0)] | None = None
    #: Of the weights.
    licence: _Line = ""
    #: BCP-47 tags of the languages that it has been trained on in any way; empty: not stated.
    languages: tuple[str, ...] = ()
    #: Those of the data that it was fine-tuned on last; empty: not stated.
    tuned_languages: tuple[str, ...] = ()
    #: In words.
    training_data: _Line = ""
    #: Suites whose texts or their translations are in the training data; None: not stated.
    trained_on_suites: tuple[str, ...] | None = None
    #: Where to read more.
    url: _Line = ""
    #: BibTeX.
    citation: Annotated[str, Field(max_length=4000)] = ""

    @model_validator(mode="after")
    def _transformers_needs_pooling(self) -> EncoderCard:
        if self.backend == "transformers" and self.pooling is None:
            raise ValueError("backend 'transformers' needs pooling = 'mean', 'cls' or 'eos'")
        return self

    @classmethod
    def read(cls, path: Path) -> EncoderCard:
        """Read a card from a TOML file. Raises HybridBenchError that lists every invalid field."""
        return cls.parse(toml.load(path), str(path))

    @classmethod
    def parse(cls, fields: dict[str, Any], source: str) -> EncoderCard:
        """Validate the fields of a card; errors call it ``source``. Raises HybridBenchError that lists every invalid field."""
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            findings = "; ".join(
                f"{'.'.join(map(str, finding['loc'])) or 'card'}: {finding['msg']}" for finding in error.errors()
            )
            known = ", ".join(cls.model_fields)
            raise HybridBenchError(f"{source} is not an encoder card: {findings}", f"Known fields: {known}.") from error
