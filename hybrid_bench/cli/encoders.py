"""``hybrid-bench encoders``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hybrid_bench.cli import console
from hybrid_bench.cli.options import Device, Dtype, EncoderName, Format, SimilarityOption, TrustRemoteCode

app = typer.Typer(
    help="List the encoders that are installed, show one as it will be used, or write its card.",
    epilog="Example: hybrid-bench encoders show me5-small",
    invoke_without_command=True,
)


@app.callback()
def listing(
    context: typer.Context,
    output: Format = "table",
) -> None:
    """List the encoders that are installed, show one as it will be used, or write its card. Listing loads nothing.

    Example: hybrid-bench encoders --format csv
    """
    if context.invoked_subcommand:
        return
    from hybrid_bench.encoders.load import REGISTRY
    from hybrid_bench.results.tables import listing

    rows = [(entry.name, f"{entry.distribution} {entry.version}".strip(), entry.target) for entry in REGISTRY.entries()]
    console.show_frame(listing(("encoder", "from", "entry point"), rows), output, "Encoders")
    if output == "table":
        console.remark("Any Hugging Face id (org/model) and any local folder works as well.")


@app.command("show")
def show(
    encoder: EncoderName,
    dtype: Dtype = "fp32",
    device: Device = "auto",
    similarity: SimilarityOption = None,
    trust_remote_code: TrustRemoteCode = False,
) -> None:
    """Load an encoder and print what it uses and its card, as TOML.

    Example: hybrid-bench encoders show me5-small
    """
    from hybrid_bench.encoders.description import describe
    from hybrid_bench.encoders.load import load_encoder
    from hybrid_bench.support import toml

    loaded = load_encoder(encoder, dtype=dtype, device=device, similarity=similarity, trust_remote_code=trust_remote_code)
    console.echo(f"# {describe(loaded)}")
    console.echo(f"# device {loaded.device}; fingerprint {loaded.fingerprint}")
    console.write(toml.dumps(loaded.card.model_dump(mode="json", exclude_defaults=True)))


@app.command("card")
def card(
    encoder: EncoderName,
    results: Annotated[
        list[Path] | None, typer.Option(help="Results of the encoder, or folders with them; repeat for several.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the card into this file, such as README.md.")] = None,
    dtype: Dtype = "fp32",
    device: Device = "auto",
    similarity: SimilarityOption = None,
    trust_remote_code: TrustRemoteCode = False,
) -> None:
    """Write an encoder's card in Hugging Face's format, with its results as metadata (model-index) and as a table.

    Of folders, the results of this encoder are taken.

    Example: hybrid-bench encoders card me5-small --results results --out README.md
    """
    from hybrid_bench.encoders.load import load_encoder
    from hybrid_bench.errors import HybridBenchError
    from hybrid_bench.reports.model_card import model_card
    from hybrid_bench.results import folder
    from hybrid_bench.support import atomic

    found = folder.read_all(results or [])
    loaded = load_encoder(encoder, dtype=dtype, device=device, similarity=similarity, trust_remote_code=trust_remote_code)
    own = [result for result in found if result.name == loaded.card.name]
    if results and not own:
        raise HybridBenchError(f"none of the results is of {loaded.card.name}", "Evaluate it: hybrid-bench evaluate.")
    text = model_card(loaded, own)
    if out is None:
        console.write(text)
    else:
        atomic.write(out, text.encode())
        console.remark(f"wrote {out}")
