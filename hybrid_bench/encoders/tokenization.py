"""Tokenizers that can be relied on: checked words, a padding token, no id without an embedding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hybrid_bench.errors import HybridBenchError

#: Words of its own vocabulary that a tokenizer is tried on.
_TRIED = 200


def check_tokenizer(model: str, tokenizer: Any) -> None:
    """Check that a tokenizer tells words apart, and give it a padding token.

    Args:
        model: its name or folder, for errors.
        tokenizer: of transformers. Without a padding token it gets its end-of-sequence token, which the attention mask hides.

    Raises:
        HybridBenchError: if most words cannot be told apart, or there is neither a padding nor an end-of-sequence token.
    """
    check_words(model, tokenizer)
    if tokenizer.model_max_length < 1:
        raise HybridBenchError(
            f"{model}: tokenizer_config.json says model_max_length = {tokenizer.model_max_length!r}",
            "Set it to the number of tokens that the model reads.",
        )
    if tokenizer.pad_token is None:
        if tokenizer.eos_token is None:
            raise HybridBenchError(
                f"{model}: its tokenizer has neither a padding token nor an end-of-sequence token",
                "State a pad_token in its tokenizer_config.json.",
            )
        tokenizer.pad_token = tokenizer.eos_token


def check_words(model: str, tokenizer: Any) -> None:
    """Check that a tokenizer tells words apart.

    transformers makes an empty tokenizer if the files are not there: all words become the unknown token, or none. Words of the
    tokenizer's own vocabulary must have ids of their own, also in a row; texts in a language that it lacks are not its fault.

    Args:
        model: its name or folder, for errors.
        tokenizer: of transformers.

    Raises:
        HybridBenchError: if most words cannot be told apart.
    """
    words, unknown = _words(tokenizer), tokenizer.unk_token_id
    *alone, in_a_row = tokenizer([*words, " ".join(words[:: max(1, len(words) // 20)])], add_special_tokens=False)["input_ids"]
    known = {tuple(ids) for ids in alone if ids and unknown not in ids}
    if len(known) < max(2, len(words) / 2) or sum(number == unknown for number in in_a_row) > len(in_a_row) / 2:
        found = (
            f"of {len(words)} words of its vocabulary, {len(known)} have ids of their own" if words else "its vocabulary is empty"
        )
        raise HybridBenchError(
            f"{model}: the tokenizer does not tell words apart: {found}",
            f"Put the files of the model's tokenizer (e.g. tokenizer.json) beside its weights{_found_files(model)}.",
        )


def check_vocabulary(model: str, tokenizer: Any, network: Any) -> None:
    """Check that every token has an embedding.

    Args:
        model: its name or folder, for errors.
        tokenizer: with ``get_vocab``.
        network: of transformers, or a ``torch.nn.Embedding``.

    Raises:
        HybridBenchError: if an id is beyond the embeddings.
    """
    try:
        embeddings = network.get_input_embeddings() if hasattr(network, "get_input_embeddings") else network
    except NotImplementedError:  # some models compute them, e.g. from hashes of characters
        return
    rows = getattr(embeddings, "num_embeddings", None)
    if rows is None:
        return
    beyond = sorted((number, token) for token, number in tokenizer.get_vocab().items() if number >= rows)
    if beyond:
        number, token = beyond[0]
        raise HybridBenchError(
            f"{model}: the model has embeddings for {rows} tokens, but its tokenizer has {len(beyond)} beyond them, "
            f"first {token!r} with id {number}",
            "Use the tokenizer that was saved with these weights, or train the embeddings that it needs.",
        )


def _words(tokenizer: Any) -> list[str]:
    """Texts of plain tokens, evenly from the vocabulary."""
    vocabulary = tokenizer.get_vocab()
    added = {*tokenizer.get_added_vocab(), *tokenizer.all_special_tokens}
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    chosen = (token for token in tokens[:: max(1, len(tokens) // _TRIED)] if token not in added)
    # WordPiece marks what continues a word with ##.
    return sorted({tokenizer.convert_tokens_to_string([token]).strip().removeprefix("##") for token in chosen} - {""})


def _found_files(model: str) -> str:
    """What a folder has of a tokenizer, for the error."""
    folder = Path(model)
    if not folder.is_dir():
        return ""
    names = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model", "*.tiktoken")
    return "" if any(next(folder.glob(name), None) for name in names) else "; this folder has none"
