"""From the submissions and published figures of a folder to every file of its boards."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.leaderboard import board, published
from hybrid_bench.leaderboard.columns import BOARDS, BoardKind
from hybrid_bench.leaderboard.entry import Entry
from hybrid_bench.leaderboard.render import formats, site
from hybrid_bench.leaderboard.rescored_cache import RescoredCache
from hybrid_bench.submissions import duplicates
from hybrid_bench.submissions.format.findings import Report
from hybrid_bench.submissions.inspection import all_hashes
from hybrid_bench.support import atomic, cache
from hybrid_bench.support.progress import Progress, SilentProgress

#: The folder of the web page; everything in it is made.
SITE = "site"


@dataclass(frozen=True)
class Built:
    """What a folder's boards should be.

    Attributes:
        files: path in the folder to content.
        submissions: how many there are.
        scored: how many of them had to be scored.
    """

    files: dict[str, bytes]
    submissions: int
    scored: int


def build(
    folder: Path, *, store: Path | None = None, progress: Progress | None = None, kinds: Sequence[BoardKind] = BOARDS
) -> Built:
    """Make every file of the boards; nothing is written but the cache.

    Args:
        folder: with ``submissions/``, ``checks/`` and ``published/``.
        store: folder of re-scored submissions; in the cache folder by default.
        progress: where to report.
        kinds: the boards there are.

    Raises:
        HybridBenchError: if there is no such folder, or a submission or a published table has an error.
    """
    if not (folder / "published").is_dir() and not (folder / "submissions").is_dir():
        raise HybridBenchError(
            f"{folder} holds neither submissions/ nor published/", "Name the folder of the boards with --folder."
        )
    progress = progress or SilentProgress()
    scores = RescoredCache(store or cache.home() / "leaderboard", kinds)
    submissions = sorted(path for path in (folder / "submissions").glob("*/*") if not path.name.startswith("."))
    entries, new = [], 0
    with progress:
        progress.start("re-score", len(submissions))
        for path in submissions:
            entry, scored = scores.entry(path, folder / "checks")
            entries.append(entry)
            new += scored
            progress.advance(1)
    _check_all(dict(zip(submissions, entries, strict=True)), folder / "checks")
    figures = published.read(folder / "published")
    boards = [board.make(kind, entries, figures) for kind in kinds]
    files: dict[str, str] = {}
    for made in boards:
        texts = {
            "md": formats.markdown(made),
            "csv": formats.table(made),
            "json": formats.to_json(formats.record(made)),
            "tex": formats.latex(made),
        }
        for ending, text in texts.items():
            files[f"{made.kind.suite}.{ending}"] = text
            files[f"{SITE}/downloads/{made.kind.suite}.{ending}"] = text
    files |= {f"{SITE}/{name}": text for name, text in site.pages(boards, entries).items()}
    return Built({name: files[name].encode() for name in sorted(files)}, len(submissions), new)


def _check_all(entries: Mapping[Path, Entry], checks: Path) -> None:
    """The rules of ``submit check`` that are about several submissions, or about what was recorded of one."""
    report = Report()
    duplicates.check_all({folder: entry.submission for folder, entry in entries.items()}, report)
    for folder, entry in entries.items():
        duplicates.check_recorded(entry.submission, all_hashes(folder), checks, report)
    if report.failed:
        first = report.findings[0]
        raise HybridBenchError(f"{first.file}: {first.message} [{first.rule}]", "Run hybrid-bench submit check on its folder.")


def write(folder: Path, built: Built) -> list[str]:
    """Write what is not there yet, and remove from the site what is no longer made; returns the names of both.

    Raises:
        HybridBenchError: if the site is a link to elsewhere.
    """
    _refuse_links(folder, built)
    changed = []
    for name, content in built.files.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write(path, content)
            changed.append(name)
    for name in _left_over(folder, built):
        (folder / name).unlink()
        changed.append(name)
    return changed


def differences(folder: Path, built: Built) -> list[str]:
    """What is not as it should be, a line each; of a text that differs, its first different lines."""
    found = []
    for name, content in built.files.items():
        path = folder / name
        if not path.is_file():
            found.append(f"{name} is missing")
        elif (there := path.read_bytes()) != content:
            found.append(f"{name} is not what the submissions give{_first_difference(there, content)}")
    return found + [f"{name} is not made from any submission" for name in _left_over(folder, built)]


def _first_difference(there: bytes, content: bytes) -> str:
    has, should_have = (text.decode("utf-8", errors="replace").splitlines() for text in (there, content))
    for line in difflib.unified_diff(has, should_have, n=0, lineterm=""):
        if line[:1] in "+-" and line[:3] not in ("---", "+++"):
            return f": {'it has' if line[0] == '-' else 'it lacks'} {_short(line[1:])!r}"
    return ""


def _short(line: str, most: int = 100) -> str:
    return line if len(line) <= most else f"{line[:most]}..."


def _left_over(folder: Path, built: Built) -> list[str]:
    files = (path for path in (folder / SITE).rglob("*") if path.is_file() or path.is_symlink())
    names = sorted(path.relative_to(folder).as_posix() for path in files)
    return [name for name in names if name not in built.files]


def _refuse_links(folder: Path, built: Built) -> None:
    parents = {folder / name for name in built.files} | {(folder / name).parent for name in built.files} - {folder}
    for path in sorted(parents):
        if path.is_symlink():
            raise HybridBenchError(f"{path} is a link, and boards are written into their own folder alone", "Remove the link.")
