"""Load an encoder by its name: an entry point, a folder, or a Hugging Face id."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Callable, Collection
from importlib import resources
from pathlib import Path
from typing import Any, cast

from hybrid_bench.datasets.images import Modality
from hybrid_bench.encoders.batching import InBatches
from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.encoders.devices import canonical_dtype
from hybrid_bench.encoders.dual import reads_images
from hybrid_bench.encoders.modalities import check_modalities
from hybrid_bench.encoders.model_folder import check_model_folder
from hybrid_bench.encoders.protocol import Encoder, EncoderFactory
from hybrid_bench.encoders.resolvers import resolved, resolver_of
from hybrid_bench.errors import HybridBenchError, UnknownNameError
from hybrid_bench.registry import Registry
from hybrid_bench.support import toml

REGISTRY: Registry[EncoderFactory] = Registry("hybrid_bench.encoders", "encoder", cast(type, Callable))

#: Backend of a card to a callable that takes the card, and ``dtype``, ``device`` and ``trust_remote_code``; from plugins.
BACKENDS: Registry[Callable[..., Encoder]] = Registry("hybrid_bench.encoder_backends", "encoder backend", cast(type, Callable))

#: File name of the card in an encoder folder.
CARD_FILE = "encoder.toml"


def load_encoder(
    name: str,
    *,
    dtype: str = "fp32",
    device: str = "auto",
    trust_remote_code: bool = False,
    modalities: Collection[Modality] | None = None,
    needed_by: str = "the caller",
    batch_size: int | None = None,
    **card_fields: Any,
) -> Encoder:
    """Load an encoder.

    Args:
        name: a name from ``hybrid-bench encoders``, a folder (with an ``encoder.toml``, or as saved by sentence-transformers
            or transformers), a Hugging Face id, or a name with a prefix that a plugin resolves, see
            :class:`hybrid_bench.plugin.EncoderResolver`.
        dtype: compute dtype: ``fp32`` (the default), ``bf16``, ``fp16``, or ``auto``: bf16 if the device computes it natively.
            Torch's names (``bfloat16``) are accepted.
        device: compute device: ``cpu``, ``cuda``, ... or ``auto``: a GPU if there is one.
        trust_remote_code: run Python code that comes with the model. Enable it only for code that you have read.
        modalities: what the encoder must read, e.g. ``("text", "image")``. An encoder whose card lacks one of them is refused
            before its weights are loaded. None: not checked.
        needed_by: what needs the modalities, for the error, e.g. ``the suite mini``.
        batch_size: inputs in a batch, at most, where memory is scarce. None: as many as the encoder takes.
        card_fields: fields that replace those of the card, e.g. ``pooling="cls"`` or ``query_prefix="query: "``; options of
            the resolver of a name with a prefix.

    Returns:
        The encoder, with its weights loaded. ``encode`` gives (texts, dimension) float32.

    Raises:
        HybridBenchError: if the encoder is unknown, lacks a modality, cannot be loaded, or needs a package that is missing.
    """
    resolver = resolver_of(name)
    if batch_size is not None and not (resolver and "batch_size" in resolver.parameters):
        return InBatches(
            load_encoder(
                name,
                dtype=dtype,
                device=device,
                trust_remote_code=trust_remote_code,
                modalities=modalities,
                needed_by=needed_by,
                **card_fields,
            ),
            batch_size,
        )
    options: dict[str, Any] = {"dtype": canonical_dtype(dtype), "device": device}
    overrides = {key: value for key, value in card_fields.items() if value is not None}
    if name in REGISTRY:
        if overrides:
            raise HybridBenchError(
                f"{name} is a registered encoder with a fixed {', '.join(sorted(overrides))}",
                "Omit the option, or pass the folder or the Hugging Face id of its weights.",
            )
        encoder = REGISTRY.get(name)(**options)  # a factory loads weights lazily
        check_modalities(encoder.card, modalities or (), needed_by)
        return encoder
    code = {"trust_remote_code": True} if trust_remote_code else {}
    own = {} if batch_size is None else {"batch_size": batch_size}
    if (found := resolved(name, options | code | own | overrides)) is not None:
        check_modalities(found.card, modalities or (), needed_by)
        return found
    folder = Path(name)
    if folder.is_dir():
        card = _folder_card(folder, overrides)
    elif _is_hub_id(name):
        card = _hub_card(name, overrides)
    else:
        kinds = "An encoder is a name from `hybrid-bench encoders`, a folder, or org/model on the hub."
        if "/" in name:
            raise HybridBenchError(f"there is no folder {name}", kinds)
        raise UnknownNameError("encoder", name, REGISTRY, kinds)
    check_modalities(card, modalities or (), needed_by)
    return _from_card(card, options | {"trust_remote_code": trust_remote_code})


def _from_card(card: EncoderCard, options: dict[str, Any]) -> Encoder:
    if card.image_model:
        from hybrid_bench.encoders.backends.paired import PairedEncoder

        texts = _from_card(card.model_copy(update={"image_model": "", "modalities": ("text",), "preprocessing": ""}), options)
        of_images: dict[str, Any] = {"modalities": ("image",), "needed_by": f"the card of {card.name} (image_model)"}
        return PairedEncoder(card, texts, load_encoder(card.image_model, **options, **of_images))
    if card.backend in BACKENDS:
        return BACKENDS.get(card.backend)(card, **options)
    if "image" in card.modalities and card.backend == "transformers":
        raise HybridBenchError(
            f"the card of {card.name} lists images among its modalities, but the backend {card.backend!r} reads texts only",
            "Remove 'image' from its modalities, or set backend = 'image-text' or 'sentence-transformers'.",
        )
    if card.backend != "static" and Path(card.model).is_dir():
        check_model_folder(Path(card.model))
    if card.backend == "sentence-transformers":
        from hybrid_bench.encoders.backends.sentence_transformers import SentenceTransformersEncoder

        return SentenceTransformersEncoder(card, **options)
    if card.backend == "image-text":
        from hybrid_bench.encoders.backends.image_text import ImageTextEncoder

        return ImageTextEncoder(card, **options)
    if card.backend == "transformers":
        from hybrid_bench.encoders.backends.transformers import TransformersEncoder

        return TransformersEncoder(card, **options)
    raise HybridBenchError(
        f"the card of {card.name} says backend {card.backend!r}, which needs a plugin that loads it",
        "Install the plugin and use the name that it registers.",
    )


def _is_hub_id(name: str) -> bool:
    return name.count("/") == 1 and not name.startswith((".", "/", "~")) and not name.endswith("/")


def _folder_card(folder: Path, overrides: dict[str, Any]) -> EncoderCard:
    path = folder / CARD_FILE
    if path.is_file():
        card = EncoderCard.parse(toml.load(path) | overrides, str(path))
        found = {"model": str(_inside(folder, "model", card.model))}
        if card.image_model and not (_is_hub_id(card.image_model) and not (folder / card.image_model).exists()):
            found["image_model"] = str(_inside(folder, "image_model", card.image_model))
        return card.model_copy(update=found)
    if not any((folder / name).is_file() for name in ("config.json", "modules.json", "adapter_config.json")):
        raise HybridBenchError(
            f"{folder} is not an encoder", f"It needs an {CARD_FILE}, a modules.json or a config.json (or that of an adapter)."
        )
    return _guessed(_name_of(folder), str(folder), (folder / "modules.json").is_file(), overrides)


def _inside(folder: Path, field: str, named: str) -> Path:
    """The folder of a model beside a card."""
    weights = (folder / named).resolve()
    if not weights.is_relative_to(folder.resolve()):
        raise HybridBenchError(
            f"{folder / CARD_FILE}: {field} = {named!r} is outside of the card's folder", "Use a folder inside it."
        )
    return weights


def _name_of(folder: Path) -> str:
    """A name for a card from a folder's: accents and other characters that names lack are replaced, ``my-model-v2``."""
    own = folder.resolve().name
    plain = unicodedata.normalize("NFKD", own).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9._+]+", "-", plain).strip("-._+")
    # Of a name in another script little is left, so that a hash tells two of them apart.
    distinct = any(unicodedata.category(character).startswith("L") and not character.isascii() for character in own)
    lost = distinct and len(plain) < len(unicodedata.normalize("NFC", own))
    return "-".join(filter(None, (name[:100], hashlib.sha256(os.fsencode(own)).hexdigest()[:8] if lost or not name else "")))


