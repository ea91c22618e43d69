"""``hybrid-bench study``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from hybrid_bench.cli import console

app = typer.Typer(
    help="Train with several settings and compare the results.",
    epilog="Example: hybrid-bench study strategies --base me5-small --seeds 3",
    no_args_is_help=True,
)


@app.callback()
def _group() -> None:
    """Makes ``strategies`` a subcommand: typer would merge a single command into the group."""


@app.command("strategies")
def strategies(
    base: Annotated[str, typer.Option(help="The encoder to train.")] = "me5-small",
    seeds: Annotated[int, typer.Option(min=1, help="Trainings per strategy, with different seeds.")] = 3,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps per training. [default: the recipe's]")] = None,
    suites: Annotated[str, typer.Option(help="Comma-separated suites to score on.")] = "xquad-r,mlqa-r",
    alphas: Annotated[
        str, typer.Option(help="Comma-separated shares of monolingual batches, in addition to the recipe's; seed 1 only.")
    ] = "0,.25,.5,.75,1",
    baselines: Annotated[str, typer.Option(help="Comma-separated baselines: english, code-switched; seed 1 only.")] = "",
    recipe: Annotated[Path | None, typer.Option(help="Recipe. [default: recipes/hybrid-<base>.toml, in the repository]")] = None,
    published: Annotated[Path, typer.Option(help="Folder of published figures.")] = Path("leaderboards/published"),
    work: Annotated[Path, typer.Option(help="Working folder; finished trainings and results in it are reused.")] = Path(
        "trained/strategies"
    ),
    out: Annotated[Path, typer.Option(help="Output folder of the report.")] = Path("leaderboards/studies"),
    device: Annotated[str, typer.Option(help="cpu, cuda, ..., or auto: a GPU if available.")] = "auto",
    change: Annotated[list[str] | None, typer.Option("--set", help="Override a key of the recipe; repeatable.")] = None,
) -> None:
    """Compare monolingual, cross-lingual and hybrid batches over seeds and alphas, with significance tests.

    Run again to resume an interrupted study. Example: hybrid-bench study strategies --base me5-small --seeds 3
    """
    from hybrid_bench.datasets.resolvers import load_suite
    from hybrid_bench.errors import HybridBenchError
    from hybrid_bench.training.recipe import Recipe, parse_changes
    from hybrid_bench.training.study import arms, report
    from hybrid_bench.training.study.tables import read_published

    # Check all arguments before the first training.
    path = recipe or Path("recipes") / f"hybrid-{base}.toml"
    if not path.is_file():
        raise HybridBenchError(f"there is no recipe {path}", "Give one with --recipe; this project's are in its repository.")
    reserved = {"base", "seed", "name", "averaging.trainings", "batches.strategy"}
    changes = parse_changes(change or [])
    if refused := sorted(reserved & changes.keys()):
        raise HybridBenchError(f"a study sets {', '.join(refused)} itself", "Use --base, --seeds, --alphas and --baselines.")
    changes |= {"base": base} | ({"optimiser.steps": steps} if steps else {})
    shared = Recipe.read(path, changes)
    names = [name.strip() for name in suites.split(",") if name.strip()]
    if not names:
        raise HybridBenchError("--suites is empty", "For example --suites xquad-r,mlqa-r.")
    for name in names:
        load_suite(name)
    chosen_baselines = [name.strip() for name in baselines.split(",") if name.strip()]
    chosen = arms.arms(seeds, _numbers(alphas), chosen_baselines, shared.batches.alpha)
    figures = read_published(published)
    trainings = sum(arm.seed is not None for arm in chosen)
    console.remark(f"{trainings} trainings of {shared.optimiser.steps} steps, scored on {', '.join(names)}")
    scored = list(arms.run(path, chosen, names, work, changes=changes, device=device, progress=console.BarProgress()))
    words = ["hybrid-bench", "study", "strategies", "--base", base, "--seeds", str(seeds)]
    words += ["--steps", str(steps)] if steps else []
    words += ["--suites", suites, "--alphas", alphas, *(["--baselines", baselines] if baselines else [])]
    words += ["--recipe", str(recipe)] if recipe else []
    words += [word for text in change or [] for word in ("--set", text)]
    for file in report.write(scored, shared, figures, out, shlex.join(words)):
        console.echo(str(file))


def _numbers(text: str) -> list[float]:
    from hybrid_bench.errors import HybridBenchError

    try:
        return [float(number) for number in text.split(",") if number.strip()]
    except ValueError as error:
        raise HybridBenchError(f"--alphas {text!r} is not a list of numbers", "For example --alphas 0,.5,1.") from error
