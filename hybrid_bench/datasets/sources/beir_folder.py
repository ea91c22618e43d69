"""Local collections in BEIR's layout: ``corpus.jsonl[.gz]``, ``queries.jsonl[.gz]`` and ``qrels/*.tsv``."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import langcodes

from hybrid_bench.datasets.parts import Collection, Judgement, QuerySet
from hybrid_bench.datasets.settings import ALL, Setting, language_settings
from hybrid_bench.datasets.sources import jsonl, qrels
from hybrid_bench.datasets.sources.records import Question, TextPassage
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import HybridBenchError

#: The qrels that are read when the folder has several and none is named.
_PREFERRED_SPLITS = ("test", "dev")
#: A folder with a larger corpus file than this is large: some hundred thousand passages.
LARGE_BYTES = 100_000_000
#: How the name of a subfolder begins that is a domain.
_DOMAIN = "domain-"
#: Name of the collection and query set of a folder whose name tells no language.
UNKNOWN = "und"
#: Names by which a folder is taken for a collection, whether or not it can be read.
_PART = re.compile(r"(corpus|queries|qrels)|(corpus|queries)[-._].*(jsonl|json|tsv|csv|txt|parquet)([-._].*)?|qrels\.tsv")
_PAGE = "docs/guides/own-collections.md"
_LAYOUT = f"A collection is corpus.jsonl, queries.jsonl and qrels/test.tsv; {_PAGE} describes them."


def is_collection(path: Path) -> bool:
    """Whether ``path`` is meant as a folder in BEIR's layout, a folder of such folders by language, or a qrels file of one."""
    if path.is_dir():
        return bool(_parts(path) or _language_folders(path))
    return path.is_file() and (path.suffix == ".tsv" or path.parent.name == "qrels")


def load(path: Path) -> Suite:
    """The suite of a folder, or of one of its qrels files (``folder/qrels/train.tsv``).

    A folder whose subfolders are named by BCP-47 language tags (``de``, ``pt-BR``, ``zh-hans``) is one suite with a pool over
    its languages, and one whose subfolders are named ``domain-<name>`` one with a pool over its domains. A folder that is not
    named by a language tag has no stated language.

    Raises:
        HybridBenchError: if a file is missing or malformed, an id occurs twice, or a subfolder with a collection cannot be read
            or is named by neither a language tag nor a domain.
    """
    file = path if path.is_file() else None
    folder = path if file is None else path.parent if path.parent.name != "qrels" else path.parent.parent
    name = folder.resolve().name
    folders = _language_folders(folder) if file is None else {}
    _check_alone(folder)
    if folders:
        _check_subfolders(folder, folders)
        parts = {of.removeprefix(_DOMAIN): _Files(one, None) for of, one in sorted(folders.items())}
    else:
        parts = {name if _names_a_language(name) else UNKNOWN: _Files(folder, file)}
    by_domain = _by_domain(folders)
    language_of = {of: None if by_domain else _language(of) for of in parts}
    domain_of = {of: of if by_domain else None for of in parts}
    collections = tuple(Collection(of, files.passages, language_of[of], domain_of[of]) for of, files in parts.items())
    query_sets = tuple(
        QuerySet(of, files.queries, functools.partial(files.judgements_in, of), language_of[of], domain_of[of])
        for of, files in parts.items()
    )
    several = len(parts) > 1
    return Suite(
        name=name if file is None else f"{name}/{path.stem}",
        description=f"local collection, {path}",
        query_sets=query_sets,
        collections=collections,
        settings=_settings(query_sets, collections, by_domain),
        pools={ALL: tuple(parts)} if several else {},
        large=any(files.bytes > LARGE_BYTES for files in parts.values()),
        folder="" if path.is_absolute() else path.as_posix(),
        prefixed=bool(folders),
    )


def _settings(query_sets: Sequence[QuerySet], collections: Sequence[Collection], by_domain: bool) -> tuple[Setting, ...]:
    """Of domains, each on its own passages and on all: judgements of a domain are of its passages alone."""
    if by_domain:
        alone = tuple(Setting(of.name, of.name, "in-domain") for of in query_sets)
        return alone + (tuple(Setting(of.name, ALL, "all-domain") for of in query_sets) if len(query_sets) > 1 else ())
    if len(query_sets) > 1:
        return language_settings(query_sets, collections)
    return (Setting(query_sets[0].name, collections[0].name, "monolingual"),)


def _by_domain(folders: Iterable[str]) -> bool:
    """Whether the subfolders are named by domains."""
    names = list(folders)
    return bool(names) and all(name.startswith(_DOMAIN) and name != _DOMAIN for name in names)


def _language(name: str) -> str | None:
    return None if name == UNKNOWN else name


def _names_a_language(name: str) -> bool:
    """Whether a folder's name is a language tag rather than a word: many words of three letters are tags too."""
    return _is_tag(name) and len(langcodes.Language.get(name, normalize=False).language or "") == 2


def _is_tag(name: str) -> bool:
    """Whether a name is a BCP-47 tag; ``zh_CN``, which langcodes accepts, is not."""
    return "_" not in name and langcodes.tag_is_valid(name)


def _parts(folder: Path) -> list[str]:
    """The names in a folder that are meant as parts of a collection."""
    return sorted(file.name for file in _listed(folder) if _PART.fullmatch(file.name))


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise HybridBenchError(f"cannot read the folder {folder}: {error.strerror}") from error


