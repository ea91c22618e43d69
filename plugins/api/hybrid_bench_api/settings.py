"""What is chosen of an API: the model, the server, and how it is asked."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from hybrid_bench import EncoderCard, HybridBenchError
from hybrid_bench.plugin import Role

#: Provider to the name of its parameter for what a text is, and its words for a query and a passage.
_INPUT_TYPES = {
    "cohere": ("input_type", "search_query", "search_document"),
    "voyage": ("input_type", "query", "document"),
    "nvidia_nim": ("input_type", "query", "passage"),
    "jina_ai": ("task", "retrieval.query", "retrieval.passage"),
    "gemini": ("task_type", "RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT"),
    "vertex_ai": ("task_type", "RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT"),
}
#: Tokens of a text that OpenAI's models accept; they refuse longer ones.
_OPENAI_LENGTH = 8191
#: Variables that would send texts to another server than the result states.
_REDIRECTIONS = ("OPENAI_BASE_URL", "OPENAI_API_BASE")


@dataclass(frozen=True)
class Settings:
    """The options of :func:`hybrid_bench_api.load`, checked."""

    name: str
    dtype: str = "fp32"
    device: str = "auto"
    base_url: str = ""
    api_key_variable: str = ""
    dimensions: int | None = None
    query_input_type: str = ""
    passage_input_type: str = ""
    query_prefix: str = ""
    passage_prefix: str = ""
    similarity: str = "cosine"
    max_length: int | None = None
    revision: str = ""
    batch_size: int = 96
    batch_tokens: int = 100_000
    concurrency: int = 4
    rate_limit: int | None = None
    retries: int = 8

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w.-]+(/[^/\s]+)+", self.name):
            raise HybridBenchError(
                f"api:{self.name} does not name a provider and a model", "Write api:PROVIDER/MODEL as LiteLLM does, "
                "e.g. api:openai/text-embedding-3-small; for an OpenAI-compatible server api:openai/MODEL with --base-url."
            )  # fmt: skip
        if self.dtype not in ("fp32", "auto"):
            raise HybridBenchError(f"the vectors of an API are read as fp32, not {self.dtype}", "Leave --dtype out.")
        if self.device not in ("auto", "remote"):
            raise HybridBenchError(f"an API computes on its own device, not on {self.device}", "Leave --device out.")
        if self.base_url:
            self._check_address()
        elif self.provider == "openai" and (set_ := [name for name in _REDIRECTIONS if os.environ.get(name)]):
            raise HybridBenchError(
                f"{set_[0]} is set, and a result would not state where its vectors are from",
                f"Name the server with --base-url, or unset {set_[0]}.",
            )
        if self.max_length is not None and not self.counts_exactly:
            raise HybridBenchError(
                f"a maximum length has no effect on {self.name}: its tokens are not known here, and its provider truncates texts",
                "Leave --max-length out.",
            )

    def _check_address(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise HybridBenchError(
                "--base-url is not an address that begins with http:// or https://", "For example: http://localhost:8000/v1."
            )
        if parts.username or parts.password or parts.query or parts.fragment:
            raise HybridBenchError(
                "--base-url has a user, a password or parameters, which a result would publish",
                "Put the key into an environment variable, and name that with --api-key-variable.",
            )

    @property
    def provider(self) -> str:
        """The provider, as LiteLLM calls it."""
        return self.name.partition("/")[0]

    @property
    def counts_exactly(self) -> bool:
        """Whether the model's tokens are known: those of OpenAI's own models."""
        return self.provider == "openai" and not self.base_url and self.name.rpartition("/")[2].startswith("text-embedding-")

    @property
    def card(self) -> EncoderCard:
        """What is known of the model."""
        fields = {
            "name": re.sub(r"[^A-Za-z0-9._+/-]", "-", self.name),
            "description": f"{self.name} at {self.base_url or 'its provider'}"[:500],
            "backend": "static",
            "revision": self.revision,
            "similarity": self.similarity,
            "query_prefix": self.query_prefix,
            "passage_prefix": self.passage_prefix,
            "max_length": (self.max_length or _OPENAI_LENGTH) if self.counts_exactly else None,
            "dimension": self.dimensions,
        }
        return EncoderCard.parse(fields, f"api:{self.name}")

    def input_type(self, role: Role) -> dict[str, str]:
        """The parameter that tells the provider what a text is; none for a provider that has none."""
        parameter, *words = _INPUT_TYPES.get(self.provider, ("input_type", "", ""))
        chosen = {"query": self.query_input_type or words[0], "passage": self.passage_input_type or words[1]}[role]
        return {parameter: chosen} if chosen else {}

    @property
    def fingerprint(self) -> str:
        """A hash of all that an answer depends on, except the text: an API does not tell its weights."""
        types = self.input_type("query"), self.input_type("passage")
        stated = [self.name, self.base_url.rstrip("/"), self.dimensions, self.revision, *types]
        return f"api-{hashlib.sha256(json.dumps(stated).encode()).hexdigest()[:24]}"
