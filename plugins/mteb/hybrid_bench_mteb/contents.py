"""What models read of the corpora and queries of mteb tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hybrid_bench import HybridBenchError, Image
from hybrid_bench.plugin import Input, Modality, Role

if TYPE_CHECKING:
    import datasets
    from mteb import TaskMetadata

#: The column of corpora of Hybrid Bench's suites that names a document's collection.
COLLECTION = "collection"
#: Rows in memory at a time.
_ROWS = 10_000


def modality_of(metadata: TaskMetadata, role: Role) -> Modality:
    """The modality of a task's queries or documents.

    Raises:
        HybridBenchError: if they are neither texts nor images, or both at once.
    """
    from mteb.types import PromptType

    found = metadata.get_modalities(PromptType.query if role == "query" else PromptType.document)
    if len(found) == 1 and found[0] in ("text", "image"):
        return found[0]  # type: ignore[no-any-return]
    what = "queries" if role == "query" else "documents"
    raise HybridBenchError(
        f"the {what} of mteb's task {metadata.name} are of the modalities {' and '.join(found)}",
        "Texts and images are read, one of them each.",
    )


def contents(rows: datasets.Dataset, modality: Modality, role: Role) -> Iterator[tuple[str, Input]]:
    """Ids, and texts or images as mteb's models get them: title and text of a document, text and instruction of a query.

    Args:
        rows: with the columns ``id`` and ``text`` or ``image``.
        modality: of the rows.
        role: whether they are queries or documents.

    Raises:
        HybridBenchError: if a query is a conversation, or an image is not stored as the bytes or the path of a file.
    """
    if modality == "image":
        rows = _undecoded(rows)
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        if modality == "image":
            found: Sequence[Input] = [_image(image, name) for image, name in zip(part["image"], part["id"], strict=True)]
        else:
            found = _documents(part) if role == "passage" else _queries(part)
        yield from zip(map(str, part["id"]), found, strict=True)


def _documents(part: dict[str, list[Any]]) -> list[str]:
    if COLLECTION in part:  # a suite of Hybrid Bench, whose passages are read as they are
        return list(part["text"])
    titles = part.get("title") or [""] * len(part["text"])
    return [f"{title or ''} {text or ''}".strip() for title, text in zip(titles, part["text"], strict=True)]


def _queries(part: dict[str, list[Any]]) -> list[str]:
    if not all(isinstance(text, str) for text in part["text"]):
        raise HybridBenchError("the queries of this mteb task are conversations, which are not read", "Choose another task.")
    instructions = part.get("instruction") or [None] * len(part["text"])
    pairs = zip(part["text"], instructions, strict=True)
    return [text if instruction is None else f"{text} {instruction}" for text, instruction in pairs]


def _undecoded(rows: datasets.Dataset) -> datasets.Dataset:
    import datasets

    if not isinstance(rows.features.get("image"), datasets.Image):
        raise HybridBenchError("the images of this mteb task are not stored as files", "Choose another task.")
    return rows.select_columns(["id", "image"]).cast_column("image", datasets.Image(decode=False))


def _image(stored: dict[str, Any] | None, name: str) -> Image:
    stored = stored or {}
    if stored.get("bytes"):
        return Image.from_bytes(stored["bytes"], str(name))
    if not stored.get("path"):
        raise HybridBenchError(f"the image {name!r} of this mteb task is missing", "Load the data of the task again.")
    return Image.from_path(stored["path"])
