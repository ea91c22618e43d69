"""The Translator protocol, and the registry of translators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, cast, runtime_checkable

from hybrid_bench.registry import Registry


@runtime_checkable
class Translator(Protocol):
    """A machine translation model. Translations are deterministic."""

    @property
    def name(self) -> str:
        """The name of the model."""

    @property
    def revision(self) -> str:
        """What identifies the weights and settings: a commit or a hash, and options that change translations."""

    def check(self, source: str, target: str) -> None:
        """Raise HybridBenchError if it cannot translate between two languages (ISO 639-1)."""

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """The translation of each text; an empty string if the text is too long or the output is empty."""


#: ``factory(model, revision=..., device=..., dtype=..., beams=...)``; ``beams`` is an int, the others are str or None.
TranslatorFactory = Callable[..., Translator]

REGISTRY: Registry[TranslatorFactory] = Registry("hybrid_bench.translators", "translator", cast(type, Callable))
