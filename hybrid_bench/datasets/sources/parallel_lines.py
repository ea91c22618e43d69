"""Parallel texts: the same lines in many languages (FLORES-200, TICO-19), and the parallel questions of MKQA."""

from __future__ import annotations

import functools
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from hybrid_bench.datasets.sources import published
from hybrid_bench.errors import HybridBenchError

#: Id of a line to its text, in the order of the file; ids are the same in all languages of a dataset.
Lines = Mapping[str, str]

_REMEDY = "Delete it and run again, so that it is downloaded again."


def languages(name: str) -> tuple[str, ...]:
    """The BCP-47 tags of a dataset's languages."""
    stated = published.source(name)["languages"]
    return tuple(stated) if name != "tico19" else ("en", *stated)


def tag_of(name: str, code: str) -> str | None:
    """The BCP-47 tag of the language that a dataset calls by another name, such as ``eng_Latn``; None if there is none."""
    stated = published.source(name)["languages"]
    return next((tag for tag, of in stated.items() if code == (of if isinstance(of, str) else of[0]) and code != tag), None)


def english(name: str) -> dict[str, str]:
    """Language to the name of the collection of English lines that it is parallel to.

    The pairs of TICO-19 have five versions of the English. The most frequent is ``en``; another is named after the first language
    that has it.
    """
    if name != "tico19":
        return dict.fromkeys((one for one in languages(name) if one != "en"), "en")
    version = {language: stated[2] for language, stated in published.source(name)["languages"].items()}
    usual = max(version.values(), key=list(version.values()).count)
    first = {md5: next(one for one in version if version[one] == md5) for md5 in version.values()}
    return {language: "en" if md5 == usual else f"en-{first[md5]}" for language, md5 in version.items()}


@functools.cache
def load(name: str, collection: str) -> Lines:
    """The lines of a language, or of one of TICO-19's versions of English.

    Args:
        name: ``flores200``, ``tico19`` or ``mkqa``.
        collection: the language, or the name of the English lines by :func:`english`.

    Raises:
        HybridBenchError: if the file is damaged.
    """
    source = published.source(name)
    if name == "mkqa":
        return questions(published.file(name, source["url"], "test.zip", source["md5"]), source["languages"][collection])
    if name == "flores200":
        code, md5 = source["languages"][collection]
        path = published.file(name, source["url"].format(file=code), f"{code}.devtest", md5)
    else:
        of = next((language for language, found in english(name).items() if found == collection), collection)
        code, own_md5, english_md5 = source["languages"][of]
        side, md5 = (code, own_md5) if of == collection else ("en", english_md5)
        path = published.file(name, source["url"].format(file=code, side=side), f"{code}.{side}", md5)
    return {f"{number:04d}": text for number, text in enumerate(lines(path), start=1)}


@functools.cache
def domains(name: str) -> Mapping[str, str]:
    """Id of a line of FLORES-200 or TICO-19 to the domain that it is from.

    Raises:
        HybridBenchError: if the file is damaged.
    """
    source = published.source(name)
    path = published.file(name, source["metadata"], "metadata.tsv", source["metadata_md5"])
    rows = [line.split("\t") for line in lines(path)]
    try:
        if name == "flores200":
            column = rows[0].index("domain")
            found = [row[column] for row in rows[1:]]
        else:
            found = [_site(row[1]) for row in rows]
    except (IndexError, ValueError) as error:
        raise HybridBenchError(f"{path} does not state the domain of every line: {error}", _REMEDY) from error
    return {f"{number:04d}": domain for number, domain in enumerate(found, start=1)}


def _site(url: str) -> str:
    """``wikipedia`` of ``https://en.wikipedia.org/wiki/...``; ``pubmed`` and ``cmu`` for those of TICO-19."""
    host = urlsplit(url).hostname or ""
    name = host.split(".")[-2]
    return {"nih": "pubmed"}.get(name, name)


def lines(path: Path) -> list[str]:
    """The lines of a file.

    Raises:
        HybridBenchError: if it is not UTF-8, or a line is empty, after which other languages' lines were no translations.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise HybridBenchError(f"{path} is not UTF-8: {error}", _REMEDY) from error
    found = text.removesuffix("\n").split("\n")
    for number, line in enumerate(found, start=1):
        if not line.strip():
            raise HybridBenchError(f"{path}, line {number}: no text", _REMEDY)
    return found


def questions(path: Path, code: str) -> Lines:
    """The questions of a language in MKQA's archive, by the id that they have in all languages.

    Raises:
        HybridBenchError: if the archive or a line in it is damaged, or an id is there twice.
    """
    found: dict[str, str] = {}
    number = 0
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"mkqa_test_without_answers/mkqa-{code}.jsonl") as file:
            for number, line in enumerate(file, start=1):  # noqa: B007 - errors name it
                record = json.loads(line)
                name, text = record["id"].removesuffix(f"_{code}"), record["question"]
                if not name or not text.strip() or name in found:
                    raise ValueError(f"the question {name[:100]!a} is empty or there twice")
                found[name] = text
    except (
        AttributeError, KeyError, TypeError, ValueError, RecursionError, OSError, EOFError, NotImplementedError, RuntimeError,
        zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        reason = f"{type(error).__name__}: {str(error)[:200]!a}"
        raise HybridBenchError(f"{path}, {code}, line {number}: not questions of MKQA: {reason}", _REMEDY) from error
    return found
