"""Encoders made of objects that the caller has: a SentenceTransformer, an object with two methods, two functions."""

from __future__ import annotations

import functools
import hashlib
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.encoders.protocol import Encoder, Role
from hybrid_bench.errors import HybridBenchError

if TYPE_CHECKING:
    import numpy as np

#: Texts whose vectors identify an object of unknown content: several scripts and lengths.
_PROBES = (
    "Where does the river rise?",
    "Die Mühle steht am Bach, und im Sommer ist er trocken.",
    "ما هو الخبز؟ 面包需要酵母。 ขนมปัง хлеб ekmek रोटी",
    "a long text that a model may truncate " * 40,
)


def as_encoder(model: Any, *, name: str = "", fingerprint: str = "", **card_fields: Any) -> Encoder:
    """An encoder made of an object that is loaded already.

    Args:
        model: one of

            * an :class:`hybrid_bench.Encoder`, which is returned as it is;
            * a ``sentence_transformers.SentenceTransformer``: its prompts, truncation, similarity, device and dtype are used;
            * an object with ``encode_query(texts)`` and ``encode_document(texts)``, or a pair of such functions: both take a list
              of texts and return an array, a tensor or a list of vectors, and add prefixes themselves.
        name: in results; by default that of the model's weights, or of the object's class.
        fingerprint: identifies the weights, so that stored vectors are used again. By default a hash of the weights, or, of other
            objects, of the vectors that they give for a few texts.
        card_fields: other fields of the card, e.g. ``similarity="dot"``; vectors are normalised where it is ``cosine``.

    Returns:
        The encoder, for :func:`hybrid_bench.evaluate`.

    Raises:
        HybridBenchError: if the object is none of these, or a field is invalid.
    """
    transformers = sys.modules.get("sentence_transformers")
    if transformers is not None and isinstance(model, transformers.SentenceTransformer):
        from hybrid_bench.encoders.backends.live_model import LiveSentenceTransformer

        fields = {"name": name or _model_name(model), "backend": "sentence-transformers"} | card_fields
        return LiveSentenceTransformer(model, EncoderCard.parse(fields, "as_encoder"), fingerprint)
    if isinstance(model, Encoder):
        if name or fingerprint or card_fields:
            raise HybridBenchError(f"{model.card.name} is an encoder and states its own card", "Leave the other arguments out.")
        return model
    if isinstance(model, tuple) and len(model) == 2 and all(map(callable, model)):
        query, passage = model
    else:
        query, passage = getattr(model, "encode_query", None), getattr(model, "encode_document", None)
    if not callable(query) or not callable(passage):
        raise HybridBenchError(
            f"a {type(model).__name__} is not an encoder",
            "Pass a name, a SentenceTransformer, an object with encode_query and encode_document, or a pair of functions.",
        )
    own = getattr(query, "__name__", "") if isinstance(model, tuple) else type(model).__name__
    fields = {"name": name or _as_name(own), "backend": "static"} | card_fields
    return _Live(query, passage, EncoderCard.parse(fields, "as_encoder"), fingerprint)


class _Live:
    """Two functions as an encoder."""

    device = "not stated"
    dtype = "fp32"

    def __init__(
        self,
        query: Callable[[list[str]], Any],
        passage: Callable[[list[str]], Any],
        card: EncoderCard,
        fingerprint: str,
    ) -> None:
        self.card = card
        self._encode: dict[Role, Callable[[list[str]], Any]] = {"query": query, "passage": passage}
        self._named = fingerprint

    @functools.cached_property
    def fingerprint(self) -> str:
        """As named, or the sha256 of the vectors of a few texts as queries and as passages."""
        if self._named:
            return self._named
        digest = hashlib.sha256()
        for role in self._encode:
            digest.update(self.encode(_PROBES, role).tobytes())
        return digest.hexdigest()

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        """Encode texts: (texts, dimension) float32. See :class:`hybrid_bench.Encoder`."""
        import numpy as np

        returned = self._encode[role](list(texts))
        if not isinstance(returned, np.ndarray):
            returned = _array(returned)
        vectors: np.ndarray = np.asarray(returned, dtype=np.float32)
        if self.card.similarity == "cosine" and vectors.ndim == 2:
            lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
            if not lengths.all():
                zero = texts[int(np.argmin(lengths[:, 0]))]
                raise HybridBenchError(
                    f"{self.card.name} returned only zeros for the {role} {zero[:60]!r}, which have no cosine",
                    "Return another vector, or use similarity='dot'.",
                )
            vectors = (vectors / lengths).astype(np.float32)
        return vectors


def _array(returned: Any) -> np.ndarray:
    """An array of a tensor on any device, or of a list of vectors."""
    import numpy as np

    def plain(value: Any) -> Any:
        return value.detach().cpu().float().numpy() if hasattr(value, "detach") else value

    try:
        return np.asarray(plain(returned) if hasattr(returned, "detach") else [plain(vector) for vector in returned], np.float32)
    except (TypeError, ValueError) as error:
        raise HybridBenchError(
            f"a {type(returned).__name__} was returned instead of vectors: {error}", "Return an array (texts, dimension)."
        ) from error


def _model_name(model: Any) -> str:
    """The Hugging Face id that a SentenceTransformer was loaded from, or the name of its folder."""
    config = getattr(getattr(model[0], "auto_model", None), "config", None)
    origin = str(getattr(config, "_name_or_path", "") or "")
    found = origin if re.fullmatch(r"[\w.-]+/[\w.-]+", origin) and not Path(origin).exists() else Path(origin).name
    return _as_name(found) or "sentence-transformer"


def _as_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._+/-]+", "-", text).strip("-._+/")[:120]
