"""No code reads a language, a domain or a collection out of an id: judgements and ranks carry their collection."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

#: Methods of a text that take it apart, or look at its beginning.
METHODS = {"partition", "rpartition", "split", "rsplit", "startswith", "removeprefix", "find", "rfind", "index", "rindex"}
#: The one module that makes TREC ids and reads their collection.
MAKES_IDS = ROOT / "hybrid_bench" / "datasets" / "trec_ids.py"
#: Names of variables and attributes that hold ids of passages or queries.
ID_NAMES = {"id", "doc_id", "docid", "trec_id", "query_id", "qid", "passage_id", "own_id"}
SOURCES = sorted(file for folder in ("hybrid_bench", "plugins") for file in (ROOT / folder).rglob("*.py") if file != MAKES_IDS)


def with_hyphen(arguments: list[ast.expr]) -> bool:
    """Whether a text with a hyphen is among the arguments, alone or at the end of an f-string."""
    literals = [node for argument in arguments for node in ast.walk(argument) if isinstance(node, ast.Constant)]
    return any(isinstance(node.value, str) and node.value.strip("-") == "" and node.value for node in literals)


def name_of(node: ast.expr) -> str:
    """The last name of ``doc_id``, ``hit.doc_id`` or ``str(doc_id)``."""
    if isinstance(node, ast.Call) and len(node.args) == 1:
        return name_of(node.args[0])
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def parsed_ids(source: str) -> Iterator[tuple[int, str]]:
    """(line, code) of everything that splits a text at hyphens, or takes a part of an id."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
            of_id = name_of(node.func.value) in ID_NAMES and node.func.attr != "split"
            if with_hyphen(node.args) or of_id:
                yield node.lineno, ast.unparse(node)
        elif (isinstance(node, ast.Call) and ast.unparse(node.func) == "re.split" and "-" in ast.unparse(node.args[0])) or (
            isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) and name_of(node.value) in ID_NAMES
        ):
            yield node.lineno, ast.unparse(node)


#: Code that reads other texts than ids, the options of a command; and the search for ids of tests among those of training data,
#: which may be prefixed.
ALLOWED = {
    ("hybrid_bench/evaluation/reproducible.py", "word.startswith('-')"),
    ("hybrid_bench/evaluation/reproducible.py", "word.startswith('--')"),
    ("hybrid_bench/training/data/filters.py", "row.id.rpartition(':')"),
}


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_module_parses_an_id(file: Path) -> None:
    where = file.relative_to(ROOT).as_posix()
    found = [(line, code) for line, code in parsed_ids(file.read_text(encoding="utf-8")) if (where, code) not in ALLOWED]
    assert found == []


def test_the_whole_package_and_its_plugins_are_read() -> None:
    assert len(SOURCES) > 250


@pytest.mark.parametrize(
    "code",
    [
        'language = doc_id.partition("-")[0]',
        'language = hit.doc_id.rpartition("-")[0]',
        'language, number = passage.id.split("-")',
        'language = text.split("-", 1)[0]',
        'inside = name.startswith(f"{language}-")',
        'inside = doc_id.startswith(language)',
        'own = doc_id.removeprefix(prefix)',
        'language = doc_id[:2]',
        'language = str(doc_id)[:2]',
        'language = re.split("-", text)[0]',
        'language = text.rsplit("--")[0]',
    ],
)  # fmt: skip
def test_parsing_of_ids_is_detected(code: str) -> None:
    assert list(parsed_ids(code))


@pytest.mark.parametrize(
    "code",
    [
        "name.split() != [name]",
        "doc_id in ids",
        'path.name.partition(".")',
        'f"{collection}-{doc_id}"',
        "doc_ids[:3]",
        "hits[:depth]",
    ],
)
def test_other_code_is_not(code: str) -> None:
    assert not list(parsed_ids(code))
