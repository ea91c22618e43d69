"""Images as queries and passages: opened lazily, identified by the sha256 of their bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Modality = Literal["text", "image"]


@dataclass(frozen=True)
class Image:
    """placeholder until merged."""

    path: Path

    @property
    def sha256(self) -> str:
        """Hash."""
        return ""


Input = str | Image


def content_key(content: Input) -> str:
    """A text itself; of an image a text that no text equals."""
    return content if isinstance(content, str) else f"\x00image sha256:{content.sha256}"
