"""Options that several commands share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EncoderName = Annotated[str, typer.Argument(help="A name from `hybrid-bench encoders`, a folder, or org/model on the hub.")]
EncoderNames = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ENCODERS...", help="One or more: a name from `hybrid-bench encoders`, a folder, or org/model on the hub."
    ),
]
SuiteName = Annotated[
    str, typer.Option(help="A name from `hybrid-bench suites`, an ir_datasets id, or a folder in BEIR's layout.")
]
FullPools = Annotated[bool, typer.Option("--full-pools", help="The whole pools of a suite that draws pools of equal sizes.")]
OptionalSuiteName = Annotated[
    str, typer.Option("--suite", help="Score on this suite: a name, an ir_datasets id, or a folder in BEIR's layout.")
]
SuiteNames = Annotated[str, typer.Option(help="Comma-separated suites.")]
Languages = Annotated[str | None, typer.Option(help="Comma-separated languages of the suite: de,en,th. [default: all]")]
PassageTextOption = Annotated[str, typer.Option(help="What the encoder reads: sentence or sentence+context.")]
Measures = Annotated[str | None, typer.Option(help="Space-separated measures of ir_measures.")]
Settings = Annotated[
    str,
    typer.Option(help="Comma-separated settings: kinds such as monolingual, or pairs such as en:de, en:all. [default: all]"),
]
DTYPE_HELP = "fp32, bf16, fp16 (or torch's names), or auto: bf16 where the device computes it natively, else fp32."


def _canonical_dtype(name: str) -> str:
    from hybrid_bench.encoders.devices import canonical_dtype

    return canonical_dtype(name)


Dtype = Annotated[str, typer.Option(help=DTYPE_HELP, callback=_canonical_dtype)]
BatchSize = Annotated[int | None, typer.Option("--batch-size", min=1, help="Texts in a batch, at most. [default: by tokens]")]
SimilarityOption = Annotated[
    str | None,
    typer.Option("--similarity", help="cosine or dot (vectors as they are). [default: the encoder's own, or cosine]"),
]
Device = Annotated[str, typer.Option(help="cpu, cuda, ..., or auto: a GPU if there is one.")]
ExecutorName = Annotated[str, typer.Option(help="Executor backend: local, or one from a plugin.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Worker processes of the executor, each with its own model.")]
Address = Annotated[str | None, typer.Option(help="Address of the executor's cluster, e.g. auto.")]
StorageOption = Annotated[
    str | None, typer.Option(help="Number format of a large suite's vectors on disk: fp16 or fp32. [default: fp16]")
]
ResultName = Annotated[str, typer.Option("--name", help="Name in the result, its files and runs. [default: the encoder's]")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Compute again, and replace results and runs of the same name, whatever they are of.")
]
Store = Annotated[Path | None, typer.Option(help="Folder of stored vectors. [default: in the cache]")]
Out = Annotated[Path, typer.Option(help="Folder of results: <out>/<suite>/<encoder>.json.")]
Format = Annotated[str, typer.Option("--format", help="table, markdown, latex, html, csv or json.")]
ResultFile = Annotated[Path, typer.Argument(help="A result, as `evaluate` writes it.")]
ResultFiles = Annotated[list[Path], typer.Argument(help="Results, as `evaluate` writes them, or folders of results.")]
Depth = Annotated[int | None, typer.Option(min=1, help="Passages per query in a run, at most. [default: 1000]")]
Vectors = Annotated[
    Path | None, typer.Option(help="Folder of vectors of the suite's texts (docs/guides/vectors.md) instead of an encoder.")
]
Index = Annotated[str, typer.Option(help="exact, or by FAISS: flat, hnsw, ivfpq; its recall is reported.")]
DropOwn = Annotated[
    bool | None,
    typer.Option(
        "--drop-own/--keep-own",
        help="Leave out, or keep, the passage that has the query's id. [default: keep; drop on beir/... of ir_datasets]",
    ),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Refuse a suite with odd data instead of noting it (docs/guides/own-collections.md).")
]
Available = Annotated[
    bool, typer.Option("--available", help="Of images that are your own, use those that are there; the result names the subset.")
]
ImageFeatures = Annotated[
    Path | None,
    typer.Option("--features", help="Precomputed image features instead of the images: .npy, a row a name in --names."),
]
ImageNames = Annotated[Path | None, typer.Option("--names", help="The names of the images of --features, a line each.")]
TrustRemoteCode = Annotated[bool, typer.Option(help="Run Python code that comes with the model.")]


def separated(text: str | None) -> tuple[str, ...]:
    """The parts of a comma-separated option."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())
