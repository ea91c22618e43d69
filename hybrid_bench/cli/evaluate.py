"""``hybrid-bench evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybrid_bench.cli import console
from hybrid_bench.cli.encoder_options import declared
from hybrid_bench.cli.options import (
    Address,
    Available,
    BatchSize,
    Depth,
    Device,
    DropOwn,
    Dtype,
    EncoderNames,
    ExecutorName,
    Format,
    FullPools,
    ImageFeatures,
    ImageNames,
    Languages,
    Measures,
    Out,
    Overwrite,
    PassageTextOption,
    ResultName,
    Settings,
    SimilarityOption,
    StorageOption,
    Store,
    Strict,
    SuiteName,
    TrustRemoteCode,
    Vectors,
    Workers,
    separated,
)

if TYPE_CHECKING:
    from hybrid_bench.datasets.suite import Suite
    from hybrid_bench.embeddings.given import GivenVectors
    from hybrid_bench.evaluation.options import EvaluationOptions
    from hybrid_bench.results.record import Result


def command(
    context: typer.Context,
    encoders: EncoderNames = None,
    suite: SuiteName = "mini",
    full_pools: FullPools = False,
    languages: Languages = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="A quick look: the first N queries of each query set, on few passages.")
    ] = None,
    passage_text: PassageTextOption = "sentence",
    measures: Measures = None,
    dtype: Dtype = "fp32",
    device: Device = "auto",
    batch_size: BatchSize = None,
    pooling: Annotated[str | None, typer.Option(help="mean, cls or eos, for a model without a card.")] = None,
    backend: Annotated[
        str | None, typer.Option(help="transformers: the bare transformer of a sentence-transformers model. [default: its own]")
    ] = None,
    query_prefix: Annotated[str | None, typer.Option(help="Prefix of every query, for a model without a card.")] = None,
    passage_prefix: Annotated[str | None, typer.Option(help="Prefix of every passage, for a model without a card.")] = None,
    similarity: SimilarityOption = None,
    max_length: Annotated[int | None, typer.Option(help="Maximum length of a text, in tokens.")] = None,
    revision: Annotated[str | None, typer.Option(help="Revision of the model on the hub.")] = None,
    trust_remote_code: TrustRemoteCode = False,
    executor: ExecutorName = "local",
    workers: Workers = None,
    address: Address = None,
    storage: StorageOption = None,
    check: Annotated[bool, typer.Option(help="Score full runs of every setting with ir_measures as well, and compare.")] = False,
    run: Annotated[
        Path | None, typer.Option(help="Score this TREC run, folder of runs or result with runs instead of an encoder.")
    ] = None,
    vectors: Vectors = None,
    card: Annotated[Path | None, typer.Option(help="With --vectors: TOML file with the card of their encoder.")] = None,
    runs: Annotated[Path | None, typer.Option(help="Write gzipped TREC runs into this folder.")] = None,
    run_settings: Settings = "",
    run_depth: Depth = None,
    drop_own: DropOwn = None,
    strict: Strict = False,
    available: Available = False,
    features: ImageFeatures = None,
    names: ImageNames = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would be encoded, and what it would cost.")] = False,
    out: Out = Path("results"),
    name: ResultName = "",
    overwrite: Overwrite = False,
    store: Store = None,
    output: Format = "table",
) -> None:
    """Score encoders, or vectors or a run that another program has made, on a suite and print their tables.

    MIRACL and other large suites are searched to a depth: vectors are stored on disk, and runs in the folder of results.

    Example: hybrid-bench evaluate me5-small --suite xquad-r --check
    """
    import dataclasses

    from hybrid_bench.datasets.resolvers import full, load_suite
    from hybrid_bench.errors import HybridBenchError
    from hybrid_bench.evaluation.evaluate import evaluate
    from hybrid_bench.evaluation.given_runs import evaluate_given
    from hybrid_bench.evaluation.options import EvaluationOptions
    from hybrid_bench.results import tables

    # Check all options before the long work begins.
    tables.check_format(output)
    asked = full(load_suite(suite)) if full_pools else load_suite(suite)
    options = EvaluationOptions(
        languages=separated(languages) or None,
        passage_text=passage_text,  # type: ignore[arg-type]  # checked there
        measures=tuple(measures.split()) if measures else None,
        encoder={
            "dtype": dtype,
            "device": device,
            "pooling": pooling,
            "backend": backend,
            "query_prefix": query_prefix,
            "passage_prefix": passage_prefix,
            "similarity": similarity,
            "max_length": max_length,
            "revision": revision,
            "trust_remote_code": trust_remote_code,
            "batch_size": batch_size,
            **declared(context),
        },
        store=store,
        executor=executor,
        workers=workers,
        address=address,
        storage=storage,  # type: ignore[arg-type]  # checked there
        depth=run_depth,
        runs=runs,
        results=out,
        name=name,
        overwrite=overwrite,
        run_settings=separated(run_settings),
        check=check,
        drop_own=drop_own,
        strict=strict,
        available=available,
        features=features,
        names=names,
        limit=limit,
    )
    if bool(encoders) + (run is not None) + (vectors is not None) != 1:
        raise HybridBenchError(
            "evaluate needs encoders, vectors or a run", "Name one or more encoders, vectors with --vectors, or a run with --run."
        )
    if card and not vectors:
        raise HybridBenchError("the option card has no effect on what states its own", "Leave --card out.")
    encoders = encoders or []
    if dry_run:
        _show_estimates(encoders, asked, options, output)
        return
    searched: list[GivenVectors | str] = [*encoders]
    if vectors:
        from hybrid_bench.embeddings.given import load_vectors
        from hybrid_bench.submissions import card as cards

        searched = [
            load_vectors(
                vectors,
                asked,
                cards.of_vectors(card, name, similarity),
                passage_text=options.passage_text,
                languages=options.languages or (),
                stated=_stated(card, similarity),
            )
        ]
        of_models = {option: value for option, value in options.encoder_options.items() if value not in ("auto", "fp32")}
        options = dataclasses.replace(options, encoder={**of_models, "similarity": None})
    if run:
        result = evaluate_given(run, asked, options, console.BarProgress())
        console.save(result, out, overwrite=overwrite)
        console.show_result(result, output)
        return
    if name and len(encoders) > 1:
        raise HybridBenchError(f"--name {name} is the name of one encoder, and there are {len(encoders)}", "Evaluate them apart.")
    bar = console.BarProgress(len(encoders))
    results: list[Result] = []
    written: list[Path] = []
    for encoder, folder in zip(searched, _run_folders(runs, encoders or ["vectors"] * len(searched)), strict=True):
        chosen = dataclasses.replace(options, runs=folder, keep=tuple(written))
        result = evaluate(encoder, asked, options=chosen, progress=bar)
        try:
            if output == "table" or len(searched) == 1:
                console.show_result(result, output)
        finally:  # standard output may be closed or full
            written.append(console.save(result, out, overwrite=overwrite))
        results.append(result)
    if len(results) > 1:
        console.show_frame(tables.side_by_side(results), output, f"Encoders on {results[0].suite}")


def _stated(card: Path | None, similarity: str | None) -> dict[str, str]:
    """The options that make the card of vectors, but for the name, which the options of the evaluation state."""
    stated = {"card": card and card.as_posix(), "similarity": similarity}
    return {option: value for option, value in stated.items() if value}


def _show_estimates(encoders: list[str], suite: Suite, options: EvaluationOptions, output: str) -> None:
    from hybrid_bench.errors import HybridBenchError
    from hybrid_bench.evaluation.estimate import estimate

    if not encoders:
        raise HybridBenchError(
            "the option dry_run has no effect on a run and on vectors: nothing is encoded", "Leave --dry-run out."
        )
    for encoder in encoders:
        frame = estimate(encoder, suite, options, console.BarProgress())
        console.show_frame(frame, output, f"{encoder} on {options.restricted(suite).name}")


def _run_folders(runs: Path | None, encoders: list[str]) -> list[Path | None]:
    """The folder of each encoder's runs: that of one encoder, else one inside it by name, or by path where names are equal."""
    if runs is None or len(encoders) == 1:
        return [runs] * len(encoders)
    names = [encoder.strip("/").rpartition("/")[2] for encoder in encoders]
    paths = [encoder.strip("/").replace("/", "__") for encoder in encoders]
    return [runs / (path if names.count(name) > 1 else name) for name, path in zip(names, paths, strict=True)]
