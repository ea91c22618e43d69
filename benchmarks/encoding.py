"""Encoding XQuAD-R's passages against sentence-transformers' own ``encode``, the same texts and weights in one run.

    tox run -e benchmarks                      # or: python benchmarks/encoding.py [--texts 1024]

Prints one ratio a line. The three contestants take turns on parts of the texts, so that a noisy machine is noisy for all.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

from hybrid_bench import load_encoder, load_suite
from hybrid_bench.encoders.backends.transformers import TransformersEncoder
from hybrid_bench.encoders.devices import choose_dtype


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
    native = choose_dtype("auto", torch.device("cpu"))[0]

    ours = load_encoder("me5-small", dtype=native, device="cpu")
    assert isinstance(ours, TransformersEncoder)
    folder = ours.card.model
    contestants: dict[str, Callable[[list[str]], np.ndarray]] = {
        f"hybrid-bench ({native})": lambda part: ours.encode(part, "passage"),
        "sentence-transformers (fp32)": _sentence_transformers(folder, torch.float32),
    }
    if native == "bf16":
        contestants["sentence-transformers (bf16)"] = _sentence_transformers(folder, torch.bfloat16)

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
    mine, default = list(contestants)[:2]
    goal = "at least 3.5" if native == "bf16" else "not below 1: this CPU has no bf16 instructions"
    print(f"speed of hybrid-bench / sentence-transformers' default: {seconds[default] / seconds[mine]:.2f} ({goal})")
    if native == "bf16":
        other = "sentence-transformers (bf16)"
        print(f"speed of hybrid-bench / sentence-transformers in bf16: {seconds[other] / seconds[mine]:.2f} (at least 1.5)")
    cosine = (np.concatenate(vectors[mine]) * np.concatenate(vectors[default])).sum(axis=1)
    print(f"smallest cosine to the default's vectors: {cosine.min():.6f} (at least .999)")


def _sentence_transformers(folder: str, dtype: torch.dtype) -> Callable[[list[str]], np.ndarray]:
    transformer = Transformer(folder, max_seq_length=512, model_kwargs={"dtype": dtype})
    pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode="mean")
    model = SentenceTransformer(modules=[transformer, pooling, Normalize()], device="cpu")

    def encode(texts: list[str]) -> np.ndarray:
        return np.asarray(model.encode(texts, prompt="passage: ", show_progress_bar=False), dtype=np.float32)

    return encode


if __name__ == "__main__":
    main()