def _hub_card(name: str, overrides: dict[str, Any]) -> EncoderCard:
    for file in (resources.files(__package__) / "cards").iterdir():
        stated = toml.loads(file.read_text(encoding="utf-8"), file.name)
        if stated["model"] == name:
            return EncoderCard.parse(stated | overrides, file.name)
    return _guessed(name, name, _hub_has_modules(name), overrides)


def _guessed(name: str, model: str, is_sentence_transformers: bool, overrides: dict[str, Any]) -> EncoderCard:
    """The card of a model without one: what sentence-transformers would do, which is mean pooling for a bare transformer.

    Raises:
        HybridBenchError: if another pooling is asked for than that of the model's own modules, which would be left out with its
            prompts, and not the bare transformer.
    """
    images = "backend" not in overrides and "pooling" not in overrides
    images = images and reads_images(model, overrides.get("revision", ""), modules=is_sentence_transformers)
    own = "sentence-transformers" if is_sentence_transformers else "image-text" if images else "transformers"
    backend = overrides.get("backend", own)
    if is_sentence_transformers and "pooling" in overrides and "backend" not in overrides:
        raise HybridBenchError(
            f"{name} states its pooling, its normalisation and its prompts itself (modules.json); "
            f"pooling {overrides['pooling']!r} would leave them out",
            "Omit the pooling, or choose the bare transformer, without what the model states: --backend transformers.",
        )
    fields: dict[str, Any] = {"name": name, "model": model, "backend": backend}
    if images:
        fields["modalities"] = ("text", "image")
    if backend == "transformers":
        fields["pooling"] = "mean"
    return EncoderCard.parse(fields | overrides, f"the options for {name}")


def _hub_has_modules(name: str) -> bool:
    from hybrid_bench.encoders.hub import has_file

    return has_file(name, "modules.json")
