"""Cache of re-scored submissions, so that unchanged ones are not scored again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from hybrid_bench.leaderboard.entry import Entry, entry_of
from hybrid_bench.leaderboard.specs import BoardSpec
from hybrid_bench.submissions.rescoring import content_hash, rescore
from hybrid_bench.support import atomic

_PROGRAM = Path(__file__).parent.parent


class RescoredCache:
    """One file per submission, keyed by its content, its attestation, the boards and the program's sources."""

    def __init__(self, folder: Path, boards: Sequence[BoardSpec]) -> None:
        self._folder = folder
        self._boards = boards
        specs = "\n".join(board.model_dump_json(include={"suites", "columns", "by"}) for board in boards)
        self._program = hashlib.sha256(f"{_program_digest()} {specs}".encode()).hexdigest()

    def entry(self, submission: Path, checks: Path) -> tuple[Entry, bool]:
        """The re-scored submission, and whether it was scored now.

        Raises:
            HybridBenchError: if the submission has an error.
        """
        content = content_hash(submission, checks=checks)
        key = hashlib.sha256(f"{self._program} {submission.parent.name}/{submission.name} {content}".encode()).hexdigest()
        path = self._folder / f"{key[:32]}.json"
        if (cached := _read(path, key)) is not None:
            return cached, False
        entry = entry_of(rescore(submission, checks=checks), self._boards)
        self._folder.mkdir(parents=True, exist_ok=True)
        text = entry.model_dump_json().encode()
        atomic.write(path, _checksum(key, text) + b"\n" + text)
        return entry, True


def _read(path: Path, key: str) -> Entry | None:
    """A cached entry; None if there is none, or it is not the one that was written under this key."""
    try:
        checksum, _, content = path.read_bytes().partition(b"\n")
        return Entry.model_validate_json(content) if checksum == _checksum(key, content) else None
    except (OSError, ValidationError):
        return None


def _checksum(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + content).hexdigest().encode()


def _program_digest() -> str:
    """sha256 of the sources that can change a score."""
    digest = hashlib.sha256()
    for file in sorted(_PROGRAM.rglob("*.py")):
        name = file.relative_to(_PROGRAM)
        if name.parts[0] not in ("cli", "testing", "training"):
            digest.update(f"{name.as_posix()}\0".encode() + file.read_bytes())
    return digest.hexdigest()
