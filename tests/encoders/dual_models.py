"""A tiny CLIP and a tiny SigLIP with random weights, with their tokenizer and image processor."""

from __future__ import annotations

import json
from pathlib import Path

import torch
import transformers
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors

SPECIAL = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
#: Letters, so that all texts differ.
VOCABULARY = [*SPECIAL.values(), *map(chr, range(32, 127))]

LENGTH = 96
_TEXT = {
    "vocab_size": len(VOCABULARY),
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": LENGTH,
    "pad_token_id": 0,
    "bos_token_id": 2,
    "eos_token_id": 3,
}
_VISION = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "image_size": 32,
    "patch_size": 8,
}
_SQUARE = {"height": 32, "width": 32}
_PROCESSORS = {
    "CLIP": {"size": {"shortest_edge": 32}, "crop_size": _SQUARE, "do_center_crop": True, "image_mean": [0.48, 0.46, 0.41]},
    "Siglip": {"size": _SQUARE, "do_center_crop": False, "image_mean": [0.5, 0.5, 0.5]},
}


def save_letters(folder: Path) -> None:
    """A tokenizer whose tokens are letters."""
    tokenizer = Tokenizer(models.WordLevel({letter: number for number, letter in enumerate(VOCABULARY)}, SPECIAL["unk_token"]))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **SPECIAL).save_pretrained(folder)


def save_dual(folder: Path, kind: str = "CLIP") -> Path:
    """A model of 16 dimensions that has the same weights each time.

    Args:
        folder: where it is saved.
        kind: ``CLIP`` or ``Siglip``.
    """
    torch.manual_seed(5)
    if kind == "CLIP":
        model: torch.nn.Module = transformers.CLIPModel(
            transformers.CLIPConfig(text_config=_TEXT, vision_config=_VISION, projection_dim=16)
        )
    else:
        model = transformers.SiglipModel(
            transformers.SiglipConfig(text_config=_TEXT | {"projection_size": 16}, vision_config=_VISION)
        )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)  # so that words, patches and their places matter
    model.save_pretrained(folder)
    save_letters(folder)
    settings = {
        "image_processor_type": f"{kind}ImageProcessor",
        "do_resize": True,
        "resample": 3,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_std": [0.27, 0.26, 0.28],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(settings | _PROCESSORS[kind]))
    return folder
