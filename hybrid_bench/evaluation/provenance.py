"""What a result says of how it was made: the command, the encoder without its place on this machine, the seconds."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
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
        """Add what passes inside to the phase."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[phase] = round(self.seconds.get(phase, 0) + time.perf_counter() - start, 3)


def command_line(words: list[str], options: dict[str, Any], **more: str | None) -> str:
    """The command line that makes this result again."""
    for name, value in {**options, **more}.items():
        if value is not None:
            words += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    return shlex.join(["hybrid-bench", "evaluate", *words])


def public_card(card: EncoderCard) -> dict[str, Any]:
    """The card without the place on this machine; the fingerprint says which weights they were."""
    fields = card.model_dump(mode="json", exclude_defaults=True)
    if Path(card.model).is_absolute():
        del fields["model"]
    return fields
