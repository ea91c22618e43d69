"""What a translator is, and how one is found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, cast, runtime_checkable

from hybrid_bench.registry import Registry


@runtime_checkable
class Translator(Protocol):
    """Turns texts of one language into texts of another. The same texts give the same translations."""

    @property
    def name(self) -> str:
        """The model, as its users know it."""

    @property
    def revision(self) -> str:
        """What tells its weights from others of the name: a commit, or a hash."""

    def check(self, source: str, target: str) -> None:
        """Raise HybridBenchError if it cannot translate from the one language (ISO 639-1) to the other."""

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        """A translation of each text; empty where there is none: the text is too long, or nothing comes out."""


#: ``factory(model, revision=..., device=..., dtype=..., beams=...)``, each keyword a str or None but ``beams``, an int.
TranslatorFactory = Callable[..., Translator]

REGISTRY: Registry[TranslatorFactory] = Registry("hybrid_bench.translators", "translator", cast(type, Callable))
