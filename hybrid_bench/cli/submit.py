"""``hybrid-bench submit``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybrid_bench.cli import console
from hybrid_bench.cli.encoder_options import EncoderCommand, declared
from hybrid_bench.cli.options import BatchSize, Dtype, ImageFeatures, ImageNames, SimilarityOption, Vectors, separated

if TYPE_CHECKING:
    from hybrid_bench.embeddings.given import GivenVectors
    from hybrid_bench.encoders.protocol import Encoder
    from hybrid_bench.submissions.folder import Packed, PackedSuite

app = typer.Typer(
    help="Submit an encoder to the leaderboards: pack, check and re-run submissions.",
    epilog="Example: hybrid-bench submit pack me5-small --suite xquad-r --org hybrid-bench",
    no_args_is_help=True,
)

_FOLDER = "Folder of a submission: leaderboards/submissions/<org>__<name>/<revision>."
_CHECKS = "Folder of attestations. [default: checks next to submissions]"


@app.command("pack", cls=EncoderCommand)
def pack(
    context: typer.Context,
    org: Annotated[str, typer.Option(help="Submitting person or institution.")],
    encoder: Annotated[
        str | None, typer.Argument(help="A name from `hybrid-bench encoders`, a folder, or org/model on the Hugging Face Hub.")
    ] = None,
    result: Annotated[
        list[Path] | None,
        typer.Option(help="Instead of an encoder: results of a searcher without vectors, with their runs."),
    ] = None,
    vectors: Vectors = None,
    suite: Annotated[str, typer.Option(help="Comma-separated suites.")] = "xquad-r,mlqa-r",
    out: Annotated[Path, typer.Option(help="Folder of submissions.")] = Path("leaderboards/submissions"),
    name: Annotated[str | None, typer.Option(help="Name. [default: the encoder's name]")] = None,
    revision: Annotated[
        str | None, typer.Option(help="Revision. [default: the encoder's revision, or a prefix of its hash]")
    ] = None,
    card: Annotated[
        Path | None,
        typer.Option(help="TOML file with card fields that the encoder does not state: contact, ..."),
    ] = None,
    passage_text: Annotated[str, typer.Option(help="What the encoder reads: sentence or sentence+context.")] = "sentence",
    dtype: Dtype = "fp32",
    device: Annotated[str, typer.Option(help="cpu, cuda, ..., or auto: a GPU if available.")] = "auto",
    batch_size: BatchSize = None,
    similarity: SimilarityOption = None,
    features: ImageFeatures = None,
    names: ImageNames = None,
    vectors_out: Annotated[Path | None, typer.Option(help="Folder for the vectors, outside git. [default: in the cache]")] = None,
    store: Annotated[Path | None, typer.Option(help="Folder of stored vectors. [default: in the cache]")] = None,
) -> None:
    """Write a submission: card, ranks and hashes, and a separate vectors file. Stored vectors are reused.

    An encoder that cannot be loaded here is packed from its vectors (docs/guides/vectors.md), and a searcher without vectors from
    its results: --result results/xquad-r/bm25.json.

    Example: hybrid-bench submit pack me5-small --org hybrid-bench --suite xquad-r,mlqa-r
    """
    from hybrid_bench.encoders.precomputed import FeatureFiles
    from hybrid_bench.errors import HybridBenchError
    from hybrid_bench.submissions import packing, packing_results

    if (encoder is not None) + bool(result) + (vectors is not None) != 1:
        raise HybridBenchError(
            "a submission needs either an encoder, vectors or results", "Give an encoder, --vectors FOLDER or --result FILE."
        )
    files = FeatureFiles.given(features, names)
    if files and encoder is None:
        raise HybridBenchError("the option features has no effect without an encoder", "Leave --features and --names out.")
    if result:
        _finish(packing_results.pack(result, out, org=org, name=name, revision=revision, card=card))
        return
    from hybrid_bench.submissions.format import expected

    suites = separated(suite)
    for of in suites:
        expected.require(of)
    searched: Encoder | dict[str, GivenVectors]
    if vectors is None:
        from hybrid_bench.encoders.load import load_encoder

        searched = load_encoder(
            str(encoder), dtype=dtype, device=device, similarity=similarity, batch_size=batch_size, **declared(context)
        )
    else:
        from hybrid_bench.embeddings.given import load_vectors
        from hybrid_bench.submissions import card as cards

        for option, value, usual in (
            ("dtype", dtype, "fp32"),
            ("batch_size", batch_size, None),
            ("device", device, "auto"),
            ("store", store, None),
        ):
            if value != usual:
                raise HybridBenchError(f"the option {option} has no effect on vectors", "Leave it out.")
        stated = cards.of_vectors(card, name or "", similarity)
        searched = {of: load_vectors(vectors, of, stated, passage_text=passage_text) for of in suites}  # type: ignore[arg-type]
    packed = packing.pack(
        searched,
        suites,
        out,
        org=org,
        name=name,
        revision=revision,
        card=card,
        passage_text=passage_text,
        vectors_out=vectors_out,
        store=store,
        features=files,
        progress=console.BarProgress(),
    )
    _finish(packed)


def _finish(packed: Packed) -> None:
    for part in packed.suites:
        _print_suite(part)
    if packed.missing:
        console.remark(f"fill in {', '.join(packed.missing)} in {packed.folder}/submission.toml, then run:")
        console.remark(f"  hybrid-bench submit seal {packed.folder}")
    console.echo(packed.folder)


def _print_suite(part: PackedSuite) -> None:
    if part.vectors:
        console.remark(f"{part.name}: wrote {part.vectors} ({part.vectors.stat().st_size / 1e6:.1f} MB)")
    if part.largest:
        score, difference = part.largest
        cause = "rounding to fp16" if part.vectors else "scoring the ranks instead of the runs"
        console.remark(f"{part.name}: {cause} changed no mean score by more than {difference:.1e} ({score})")


@app.command("seal")
def seal(folder: Annotated[Path, typer.Argument(help=_FOLDER)]) -> None:
    """Rewrite SHA256SUMS after editing submission.toml.

    Example: hybrid-bench submit seal leaderboards/submissions/org__name/revision
    """
    from hybrid_bench.submissions import checksums

    console.echo(checksums.seal(folder))


@app.command("check")
def check(
    folders: Annotated[list[Path], typer.Argument(help="Folders of submissions: .../<org>__<name>/<revision>.")],
    vectors: Annotated[
        list[Path] | None,
        typer.Option(help="Vectors that reproduce the ranks: <suite>.vectors.safetensors, or a folder of such files."),
    ] = None,
    record: Annotated[bool, typer.Option(help="For maintainers: record the verified ranks as attested.")] = False,
    checks: Annotated[Path | None, typer.Option(help=_CHECKS)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print findings as JSON.")] = False,
) -> None:
    """Check submissions against all rules and print all findings; exits with status 1 if there are errors.

    Example: hybrid-bench submit check leaderboards/submissions/org__name/revision --vectors xquad-r.vectors.safetensors
    """
    from hybrid_bench.leaderboard import specs
    from hybrid_bench.submissions import attestation, checking
    from hybrid_bench.submissions.format import findings

    found = {}
    for folder in folders:
        boards = specs.load(folder.absolute().parent.parent.parent)
        found[folder] = checking.run(
            folder,
            vectors=vectors or [],
            checks=checks,
            on_board=lambda suite, boards=boards: any(board.covers(suite) for board in boards),  # type: ignore[misc]
        )
    if as_json:
        console.write(findings.as_json({folder: check.findings for folder, check in found.items()}))
    for folder, check in found.items():
        if not as_json:
            for one in check.findings:
                console.echo(one.of(folder))
            compared = f"; the vectors reproduce the ranks on {' and '.join(check.attested)}" if check.attested else ""
            if not check.failed:
                console.echo(f"{folder}: no errors{compared}")
            elif len(found) > 1:
                console.echo(f"{folder}: has errors")
        if record and check.attested and check.inspection:
            target = checks or attestation.checks_folder(check.inspection.folder)
            console.remark(f"wrote {attestation.record(target, check.inspection.submission, check.attested)}")
    if any(check.failed for check in found.values()):
        raise typer.Exit(1)


@app.command("rerun")
def rerun(
    folder: Annotated[Path, typer.Argument(help=_FOLDER)],
    encoder: Annotated[
        str,
        typer.Option(help="A name from `hybrid-bench encoders`, a folder, or org/model. Never taken from the card."),
    ],
    revision: Annotated[str | None, typer.Option(help="Revision of the model on the Hugging Face Hub.")] = None,
    tolerance: Annotated[float, typer.Option(help="Maximum difference of a mean score.")] = 2e-3,
    trust_remote_code: Annotated[bool, typer.Option(help="Execute Python code that comes with the model.")] = False,
    dtype: Dtype = "fp32",
    device: Annotated[str, typer.Option(help="cpu, cuda, ..., or auto: a GPU if available.")] = "auto",
    similarity: SimilarityOption = None,
    features: ImageFeatures = None,
    names: ImageNames = None,
    store: Annotated[Path | None, typer.Option(help="Folder of stored vectors. [default: in the cache]")] = None,
    record: Annotated[bool, typer.Option(help="Record the reproduced scores as attested.")] = False,
    checks: Annotated[Path | None, typer.Option(help=_CHECKS)] = None,
) -> None:
    """For maintainers: re-run an open encoder and compare its scores; exits with status 1 if they differ.

    A suite of images needs them, see `hybrid-bench images add`. With --features it is compared, and not recorded.

    Example: hybrid-bench submit rerun leaderboards/submissions/org__name/revision --encoder me5-small
    """
    from hybrid_bench.encoders.load import load_encoder
    from hybrid_bench.encoders.precomputed import FeatureFiles
    from hybrid_bench.submissions import rerunning

    files = FeatureFiles.given(features, names)
    loaded = load_encoder(
        encoder, dtype=dtype, device=device, trust_remote_code=trust_remote_code, revision=revision, similarity=similarity
    )
    found = rerunning.rerun(
        folder, loaded, tolerance=tolerance, store=store, progress=console.BarProgress(), checks=checks, features=files
    )
    for name, suite in found.items():
        verdict = "scores reproduced" if suite.reproduced else f"scores not reproduced (tolerance {tolerance:g})"
        if suite.reproduced and not suite.attested:
            verdict += " from features, which is not recorded: no image was read"
        largest = f"largest difference {suite.difference:.1e} ({suite.score})"
        console.echo(f"{name}: {verdict}; {largest}, {suite.same_ranks:.1%} of the ranks identical")
    if record and (path := rerunning.record(found, folder, checks)):
        console.remark(f"wrote {path}")
    if not all(suite.reproduced for suite in found.values()):
        raise typer.Exit(1)
