"""Build of all leaderboard files from the submissions and published figures in a folder."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.leaderboard import board, links, published, specs
from hybrid_bench.leaderboard.entry import Entry
from hybrid_bench.leaderboard.render import formats, site
from hybrid_bench.leaderboard.rescored_cache import RescoredCache
from hybrid_bench.leaderboard.specs import BoardSpec
from hybrid_bench.submissions import duplicates, lock
from hybrid_bench.submissions.checksums import all_hashes, display_name, whole_hash
from hybrid_bench.submissions.format import schema
from hybrid_bench.submissions.format.findings import Finding, InvalidSubmission, Report
from hybrid_bench.support import atomic, cache
from hybrid_bench.support.progress import Progress, SilentProgress

#: The folder of the web page; all of its files are generated.
SITE = "site"
_NO_BOARD = Finding(
    "suite",
    schema.FILE,
    "error",
    "no leaderboard shows any of its suites",
    "Submit another suite, or add a board: boards/NAME.toml.",
)


@dataclass(frozen=True)
class Built:
    """The result of a build.

    Attributes:
        files: path in the folder to content.
        submissions: number of submissions.
        scored: number of submissions that were re-scored, because they were not in the cache.
        suspicious: what a maintainer should look at, one phrase for each figure that is too good and that no one re-ran.
        left_out: ``<org>__<name>/<revision>`` of each submission that is on no board because of errors, with its findings.
    """

    files: dict[str, bytes]
    submissions: int
    scored: int
    suspicious: tuple[str, ...] = ()
    left_out: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)


def build(
    folder: Path, *, store: Path | None = None, progress: Progress | None = None, boards: Sequence[BoardSpec] | None = None
) -> Built:
    """Generate all files of the leaderboards in memory; only the cache is written.

    Args:
        folder: contains ``submissions/``, ``checks/``, ``published/`` and ``boards/``; all but one of the first and third are
            optional, as is ``links.toml``.
        store: folder of re-scored submissions; defaults to one in the cache.
        progress: receives progress updates.
        boards: defaults to those of ``boards/``, or those that the package ships; see :func:`specs.load`.

    Raises:
        HybridBenchError: if the folder is missing, or a published table, a board or ``links.toml`` has an error. A submission
            with an error is left out.
    """
    if not (folder / "published").is_dir() and not (folder / "submissions").is_dir():
        raise HybridBenchError(
            f"{folder} contains neither submissions/ nor published/", "Set --folder to the folder of the leaderboards."
        )
    progress = progress or SilentProgress()
    boards = specs.load(folder) if boards is None else boards
    scores = RescoredCache(store or cache.home() / "leaderboard", boards)
    locked = lock.read(folder)
    # Published submissions come first: a new one is compared with them, not they with it.
    submissions = sorted(_submissions(folder / "submissions"), key=lambda path: _name(path) not in locked)
    scored: dict[Path, Entry] = {}
    left_out: dict[Path, tuple[Finding, ...]] = {}
    new = 0
    with progress:
        progress.start("re-score", len(submissions))
        for path in submissions:
            try:
                scored[path], now = scores.entry(path, folder / "checks")
                new += now
                if not scored[path].scored:
                    raise InvalidSubmission(path, [_NO_BOARD])
            except InvalidSubmission as error:
                left_out[path] = error.findings
            progress.advance(1)
    scored = {path: entry for path, entry in scored.items() if path not in left_out}
    hashes = {path: all_hashes(path) for path in scored}
    left_out |= _compared(scored, hashes, folder / "checks", locked)
    scored = {path: scored[path] for path in sorted(scored.keys() - left_out)}
    entries = list(scored.values())
    figures = published.read(folder / "published", boards)
    tables = [board.make(spec, entries, figures) for spec in boards]
    files: dict[str, str] = {}
    for made in tables:
        texts = {
            "md": formats.markdown(made),
            "csv": formats.table(made),
            "json": formats.to_json(formats.record(made)),
            "tex": formats.latex(made),
        }
        for ending, text in texts.items():
            files[f"{made.spec.name}.{ending}"] = text
            files[f"{SITE}/downloads/{made.spec.name}.{ending}"] = text
    files |= {f"{SITE}/{name}": text for name, text in site.pages(tables, entries, links.read(folder)).items()}
    files[lock.FILE] = lock.text(locked | {entry.submission.folder: whole_hash(hashes[path]) for path, entry in scored.items()})
    return Built(
        {name: files[name].encode() for name in sorted(files)},
        len(submissions),
        new,
        tuple(phrase for made in tables for phrase in board.suspicious(made)),
        {display_name(_name(path)): left_out[path] for path in sorted(left_out)},
    )


def _submissions(folder: Path) -> list[Path]:
    """Every ``<org>__<name>/<revision>``, valid or not; files beside the folders, such as a README, are none."""
    return sorted(
        path
        for path in folder.glob("*/*")
        if not path.name.startswith(".") and not path.parent.name.startswith(".") and (path.is_dir() or path.is_symlink())
    )


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _compared(
    entries: Mapping[Path, Entry], hashes: Mapping[Path, dict[str, str]], checks: Path, locked: Mapping[str, str]
) -> dict[Path, tuple[Finding, ...]]:
    """Compare submissions with each other, their attestations and the lock file; returns those with errors."""
    found = duplicates.check_all(
        {folder: entry.submission for folder, entry in entries.items()},
        {folder: entry.signatures for folder, entry in entries.items()},
    )
    for folder, entry in entries.items():
        report = Report()
        lock.check(entry.submission.folder, hashes[folder], locked, report)
        duplicates.check_recorded(entry.submission, hashes[folder], checks, report)
        found.setdefault(folder, []).extend(report.findings)
    return {folder: tuple(of) for folder, of in found.items() if any(one.severity == "error" for one in of)}


def write(folder: Path, built: Built) -> list[str]:
    """Write changed files and remove stale ones from the site; returns the names of both.

    Raises:
        HybridBenchError: if a file or folder to be written is a link.
    """
    _reject_links(folder, built)
    changed = []
    for name, content in built.files.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write(path, content)
            changed.append(name)
    for name in _stale(folder, built):
        (folder / name).unlink()
        changed.append(name)
    return changed


def differences(folder: Path, built: Built) -> list[str]:
    """List missing, changed and stale files, one line each, with the first difference of changed ones."""
    found = []
    for name, content in built.files.items():
        path = folder / name
        if not path.is_file():
            found.append(f"{name} is missing")
        elif (there := path.read_bytes()) != content:
            found.append(f"{name} is out of date{_first_difference(there, content)}")
    return found + [f"{name} is stale: no submission generates it" for name in _stale(folder, built)]


def _first_difference(there: bytes, content: bytes) -> str:
    actual, expected = (text.decode("utf-8", errors="replace").splitlines() for text in (there, content))
    for line in difflib.unified_diff(actual, expected, n=0, lineterm=""):
        if line[:1] in "+-" and line[:3] not in ("---", "+++"):
            return f": {'unexpected' if line[0] == '-' else 'missing'} line {_truncated(line[1:])!r}"
    return ""


def _truncated(line: str, limit: int = 100) -> str:
    return line if len(line) <= limit else f"{line[:limit]}..."


def _stale(folder: Path, built: Built) -> list[str]:
    files = (path for path in (folder / SITE).rglob("*") if path.is_file() or path.is_symlink())
    names = sorted(path.relative_to(folder).as_posix() for path in files)
    return [name for name in names if name not in built.files]


def _reject_links(folder: Path, built: Built) -> None:
    parents = {folder / name for name in built.files} | {(folder / name).parent for name in built.files} - {folder}
    for path in sorted(parents):
        if path.is_symlink():
            raise HybridBenchError(f"{path} is a link; leaderboards are not written through links", "Remove the link.")
