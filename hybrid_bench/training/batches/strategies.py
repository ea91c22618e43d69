"""Batch strategies: the mix of monolingual and cross-lingual batches (arXiv 2408.10536, section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hybrid_bench.errors import HybridBenchError, UnknownNameError

#: Question and passage in the same language, or in different languages.
BatchKind = Literal["monolingual", "cross-lingual"]

_PIVOT = "en"


@dataclass(frozen=True)
class Strategy:
    """A mix of batch kinds.

    Attributes:
        name: ``mono``, ``cross``, ``hybrid``; a baseline, ``english`` or ``code-switched``; or, with distillation,
            ``distilled`` or ``hybrid+distilled``.
        alpha: the probability that a batch is monolingual.
        language: the only language that batches are drawn from; None: no restriction.
        switched: whether words are replaced by translations (code-switching, arXiv 2305.05295).
        contrastive: whether the loss has InfoNCE.
        distilled: whether the loss has a distance to a teacher's vectors of the originals (arXiv 2004.09813).
    """

    name: str
    alpha: float
    language: str | None = None
    switched: bool = False
    contrastive: bool = True
    distilled: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:  # also false for NaN
            raise HybridBenchError(
                f"alpha is {self.alpha}, but it is the share of monolingual batches", "Use a number from 0 to 1."
            )

    @property
    def kinds(self) -> tuple[BatchKind, ...]:
        """The batch kinds with a probability above 0."""
        shares: dict[BatchKind, float] = {"monolingual": self.alpha, "cross-lingual": 1 - self.alpha}
        return tuple(kind for kind, share in shares.items() if share > 0)

    def __str__(self) -> str:
        return self.name.replace("hybrid", f"hybrid({self.alpha:g})")

    @classmethod
    def from_name(cls, name: str, alpha: float | None = None) -> Strategy:
        """The strategy with a name, see :attr:`name`.

        Args:
            name: one of these names.
            alpha: for ``hybrid`` and ``hybrid+distilled``; None: 0.5, as in the paper.

        Raises:
            UnknownNameError: if there is no such strategy.
            HybridBenchError: if alpha is outside 0 to 1, or given for a strategy with a fixed alpha.
        """
        if name in MIXED:
            return cls(name, 0.5 if alpha is None else alpha, distilled=name != "hybrid")
        if name not in STRATEGIES:
            raise UnknownNameError("strategy", name, [*STRATEGIES, *MIXED])
        found = STRATEGIES[name]
        if alpha is not None and alpha != found.alpha:
            raise HybridBenchError(f"the strategy {name} has a fixed alpha", "Remove alpha, or choose hybrid.")
        return found


def hybrid(alpha: float = 0.5) -> Strategy:
    """The strategy that draws a monolingual batch with probability ``alpha`` and a cross-lingual one otherwise."""
    return Strategy("hybrid", alpha)


MONO = Strategy("mono", 1.0)
CROSS = Strategy("cross", 0.0)
ENGLISH = Strategy("english", 1.0, language=_PIVOT)
CODE_SWITCHED = Strategy("code-switched", 1.0, language=_PIVOT, switched=True)
DISTILLED = Strategy("distilled", 0.0, contrastive=False, distilled=True)

#: The strategies with a fixed alpha, by name.
STRATEGIES = {strategy.name: strategy for strategy in (MONO, CROSS, ENGLISH, CODE_SWITCHED, DISTILLED)}
#: The names of strategies with an alpha.
MIXED = ("hybrid", "hybrid+distilled")
