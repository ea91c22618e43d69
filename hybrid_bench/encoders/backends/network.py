"""Loading a bare transformer that turns texts into vectors of tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hybrid_bench.encoders.backends.adapter import base_of, merge
from hybrid_bench.encoders.guarded import guarded
from hybrid_bench.encoders.tokenization import check_vocabulary
from hybrid_bench.errors import HybridBenchError

if TYPE_CHECKING:
    import torch


def load_network(model: str, config: Any, tokenizer: Any, device: torch.device, options: dict[str, Any]) -> tuple[Any, int]:
    """Load a transformer without a pooling layer or a head, and try it on a text.

    Of an encoder-decoder model (T5, mT5, BART, ...) it is the encoder.

    Args:
        model: its name or folder; of an adapter, with the adapter merged into its base.
        config: its configuration.
        tokenizer: its tokenizer.
        device: to compute on.
        options: of ``from_pretrained``.

    Returns:
        The network, and the dimension of its vectors.

    Raises:
        HybridBenchError: if it cannot be loaded completely, does not fit its tokenizer, or gives no vectors of tokens.
    """
    with guarded(model):
        base = base_of(model)
        network = _load(base, config, options).to(device)
        network = (network if base == model else merge(network, model)).eval()
        check_vocabulary(model, tokenizer, network)
        return network, _try(model, network, tokenizer)


def _load(model: str, config: Any, options: dict[str, Any]) -> Any:
    from transformers import MODEL_FOR_TEXT_ENCODING_MAPPING, AutoModel, AutoModelForTextEncoding

    if getattr(config, "is_encoder_decoder", False):
        if type(config) in MODEL_FOR_TEXT_ENCODING_MAPPING:  # has a class for the encoder alone
            return AutoModelForTextEncoding.from_pretrained(model, **options)
        return AutoModel.from_pretrained(model, **options).get_encoder()
    try:
        return AutoModel.from_pretrained(model, add_pooling_layer=False, **options)
    except TypeError:  # most architectures have neither this layer nor the option
        return AutoModel.from_pretrained(model, **options)


def _try(model: str, network: Any, tokenizer: Any) -> int:
    """The dimension of the token vectors of a text."""
    import torch

    inputs = {name: value.to(network.device) for name, value in tokenizer(["a b"], return_tensors="pt").items()}
    inputs.pop("token_type_ids", None)
    try:
        with torch.inference_mode():
            states = network(**inputs).last_hidden_state
        return int(states.shape[2])
    except Exception as error:  # whatever a model of another kind does with texts alone
        raise HybridBenchError(
            f"{model}: its model ({type(network).__name__}) does not turn texts into vectors of tokens: "
            f"{type(error).__name__}: {str(error).strip()[:200]}",
            "If it is not an encoder of texts alone, save it with sentence-transformers, which states how it is used.",
        ) from error
