"""A mix of sources, filtered and stored: what an encoder is trained on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hybrid_bench.datasets.hashes import suite_hash
from hybrid_bench.datasets.resolvers import is_folder, load_suite
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support import cache
from hybrid_bench.support.atomic import write
from hybrid_bench.support.progress import Progress, SilentProgress
from hybrid_bench.support.versions import hybrid_bench
from hybrid_bench.training.data.filters import FilterReport, without_suites
from hybrid_bench.training.data.own_data import ACCOUNT
from hybrid_bench.training.data.sources import called, read_source, sources, stated
from hybrid_bench.training.data.table import ParallelTable

#: The suites that training data are kept apart from unless others are named.
CLEAN_OF = ("xquad-r", "mlqa-r")


@dataclass(frozen=True)
class Mix:
    """A stored table, and the account of how it came about.

    Attributes:
        table: memory-mapped.
        folder: where it is.
        account: as in ``mix.json``: sources with licences, what readers left out, what filters took, what is left.
    """

    table: ParallelTable
    folder: Path
    account: dict[str, Any]


def build(names: Sequence[str], folder: Path, suites: Sequence[str] = CLEAN_OF, progress: Progress | None = None) -> Mix:
    """Read sources, take out what is in the suites, and store the table and the account in a new folder.

    Args:
        names: names of ``sources.toml``, or files of JSON lines.
        folder: must not exist, or be empty.
        suites: names of suites.
        progress: told of each step.

    Raises:
        HybridBenchError: if a source cannot be read, a suite cannot be loaded, or nothing is left.
    """
    if not names:
        raise HybridBenchError("no source of training data is named", f"Known: {', '.join(sources())}.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise HybridBenchError(f"{folder} is not empty", "Name another folder, or delete it.")
    names = list(dict.fromkeys(names))
    if len({called(name) for name in names}) < len(names):
        raise HybridBenchError(f"two of {', '.join(names)} have one name", "Rename a file or folder.")
    evaluations = [load_suite(name) for name in suites]
    progress = progress or SilentProgress()
    tables = []
    read = {}
    with progress:
        progress.start("reading", len(names))
        for name in names:
            reading = read_source(name)
            if not reading.rows:
                raise HybridBenchError(f"{name} has no row to train on", "Leave it out, or mend it.")
            tables.append(reading.table())
            read[name] = stated(name) | {
                "rows": len(reading.rows),
                "left out": [
                    {"language": language, "what": what, "count": count}
                    for (language, what), count in sorted(reading.left_out.items())
                ],
            }
            progress.advance(1)
        table, report = without_suites(ParallelTable.concat(tables), evaluations, progress)
        table.save(folder)
    account = {
        "hybrid_bench": hybrid_bench(),
        "sources": read,
        "suites": list(suites),
        "filters": _filters(report),
        "rows": _by_source(table),
        "hash": table.hash,
    }
    write(folder / ACCOUNT, (json.dumps(account, indent=2, ensure_ascii=False) + "\n").encode())
    return Mix(ParallelTable.load(folder), folder, account)


def load(folder: Path) -> Mix:
    """Open a folder that :func:`build` wrote.

    Raises:
        HybridBenchError: if it is none, or was stopped before it was whole.
    """
    path = folder / ACCOUNT
    if not path.is_file():
        raise HybridBenchError(
            f"{folder} holds no training data that are whole" if folder.is_dir() else f"there is no folder {folder}",
            "Name a folder that `hybrid-bench training-data build` wrote to its end.",
        )
    try:
        account = json.loads(path.read_text(encoding="utf-8"))
        contents(account), remarks(account)  # all that is read of it
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HybridBenchError(
            f"{path} is damaged: {type(error).__name__}: {error}", "Delete the folder and build it again."
        ) from error
    return Mix(ParallelTable.load(folder), folder, account)


def cached(names: Sequence[str], suites: Sequence[str] = CLEAN_OF, progress: Progress | None = None) -> Mix:
    """The mix of these sources from the cache; built there if it is not there yet.

    The key is what the sources are (names, addresses and hashes), the suites (their names, and of folders what is in them),
    and the version of this package.
    """
    import shutil

    from filelock import FileLock

    described = [{"called": called(name)} | stated(name) for name in dict.fromkeys(names)]
    kept_apart = [[name, suite_hash(load_suite(name))] if is_folder(name) else name for name in suites]
    key = json.dumps([hybrid_bench(), _CODE, described, kept_apart], sort_keys=True, ensure_ascii=False)
    folder = cache.home() / "training-data" / hashlib.sha256(key.encode()).hexdigest()[:16]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / ACCOUNT).is_file():
            shutil.rmtree(folder, ignore_errors=True)  # what a killed process left
            return build(names, folder, suites, progress)
    return load(folder)


#: Counts up when reading or filtering changes, so that tables in the cache are not taken for what would be built now.
_CODE = 4


def _filters(report: FilterReport) -> dict[str, Any]:
    plain = asdict(report)
    plain["taken"] = [{"suite": suite, "filter": name, "rows": count} for (suite, name), count in sorted(report.taken.items())]
    return plain


def _by_source(table: ParallelTable) -> dict[str, dict[str, Any]]:
    """What is left of each source: rows, and questions and passages by language."""
    found = {}
    for source in table.sources:
        own = table.only([source])
        counts = {part: {language: n for language, n in own.counts(part).items() if n} for part in ("question", "sentence")}
        found[source] = {"rows": len(own), "questions": counts["question"], "passages": counts["sentence"]}
    return found


def contents(account: Mapping[str, Any]) -> list[tuple[str | int, ...]]:
    """The table of an account: a header, then source, language, questions and passages."""
    rows: list[tuple[str | int, ...]] = [("source", "language", "questions", "passages")]
    for source, left in account["rows"].items():
        for language in sorted(left["questions"].keys() | left["passages"].keys()):
            numbers = (left[part].get(language, 0) for part in ("questions", "passages"))
            rows.append((source, language, *numbers))
    return rows


def remarks(account: Mapping[str, Any]) -> list[str]:
    """What readers and filters took, and what stays related to the suites, a line each."""
    lines = []
    for name, read in account["sources"].items():
        lines += [f"{name}/{one['language']}: {one['count']} {one['what']} (left out)" for one in read["left out"]]
        if read.get("note"):
            lines.append(f"{name}: {read['note']}")
    filters = account["filters"]
    for one in filters["taken"]:
        lines.append(f"{one['rows']} rows are out: {one['filter']} of {one['suite']}")
    lines.append(f"{filters['after']} of {filters['before']} rows are left")
    for suite, titles in filters["articles"].items():
        if titles:
            lines.append(f"articles shared with {suite}: {len(titles)} ({', '.join(titles)})")
        else:
            lines.append(f"articles shared with {suite}: none known by title")
    return lines
