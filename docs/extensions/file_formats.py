"""Reference of the files that the software reads and writes, from the models that check them."""

from __future__ import annotations

import inspect
import json
import re
import types
import typing
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel

from extensions import comments
from extensions.markdown import code, table


class Format(NamedTuple):
    """A file with a model.

    Attributes:
        title: heading of its page.
        about: what the file is, in Markdown.
        model: checks the content.
    """

    title: str
    about: str
    model: type[BaseModel]


def formats() -> dict[str, Format]:
    """Name of the page to the format of a file."""
    from hybrid_bench.encoders.card import EncoderCard
    from hybrid_bench.leaderboard.published import Source
    from hybrid_bench.leaderboard.specs import BoardSpec
    from hybrid_bench.results.record import Result
    from hybrid_bench.submissions.attestation import Attestation
    from hybrid_bench.submissions.format.schema import Submission
    from hybrid_bench.training.recipe.recipe import Recipe

    return {
        "result": Format(
            "Results",
            "`<suite>/<encoder>.json`, written by `evaluate` and read by `report`, `compare` and `results`. Beside it are "
            "`<encoder>.ranks.tsv.gz`, the ranks of the relevant passages, or the runs of a large suite.",
            Result,
        ),
        "encoder-card": Format(
            "Encoder cards",
            "`encoder.toml` in the folder of a checkpoint, or the `--card` of [vectors](/guides/vectors.md).",
            EncoderCard,
        ),
        "submission": Format(
            "submission.toml", "The card of a [submission](/guides/submitting.md), and one entry a suite.", Submission
        ),
        "attestation": Format(
            "Attestations", "`checks/<org>__<name>/<revision>.toml`, written by maintainers of boards.", Attestation
        ),
        "board": Format("Boards", "`boards/<name>.toml`: a board's suites and columns.", BoardSpec),
        "published": Format("Sources of published figures", "`published/<name>.toml`, beside the table `<name>.tsv`.", Source),
        "recipe": Format(
            "Recipes",
            "A training, see [training](/guides/training.md). `hybrid-bench train RECIPE --show` prints every key with its "
            "value. A recipe that `extends` another overrides it key by key; `data.sources` is replaced as a whole.",
            Recipe,
        ),
    }


def pages() -> dict[str, str]:
    """Path of each page, without its suffix, to its Markdown."""
    found = {f"files/{name}": "\n".join(_page(name, one)) for name, one in formats().items()}
    rows = [(f"[{one.title}]({name}.md)", one.about) for name, one in formats().items()]
    contents = "\n".join(formats())
    found["files/index"] = (
        "# Files\n\nMade from the models that check the files: an unknown field is an error.\n\n"
        f"{table(('file', 'what it is'), rows)}\n"
        "Vectors are described in [vectors of another program](/guides/vectors.md), collections in "
        "[your own collections](/guides/own-collections.md), ranks and runs of submissions in "
        "[leaderboards](/reference/generated/submissions.md).\n\n"
        f"```{{toctree}}\n:hidden:\n\n{contents}\n```\n"
    )
    return found


def _page(name: str, one: Format) -> Iterator[str]:
    yield f"# {one.title}\n\n{one.about}\n"
    for path, model in _models(one.model):
        if path:
            yield f"## {path}\n"
            yield f"{_summary(model)}\n"
        yield table(("field", "type", "default", "meaning"), _rows(model))
    schema = json.dumps(one.model.model_json_schema(), indent=1).replace(": Infinity", ': "inf"')  # JSON has no infinity
    yield f"## JSON Schema of {name}\n\n```json\n{schema}\n```\n"


def _models(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """A model and those inside it, each with the path of its field."""
    yield path, model
    for name, field in model.model_fields.items():
        for inner, inside in _inner(field.annotation):
            yield from _models(inner, f"{path}.{name}{inside}".strip("."))


def _inner(annotation: Any) -> list[tuple[type[BaseModel], str]]:
    """The models of an annotation, with what stands for an item of a list or dictionary."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [(annotation, "")]
    inside = {tuple: "[]", list: "[]", dict: ".*"}.get(get_origin(annotation), "")
    return [(model, inside + rest) for one in get_args(annotation) for model, rest in _inner(one)]


def _rows(model: type[BaseModel]) -> list[tuple[str, str, str, str]]:
    described = {**_attributes(model), **comments.of_fields(model)}
    rows = []
    for name, field in model.model_fields.items():
        default = "required" if field.is_required() else _default(field.get_default(call_default_factory=True))
        rows.append((code(name), _type(field.annotation), default, _text(described.get(name, ""))))
    return rows


def _attributes(model: type[BaseModel]) -> dict[str, str]:
    """Field to its meaning, from the part ``Attributes:`` of a docstring."""
    text = (inspect.getdoc(model) or "").partition("Attributes:")[2]
    return {name: " ".join(meaning.split()) for name, meaning in re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", text, re.MULTILINE)}


def _summary(model: type[BaseModel]) -> str:
    return _text((inspect.getdoc(model) or "").partition("Attributes:")[0])


def _default(value: Any) -> str:
    if isinstance(value, BaseModel):
        return "see below"
    if value is None or value in ("", (), {}):
        return {None: "none", "": "empty"}.get(value, "empty") if not isinstance(value, dict) else "empty"
    return code(json.dumps(value) if not isinstance(value, float) else f"{value:g}")


def _type(annotation: Any) -> str:
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(inside[0])
    if origin is Literal:
        return ", ".join(code(one) for one in inside)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_type(one) for one in inside if one is not type(None)))
    if origin is dict:
        return f"table of {_type(inside[1])}"
    if origin is tuple:
        return f"list of {_type(inside[0])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    names = {str: "text", int: "integer", float: "number", bool: "true or false", typing.Any: "any"}
    return names.get(annotation, str(getattr(annotation, "__name__", annotation)))


def _text(text: str) -> str:
    """Markdown of a comment: roles become code."""
    text = re.sub(r":\w+:`~?([^`]*)`", r"`\1`", " ".join(text.split())).replace("``", "`")
    return re.sub(r"<(?=[^`]*(?:`[^`]*`[^`]*)*$)", "\\<", text)
