"""The command ``hybrid-bench beir``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybrid_bench.plugin import console
from hybrid_bench.plugin import options as shared

beir = typer.Typer(help="Evaluate on BEIR's sets, and export suites for BEIR.", no_args_is_help=True)


@beir.command("evaluate")
def evaluate(
    encoder: shared.EncoderName,
    datasets: Annotated[str, typer.Option(help="Comma-separated sets: nfcorpus,scifact. [default: all public ones]")] = "",
    dtype: shared.Dtype = "fp32",
    device: shared.Device = "auto",
    similarity: shared.SimilarityOption = None,
    trust_remote_code: shared.TrustRemoteCode = False,
    store: shared.Store = None,
    out: shared.Out = Path("results"),
    overwrite: shared.Overwrite = False,
    output: shared.Format = "table",
) -> None:
    """Score an encoder on the public sets of BEIR, beside the published BM25, with their macro average.

    Each set has the result that `hybrid-bench evaluate --suite beir/SET/test` makes.

    Example: hybrid-bench beir evaluate me5-small --datasets nfcorpus,scifact
    """
    from hybrid_bench import EvaluationOptions, Result
    from hybrid_bench.plugin import tables
    from hybrid_bench_beir.benchmark import MEASURES, results, summary
    from hybrid_bench_beir.sets import bm25, chosen, source

    tables.check_format(output)
    names = chosen(shared.separated(datasets))
    options = EvaluationOptions(
        encoder={"dtype": dtype, "device": device, "similarity": similarity, "trust_remote_code": trust_remote_code},
        store=store,
        results=out,
        overwrite=overwrite,
    )
    found: dict[str, list[Result]] = {}
    for name, result in results(encoder, names, options, console.BarProgress()):
        found.setdefault(name, []).append(result)
        console.save(result, out, overwrite=overwrite)
        if output == "table":
            console.show_result(result, output)
    console.show_frame(summary(found), output, f"{result.name} on BEIR")
    if any(result.suite in bm25() for parts in found.values() for result in parts):
        console.remark(f"BM25, {' and '.join(MEASURES)}: {source()['title']}, {source()['url']}")


@beir.command("export")
def export(
    suite: Annotated[str, typer.Argument(help="A name from `hybrid-bench suites`, an ir_datasets id, or a folder.")],
    folder: Annotated[Path, typer.Argument(help="Folder to write; of several settings each is a folder in it.")],
    settings: shared.Settings = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace folders that are there.")] = False,
) -> None:
    """Write a suite in BEIR's layout, as its GenericDataLoader reads it: corpus, queries and qrels/test.tsv.

    Example: hybrid-bench beir export xquad-r/de/en xquad-r-de-en
    """
    from hybrid_bench_beir.data import export as write

    for written in write(suite, folder, shared.separated(settings), overwrite=overwrite):
        console.remark(f"wrote {written}")
