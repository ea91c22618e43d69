"""Check of an encoder's modalities against those that a suite needs."""

from __future__ import annotations

from collections.abc import Collection

from hybrid_bench.datasets.images import Modality
from hybrid_bench.encoders.card import EncoderCard
from hybrid_bench.errors import HybridBenchError

_PLURAL: dict[Modality, str] = {"text": "texts", "image": "images"}


def check_modalities(card: EncoderCard, needed: Collection[Modality], what: str) -> None:
    """Check that an encoder has every modality that is needed.

    Args:
        card: of the encoder.
        needed: modalities, in any order.
        what: what needs them, for the error, e.g. ``the suite mini``.

    Raises:
        HybridBenchError: naming the encoder, the modalities that it lacks, and what needs them.
    """
    missing = [modality for modality in _PLURAL if modality in needed and modality not in card.modalities]
    if missing:
        lacks = " and ".join(_PLURAL[modality] for modality in missing)
        has = " and ".join(_PLURAL[modality] for modality in card.modalities)
        raise HybridBenchError(
            f"{what} needs an encoder of {lacks}, but {card.name} encodes only {has} (modalities on its card)",
            f"Choose an encoder whose card lists {', '.join(repr(modality) for modality in missing)}, or a suite of {has} only.",
        )
