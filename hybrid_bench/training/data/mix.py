"""The training mix: sources combined to one table without evaluation data, with a manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybrid_bench.datasets.hashes import suite_hash
from hybrid_bench.datasets.resolvers import is_folder, load_suite
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support import cache
from hybrid_bench.support.atomic import write
from hybrid_bench.support.progress import Progress, SilentProgress
from hybrid_bench.support.versions import hybrid_bench
from hybrid_bench.training.data.filters import FilterReport, in_all_languages, remove_suite_overlap
from hybrid_bench.training.data.sources import read_source, source_info, source_name, sources
from hybrid_bench.training.data.table import ParallelTable
from hybrid_bench.training.data.user_data import MANIFEST

#: The suites whose data are removed by default.
CLEAN_OF = ("xquad-r", "mlqa-r")


@dataclass(frozen=True)
class Mix:
    """A stored table and its manifest.

    Attributes:
        table: the rows, memory-mapped.
        folder: the folder of both.
        manifest: the content of ``mix.json``: sources with licences, skipped records, removed and remaining rows.
    """

    table: ParallelTable
    folder: Path
    manifest: dict[str, Any]


def build(
    names: Sequence[str],
    folder: Path,
    suites: Sequence[str] = CLEAN_OF,
    progress: Progress | None = None,
    *,
    articles_of: Sequence[str] = (),
) -> Mix:
    """Read sources, remove rows that overlap with suites, and store the table and the manifest in a new folder.

    Args:
        names: known sources, or own data (see :mod:`.user_data`).
        folder: the output folder; must be empty or not exist.
        suites: names of suites whose texts are removed.
        progress: notified of each step.
        articles_of: names of suites whose texts and whole articles are removed.

    Raises:
        HybridBenchError: if a source cannot be read, a suite cannot be loaded, or no row of a source remains.
    """
    if not names:
        raise HybridBenchError("no source of training data was given", f"Known sources: {', '.join(sources())}.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise HybridBenchError(f"{folder} is not empty", "Choose another folder, or delete it.")
    names = list(dict.fromkeys(names))
    if len({source_name(name) for name in names}) < len(names):
        raise HybridBenchError(f"two of {', '.join(names)} have the same name", "Rename a file or folder.")
    suites = list(dict.fromkeys([*suites, *articles_of]))
    evaluation_suites = [load_suite(name) for name in suites]
    held_out = [load_suite(name).name for name in articles_of]
    progress = progress or SilentProgress()
    tables = []
    read = {}
    with progress:
        progress.start("reading", len(names))
        for name in names:
            reading = read_source(name)
            if not reading.rows:
                raise HybridBenchError(f"{name} has no row to train on", "Remove the source, or correct its files.")
            tables.append(reading.table())
            read[name] = source_info(name) | {
                "rows": len(reading.rows),
                "left out": [
                    {"language": language, "what": what, "count": count}
                    for (language, what), count in sorted(reading.skipped.items())
                ],
            }
            progress.advance(1)
        joined = ParallelTable.concat(tables)
        whole = [in_all_languages(suite, joined.languages) for suite in evaluation_suites]
        table, report = remove_suite_overlap(joined, whole, progress, articles_of=held_out)
        table.save(folder)
    manifest = {
        "hybrid_bench": hybrid_bench(),
        "sources": read,
        "suites": list(suites),
        "filters": _filters(report),
        "rows": _by_source(table),
        "hash": table.hash,
    }
    write(folder / MANIFEST, (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode())
    return Mix(ParallelTable.load(folder), folder, manifest)


def load(folder: Path) -> Mix:
    """Open a folder written by :func:`build`.

    Raises:
        HybridBenchError: if the folder does not exist, is incomplete or corrupt.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise HybridBenchError(
            f"{folder} does not hold complete training data" if folder.is_dir() else f"there is no folder {folder}",
            "Choose a folder written by `hybrid-bench training-data build`, or build it again.",
        )
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        contents(manifest), remarks(manifest)  # access every key that is used later
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HybridBenchError(
            f"{path} is corrupt: {type(error).__name__}: {error}", "Delete the folder and build it again."
        ) from error
    return Mix(ParallelTable.load(folder), folder, manifest)


def cached(
    names: Sequence[str],
    suites: Sequence[str] = CLEAN_OF,
    progress: Progress | None = None,
    *,
    articles_of: Sequence[str] = (),
) -> Mix:
    """The mix of some sources from the cache, built on first use.

    The cache key consists of the sources (names, addresses and hashes), the suites (names, and hashes of suites that are
    folders) and the version of this package.
    """
    import shutil

    from filelock import FileLock

    described = [{"called": source_name(name)} | source_info(name) for name in dict.fromkeys(names)]
    kept_apart = [
        [[name, suite_hash(load_suite(name))] if is_folder(name) else name for name in part] for part in (suites, articles_of)
    ]
    key = json.dumps([hybrid_bench(), _BUILD_VERSION, described, kept_apart], sort_keys=True, ensure_ascii=False)
    folder = cache.home() / "training-data" / hashlib.sha256(key.encode()).hexdigest()[:16]
    if (folder / MANIFEST).is_file():  # also in a cache that cannot be written to
        return load(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / MANIFEST).is_file():
            shutil.rmtree(folder, ignore_errors=True)  # left by an interrupted process
            return build(names, folder, suites, progress, articles_of=articles_of)
    return load(folder)


#: Version of reading and filtering. Increase it when they change, so that cached tables are rebuilt.
_BUILD_VERSION = 6


def _filters(report: FilterReport) -> dict[str, Any]:
    """The report as JSON. The keys are part of the file format."""
    removed = [{"suite": suite, "filter": name, "rows": count} for (suite, name), count in sorted(report.removed.items())]
    return {
        "before": report.before,
        "after": report.after,
        "taken": removed,
        "questions": report.questions,
        "articles": report.articles,
    }


def _by_source(table: ParallelTable) -> dict[str, dict[str, Any]]:
    """What remains of each source: rows, and questions and passages by language."""
    found = {}
    for source in table.sources:
        own = table.with_sources([source])
        counts = {part: {language: n for language, n in own.counts(part).items() if n} for part in ("question", "sentence")}
        found[source] = {"rows": len(own), "questions": counts["question"], "passages": counts["sentence"]}
    return found


def contents(manifest: Mapping[str, Any]) -> list[tuple[str | int, ...]]:
    """The remaining data as a table: a header, then source, language, questions and passages."""
    rows: list[tuple[str | int, ...]] = [("source", "language", "questions", "passages")]
    for source, left in manifest["rows"].items():
        for language in sorted(left["questions"].keys() | left["passages"].keys()):
            numbers = (left[part].get(language, 0) for part in ("questions", "passages"))
            rows.append((source, language, *numbers))
    return rows


def remarks(manifest: Mapping[str, Any]) -> list[str]:
    """Skipped records, removed rows, and articles shared with the suites, one line each."""
    lines = []
    for name, read in manifest["sources"].items():
        lines += [f"{name}/{one['language']}: {one['count']} {one['what']} (skipped)" for one in read["left out"]]
        if read.get("note"):
            lines.append(f"{name}: {read['note']}")
    filters = manifest["filters"]
    for one in filters["taken"]:
        lines.append(f"{one['rows']} rows removed: same {one['filter']} as in {one['suite']}")
    lines.append(f"{filters['after']} of {filters['before']} rows remain")
    for suite, titles in filters["articles"].items():
        if titles:
            lines.append(f"articles shared with {suite}: {len(titles)} ({', '.join(titles)})")
        else:
            lines.append(f"articles shared with {suite}: none found by title")
    return lines
