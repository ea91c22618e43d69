"""Adapters that make Hybrid Bench encoders usable in Pyserini's searchers and commands."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from hybrid_bench import Encoder, HybridBenchError, load_encoder
from hybrid_bench.plugin import Role, encode_checked
from hybrid_bench_pyserini import java

#: Prefix of Pyserini's ``--encoder`` for an encoder of Hybrid Bench.
PREFIX = "hybrid-bench:"


def as_query_encoder(encoder: Encoder | str, **options: Any) -> Any:
    """Adapt an encoder to ``pyserini.encode.QueryEncoder``, for Pyserini's ``FaissSearcher`` and ``HybridSearcher``.

    ``encode(query)`` returns one vector; ``encode_batch(queries)``, which Pyserini's ``batch_search`` prefers, encodes all
    queries in one call of the encoder.

    Args:
        encoder: an encoder or the name of one.
        options: of :func:`hybrid_bench.load_encoder`, used if the encoder is a name, e.g. ``dtype="fp32"``.

    Raises:
        HybridBenchError: if the encoder cannot be loaded, or Pyserini or Java is missing.
    """
    return query_encoder_class()(encoder, **options)


def as_document_encoder(encoder: Encoder | str, **options: Any) -> Any:
    """Adapt an encoder to ``pyserini.encode.DocumentEncoder``: its ``encode`` takes texts, or texts and titles.

    See :func:`as_query_encoder` for arguments and errors.
    """
    return document_encoder_class()(encoder, **options)


def import_pyserini(module: str = "pyserini") -> Any:
    """Import a module of Pyserini, after starting Java with the options of this plugin.

    Raises:
        HybridBenchError: if Java is missing, or Pyserini cannot be imported.
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
    """The adapter class, a subclass of Pyserini's; created on first use, because importing Pyserini is slow."""
    base: Any = import_pyserini("pyserini.encode").QueryEncoder

    class HybridBenchQueryEncoder(base):  # type: ignore[misc]
        """A query encoder of Hybrid Bench."""

        def __init__(self, encoder_dir: Encoder | str, *args: Any, **kwargs: Any) -> None:
            """Accept what Pyserini passes (``device``, ``fp16``, ``prefix``, ...), or options of :func:`load_encoder`."""
            super().__init__()
            self.has_model = True
            self.encoder = _load(encoder_dir, kwargs)

        def encode(self, query: str, **kwargs: Any) -> np.ndarray:
            """Encode one query: (dimension,) float32."""
            vector: np.ndarray = _encode(self.encoder, [query], "query")[0]
            return vector

        def encode_batch(self, queries: Sequence[str], **kwargs: Any) -> np.ndarray:
            """Encode queries in one call of the encoder: (queries, dimension) float32."""
            return _encode(self.encoder, queries, "query")

    return HybridBenchQueryEncoder


@functools.cache
def document_encoder_class() -> Any:
    """The adapter class for passages; see :func:`query_encoder_class`."""
    base: Any = import_pyserini("pyserini.encode").DocumentEncoder

    class HybridBenchDocumentEncoder(base):  # type: ignore[misc]
        """A document encoder of Hybrid Bench."""

        def __init__(self, model_name: Encoder | str, *args: Any, **kwargs: Any) -> None:
            super().__init__()
            self.encoder = _load(model_name, kwargs)

        def encode(self, texts: Sequence[str], titles: Sequence[str] | None = None, **kwargs: Any) -> np.ndarray:
            """Encode texts: (texts, dimension) float32. A title is prepended to its text, as in ir_datasets and Pyserini."""
            if titles:
                texts = [f"{title} {text}".strip() for title, text in zip(titles, texts, strict=True)]
            return _encode(self.encoder, texts, "passage")

        encode_batch = encode

    return HybridBenchDocumentEncoder


def _encode(encoder: Encoder, texts: Sequence[str], role: Role) -> np.ndarray:
    for text in texts:
        if not isinstance(text, str):
            raise HybridBenchError(f"{encoder.card.name} encodes text, not {type(text).__name__}", "Pass strings.")
    return encode_checked(encoder, list(texts), role)


def _load(encoder: Encoder | str, passed: dict[str, Any]) -> Encoder:
    """Load an encoder with the options that Pyserini's commands or a caller passed; Pyserini's defaults are ignored."""
    if not isinstance(encoder, str):
        return encoder
    if passed.get("prefix"):
        raise HybridBenchError(f"{encoder} adds its own prefixes", "Omit --query-prefix.")
    options = {key: passed[key] for key in _OPTIONS if passed.get(key) is not None}
    if passed.get("fp16"):
        options["dtype"] = "fp16"
    return load_encoder(encoder.removeprefix(PREFIX), **options)


#: Options passed on to :func:`load_encoder`. Pyserini always passes ``pooling``, ``l2_norm`` and ``max_length``: ignored.
_OPTIONS = ("dtype", "device", "trust_remote_code", "revision")
