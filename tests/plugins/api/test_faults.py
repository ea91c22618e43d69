"""Servers that fail, keys that are refused, and clients that are killed."""

from __future__ import annotations

import os
import signal
import traceback
from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import EvaluationOptions, HybridBenchError, Result, evaluate, load_encoder
from hybrid_bench_api.client import litellm_module
from tests.plugins.api.proxy import KEY, TEXTS, Proxy


def test_failures_that_pass_are_tried_again(proxy: Proxy) -> None:
    expected = load_encoder("api:openai/tiny", base_url=proxy.url).encode(TEXTS, "passage")
    proxy.requests.clear()
    proxy.faults = ["429", "500", "drop", "half"]
    encoder = load_encoder("api:openai/tiny", base_url=proxy.url, revision="2", batch_size=5, concurrency=1)
    assert encoder.encode(TEXTS, "passage") == pytest.approx(expected, abs=1e-6)
    assert [len(body["input"]) for body in proxy.requests] == [5] * 9


@pytest.mark.parametrize(
    ("fault", "problem"),
    [("429", "RateLimitError (status 429)"), ("500", "InternalServerError (status 500)"), ("drop", "InternalServerError")],
)
def test_failures_that_stay_are_errors_and_lose_nothing(proxy: Proxy, fault: str, problem: str) -> None:
    proxy.faults = ["", "", fault, fault]
    options = {"base_url": proxy.url, "batch_size": 5, "concurrency": 1, "retries": 1}
    with pytest.raises(HybridBenchError, match=r"openai/tiny at http.* failed") as error:
        load_encoder("api:openai/tiny", **options).encode(TEXTS, "passage")
    assert problem in error.value.problem
    assert "kept" in error.value.remedy
    load_encoder("api:openai/tiny", **options).encode(TEXTS, "passage")
    assert sorted(proxy.answered) == sorted(TEXTS)


def test_another_dimension_is_an_error(proxy: Proxy) -> None:
    with pytest.raises(HybridBenchError, match="asked for 5 dimensions and answered with 8"):
        load_encoder("api:openai/tiny", base_url=proxy.url, dimensions=5).encode(["rain"], "query")
    encoder = load_encoder("api:openai/tiny", base_url=proxy.url)
    encoder.encode(TEXTS[:5], "passage")
    proxy.instead = {"tiny": "me5"}
    with pytest.raises(HybridBenchError, match="dimension 384, and earlier with dimension 8"):
        encoder.encode(TEXTS[:6], "query")
    proxy.instead = {}
    assert encoder.encode(TEXTS[:6], "passage").shape == (6, 8)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"api_key_variable": "NO_SUCH_KEY"}, "NO_SUCH_KEY is not set"),
        ({"api_key_variable": "WRONG_KEY"}, "refused the API key (status 401)"),
        ({"model": "nothing"}, "NotFoundError (status 404)"),
    ],
)
def test_keys_and_models_that_are_wrong(
    proxy: Proxy, options: dict[str, str], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRONG_KEY", "secret-that-the-server-repeats")
    model = options.pop("model", "tiny")
    with pytest.raises(HybridBenchError) as error:
        load_encoder(f"api:openai/{model}", base_url=proxy.url, **options).encode(["rain"], "query")
    assert problem in error.value.problem
    assert "secret" not in "".join(traceback.format_exception(error.value))
    assert len(proxy.requests) < 2


def test_a_missing_key_of_a_provider_is_named() -> None:
    with pytest.raises(HybridBenchError, match="needs an API key, and OPENAI_API_KEY is not set"):
        load_encoder("api:openai/text-embedding-3-small").encode(["rain"], "query")


@pytest.mark.parametrize(
    ("name", "options", "problem"),
    [
        ("api:tiny", {}, "does not name a provider and a model"),
        ("api:openai/tiny", {"base_url": "localhost:8000"}, "is not an address"),
        ("api:openai/tiny", {"base_url": "http://me:secret@localhost/v1"}, "has a user, a password"),
        ("api:openai/tiny", {"base_url": "http://localhost/v1?key=secret"}, "or parameters"),
        ("api:openai/tiny", {"dtype": "bf16"}, "read as fp32, not bf16"),
        ("api:openai/tiny", {"device": "cuda"}, "own device, not on cuda"),
        ("api:voyage/voyage-3", {"max_length": 20}, "a maximum length has no effect"),
        ("api:openai/tiny", {"pooling": "cls"}, "have no option pooling"),
        ("api:openai/tiny", {"similarity": "euclidean"}, "similarity"),
    ],
)
def test_options_that_cannot_be(name: str, options: dict[str, str], problem: str) -> None:
    with pytest.raises(HybridBenchError) as error:
        load_encoder(name, **options)  # type: ignore[arg-type]
    assert problem in str(error.value)
    assert "secret" not in str(error.value)


def test_variables_that_redirect_requests_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost")
    with pytest.raises(HybridBenchError, match="OPENAI_BASE_URL is set"):
        load_encoder("api:openai/text-embedding-3-small")


def test_the_key_is_in_nothing_that_is_written(proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVER_KEY", KEY)
    options = {"base_url": proxy.url, "api_key_variable": "SERVER_KEY"}
    result = evaluate("api:openai/tiny", "mini", options=EvaluationOptions(languages=("de",), encoder=options))
    result.save(tmp_path / "results")
    assert f"Bearer {KEY}" in proxy.authorizations
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".sqlite" for path in files)
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert "SERVER_KEY" not in result.provenance.command
    assert f"--base-url {proxy.url}" in result.provenance.command


def run(proxy: Proxy, home: Path) -> Result:
    options = {"base_url": proxy.url, "batch_size": 16, "concurrency": 1}
    os.environ["HYBRID_BENCH_HOME"] = str(home)
    return evaluate("api:openai/tiny", "mini", options=EvaluationOptions(languages=("de", "en"), encoder=options))


def forked(proxy: Proxy, home: Path) -> int:
    """A child process that evaluates: libraries are imported once."""
    child = os.fork()
    if not child:
        try:
            run(proxy, home)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return child


@pytest.mark.parametrize(("number", "half"), [(3, False), (7, True), (14, False)])
def test_a_killed_client_resumes_and_asks_for_nothing_that_it_has(proxy: Proxy, home: Path, number: int, half: bool) -> None:
    """Killed between the shards of the store, inside one while an answer arrives, and among the queries."""
    litellm_module()
    child = 0

    def kill(at: int, in_half: bool) -> None:
        if (at, in_half) == (number, half):
            os.kill(child, signal.SIGKILL)

    proxy.watch = kill
    child = forked(proxy, home)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    proxy.watch = lambda at, half: None
    before = {text for body in proxy.requests[: number - 1] for text in body["input"]}
    done = len(proxy.requests)
    assert done == number
    resumed = run(proxy, home)
    after = [text for body in proxy.requests[done:] for text in body["input"]]
    assert not before & set(after)
    assert len(after) == len(set(after))
    clean = run(proxy, home.parent / "other")
    assert sorted(before | set(after)) == sorted({text for body in proxy.requests[-16:] for text in body["input"]})
    assert [row.value for row in resumed.rows] == [row.value for row in clean.rows]


def test_answers_of_several_processes_are_kept(proxy: Proxy, home: Path) -> None:
    litellm_module()
    children = [forked(proxy, home) for _ in range(2)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    count = len(proxy.requests)
    encoder = load_encoder("api:openai/tiny", base_url=proxy.url)
    vectors = encoder.encode(list(dict.fromkeys(proxy.answered))[:20], "passage")
    assert np.isfinite(vectors).all()
    assert len(proxy.requests) <= count + 1
