"""Our encoders as Pyserini's, for its searchers and its commands."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from hybrid_bench import Encoder, HybridBenchError, Role, encode_checked, load_encoder
from hybrid_bench_pyserini import java

#: What Pyserini's ``--encoder`` begins with for one of ours.
PREFIX = "hybrid-bench:"


def as_query_encoder(encoder: Encoder | str, **options: Any) -> Any:
    """Give an encoder the face of ``pyserini.encode.QueryEncoder``, for Pyserini's ``FaissSearcher`` and ``HybridSearcher``.

    ``encode(query)`` gives one vector; ``encode_batch(queries)``, which Pyserini's ``batch_search`` prefers, encodes all
    queries in one call of the encoder.

    Args:
        encoder: an encoder or the name of one.
        options: of :func:`hybrid_bench.load_encoder`, where it is given by name, e.g. ``dtype="fp32"``.

    Raises:
        HybridBenchError: whatever is wrong with the encoder, or if Pyserini or Java is missing.
    """
    return query_encoder_class()(encoder, **options)


def as_document_encoder(encoder: Encoder | str, **options: Any) -> Any:
    """Give an encoder the face of ``pyserini.encode.DocumentEncoder``: its ``encode`` takes texts, or titles and texts.

    See :func:`as_query_encoder` for arguments and errors.
    """
    return document_encoder_class()(encoder, **options)


def import_pyserini(module: str = "pyserini") -> Any:
    """A module of Pyserini, imported after Java was started as we need it.

    Raises:
        HybridBenchError: if there is no Java, or Pyserini cannot be imported.
    """
    import importlib

    java.start()
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise HybridBenchError(
            f"{module} cannot be imported: {error}", "Run: python -m pip install --force-reinstall hybrid-bench-pyserini"
        ) from error


@functools.cache
def query_encoder_class() -> Any:
    """A class of Pyserini's kind; made when it is first needed, for its base is Pyserini's."""
    base: Any = import_pyserini("pyserini.encode").QueryEncoder

    class HybridBenchQueryEncoder(base):  # type: ignore[misc]
        """A query encoder of Hybrid Bench."""

        def __init__(self, encoder_dir: Encoder | str, *args: Any, **kwargs: Any) -> None:
            """Take what Pyserini's commands pass (``device``, ``fp16``, ``prefix``, ...), or :func:`load_encoder`'s options."""
            super().__init__()
            self.has_model = True
            self.encoder = _load(encoder_dir, kwargs)

        def encode(self, query: str, **kwargs: Any) -> np.ndarray:
            """One query: (dimension,) float32."""
            vector: np.ndarray = _encode(self.encoder, [query], "query")[0]
            return vector

        def encode_batch(self, queries: Sequence[str], **kwargs: Any) -> np.ndarray:
            """(queries, dimension) float32, in one call of the encoder."""
            return _encode(self.encoder, queries, "query")

    return HybridBenchQueryEncoder


@functools.cache
def document_encoder_class() -> Any:
    """As :func:`query_encoder_class`, for passages."""
    base: Any = import_pyserini("pyserini.encode").DocumentEncoder

    class HybridBenchDocumentEncoder(base):  # type: ignore[misc]
        """A document encoder of Hybrid Bench."""

        def __init__(self, model_name: Encoder | str, *args: Any, **kwargs: Any) -> None:
            super().__init__()
            self.encoder = _load(model_name, kwargs)

        def encode(self, texts: Sequence[str], titles: Sequence[str] | None = None, **kwargs: Any) -> np.ndarray:
            """(texts, dimension) float32; a title is put before its text, as ir_datasets and Pyserini do."""
            if titles:
                texts = [f"{title} {text}".strip() for title, text in zip(titles, texts, strict=True)]
            return _encode(self.encoder, texts, "passage")

        encode_batch = encode

    return HybridBenchDocumentEncoder


def _encode(encoder: Encoder, texts: Sequence[str], role: Role) -> np.ndarray:
    for text in texts:
        if not isinstance(text, str):
            raise HybridBenchError(f"{encoder.card.name} encodes text, not {type(text).__name__}", "Give it strings.")
    return encode_checked(encoder, list(texts), role)


def _load(encoder: Encoder | str, given: dict[str, Any]) -> Encoder:
    """An encoder from what Pyserini's commands pass or a caller asked for; Pyserini's own defaults say nothing."""
    if not isinstance(encoder, str):
        return encoder
    if given.get("prefix"):
        raise HybridBenchError(f"{encoder} adds its own prefixes", "Leave --query-prefix out.")
    options = {key: given[key] for key in _OPTIONS if given.get(key) is not None}
    if given.get("fp16"):
        options["dtype"] = "fp16"
    return load_encoder(encoder.removeprefix(PREFIX), **options)


#: What is passed on to :func:`load_encoder`. Pyserini's ``pooling``, ``l2_norm`` and ``max_length`` are defaults of its own.
_OPTIONS = ("dtype", "device", "trust_remote_code", "revision")
