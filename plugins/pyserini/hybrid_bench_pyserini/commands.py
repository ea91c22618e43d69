"""The commands ``hybrid-bench baseline`` and ``hybrid-bench pyserini``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybrid_bench.plugin import console
from hybrid_bench.plugin import options as shared

if TYPE_CHECKING:
    from hybrid_bench import Result

baseline = typer.Typer(help="Score a baseline on a suite: BM25 or mDPR.", no_args_is_help=True)
pyserini = typer.Typer(help="Export indexes and topics for Pyserini.", no_args_is_help=True)

#: Options of ``baseline`` that ``hybrid-bench reproduce`` accepts from a result.
REPRODUCIBLE_OPTIONS = (
    "--suite", "--languages", "--measures", "--settings", "--k1", "--b", "--depth", "--analyzer", "--thai",
    "--drop-own", "--keep-own", "--model", "--prebuilt", "--dtype", "--device", "--passage-text", "--storage", "--run-depth",
)  # fmt: skip


@pyserini.callback()
@baseline.callback()
def _group() -> None:
    """Make typer keep the group even if it has only one command."""


Against = Annotated[str, typer.Option(help="`published`: compare with published figures.")]


@baseline.command("bm25")
def bm25(
    suite: shared.SuiteName = "mini",
    languages: shared.Languages = None,
    settings: shared.Settings = "",
    k1: Annotated[float, typer.Option(help="Term-frequency saturation.")] = 0.9,
    b: Annotated[float, typer.Option(help="Length normalisation.")] = 0.4,
    depth: Annotated[int, typer.Option(min=1, help="Maximum number of passages per query.")] = 1000,
    analyzer: Annotated[
        str,
        typer.Option(help="Comma-separated other analyzers: und=standard,gl=es. [default: each language's own]"),
    ] = "",
    thai: Annotated[str, typer.Option(help="Segmenter of Thai: auto, lucene or newmm.")] = "auto",
    measures: shared.Measures = None,
    index: Annotated[Path | None, typer.Option(help="Folder for indexes. [default: in the cache]")] = None,
    threads: Annotated[int, typer.Option(min=0, help="Threads for indexing and searching. [default: all processors]")] = 0,
    drop_own: shared.DropOwn = None,
    strict: shared.Strict = False,
    against: Against = "",
    out: shared.Out = Path("results"),
    overwrite: shared.Overwrite = False,
    output: shared.Format = "table",
) -> None:
    """Score BM25 (Lucene, through Pyserini's Anserini) on a suite, with the analyzer of each language.

    Example: hybrid-bench baseline bm25 --suite miracl/yo/dev --against published
    """
    import os

    from hybrid_bench import Setting
    from hybrid_bench.plugin import DEFAULT_MEASURES, RunOptions, parse_settings
    from hybrid_bench_pyserini.bm25 import evaluate_bm25
    from hybrid_bench_pyserini.bm25_options import Machine, Options

    _check_against(against)
    options = Options(k1=k1, b=b, depth=depth, analyzer=analyzer, thai=thai)
    given = {
        "--languages": languages, "--settings": settings or None, "--k1": k1 if k1 != 0.9 else None,
        "--b": b if b != 0.4 else None, "--depth": depth if depth != 1000 else None, "--analyzer": analyzer or None,
        "--thai": thai if thai != "auto" else None, "--measures": measures,
    }  # fmt: skip

    own = [] if drop_own is None else ["--drop-own" if drop_own else "--keep-own"]

    def choose(possible: Sequence[Setting]) -> list[Setting]:
        return parse_settings(shared.separated(settings), possible)

    result = evaluate_bm25(
        suite,
        options,
        languages=shared.separated(languages) or None,
        settings=choose,
        runs=RunOptions(measures.split() if measures else DEFAULT_MEASURES, results=out, strict=strict, overwrite=overwrite),
        drop_own=drop_own,
        machine=Machine(index, threads or os.cpu_count() or 1),
        progress=console.BarProgress(),
        command=[str(word) for name, value in given.items() if value is not None for word in (name, value)] + own,
    )
    _show(result, out, overwrite, against, output)


@baseline.command("mdpr")
def mdpr(
    suite: shared.SuiteName = "mini",
    model: Annotated[
        str, typer.Option(help="castorini/mdpr-tied-pft-msmarco, the same with -ft-all, or a folder with such a model.")
    ] = "castorini/mdpr-tied-pft-msmarco",
    prebuilt: Annotated[bool, typer.Option("--prebuilt", help="Search Pyserini's prebuilt index (MIRACL only).")] = False,
    languages: shared.Languages = None,
    passage_text: shared.PassageTextOption = "sentence",
    measures: shared.Measures = None,
    dtype: shared.Dtype = "fp32",
    device: shared.Device = "auto",
    storage: shared.StorageOption = None,
    run_depth: Annotated[
        int | None, typer.Option(min=1, help="Maximum number of passages per query, on a large suite. [default: 1000]")
    ] = None,
    against: Against = "",
    out: shared.Out = Path("results"),
    overwrite: shared.Overwrite = False,
    output: shared.Format = "table",
) -> None:
    """Score mDPR on a suite: passages encoded on this machine, or Pyserini's prebuilt index (a download).

    Example: hybrid-bench baseline mdpr --suite miracl/sw/dev --against published
    """
    import os

    from hybrid_bench import EvaluationOptions
    from hybrid_bench_pyserini.mdpr import evaluate_mdpr, evaluate_prebuilt

    _check_against(against)
    options = EvaluationOptions(
        languages=shared.separated(languages) or None,
        passage_text=passage_text,  # type: ignore[arg-type]  # checked there
        measures=tuple(measures.split()) if measures else None,
        encoder={"dtype": dtype, "device": device},
        storage=storage,  # type: ignore[arg-type]  # checked there
        depth=run_depth,
        results=out,
        overwrite=overwrite,
    )
    progress = console.BarProgress()
    if prebuilt:
        result = evaluate_prebuilt(suite, model, options=options, threads=os.cpu_count() or 1, progress=progress)
    else:
        result = evaluate_mdpr(suite, model, options=options, progress=progress)
    _show(result, out, overwrite, against, output)


@pyserini.command("export")
def export(
    encoder: Annotated[str, typer.Argument(help="A name from `hybrid-bench encoders`, a folder, or org/model on the hub.")],
    folder: Annotated[Path, typer.Argument(metavar="INDEX_DIR", help="Folder to write the files `index` and `docid` to.")],
    suite: shared.SuiteName = "mini",
    pool: Annotated[str | None, typer.Option(help="A language or all; required if the suite has several.")] = None,
    passage_text: shared.PassageTextOption = "sentence",
    dtype: shared.Dtype = "fp32",
    device: shared.Device = "auto",
    store: shared.Store = None,
) -> None:
    """Write the passages of a pool as a FAISS index in Pyserini's format.

    Example: hybrid-bench pyserini export me5-small --suite xquad-r --pool all indexes/xquad-r-all
    """
    from hybrid_bench import load_suite
    from hybrid_bench_pyserini.exporting import export as write

    manifest = write(
        encoder,
        suite,
        folder,
        pool=pool,
        passage_text=passage_text,  # type: ignore[arg-type]  # checked by the callee
        dtype=dtype,
        device=device,
        store=store,
        progress=console.BarProgress(),
    )
    console.remark(
        f"wrote {manifest.passages} vectors of {manifest.dimension} dimensions ({manifest.encoder}, {manifest.dtype}) to {folder}"
    )
    language = "" if len(load_suite(suite).query_sets) == 1 else " --language LANGUAGE"
    console.remark(
        f"to search them: hybrid-bench pyserini topics --suite {suite}{language} topics.json; "
        f"python -m hybrid_bench_pyserini search.faiss --encoder hybrid-bench:{encoder} --index {folder} --topics topics.json "
        "--output run.trec --batch-size 128 --threads 2"
    )


@pyserini.command("topics")
def topics(
    file: Annotated[Path, typer.Argument(metavar="TOPICS.json", help="The file to write.")],
    suite: shared.SuiteName = "mini",
    language: Annotated[str | None, typer.Option(help="Query language; required if the suite has several.")] = None,
) -> None:
    """Write the queries of a suite as topics for Pyserini's commands, without changing a character.

    Example: hybrid-bench pyserini topics --suite xquad-r --language en topics.json
    """
    from hybrid_bench_pyserini.topics import write

    console.remark(f"wrote {write(suite, file, language)} queries to {file}")


def _check_against(against: str) -> None:
    if against not in ("", "published"):
        from hybrid_bench.plugin import UnknownNameError

        raise UnknownNameError("comparison", against, ["published"])


def _show(result: Result, out: Path, overwrite: bool, against: str, output: str) -> None:
    console.save(result, out, overwrite=overwrite)
    console.show_result(result, output, f"{result.name} on {result.suite}")
    if against:
        from hybrid_bench_pyserini.published_figures import compare, source

        console.show_frame(compare(result), output, f"{result.suite}, compared with published figures")
        console.remark(f"published: {source()['title']}, {source()['url']}")
