"""Translations on disk, in parts: an interrupted run loses one part at most, and no text is translated twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from hybrid_bench.support.atomic import write
from hybrid_bench.support.progress import Progress
from hybrid_bench.training.data.translation.protocol import Translator

#: Texts per part.
_PART = 256


def translations(
    texts: Sequence[str], source: str, target: str, translator: Translator, folder: Path, progress: Progress
) -> dict[str, str]:
    """Translate distinct texts part by part, and reuse the parts in the folder.

    A part is a JSON file of texts and their translations. Its name starts with a hash of the languages, the model and its
    revision.
    """
    stated = json.dumps([translator.name, translator.revision, source, target], ensure_ascii=False)
    stem = f"{target}-{_hash(stated)}"
    folder.mkdir(parents=True, exist_ok=True)
    done: dict[str, str] = {}
    for path in sorted(folder.glob(f"{stem}-*.json")):
        done |= _read(path)
    wanted = list(dict.fromkeys(texts))
    missing = [text for text in wanted if text not in done]
    progress.advance(len(wanted) - len(missing))
    for start in range(0, len(missing), _PART):
        part = missing[start : start + _PART]
        made = dict(zip(part, translator.translate(part, source, target), strict=True))
        content = json.dumps(made, ensure_ascii=False, indent=0)
        write(folder / f"{stem}-{_hash(content)}.json", content.encode())
        done |= made
        progress.advance(len(part))
    return {text: done[text] for text in wanted}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read(path: Path) -> dict[str, str]:
    """The content of a part. A corrupt part is deleted and counts as empty, so that its texts are translated again."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict) and all(isinstance(translation, str) for translation in found.values()):
            return found
    except ValueError:
        pass
    path.unlink()
    return {}
