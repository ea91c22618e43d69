"""Encoders behind an API: ``api:PROVIDER/MODEL``, for every provider that LiteLLM knows and any OpenAI-compatible server."""

from __future__ import annotations

from typing import Annotated

import typer

from hybrid_bench.plugin import Encoder, EncoderResolver
from hybrid_bench_api.settings import Settings

__all__ = ["RESOLVER", "load"]


def load(
    name: str,
    *,
    dtype: str = "fp32",
    device: str = "auto",
    base_url: Annotated[str | None, typer.Option(help="Address of a server, e.g. http://localhost:8000/v1.")] = None,
    api_key_variable: Annotated[
        str | None, typer.Option(help="Environment variable with the API key. [default: the provider's; none with --base-url]")
    ] = None,
    dimensions: Annotated[int | None, typer.Option(min=1, help="Dimensions to ask for. [default: the model's own]")] = None,
    query_input_type: Annotated[
        str | None, typer.Option(help="What the provider is told that a query is. [default: its own word for it]")
    ] = None,
    passage_input_type: Annotated[
        str | None, typer.Option(help="What the provider is told that a passage is. [default: its own word for it]")
    ] = None,
    query_prefix: Annotated[str | None, typer.Option(help="Prefix of every query.")] = None,
    passage_prefix: Annotated[str | None, typer.Option(help="Prefix of every passage.")] = None,
    similarity: Annotated[str | None, typer.Option(help="cosine, or dot: vectors as they are. [default: cosine]")] = None,
    max_length: Annotated[int | None, typer.Option(min=8, help="Maximum length of a text, in tokens.")] = None,
    revision: Annotated[str | None, typer.Option(help="A name for the version of the model that is served.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Texts in a request, at most. [default: 96]")] = None,
    batch_tokens: Annotated[int | None, typer.Option(min=1, help="Tokens in a request, at most. [default: 100000]")] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Requests at a time. [default: 4]")] = None,
    rate_limit: Annotated[int | None, typer.Option(min=1, help="Requests a minute. [default: no limit]")] = None,
    retries: Annotated[int | None, typer.Option(min=0, help="Attempts after a failure that may pass. [default: 8]")] = None,
) -> Encoder:
    """Load an encoder behind an API; nothing is asked of the API yet.

    Args:
        name: ``PROVIDER/MODEL`` as LiteLLM writes it, e.g. ``openai/text-embedding-3-small``.
        dtype: must be ``fp32``, which answers are read as.
        device: must be ``remote`` or ``auto``.
        base_url: of an OpenAI-compatible server, or of a provider's model elsewhere. No key is sent there unless
            ``api_key_variable`` names one.
        api_key_variable: the environment variable with the API key.
        dimensions: to ask for.
        query_input_type: as the provider calls a query; by default known for Cohere, Voyage, Jina, NVIDIA, Gemini and Vertex.
        passage_input_type: as the provider calls a passage.
        query_prefix: of every query.
        passage_prefix: of every passage.
        similarity: ``cosine`` or ``dot``.
        max_length: in tokens; only for models whose tokens are known (OpenAI's). Other providers truncate themselves.
        revision: tells versions of a model apart; vectors of different revisions are never mixed.
        batch_size: texts in a request.
        batch_tokens: tokens in a request, estimated where the tokenizer is not known.
        concurrency: requests at a time.
        rate_limit: requests a minute.
        retries: attempts after a rate limit, an error of the server or of the connection.

    Raises:
        HybridBenchError: if an option has a value or a combination that is not possible.
    """
    from hybrid_bench_api.encoder import ApiEncoder

    given = {key: value for key, value in locals().items() if key in Settings.__dataclass_fields__ and value is not None}
    return ApiEncoder(Settings(**given))


#: ``api:...``
RESOLVER = EncoderResolver(
    load,
    stated=("base_url", "dimensions", "query_input_type", "passage_input_type", "query_prefix", "passage_prefix", "similarity",
            "max_length", "revision"),
)  # fmt: skip
