"""The commands ``hybrid-bench baseline`` and ``hybrid-bench pyserini``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybrid_bench.cli import console

if TYPE_CHECKING:
    from hybrid_bench import Result

baseline = typer.Typer(help="Score a baseline on a suite: BM25 or mDPR.", no_args_is_help=True)
pyserini = typer.Typer(help="Export indexes and topics for Pyserini.", no_args_is_help=True)

#: Options of ``baseline`` that ``hybrid-bench reproduce`` accepts from a result.
REPRODUCIBLE_OPTIONS = (
    "--suite", "--languages", "--measures", "--settings", "--k1", "--b", "--depth", "--analyzer", "--thai",
    "--model", "--prebuilt", "--dtype", "--device",
)  # fmt: skip


@pyserini.callback()
@baseline.callback()
def _group() -> None:
    """Make typer keep the group even if it has only one command."""


SuiteName = Annotated[str, typer.Option(help="A name from `hybrid-bench suites`, an ir_datasets id, or a BEIR folder.")]
Languages = Annotated[str | None, typer.Option(help="Comma-separated languages, e.g. de,en,th. [default: all]")]
Measures = Annotated[str | None, typer.Option(help="Space-separated ir_measures measures.")]
Against = Annotated[str, typer.Option(help="`published`: compare with published figures.")]
Out = Annotated[Path, typer.Option(help="Folder of results: <out>/<suite>/<name>.json, and the runs beside it.")]
Format = Annotated[str, typer.Option("--format", help="table, markdown, csv or json.")]


@baseline.command("bm25")
def bm25(
    suite: SuiteName = "mini",
    languages: Languages = None,
    settings: Annotated[
        str,
        typer.Option(help="Comma-separated: monolingual, cross-lingual, multilingual, or en:de, en:all. [default: all]"),
    ] = "",
    k1: Annotated[float, typer.Option(help="Term-frequency saturation.")] = 0.9,
    b: Annotated[float, typer.Option(help="Length normalisation.")] = 0.4,
    depth: Annotated[int, typer.Option(min=1, help="Maximum number of passages per query.")] = 1000,
    analyzer: Annotated[
        str,
        typer.Option(help="Comma-separated other analyzers: und=standard,gl=es. [default: each language's own]"),
    ] = "",
    thai: Annotated[str, typer.Option(help="Segmenter of Thai: auto, lucene or newmm.")] = "auto",
    measures: Measures = None,
    index: Annotated[Path | None, typer.Option(help="Folder for indexes. [default: in the cache]")] = None,
    threads: Annotated[int, typer.Option(min=0, help="Threads for indexing and searching. [default: all processors]")] = 0,
    against: Against = "",
    out: Out = Path("results"),
    output: Format = "table",
) -> None:
    """Score BM25 (Lucene, through Pyserini's Anserini) on a suite, with the analyzer of each language.

    Example: hybrid-bench baseline bm25 --suite miracl/yo/dev --against published
    """
    import os

    from hybrid_bench import DEFAULT_MEASURES, Setting, parse_settings
    from hybrid_bench_pyserini.bm25 import Options, evaluate_bm25

    _check_against(against)
    options = Options(k1=k1, b=b, depth=depth, analyzer=analyzer, thai=thai)
    wanted = [name.strip() for name in settings.split(",") if name.strip()]
    given = {
        "--languages": languages, "--settings": settings or None, "--k1": k1 if k1 != 0.9 else None,
        "--b": b if b != 0.4 else None, "--depth": depth if depth != 1000 else None, "--analyzer": analyzer or None,
        "--thai": thai if thai != "auto" else None, "--measures": measures,
    }  # fmt: skip

    def choose(possible: list[Setting]) -> list[Setting]:
        return parse_settings(wanted, possible)

    result = evaluate_bm25(
        suite,
        options,
        languages=[language.strip() for language in languages.split(",")] if languages else None,
        settings=choose,  # type: ignore[arg-type]
        measures=measures.split() if measures else DEFAULT_MEASURES,
        index=index,
        out=out,
        threads=threads or os.cpu_count() or 1,
        progress=console.BarProgress(),
        command=[str(word) for name, value in given.items() if value is not None for word in (name, value)],
    )
    path = result.save(out)
    _show(result, path, against, output)


@baseline.command("mdpr")
def mdpr(
    suite: SuiteName = "mini",
    model: Annotated[
        str, typer.Option(help="castorini/mdpr-tied-pft-msmarco, the same with -ft-all, or a folder with such a model.")
    ] = "castorini/mdpr-tied-pft-msmarco",
    prebuilt: Annotated[bool, typer.Option("--prebuilt", help="Search Pyserini's prebuilt index (MIRACL only).")] = False,
    languages: Languages = None,
    measures: Measures = None,
    dtype: Annotated[str, typer.Option(help="fp32, bf16, fp16 or auto.")] = "auto",
    device: Annotated[str, typer.Option(help="cpu, cuda, ..., or auto.")] = "auto",
    against: Against = "",
    out: Out = Path("results"),
    output: Format = "table",
) -> None:
    """Score mDPR on a suite: passages encoded on this machine, or Pyserini's prebuilt index (a download).

    Example: hybrid-bench baseline mdpr --suite miracl/sw/dev --against published
    """
    import os

    from hybrid_bench import DEFAULT_MEASURES, HybridBenchError
    from hybrid_bench_pyserini.mdpr import evaluate_mdpr, evaluate_prebuilt

    _check_against(against)
    chosen = measures.split() if measures else DEFAULT_MEASURES
    progress = console.BarProgress()
    if prebuilt:
        if languages:
            raise HybridBenchError("--prebuilt searches the only language of the suite", "Omit --languages.")
        result = evaluate_prebuilt(
            suite, model, measures=chosen, threads=os.cpu_count() or 1, out=out, dtype=dtype, device=device, progress=progress
        )
    else:
        asked = [language.strip() for language in languages.split(",")] if languages else None
        result = evaluate_mdpr(
            suite, model, languages=asked, measures=chosen, dtype=dtype, device=device, progress=progress
        )  # fmt: skip
    _show(result, result.save(out), against, output)


@pyserini.command("export")
def export(
    encoder: Annotated[str, typer.Argument(help="A name from `hybrid-bench encoders`, a folder, or org/model on the hub.")],
    folder: Annotated[Path, typer.Argument(metavar="INDEX_DIR", help="Folder to write the files `index` and `docid` to.")],
    suite: SuiteName = "mini",
    pool: Annotated[str | None, typer.Option(help="A language or all; required if the suite has several.")] = None,
    passage_text: Annotated[str, typer.Option(help="What the encoder reads: sentence or sentence+context.")] = "sentence",
    dtype: Annotated[str, typer.Option(help="fp32, bf16, fp16 or auto.")] = "auto",
    device: Annotated[str, typer.Option(help="cpu, cuda, ..., or auto.")] = "auto",
    store: Annotated[Path | None, typer.Option(help="Folder of stored embeddings. [default: in the cache]")] = None,
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
    language = "" if len(load_suite(suite).languages) == 1 else " --language LANGUAGE"
    console.remark(
        f"to search them: hybrid-bench pyserini topics --suite {suite}{language} topics.json; "
        f"python -m hybrid_bench_pyserini search.faiss --encoder hybrid-bench:{encoder} --index {folder} --topics topics.json "
        "--output run.trec --batch-size 128 --threads 2"
    )


@pyserini.command("topics")
def topics(
    file: Annotated[Path, typer.Argument(metavar="TOPICS.json", help="The file to write.")],
    suite: SuiteName = "mini",
    language: Annotated[str | None, typer.Option(help="Query language; required if the suite has several.")] = None,
) -> None:
    """Write the queries of a suite as topics for Pyserini's commands, without changing a character.

    Example: hybrid-bench pyserini topics --suite xquad-r --language en topics.json
    """
    from hybrid_bench_pyserini.topics import write

    console.remark(f"wrote {write(suite, file, language)} queries to {file}")


def _check_against(against: str) -> None:
    if against not in ("", "published"):
        from hybrid_bench import UnknownNameError

        raise UnknownNameError("comparison", against, ["published"])


def _show(result: Result, path: Path, against: str, output: str) -> None:
    console.show_result(result, output, f"{result.name} on {result.suite}")
    console.remark(f"wrote {path}")
    if against:
        from hybrid_bench_pyserini.published_figures import compare, source

        console.show_frame(compare(result), output, f"{result.suite}, compared with published figures")
        console.remark(f"published: {source()['title']}, {source()['url']}")