def _language_folders(path: Path) -> dict[str, Path]:
    """The subfolders that are meant as collections; empty if the folder is one itself."""
    if not path.is_dir() or _parts(path):
        return {}
    inside = [file for file in _listed(path) if not file.name.startswith(".")]
    found = {file.name: file for file in inside if file.is_dir() and _parts(file)}
    # Beside others, a folder that is named by a language and holds none is incomplete rather than of no matter.
    lost = [file for file in inside if found and _names_a_language(file.name) and (file.is_dir() or file.is_symlink())]
    return found | {file.name: file for file in lost}


def _check_subfolders(path: Path, folders: Iterable[str]) -> None:
    spelt: dict[str, str] = {}
    if _by_domain(folders):
        return
    for name in folders:
        if not _is_tag(name):
            written = name.replace("_", "-")
            example = written if _is_tag(written) else "de, pt-BR or zh-hans"
            raise HybridBenchError(
                f"the subfolder {name!r} of {path} holds a collection and is not named by a language tag",
                f"Name it by a BCP-47 tag such as {example}, or all of them by domains (domain-news); or name the subfolder "
                "itself as the suite.",
            )
        other = spelt.setdefault(langcodes.standardize_tag(name).lower(), name)
        if other != name:
            raise HybridBenchError(
                f"the subfolders {other!r} and {name!r} of {path} are named by the same language", "Join them, or remove one."
            )


def _check_alone(folder: Path) -> None:
    """Refuse a collection with collections of languages in it: which is meant is not clear."""
    if (folder / "corpus.jsonl").exists() or (folder / "corpus.jsonl.gz").exists():
        for file in sorted(_listed(folder)):
            if file.is_dir() and _names_a_language(file.name) and _parts(file):
                raise HybridBenchError(
                    f"{folder} is a collection and holds another in its subfolder {file.name}",
                    "Move its corpus, queries and qrels into a subfolder named by their language.",
                )


class _Files:
    """The files of one collection with its queries and qrels.

    Raises:
        HybridBenchError: if one is missing.
    """

    def __init__(self, folder: Path, qrels_file: Path | None) -> None:
        self._corpus = _lines_file(folder, "corpus")
        self._queries_file = _lines_file(folder, "queries")
        self._qrels = qrels_file or _chosen_qrels(folder)

    def passages(self) -> Iterator[TextPassage]:
        return jsonl.passages(self._corpus)

    @property
    def bytes(self) -> int:
        """Of the passages' file."""
        return self._corpus.stat().st_size

    def queries(self) -> list[Question]:
        """All queries of the file, which may be those of several splits; those that are not judged do not count."""
        return self._queries

    @functools.cached_property
    def _queries(self) -> list[Question]:
        return list(jsonl.queries(self._queries_file))

    def judgements_in(self, collection: str) -> Iterator[Judgement]:
        return (Judgement(query_id, collection, doc_id, relevance) for query_id, doc_id, relevance in self._judgements)

    @functools.cached_property
    def _judgements(self) -> list[tuple[str, str, int]]:
        return [judgement for _, judgement in qrels.read(self._qrels)]


def _lines_file(folder: Path, part: str) -> Path:
    """``corpus.jsonl`` or ``queries.jsonl``, or the same with ``.gz``."""
    wanted = f"{part}.jsonl"
    for name in (wanted, f"{wanted}.gz"):
        if (folder / name).is_file():
            return folder / name
    found = [name for name in (_parts(folder) if folder.is_dir() else []) if name.startswith(part)]
    if not found:
        raise HybridBenchError(f"{folder} has no {wanted}", _LAYOUT)
    first = found[0]
    if first.endswith((".zst", ".bz2", ".xz", ".zip")):
        tool = {"zst": "zstd -d", "bz2": "bunzip2", "xz": "unxz", "zip": "unzip"}[first.rpartition(".")[2]]
        remedy = f"Decompress it: {tool} {folder / first}"
    elif all(name.endswith(".jsonl") for name in found):
        remedy = f"Join the parts: cd {folder} && cat {' '.join(found[:3])}{' ...' if len(found) > 3 else ''} > {wanted}"
    else:
        remedy = (
            f'Write {wanted} with one JSON object a line: {{"_id": ..., "title": ..., "text": ...}};'
            " see docs/guides/own-collections.md."
        )
    raise HybridBenchError(f"{folder} has no {wanted}, and {', '.join(found[:3])} is not read", remedy)


def _chosen_qrels(folder: Path) -> Path:
    if not (folder / "qrels").is_dir() and (folder / "qrels.tsv").is_file():
        return folder / "qrels.tsv"
    names = sorted(file.name for file in _listed(folder / "qrels")) if (folder / "qrels").is_dir() else []
    files = {name[: -len(".tsv")]: folder / "qrels" / name for name in names if name.endswith(".tsv")}
    if len(files) == 1:
        return next(iter(files.values()))
    for split in _PREFERRED_SPLITS:
        if split in files:
            return files[split]
    found = ", ".join(f"qrels/{name}" for name in names) or "none"
    remedy = "Name the qrels file itself as the suite." if names else _LAYOUT
    raise HybridBenchError(f"{folder} needs a qrels/test.tsv (found: {found})", remedy)
