"""``hybrid-bench evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybrid_bench.cli import console

if TYPE_CHECKING:
    from collections.abc import Callable

    from hybrid_bench.results.ranks import Ranks
    from hybrid_bench.retrieval.exact.full_runs import FullRuns


def command(
    encoders: Annotated[
        list[str], typer.Argument(help="A name from `hybrid-bench encoders`, a folder, or org/model on the hub; or several.")
    ],
    suite: Annotated[
        str, typer.Option(help="A name from `hybrid-bench suites`, an ir_datasets id, or a folder in BEIR's layout.")
    ] = "mini",
    languages: Annotated[str | None, typer.Option(help="These languages alone, by commas: de,en,th.")] = None,
    passage_text: Annotated[str, typer.Option(help="What the encoder reads: sentence or sentence+context.")] = "sentence",
    measures: Annotated[
        str | None,
        typer.Option(
            help="Measures of ir_measures, by spaces. [default: AP AP@20 RR nDCG@10 R@1 R@10 R@100 P@1; of a streamed suite "
            "nDCG@10 R@100]"
        ),
    ] = None,
    dtype: Annotated[str, typer.Option(help="fp32, bf16, fp16, or auto: bf16 where the device computes it natively.")] = "auto",
    device: Annotated[str, typer.Option(help="cpu, cuda, ..., or auto: a GPU where there is one.")] = "auto",
    pooling: Annotated[str | None, typer.Option(help="mean, cls or eos, for a model without a card.")] = None,
    query_prefix: Annotated[str | None, typer.Option(help="Put before every query, for a model without a card.")] = None,
    passage_prefix: Annotated[str | None, typer.Option(help="Put before every passage, for a model without a card.")] = None,
    max_length: Annotated[int | None, typer.Option(help="Tokens of a text at most.")] = None,
    revision: Annotated[str | None, typer.Option(help="Revision of the model on the hub.")] = None,
    trust_remote_code: Annotated[bool, typer.Option(help="Run Python code that comes with the model.")] = False,
    executor: Annotated[str, typer.Option(help="Who searches: local, or a plugin's.")] = "local",
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that encode, each with a model of its own.")] = None,
    address: Annotated[str | None, typer.Option(help="Of the executor's cluster, e.g. auto.")] = None,
    storage: Annotated[str, typer.Option(help="Number format of a streamed suite's vectors on disk: fp16 or fp32.")] = "fp16",
    check: Annotated[bool, typer.Option(help="Score every setting again from full runs through ir_measures.")] = False,
    runs: Annotated[Path | None, typer.Option(help="Write gzipped TREC runs into this folder.")] = None,
    run_settings: Annotated[
        str,
        typer.Option(help="Which runs: monolingual, cross-lingual, multilingual, or en:de, en:all; by commas. All by default."),
    ] = "",
    run_depth: Annotated[int, typer.Option(min=1, help="Passages a query in a run, at most.")] = 1000,
    out: Annotated[Path, typer.Option(help="Folder of results: <out>/<suite>/<encoder>.json.")] = Path("results"),
    store: Annotated[Path | None, typer.Option(help="Folder of vectors. [default: in the cache]")] = None,
    output: Annotated[str, typer.Option("--format", help="table, markdown, csv or json.")] = "table",
) -> None:
    """Score encoders on a suite and print their tables.

    MIRACL and whatever is as large is streamed: vectors go to disk and runs, cut at --run-depth, to the folder of results.

    Example: hybrid-bench evaluate me5-small --suite xquad-r --check
    """
    from hybrid_bench.datasets.catalog import load_suite
    from hybrid_bench.datasets.settings import parse_settings
    from hybrid_bench.errors import HybridBenchError
    from hybrid_bench.evaluation.evaluate import evaluate
    from hybrid_bench.evaluation.streamed import MEASURES, Streaming
    from hybrid_bench.measures.scores import DEFAULT_MEASURES
    from hybrid_bench.results import tables
    from hybrid_bench.retrieval.exact import full_runs

    # Whatever can be wrong with the options is found before the long work begins.
    tables.check_format(output)
    asked = load_suite(suite)
    chosen = measures.split() if measures else list(MEASURES if asked.streamed else DEFAULT_MEASURES)
    streaming = Streaming(
        storage=storage,  # type: ignore[arg-type]  # checked there
        store=store,
        executor=executor,
        workers=workers,
        address=address,
        depth=run_depth,
    )
    if asked.streamed and check:
        raise HybridBenchError(f"{asked.name} is streamed: its scores are ir_measures' own", "Leave --check out.")
    if asked.streamed and (runs or run_settings):
        raise HybridBenchError(
            f"{asked.name} is streamed: its runs are kept beside its results", "Leave --runs and --run-settings out; see --out."
        )
    chosen_languages = [language.strip() for language in languages.split(",")] if languages else None
    possible = asked.restrict(chosen_languages).settings() if chosen_languages else asked.settings()
    wanted = parse_settings([name.strip() for name in run_settings.split(",") if name.strip()], possible)
    bar = console.BarProgress()

    def look(encoder: str) -> Callable[[FullRuns, Ranks], None]:
        name = encoder.rstrip("/").rpartition("/")[2]
        folder = runs / name if runs and len(encoders) > 1 else runs

        def with_runs(full: FullRuns, ranks: Ranks) -> None:
            if folder:
                settings = [setting for setting in wanted if setting in full.settings]
                paths = full_runs.write(full, settings, folder, ranks=ranks, depth=run_depth, tag=name)
                console.remark(f"wrote {len(paths)} runs into {folder}")
            if check:
                console.remark(_checked(full, ranks, chosen, bar))

        return with_runs

    results = []
    for encoder in encoders:
        result = evaluate(
            encoder,
            asked,
            languages=chosen_languages,
            passage_text=passage_text,  # type: ignore[arg-type]  # checked where it is used
            measures=chosen,
            store=store,
            progress=bar,
            executor=executor,
            encoder_options={
                "dtype": dtype,
                "device": device,
                "pooling": pooling,
                "query_prefix": query_prefix,
                "passage_prefix": passage_prefix,
                "max_length": max_length,
                "revision": revision,
                "trust_remote_code": trust_remote_code,
            },
            with_runs=look(encoder) if check or runs else None,
            streaming=streaming,
            runs=out,
        )
        path = result.save(out)
        if output == "table" or len(encoders) == 1:
            console.show_result(result, output)
        console.remark(f"wrote {path}")
        results.append(result)
    if len(results) > 1:
        console.show_frame(tables.side_by_side(results), output, f"Encoders on {results[0].suite}")


def _checked(full: FullRuns, ranks: Ranks, measures: list[str], bar: console.BarProgress) -> str:
    from hybrid_bench.errors import HybridBenchError
    from hybrid_bench.evaluation.check import TOLERANCE, compare

    with bar:
        bar.start("check", len(full.vectors))
        comparison = compare(full, ranks, measures, bar.advance)
    if comparison.largest > TOLERANCE:
        raise HybridBenchError(f"scores differ from ir_measures': {comparison}", "This is a defect: please report it.")
    return f"checked through ir_measures: {comparison}"
