"""Provenance of a result: the command, the encoder without its path on this machine, the seconds by phase."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hybrid_bench.encoders.card import EncoderCard


@dataclass
class Phases:
    """Seconds of wall time by phase."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def measure(self, phase: str) -> Iterator[None]:
        """Add the time that passes inside to the phase."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[phase] = round(self.seconds.get(phase, 0) + time.perf_counter() - start, 3)


def command_line(words: Sequence[str], options: Mapping[str, Any]) -> str:
    """The command line that makes a result again.

    Args:
        words: the command and its arguments.
        options: name to value; options of value None are left out, flags are True.

    Returns:
        The command, quoted for a shell.
    """
    stated = list(words)
    for name, value in options.items():
        if value is not None:
            stated += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return shlex.join(["hybrid-bench", *stated])


def public_card(card: EncoderCard) -> dict[str, Any]:
    """The card without a path on this machine; the fingerprint identifies the weights."""
    fields = card.model_dump(mode="json", exclude_defaults=True)
    if Path(card.model).is_absolute():
        del fields["model"]
    return fields
