"""InfoNCE against a closed form, with and without gradient caching, and low-rank layers against peft's."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from peft.tuners.lora.layer import Linear

from hybrid_bench.training.loop.dev_set import info_nce as closed_form
from hybrid_bench.training.loop.lora import MergedLinear, factors, low_rank
from hybrid_bench.training.loop.loss import info_nce
from hybrid_bench.training.loop.trainable_model import TrainableModel
from hybrid_bench.training.recipe import Negatives
from tests.training.tiny_training import recipe

QUERIES = ["what is de1 de2", "what is en3", "what is th4 th5", "de7", "what is what is en9 en10 th1"]
PASSAGES = ["de1 de2 de3 de4 de5 de6", "en3 en4", "th4", "de7 de8 de9 de10 de11 de12 de13 de14", "en9 en10"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> TrainableModel:
    torch.manual_seed(1)
    found = TrainableModel.load(recipe(tmp_path_factory.mktemp("loss"), weights__dropout=0.0), "cpu")
    for _, b, _ in factors(found.transformer).values():
        torch.nn.init.normal_(b, std=0.3)
    return found


def by_hand(
    queries: np.ndarray, passages: np.ndarray, temperature: float, negatives: Negatives = "passages", hardness: float = 0.0
) -> float:
    """The loss by its definition."""
    size = len(queries)
    everything = [*queries, *passages]

    def logit(one: int, other: int) -> float:
        cosine = math.fsum(everything[one] * everything[other])
        hard = one < size <= other and other != size + one
        return cosine / temperature + hard * hardness * cosine

    def loss(positive: float, against: list[float]) -> float:
        return math.log(math.fsum(map(math.exp, against))) - positive

    losses = []
    for at in range(size):
        own = size + at
        positive = logit(at, own)
        to_passages = [logit(at, size + other) for other in range(size)]
        to_questions = [logit(own, other) for other in range(size)]
        alike = [logit(one, one - at + other) for one in (at, own) for other in range(size) if other != at]
        forward = loss(positive, to_passages)
        if negatives == "all":
            forward = loss(positive, [*to_passages, *to_questions, *alike])
        elif negatives == "symmetric":
            forward = (forward + loss(positive, to_questions)) / 2
        losses.append(forward)
    return math.fsum(losses) / size


def loss_of(
    model: TrainableModel, *, cached: bool, tokens: int, negatives: Negatives = "symmetric", hardness: float = 0.0
) -> tuple[float, dict[str, torch.Tensor]]:
    loss = info_nce(
        model.network,
        temperature=0.05,
        negatives=negatives,
        hardness=hardness,
        tokens=tokens,
        cache_gradients=cached,
        gather=False,
    )
    model.network.train()
    model.network.zero_grad()
    value = loss([model.tokenize(QUERIES, "query"), model.tokenize(PASSAGES, "passage")], None)
    value.backward()
    return value.item(), {
        name: weight.grad.clone() for name, weight in model.trainable_weights().items() if weight.grad is not None
    }


@pytest.mark.parametrize("negatives", get_args(Negatives))
@pytest.mark.parametrize("hardness", [0.0, 5.0])
@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("tokens", [64, 4096])
def test_loss_equals_its_definition(
    model: TrainableModel, negatives: Negatives, hardness: float, cached: bool, tokens: int
) -> None:
    queries, passages = model.encode(QUERIES, "query", 4096), model.encode(PASSAGES, "passage", 4096)
    value, _ = loss_of(model, negatives=negatives, hardness=hardness, cached=cached, tokens=tokens)
    expected = by_hand(queries.astype(float), passages.astype(float), 0.05, negatives, hardness)
    assert value == pytest.approx(expected, abs=1e-5)


NEGATIVES = ["de1 de2 de70", "en3 en50", "th40", "de9", "en20 en21"]


@pytest.mark.parametrize("negatives", ["passages", "all"])
@pytest.mark.parametrize("cached", [False, True])
def test_loss_with_hard_negatives_equals_its_definition(model: TrainableModel, negatives: Negatives, cached: bool) -> None:
    """Each question is scored against all passages and hard negatives; with ``all``, its passage is too, but for its own."""
    q, p, n = (
        model.encode(texts, role, 4096).astype(float)
        for texts, role in ((QUERIES, "query"), (PASSAGES, "passage"), (NEGATIVES, "passage"))
    )
    losses = []
    for at in range(len(q)):
        against = [float(q[at] @ other) / 0.05 for other in (*p, *n)]
        if negatives == "all":
            against += [float(p[at] @ other) / 0.05 for other in q]
            others = [other for other in range(len(q)) if other != at]
            against += [float(one[at] @ many[other]) / 0.05 for one, many in ((q, q), (p, p), (p, n)) for other in others]
        losses.append(math.log(math.fsum(map(math.exp, against))) - float(q[at] @ p[at]) / 0.05)
    options: dict[str, Any] = {"temperature": 0.05, "hardness": 0.0, "tokens": 64, "gather": False}
    loss = info_nce(model.network, negatives=negatives, cache_gradients=cached, **options)
    model.network.train()
    columns = [model.tokenize(QUERIES, "query"), model.tokenize(PASSAGES, "passage"), model.tokenize(NEGATIVES, "passage")]
    assert loss(columns, None).item() == pytest.approx(math.fsum(losses) / len(losses), abs=1e-5)


@pytest.mark.parametrize("contrastive", [False, True])
@pytest.mark.parametrize("cached", [False, True])
def test_distillation_equals_its_definition(model: TrainableModel, contrastive: bool, cached: bool) -> None:
    """The squared distance of unit vectors, 2 - 2 cos, averaged over the texts that have a target."""
    drawn = np.random.default_rng(4).standard_normal((2, len(QUERIES), 16))
    targets = torch.tensor(drawn / np.linalg.norm(drawn, axis=2, keepdims=True), dtype=torch.float32)
    targets[0, 1] = targets[1, 0] = targets[1, 3] = 0
    queries, passages = model.encode(QUERIES, "query", 4096), model.encode(PASSAGES, "passage", 4096)
    cosines = (np.stack([queries, passages]) * targets.numpy()).sum(axis=2)[targets.abs().sum(dim=2).numpy() > 0]
    expected = 0.7 * float(np.mean(2 - 2 * cosines))
    assert len(cosines) == 7
    if contrastive:
        expected += by_hand(queries.astype(float), passages.astype(float), 0.05, "all")
    gradients = []
    for tokens in (64, 4096):
        loss = info_nce(
            model.network,
            temperature=0.05,
            negatives="all",
            hardness=0.0,
            tokens=tokens,
            cache_gradients=cached,
            gather=False,
            contrastive=contrastive,
            distillation=0.7,
        )
        model.network.train()
        model.network.zero_grad()
        value = loss([model.tokenize(QUERIES, "query"), model.tokenize(PASSAGES, "passage")], targets)
        value.backward()
        assert value.item() == pytest.approx(expected, abs=1e-5)
        gradients.append([weight.grad.clone() for weight in model.trainable_weights().values() if weight.grad is not None])
    assert max(gradient.abs().max() for gradient in gradients[0]) > 1e-3
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(*gradients, strict=True))


def test_the_gradient_of_distillation_is_the_same_with_gradient_caching(model: TrainableModel) -> None:
    targets = torch.nn.functional.normalize(torch.linspace(-1, 1, 2 * 5 * 16).reshape(2, 5, 16).sin(), dim=2)
    found = []
    for cached in (False, True):
        loss = info_nce(
            model.network, temperature=0.05, negatives="all", hardness=0.0, tokens=64, cache_gradients=cached, gather=False,
            distillation=2.0,
        )  # fmt: skip
        model.network.train()
        model.network.zero_grad()
        loss([model.tokenize(QUERIES, "query"), model.tokenize(PASSAGES, "passage")], targets).backward()
        found.append([weight.grad.clone() for weight in model.trainable_weights().values() if weight.grad is not None])
    assert all((one - other).abs().max() < 1e-5 for one, other in zip(*found, strict=True))


def test_gradient_caching_and_micro_batches_do_not_change_gradients(model: TrainableModel) -> None:
    _, whole = loss_of(model, cached=False, tokens=4096)
    assert whole.keys() == model.trainable_weights().keys()
    assert max(gradient.abs().max() for gradient in whole.values()) > 0.01
    for cached, tokens in ((False, 64), (True, 64), (True, 4096)):
        _, parts = loss_of(model, cached=cached, tokens=tokens)
        assert max((parts[name] - whole[name]).abs().max() for name in whole) < 1e-6


@given(st.integers(2, 12), st.floats(0.01, 1), st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_dev_set_loss_equals_the_definition(size: int, temperature: float, seed: int) -> None:
    drawn = np.random.default_rng(seed).standard_normal((2, size, 4))
    queries, passages = drawn / np.linalg.norm(drawn, axis=2, keepdims=True)
    found = closed_form(queries, passages, np.arange(size), temperature)
    assert found == pytest.approx(by_hand(queries, passages, temperature), rel=1e-9, abs=1e-12)


def test_vectors_do_not_depend_on_the_batch(model: TrainableModel) -> None:
    together = model.encode(PASSAGES, "passage", 4096)
    alone = np.concatenate([model.encode([text], "passage", 64) for text in PASSAGES])
    assert np.abs(together - alone).max() < 1e-6
    assert np.abs(np.linalg.norm(together, axis=1) - 1).max() < 1e-6


# Of the largest value; bf16 has 8 bits of it, and a weight, a factor and a gradient are rounded on their way.
@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-6), ("bf16", 2**-6)])
@pytest.mark.parametrize("biases", [False, True])
def test_merged_linear_equals_the_layer_of_peft(tmp_path: Path, biases: bool, precision: str, tolerance: float) -> None:
    model = TrainableModel.load(recipe(tmp_path, weights__biases=biases), "cpu")
    layer = next(module for module in model.transformer.modules() if isinstance(module, MergedLinear))
    torch.nn.init.normal_(layer.lora_B["default"].weight)  # it is 0 at first
    found = []
    for forward, half in ((MergedLinear.forward, precision == "bf16"), (Linear.forward, False)):
        x = torch.linspace(-1, 1, 3 * 5 * 16).reshape(3, 5, 16).requires_grad_()
        layer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            y = forward(layer, x)
        assert y.dtype == (torch.bfloat16 if half else torch.float32)
        (y * torch.linspace(0, 1, y.numel()).reshape(y.shape)).sum().backward()
        a, b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
        bias = layer.get_base_layer().bias
        assert (bias.grad is not None) == biases
        found.append([y.detach(), x.grad, a.grad.clone(), b.grad.clone(), *([bias.grad.clone()] if biases else [])])
    for ours, theirs in zip(*found, strict=True):
        assert ours is not None
        assert theirs is not None
        assert (ours - theirs).abs().max() <= tolerance * theirs.abs().max()
        assert precision == "bf16" or torch.allclose(ours, theirs, atol=1e-5)
    assert found[0][2].abs().max() > 0


def test_frozen_lower_layers_get_no_gradient(tmp_path: Path) -> None:
    one = TrainableModel.load(recipe(tmp_path, weights__layers=1), "cpu")
    assert all(".layer.1." in f".{name}" for name in one.trainable_weights())
    full = TrainableModel.load(recipe(tmp_path, weights={"method": "full", "freeze_embeddings": True}), "cpu")
    assert not any("embeddings" in name for name in full.trainable_weights())
    assert any("layer.0" in name for name in full.trainable_weights())


def test_low_rank_layers_follow_every_change_of_their_weights(tmp_path: Path) -> None:
    torch.manual_seed(3)
    model = TrainableModel.load(recipe(tmp_path), "cpu")
    layer = next(module for module in model.transformer.modules() if isinstance(module, MergedLinear))
    a, b, _ = low_rank(layer)
    torch.nn.init.normal_(b)
    inputs = torch.randn(3, 5, 16)
    seen: list[torch.Tensor] = []

    def check() -> None:
        for _ in range(2):  # the second micro-batch uses what the first one kept
            found = MergedLinear.forward(layer, inputs)
            torch.testing.assert_close(found, Linear.forward(layer, inputs))
        assert not any(torch.allclose(found, earlier) for earlier in seen)
        seen.append(found.detach())

    check()
    optimiser = torch.optim.AdamW([a, b], lr=0.5)
    layer(inputs).square().sum().backward()
    optimiser.step()
    check()
    with torch.no_grad():
        a.copy_(torch.randn_like(a))  # as a resumed training does
    check()
    b.data = torch.randn_like(b)
    check()
    layer.scaling["default"] *= 2
    check()
