"""Translations on disk while they are made: a killed run loses one part at most."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from hybrid_bench.progress import Progress
from hybrid_bench.training.translation.protocol import Translator
from hybrid_bench.whole_file import write

#: Texts of one part.
_PART = 256


def translations(
    texts: Sequence[str], source: str, target: str, translator: Translator, folder: Path, progress: Progress
) -> dict[str, str]:
    """Translate distinct texts, part by part; parts that are in the folder are read.

    The key of a part is what decides its translations: the model, its revision, the languages and the texts.
    """
    found: dict[str, str] = {}
    folder.mkdir(parents=True, exist_ok=True)
    for part in _parts(list(dict.fromkeys(texts))):
        stated = [translator.name, translator.revision, source, target, part]
        key = hashlib.sha256(json.dumps(stated, ensure_ascii=False).encode()).hexdigest()[:32]
        path = folder / f"{target}-{key}.json"
        done = _read(path, len(part))
        if done is None:
            done = translator.translate(part, source, target)
            write(path, json.dumps(done, ensure_ascii=False, indent=0).encode())
        found.update(zip(part, done, strict=True))
        progress.advance(len(part))
    return found


def _parts(texts: list[str]) -> Iterator[list[str]]:
    return (texts[start : start + _PART] for start in range(0, len(texts), _PART))


def _read(path: Path, size: int) -> list[str] | None:
    """A part that was written; None if there is none, or a disk has spoilt it: then it is made again."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    whole = isinstance(found, list) and len(found) == size and all(isinstance(text, str) for text in found)
    return found if whole else None
