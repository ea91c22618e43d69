"""``hybrid-bench encoders``."""

from __future__ import annotations

import typer

from hybrid_bench.cli import console
from hybrid_bench.cli.options import Device, Dtype, EncoderName, Format, SimilarityOption, TrustRemoteCode

app = typer.Typer(
    help="List the encoders that are installed, or show one as it will be used.",
    epilog="Example: hybrid-bench encoders show me5-small",
    invoke_without_command=True,
)


@app.callback()
def listing(
    context: typer.Context,
    output: Format = "table",
) -> None:
    """List the encoders that are installed, or show one as it will be used. Listing loads nothing.

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
