"""The encoder ``api:...`` through a real OpenAI-compatible server."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import Encoder, EvaluationOptions, evaluate, load_encoder
from hybrid_bench.testing import EncoderConformance
from tests.plugins.api.proxy import KEY, TEXTS, Proxy


class TestConformance(EncoderConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, port: int) -> Encoder:
        return load_encoder(
            "api:openai/me5", base_url=f"http://127.0.0.1:{port}/v1", query_prefix="query: ", passage_prefix="passage: "
        )


def test_scores_are_those_of_the_model_loaded_directly(proxy: Proxy, tmp_path: Path) -> None:
    direct = evaluate("me5-small", "mini")
    options = {"base_url": proxy.url, "query_prefix": "query: ", "passage_prefix": "passage: "}
    remote = evaluate("api:openai/me5", "mini", options=EvaluationOptions(encoder=options))
    found = {(row.query_set, row.pool, row.measure): row.value for row in remote.rows}
    assert {len(proxy.asked), len(set(proxy.asked)), len(set(proxy.answered))} == {len(set(proxy.asked))}
    for row in direct.rows:
        scale = 1 if row.measure.startswith("RankDistance") else 1e-4  # in ranks
        assert found.pop((row.query_set, row.pool, row.measure)) == pytest.approx(row.value, abs=scale), row
    assert not found


def test_vectors_are_those_of_the_server_in_any_order_and_asked_for_once(proxy: Proxy, models: dict[str, Path]) -> None:
    from sentence_transformers import SentenceTransformer

    encoder = load_encoder("api:openai/tiny", base_url=proxy.url, batch_size=4, concurrency=3)
    expected = SentenceTransformer(str(models["tiny"]), device="cpu").encode(TEXTS, batch_size=4)
    assert encoder.encode([*TEXTS, *TEXTS[:3]], "query") == pytest.approx(np.concatenate([expected, expected[:3]]), abs=1e-6)
    assert encoder.encode(TEXTS[::-1], "query") == pytest.approx(expected[::-1], abs=1e-6)
    again = load_encoder("api:openai/tiny", base_url=proxy.url)
    assert again.encode(TEXTS[5:9], "query") == pytest.approx(expected[5:9], abs=1e-6)
    assert sorted(proxy.asked) == sorted(TEXTS)
    assert max(len(body["input"]) for body in proxy.requests) == 4


def test_batches_have_at_most_so_many_tokens(proxy: Proxy) -> None:
    texts = ["rain " * count for count in (1, 30, 2, 200, 3)]
    encoder = load_encoder("api:openai/tiny", base_url=proxy.url, batch_tokens=40, concurrency=1)
    encoder.encode(texts, "passage")
    assert [body["input"] for body in proxy.requests] == [texts[:3], texts[3:4], texts[4:]]


def test_what_a_text_is_is_said_in_the_words_of_the_provider(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOYAGE_API_KEY", "never sent elsewhere")
    encoder = load_encoder("api:voyage/tiny", base_url=proxy.url, query_prefix="q: ", api_key_variable=None)
    encoder.encode(["rain"], "query")
    encoder.encode(["rain"], "passage")
    told = [(body["input_type"], body["input"]) for body in proxy.requests]
    assert told == [("query", ["q: rain"]), ("document", ["rain"])]
    custom = load_encoder("api:openai/tiny", base_url=proxy.url, query_input_type="search")
    custom.encode(["rain"], "query")
    assert proxy.requests[-1]["input_type"] == "search"
    assert len({encoder.fingerprint, custom.fingerprint, load_encoder("api:openai/tiny", base_url=proxy.url).fingerprint}) == 3


def test_a_server_gets_no_key_but_the_one_that_is_named_for_it(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-openai")
    load_encoder("api:openai/tiny", base_url=proxy.url).encode(["rain"], "query")
    monkeypatch.setenv("MY_SERVER", KEY)
    load_encoder("api:openai/tiny", base_url=proxy.url, api_key_variable="MY_SERVER").encode(["sea"], "query")
    assert proxy.authorizations == ["Bearer none", f"Bearer {KEY}"]


def test_dimensions_are_asked_for(proxy: Proxy) -> None:
    assert load_encoder("api:openai/tiny", base_url=proxy.url, dimensions=8).encode(["rain"], "query").shape == (1, 8)
    assert proxy.requests[0]["dimensions"] == 8


def test_an_estimate_asks_for_nothing_and_counts_what_is_missing(proxy: Proxy) -> None:
    encoder = load_encoder("api:openai/tiny", base_url=proxy.url, batch_size=10)
    encoder.encode(TEXTS[:4], "passage")
    found = encoder.estimate(TEXTS, "passage")  # type: ignore[attr-defined]
    assert (found["requests"], found["tokens"]) == (3, 21 * 9)
    assert np.isnan(found["US dollars"])
    assert len(proxy.requests) == 1


def test_prices_and_lengths_of_openai_are_known() -> None:
    encoder = load_encoder("api:openai/text-embedding-3-small", max_length=10)
    assert encoder.card.max_length == 10
    found = encoder.estimate(["rain " * 1000, "river"], "passage")  # type: ignore[attr-defined]
    assert found == {"requests": 1, "tokens": 11, "US dollars": pytest.approx(11 * 0.02e-6)}
