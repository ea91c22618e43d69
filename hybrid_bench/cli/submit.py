"""``hybrid-bench submit``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hybrid_bench.cli import console

if TYPE_CHECKING:
    from hybrid_bench.submissions.packing import Packed, PackedSuite

app = typer.Typer(
    help="Hand in an encoder: pack a submission, check it, run its encoder again.",
    epilog="Example: hybrid-bench submit pack me5-small --suite xquad-r --org hybrid-bench",
    no_args_is_help=True,
)

_FOLDER = "A submission: leaderboards/submissions/<org>__<name>/<revision>."
_CHECKS = "Folder of what maintainers found. [default: checks beside submissions]"


@app.command("pack")
def pack(
    org: Annotated[str, typer.Option(help="Who hands it in: a person or an institution.")],
    encoder: Annotated[
        str | None, typer.Argument(help="A name from `hybrid-bench encoders`, a folder, or org/model on the hub.")
    ] = None,
    result: Annotated[
        list[Path] | None, typer.Option(help="Instead of an encoder: results of a searcher without vectors, with their runs.")
    ] = None,
    suite: Annotated[str, typer.Option(help="Suites, by commas.")] = "xquad-r,mlqa-r",
    out: Annotated[Path, typer.Option(help="Folder of submissions.")] = Path("leaderboards/submissions"),
    name: Annotated[str | None, typer.Option(help="By default the encoder's.")] = None,
    revision: Annotated[str | None, typer.Option(help="By default the encoder's, or the beginning of its hash.")] = None,
    card: Annotated[
        Path | None, typer.Option(help="TOML with what the encoder does not state itself: contact, hardware, ...")
    ] = None,
    passage_text: Annotated[str, typer.Option(help="What the encoder reads: sentence or sentence+context.")] = "sentence",
    dtype: Annotated[str, typer.Option(help="fp32, bf16, fp16, or auto: bf16 where the device computes it natively.")] = "auto",
    device: Annotated[str, typer.Option(help="cpu, cuda, ..., or auto: a GPU where there is one.")] = "auto",
    vectors_out: Annotated[Path | None, typer.Option(help="Folder for the vectors, outside git. [default: in the cache]")] = None,
    store: Annotated[Path | None, typer.Option(help="Folder of stored vectors. [default: in the cache]")] = None,
) -> None:
    """Write a submission: card, ranks and hashes; its vectors beside it. Nothing is encoded that the store holds.

    A searcher without vectors is handed in by its results: --result results/xquad-r/bm25.json instead of an encoder.

    Example: hybrid-bench submit pack me5-small --org hybrid-bench --suite xquad-r,mlqa-r --dtype fp32
    """
    from hybrid_bench.errors import HybridBenchError
    from hybrid_bench.submissions import packing, packing_results

    if (encoder is None) == (not result):
        raise HybridBenchError("a submission is of one encoder, or of results", "Give either its name or --result FILE.")
    if result:
        _finish(packing_results.pack(result, out, org=org, name=name, revision=revision, card=card))
        return
    from hybrid_bench.encoders.load import load_encoder

    packed = packing.pack(
        load_encoder(str(encoder), dtype=dtype, device=device),
        [part.strip() for part in suite.split(",") if part.strip()],
        out,
        org=org,
        name=name,
        revision=revision,
        card=card,
        passage_text=passage_text,
        vectors_out=vectors_out,
        store=store,
        progress=console.BarProgress(),
    )
    _finish(packed)


def _finish(packed: Packed) -> None:
    for part in packed.suites:
        _tell(part)
    if packed.missing:
        console.remark(f"fill in {', '.join(packed.missing)} in {packed.folder}/submission.toml, then run:")
        console.remark(f"  hybrid-bench submit seal {packed.folder}")
    typer.echo(packed.folder)


def _tell(part: PackedSuite) -> None:
    if part.vectors:
        console.remark(f"{part.name}: wrote {part.vectors} ({part.vectors.stat().st_size / 1e6:.1f} MB)")
    if part.largest:
        score, difference = part.largest
        cause = "rounding to fp16" if part.vectors else "scoring the ranks instead of the runs"
        console.remark(f"{part.name}: {cause} changed no mean score by more than {difference:.1e} ({score})")


@app.command("seal")
def seal(folder: Annotated[Path, typer.Argument(help=_FOLDER)]) -> None:
    """Write SHA256SUMS anew, after submission.toml was edited.

    Example: hybrid-bench submit seal leaderboards/submissions/org__name/revision
    """
    from hybrid_bench.submissions import inspection

    typer.echo(inspection.seal(folder))


@app.command("check")
def check(
    folders: Annotated[list[Path], typer.Argument(help=f"{_FOLDER} Or several.")],
    vectors: Annotated[
        list[Path] | None, typer.Option(help="A file <suite>.vectors.safetensors or a folder of them: recompute the ranks.")
    ] = None,
    record: Annotated[bool, typer.Option(help="For maintainers: record that the vectors give the ranks.")] = False,
    checks: Annotated[Path | None, typer.Option(help=_CHECKS)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Findings as JSON.")] = False,
) -> None:
    """Check submissions against every rule and print every finding; ends with status 1 if one is an error.

    Example: hybrid-bench submit check leaderboards/submissions/org__name/revision --vectors xquad-r.vectors.safetensors
    """
    from hybrid_bench.submissions import attestation, checking
    from hybrid_bench.submissions.format import findings

    found = {folder: checking.run(folder, vectors=vectors or [], checks=checks) for folder in folders}
    if as_json:
        typer.echo(findings.as_json([one for check in found.values() for one in check.findings]), nl=False)
    for folder, check in found.items():
        if not as_json:
            for one in check.findings:
                typer.echo(one)
            compared = f"; the vectors give the ranks on {' and '.join(check.attested)}" if check.attested else ""
            if not check.failed:
                typer.echo(f"{folder}: no errors{compared}")
        if record and check.attested and check.inspected:
            target = checks or attestation.checks_folder(check.inspected.folder)
            console.remark(f"wrote {attestation.record(target, check.inspected.submission, check.attested)}")
    if any(check.failed for check in found.values()):
        raise typer.Exit(1)


@app.command("rerun")
def rerun(
    folder: Annotated[Path, typer.Argument(help=_FOLDER)],
    encoder: Annotated[
        str,
        typer.Option(help="What to run: a name from `hybrid-bench encoders`, a folder, or org/model. Never taken from the card."),
    ],
    revision: Annotated[str | None, typer.Option(help="Revision of the model on the hub.")] = None,
    tolerance: Annotated[float, typer.Option(help="What a mean score may differ by.")] = 2e-3,
    trust_remote_code: Annotated[bool, typer.Option(help="Run Python code that comes with the model.")] = False,
    dtype: Annotated[str, typer.Option(help="fp32, bf16, fp16, or auto: bf16 where the device computes it natively.")] = "auto",
    device: Annotated[str, typer.Option(help="cpu, cuda, ..., or auto: a GPU where there is one.")] = "auto",
    store: Annotated[Path | None, typer.Option(help="Folder of stored vectors. [default: in the cache]")] = None,
    record: Annotated[bool, typer.Option(help="Record that the scores came out again.")] = False,
    checks: Annotated[Path | None, typer.Option(help=_CHECKS)] = None,
) -> None:
    """For maintainers: run an open encoder again and compare its scores; ends with status 1 if they differ.

    Example: hybrid-bench submit rerun leaderboards/submissions/org__name/revision --encoder me5-small
    """
    from hybrid_bench.encoders.load import load_encoder
    from hybrid_bench.submissions import rerunning

    loaded = load_encoder(encoder, dtype=dtype, device=device, trust_remote_code=trust_remote_code, revision=revision)
    found = rerunning.rerun(folder, loaded, tolerance=tolerance, store=store, progress=console.BarProgress(), checks=checks)
    for name, suite in found.items():
        verdict = "the scores came out again" if suite.attested else f"not the same scores (tolerance {tolerance:g})"
        largest = f"largest difference {suite.difference:.1e} ({suite.score})"
        typer.echo(f"{name}: {verdict}; {largest}, {suite.same_ranks:.1%} of the ranks the same")
    if record and (path := rerunning.record(found, folder, checks)):
        console.remark(f"wrote {path}")
    if not all(suite.attested for suite in found.values()):
        raise typer.Exit(1)
