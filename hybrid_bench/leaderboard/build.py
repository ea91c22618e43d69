"""From the submissions and published figures of a folder to every file of its boards."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from hybrid_bench import cache, whole_file
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.leaderboard import board, formats, published, site
from hybrid_bench.leaderboard.columns import BOARDS
from hybrid_bench.leaderboard.rescored_cache import RescoredCache
from hybrid_bench.progress import Progress, SilentProgress

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


def build(folder: Path, *, store: Path | None = None, progress: Progress | None = None) -> Built:
    """Make every file of the boards; nothing is written but the cache.

    Args:
        folder: with ``submissions/``, ``checks/`` and ``published/``.
        store: folder of re-scored submissions; in the cache folder by default.
        progress: where to report.

    Raises:
        HybridBenchError: if there is no such folder, or a submission or a published table has an error.
    """
    if not (folder / "published").is_dir() and not (folder / "submissions").is_dir():
        raise HybridBenchError(
            f"{folder} holds neither submissions/ nor published/", "Name the folder of the boards with --folder."
        )
    progress = progress or SilentProgress()
    scores = RescoredCache(store or cache.home() / "leaderboard")
    submissions = sorted(path for path in (folder / "submissions").glob("*/*") if not path.name.startswith("."))
    entries, new = [], 0
    with progress:
        progress.start("re-score", len(submissions))
        for path in submissions:
            entry, scored = scores.entry(path, folder / "checks")
            entries.append(entry)
            new += scored
            progress.advance(1)
    figures = published.read(folder / "published")
    boards = [board.make(kind, entries, figures) for kind in BOARDS]
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
            whole_file.write(path, content)
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
