"""Strategies: which kinds of batches an encoder is trained with (arXiv 2408.10536, section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hybrid_bench.errors import HybridBenchError, UnknownNameError

#: What a batch is: question and passage in one language, or in two.
BatchKind = Literal["monolingual", "cross-lingual"]

_PIVOT = "en"


@dataclass(frozen=True)
class Strategy:
    """A mix of batch kinds.

    Attributes:
        name: ``mono``, ``cross``, ``hybrid``, or one of the baselines ``english`` and ``code-switched``.
        alpha: the probability that a batch is monolingual.
        language: the one language that batches are drawn from, where the strategy has one.
        switched: whether words of the texts are replaced by words of other languages (arXiv 2305.05295).
    """

    name: str
    alpha: float
    language: str | None = None
    switched: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:  # NaN is refused too
            raise HybridBenchError(
                f"alpha is {self.alpha}, and it is the share of monolingual batches", "Give a number from 0 to 1."
            )

    @property
    def kinds(self) -> tuple[BatchKind, ...]:
        """The kinds that it draws."""
        shares: dict[BatchKind, float] = {"monolingual": self.alpha, "cross-lingual": 1 - self.alpha}
        return tuple(kind for kind, share in shares.items() if share > 0)

    def __str__(self) -> str:
        return f"hybrid({self.alpha:g})" if self.name == "hybrid" else self.name

    @classmethod
    def named(cls, text: str, alpha: float | None = None) -> Strategy:
        """The strategy of a name: ``mono``, ``cross``, ``hybrid``, ``english``, ``code-switched``.

        Args:
            text: the name.
            alpha: for ``hybrid``; the paper's 0.5 where it is not said.

        Raises:
            HybridBenchError: on an unknown name, an alpha outside 0 to 1, or an alpha for what is not ``hybrid``.
        """
        if text == "hybrid":
            return hybrid() if alpha is None else hybrid(alpha)
        if text not in STRATEGIES:
            raise UnknownNameError("strategy", text, [*STRATEGIES, "hybrid"])
        found = STRATEGIES[text]
        if alpha is not None and alpha != found.alpha:
            raise HybridBenchError(f"the strategy {text} has no alpha to choose", "Leave it out, or choose hybrid.")
        return found


def hybrid(alpha: float = 0.5) -> Strategy:
    """Every batch is monolingual with probability ``alpha``, else cross-lingual."""
    return Strategy("hybrid", alpha)


MONO = Strategy("mono", 1.0)
CROSS = Strategy("cross", 0.0)
ENGLISH = Strategy("english", 1.0, language=_PIVOT)
CODE_SWITCHED = Strategy("code-switched", 1.0, language=_PIVOT, switched=True)

#: The strategies that have no alpha to choose, by name.
STRATEGIES = {strategy.name: strategy for strategy in (MONO, CROSS, ENGLISH, CODE_SWITCHED)}
