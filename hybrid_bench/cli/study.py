"""``hybrid-bench study``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from hybrid_bench.cli import console

app = typer.Typer(
    help="Train under several choices and report what they do.",
    epilog="Example: hybrid-bench study strategies --base me5-small --seeds 3",
    no_args_is_help=True,
)


@app.callback()
def _group() -> None:
    """Keeps ``strategies`` a command of its own."""


@app.command("strategies")
def strategies(
    base: Annotated[str, typer.Option(help="The encoder that is trained.")] = "me5-small",
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each strategy.")] = 3,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of a training. [default: the recipe's]")] = None,
    suites: Annotated[str, typer.Option(help="Suites to score on, by commas.")] = "xquad-r,mlqa-r",
    alphas: Annotated[
        str, typer.Option(help="Shares of monolingual batches beside the recipe's, by commas; the first seed alone.")
    ] = "0,.25,.5,.75,1",
    baselines: Annotated[str, typer.Option(help="Of english, code-switched; by commas, the first seed alone.")] = "",
    recipe: Annotated[Path | None, typer.Option(help="The recipe. [default: recipes/hybrid-<base>.toml, in a checkout]")] = None,
    published: Annotated[Path, typer.Option(help="Folder of published figures.")] = Path("leaderboards/published"),
    work: Annotated[Path, typer.Option(help="Folder of trainings and results; what is there is not done again.")] = Path(
        "trained/strategies"
    ),
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = Path("leaderboards/studies"),
    device: Annotated[str, typer.Option(help="cpu, cuda, ..., or auto: a GPU where there is one.")] = "auto",
    change: Annotated[list[str] | None, typer.Option("--set", help="A key of the recipe that wins; repeatable.")] = None,
) -> None:
    """Monolingual, cross-lingual and hybrid batches side by side, with seeds, alphas and significance.

    A killed study goes on where it was. Example: hybrid-bench study strategies --base me5-small --seeds 3
    """
    from hybrid_bench.datasets.resolvers import load_suite
    from hybrid_bench.errors import HybridBenchError
    from hybrid_bench.training.recipe import Recipe, parse_changes
    from hybrid_bench.training.study import arms, report
    from hybrid_bench.training.study.tables import read_published

    # Whatever can be wrong is found before the long work begins.
    path = recipe or Path("recipes") / f"hybrid-{base}.toml"
    if not path.is_file():
        raise HybridBenchError(f"there is no recipe {path}", "Name one with --recipe; those of this project are in its checkout.")
    taken = {"base", "seed", "name", "averaging.trainings", "batches.strategy"}
    changes = parse_changes(change or [])
    if refused := sorted(taken & changes.keys()):
        raise HybridBenchError(f"a study decides {', '.join(refused)} itself", "Use --base, --seeds, --alphas and --baselines.")
    changes |= {"base": base} | ({"optimiser.steps": steps} if steps else {})
    shared = Recipe.read(path, changes)
    names = [name.strip() for name in suites.split(",") if name.strip()]
    if not names:
        raise HybridBenchError("--suites names no suite", "For example --suites xquad-r,mlqa-r.")
    for name in names:
        load_suite(name)
    of = [name.strip() for name in baselines.split(",") if name.strip()]
    chosen = arms.arms(seeds, _numbers(alphas), of, shared.batches.alpha)
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
        typer.echo(str(file))


def _numbers(text: str) -> list[float]:
    from hybrid_bench.errors import HybridBenchError

    try:
        return [float(number) for number in text.split(",") if number.strip()]
    except ValueError as error:
        raise HybridBenchError(f"--alphas {text!r} are not numbers by commas", "For example --alphas 0,.5,1.") from error
