"""Encoding XQuAD-R's passages against sentence-transformers' own ``encode``, the same texts and weights in one run.

    tox run -e benchmarks                      # or: python benchmarks/encoding.py [--texts 1024]

Prints one ratio a line. The contestants take turns on parts of the texts, so that a noisy machine is noisy for all.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

from hybrid_bench import load_encoder, load_suite
from hybrid_bench.encoders.backends.packed_linear import PackedLinear
from hybrid_bench.encoders.backends.transformers import TransformersEncoder

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
#: The smallest cosine to float32 of another backend, and of rounding to bfloat16.
COSINE = {"fp32": 0.9999, "bf16": 0.999}
#: Rows of a matrix product.
_TOKENS = 1024


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=1024, help="passages, drawn evenly from all languages; 0 for all 13,014")
    parser.add_argument("--parts", type=int, default=4, help="turns of each contestant")
    arguments = parser.parse_args()

    suite = load_suite("xquad-r")
    everything = [str(item.content) for collection in suite.collections for item in suite.passages(collection.name)]
    step = max(1, len(everything) // arguments.texts) if arguments.texts else 1
    texts = everything[::step]
    dtypes = ("fp32", "bf16") if torch.cpu.get_capabilities().get("avx512_bf16") else ("fp32",)
    encoders = {dtype: load_encoder("me5-small", dtype=dtype, device="cpu") for dtype in dtypes}
    contestants: dict[str, Callable[[list[str]], np.ndarray]] = {}
    for dtype, encoder in encoders.items():
        assert isinstance(encoder, TransformersEncoder)
        contestants[f"hybrid-bench {dtype}"] = functools.partial(encoder.encode, role="passage")
        contestants[f"sentence-transformers {dtype}"] = _sentence_transformers(encoder.card.model, DTYPES[dtype])
        contestants[f"products {dtype}"] = _products(encoder, DTYPES[dtype])

    for encode in contestants.values():
        encode(texts[:16])
    seconds = dict.fromkeys(contestants, 0.0)
    vectors: dict[str, list[np.ndarray]] = {name: [] for name in contestants}
    for part in np.array_split(np.arange(len(texts)), arguments.parts):
        for name, encode in contestants.items():
            start = time.perf_counter()
            vectors[name].append(encode([texts[index] for index in part]))
            seconds[name] += time.perf_counter() - start
    for name, spent in seconds.items():
        print(f"{name}: {len(texts) / spent:.1f} passages a second")

    def speed(mine: str, other: str, goal: str) -> None:
        print(f"speed of {mine} / {other}: {seconds[other] / seconds[mine]:.2f} ({goal})")

    default = "sentence-transformers fp32"
    speed("hybrid-bench fp32", default, "at least 1.5")
    if "bf16" in dtypes:
        speed("hybrid-bench bf16", default, "at least 3.0")
        speed("hybrid-bench bf16", "sentence-transformers bf16", "at least 1.5")
    for dtype in dtypes:
        mine = f"hybrid-bench {dtype}"
        speed(mine, f"products {dtype}", "goal 0.7; 1 is the bare matrix products")
        cosine = (np.concatenate(vectors[mine]) * np.concatenate(vectors[default])).sum(axis=1)
        print(f"smallest cosine of {mine} to the default's vectors: {cosine.min():.6f} (at least {COSINE[dtype]})")


def _products(encoder: TransformersEncoder, dtype: torch.dtype) -> Callable[[list[str]], np.ndarray]:
    """The matrix products of the linear layers alone, of the same shapes and without padding, as fast as oneDNN computes them."""
    layers = [layer for layer in encoder._model.modules() if isinstance(layer, (torch.nn.Linear, PackedLinear))]
    shapes = [(layer.weight.shape[0], layer.weight.shape[1]) for layer in layers]
    packed = {shape: torch.ops.mkldnn._reorder_linear_weight(torch.randn(shape, dtype=dtype)) for shape in shapes}
    inputs = {width: torch.randn(_TOKENS, width, dtype=dtype) for _, width in packed}

    def multiply(texts: list[str]) -> np.ndarray:
        tokens = sum(map(len, encoder._tokenizer([f"passage: {text}" for text in texts], truncation=True)["input_ids"]))
        with torch.inference_mode():
            for _ in range(-(-tokens // _TOKENS)):
                for shape in shapes:
                    torch.ops.mkldnn._linear_pointwise(inputs[shape[1]], packed[shape], None, "none", [], "")
        return np.empty((len(texts), 0))

    return multiply


def _sentence_transformers(folder: str, dtype: torch.dtype) -> Callable[[list[str]], np.ndarray]:
    transformer = Transformer(folder, max_seq_length=512, model_kwargs={"dtype": dtype})
    pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode="mean")
    model = SentenceTransformer(modules=[transformer, pooling, Normalize()], device="cpu")

    def encode(texts: list[str]) -> np.ndarray:
        return np.asarray(model.encode(texts, prompt="passage: ", show_progress_bar=False), dtype=np.float32)

    return encode


if __name__ == "__main__":
    main()
