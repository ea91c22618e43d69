"""Requests to an API through LiteLLM: rate limit, retries, and errors without keys."""

from __future__ import annotations

import functools
import logging
import os
import re
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from hybrid_bench import HybridBenchError
from hybrid_bench.plugin import Role
from hybrid_bench_api.settings import Settings

#: Seconds that one request may take, and the longest wait before a retry.
_TIMEOUT, _LONGEST_WAIT = 600, 60
#: Errors of LiteLLM after which another attempt may succeed.
_PASSING = (
    "RateLimitError",
    "InternalServerError",
    "ServiceUnavailableError",
    "BadGatewayError",
    "APIConnectionError",
    "Timeout",
)
#: Characters of a provider's message that an error quotes.
_QUOTED = 200
#: Names of environment variables whose values are never shown.
_SECRET = re.compile("KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)


@functools.cache
def litellm_module() -> Any:
    """LiteLLM, silent, without a price list from the network, files of settings, or tokenizers from a hub."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
    import litellm

    litellm.suppress_debug_info = True
    litellm.DEFAULT_MAX_RETRIES = 0  # attempts are counted here, and max_retries=0 is read as unset
    litellm.disable_hf_tokenizer_download = True
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "httpx", "openai"):
        logging.getLogger(name).disabled = True  # they log requests, and with them keys
    return litellm


class Client:
    """Asks for vectors, at most so often, and again after failures that may pass.

    Args:
        settings: of the API.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._next = 0.0

    def vectors(self, texts: Sequence[str], role: Role) -> np.ndarray:
        """Ask for the vectors of some texts, in one request.

        Returns:
            (texts, dimension) float32.

        Raises:
            HybridBenchError: if the API does not give them. It never contains a key.
        """
        import tenacity

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_may_pass),
            stop=tenacity.stop_after_attempt(self._settings.retries + 1),
            wait=_wait,
            reraise=True,
        )
        try:
            response = retrying(self._ask, list(texts), role)
        except HybridBenchError:
            raise
        except Exception as error:
            raise self._explained(error) from None  # its context may have the key
        return self._checked(response, len(texts))

    def _ask(self, texts: list[str], role: Role) -> Any:
        self._wait_for_turn()
        chosen = self._settings
        options: dict[str, Any] = dict(chosen.input_type(role))
        if chosen.dimensions:
            options |= {"dimensions": chosen.dimensions, "allowed_openai_params": ["dimensions"]}
        if chosen.base_url:
            options["api_base"] = chosen.base_url
        if key := self._key():
            options["api_key"] = key
        return litellm_module().embedding(
            model=chosen.name,
            input=texts,
            encoding_format="float",
            drop_params=True,
            max_retries=0,
            timeout=_TIMEOUT,
            **options,
        )

    def _key(self) -> str:
        """The key from the environment; empty where LiteLLM finds the provider's own."""
        chosen = self._settings
        if chosen.api_key_variable:
            if key := os.environ.get(chosen.api_key_variable):
                return key
            missing = [chosen.api_key_variable]
        elif chosen.base_url:
            return "none"  # the provider's key is not for every server
        else:
            missing = litellm_module().validate_environment(chosen.name)["missing_keys"]
        if missing:
            raise HybridBenchError(
                f"{chosen.name} needs an API key, and {' and '.join(missing)} is not set",
                f"export {missing[0]}=... (it is read from the environment alone), or name a server with --base-url.",
            )
        return ""

    def _wait_for_turn(self) -> None:
        if self._settings.rate_limit is None:
            return
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + 60 / self._settings.rate_limit
        time.sleep(turn - now)

    def _checked(self, response: Any, count: int) -> np.ndarray:
        try:
            answers = [answer if isinstance(answer, dict) else answer.model_dump() for answer in response.data]
            if sorted(answer["index"] for answer in answers) != list(range(count)):
                raise ValueError(f"{len(answers)} vectors for {count} texts")
            rows = sorted(answers, key=lambda answer: int(answer["index"]))
            vectors = np.array([answer["embedding"] for answer in rows], dtype=np.float32)
            if vectors.ndim != 2 or not vectors.shape[1]:
                raise ValueError(f"vectors of shape {vectors.shape}")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise HybridBenchError(
                f"{self._where} answered with something else than vectors: {_public(error)}", "Check the address and the model."
            ) from None
        if not np.isfinite(vectors).all():
            raise HybridBenchError(f"{self._where} answered with NaN or infinity", "Check the model on the server.")
        asked = self._settings.dimensions
        if asked and vectors.shape[1] != asked:
            raise HybridBenchError(
                f"{self._where} was asked for {asked} dimensions and answered with {vectors.shape[1]}",
                "The model has no choice of dimensions: leave --dimensions out.",
            )
        return vectors

    @property
    def _where(self) -> str:
        return f"{self._settings.name} at {self._settings.base_url or 'its provider'}"

    def _explained(self, error: Exception) -> HybridBenchError:
        """An error for the user. What a server says of a key it refused is not quoted: it may repeat the key."""
        status = getattr(error, "status_code", None)
        kind = type(error).__name__
        if status in (401, 403) or kind in ("AuthenticationError", "PermissionDeniedError"):
            variable = self._settings.api_key_variable or (
                "--api-key-variable NAME" if self._settings.base_url else f"{self._settings.provider.upper()}_API_KEY"
            )
            return HybridBenchError(
                f"{self._where} refused the API key (status {status})", f"Set a valid key: {variable}. Answers so far are kept."
            )
        again = "Run again to resume: answers so far are kept."
        remedies = {
            "NotFoundError": "Check the name of the model and the address.",
            "BadRequestError": "Check the options and the name of the model.",
            "RateLimitError": f"Set a lower --rate-limit or --concurrency, or check your quota. {again}",
        }
        problem = f"{self._where} failed: {kind}{f' (status {status})' if status else ''}: {_public(error)}"
        return HybridBenchError(problem, remedies.get(kind, f"Check that the server is there. {again}"))


def _may_pass(error: BaseException) -> bool:
    """Whether another attempt may succeed: rate limits, errors of the server, lost connections."""
    status = getattr(error, "status_code", None)
    if isinstance(error, HybridBenchError) or "insufficient_quota" in str(error):
        return False
    return type(error).__name__ in _PASSING or status in (408, 409, 429) or (isinstance(status, int) and status >= 500)


def _wait(state: Any) -> float:
    """Seconds before the next attempt: what the server asks for, else a random time that grows."""
    import tenacity

    error = state.outcome.exception()
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        asked = float(headers.get("retry-after", "nan"))
    except ValueError:  # a date
        asked = float("nan")
    if 0 <= asked <= _LONGEST_WAIT:
        return asked
    return float(tenacity.wait_random_exponential(multiplier=0.5, max=_LONGEST_WAIT)(state))


def _public(error: BaseException) -> str:
    """The first line of a message, without the values of secret environment variables."""
    text = str(error)
    for name, value in os.environ.items():
        if _SECRET.search(name) and len(value) > 3:
            text = text.replace(value, f"<{name}>")
    text = re.sub(r"(?i)(key=|bearer\s+|sk-)[^\s&'\"]+", r"\1<hidden>", text)
    return (text.splitlines() or [""])[0][:_QUOTED]
