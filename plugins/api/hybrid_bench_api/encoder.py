"""An encoder whose vectors come from an API."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from hybrid_bench import EncoderCard
from hybrid_bench.plugin import Role, cache
from hybrid_bench_api import batches
from hybrid_bench_api.answers import Answers, key_of
from hybrid_bench_api.client import Client, litellm_module
from hybrid_bench_api.settings import Settings


class ApiEncoder:
    """Asks an API for the vectors that it did not give before; each answer is kept as soon as it is there.

    Args:
        settings: of the API.
    """

    dtype = "fp32"
    device = "remote"
    pooling = "vectors of an API"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.card: EncoderCard = settings.card
        self.fingerprint = settings.fingerprint

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_client", "_answers")}

    @functools.cached_property
    def _client(self) -> Client:
        return Client(self._settings)

    @functools.cached_property
    def _answers(self) -> Answers:
        return Answers(cache.home() / "api" / f"{self.fingerprint}.sqlite")

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        """See :class:`hybrid_bench.Encoder`.

        Raises:
            HybridBenchError: if the API does not give the vectors; those that it gave are kept.
        """
        if not len(texts):
            return np.empty((0, self._settings.dimensions or self._answers.dimension()), np.float32)
        sent = [self._sent(text, role) for text in texts]
        keys = [key_of(text, role) for text in sent]
        distinct = dict(zip(keys, sent, strict=True))
        found = self._answers.find(list(distinct))
        missing = {key: text for key, text in distinct.items() if key not in found}
        found |= self._ask(list(missing), list(missing.values()), role)
        vectors = np.stack([found[key] for key in keys]).astype(np.float32)
        if self.card.similarity == "cosine":
            lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
            vectors = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
        return vectors

    def estimate(self, texts: Sequence[str], role: Role) -> dict[str, float]:
        """What the API would be asked for: requests, tokens, and US dollars by LiteLLM's list of prices; NaN if it has none."""
        distinct = {key_of(sent, role): sent for sent in (self._sent(text, role) for text in texts)}
        known = self._answers.find(list(distinct))
        missing = [text for key, text in distinct.items() if key not in known]
        tokens = float(sum(batches.counts(missing)))
        return {"requests": float(len(self._batches(missing))), "tokens": tokens, "US dollars": tokens * self._price}

    @functools.cached_property
    def _price(self) -> float:
        """US dollars a token."""
        prices = {} if self._settings.base_url else litellm_module().model_cost
        name = self._settings.name
        stated = prices.get(name) or prices.get(name.partition("/")[2]) or {}
        return float(stated.get("input_cost_per_token", "nan"))

    def _sent(self, text: str, role: Role) -> str:
        """What is sent for a text."""
        prefix = self.card.query_prefix if role == "query" else self.card.passage_prefix
        whole = prefix + text
        whole = batches.truncated(whole, self.card.max_length) if self.card.max_length else whole
        return whole or " "  # providers refuse empty texts

    def _batches(self, texts: Sequence[str]) -> list[list[int]]:
        chosen = self._settings
        return list(batches.batches(texts, size=chosen.batch_size, tokens=chosen.batch_tokens))

    def _ask(self, keys: Sequence[bytes], texts: Sequence[str], role: Role) -> dict[bytes, np.ndarray]:
        """Ask for vectors and keep them. At an error no further request is begun, and the answers to the others are kept."""

        def ask(batch: list[int]) -> dict[bytes, np.ndarray]:
            vectors = self._client.vectors([texts[at] for at in batch], role)
            asked = [keys[at] for at in batch]
            self._answers.add(asked, vectors)
            return dict(zip(asked, vectors, strict=True))

        found: dict[bytes, np.ndarray] = {}
        with ThreadPoolExecutor(self._settings.concurrency) as pool:
            futures = [pool.submit(ask, batch) for batch in self._batches(texts)]
            try:
                for future in futures:
                    found |= future.result()
            finally:
                pool.shutdown(cancel_futures=True)
        return found
