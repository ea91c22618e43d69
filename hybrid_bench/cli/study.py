"""``hybrid-bench study``."""

from __future__ import annotations

import itertools
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from hybrid_bench.cli import console
from hybrid_bench.cli.options import Device, Dtype, Format, Store, separated

app = typer.Typer(
    help="Compare encoders, or trainings with several settings, and report the results.",
    epilog="Example: hybrid-bench study strategies --base me5-small --seeds 3",
    no_args_is_help=True,
)


@app.command("strategies")
def strategies(
    base: Annotated[str, typer.Option(help="The encoder to train.")] = "me5-small",
    seeds: Annotated[int, typer.Option(min=1, help="Trainings per strategy, with different seeds.")] = 3,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps per training. [default: the recipe's]")] = None,
    suites: Annotated[str, typer.Option(help="Comma-separated suites to score on.")] = "xquad-r,mlqa-r",
    alphas: Annotated[
        str, typer.Option(help="Comma-separated shares of monolingual batches, in addition to the recipe's; seed 1 only.")
    ] = "0,.25,.5,.75,1",
    baselines: Annotated[
        str, typer.Option(help="Comma-separated: english, code-switched, distilled, hybrid+distilled; with every seed.")
    ] = "",
    distillation_weights: Annotated[
        str, typer.Option(help="Comma-separated weights of distillation, for hybrid+distilled; seed 1 only.")
    ] = "",
    target: Annotated[
        str,
        typer.Option(
            help="Choose a strategy: the highest AP among those that meet this, e.g. 'rank-distance<=230', on the first of "
            "--suites, which should not be one that the result is reported on."
        ),
    ] = "",
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
    from hybrid_bench.training.study.target import Target

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
    weights = _numbers(distillation_weights, "--distillation-weights")
    chosen = arms.arms(seeds, _numbers(alphas, "--alphas"), chosen_baselines, shared.batches.alpha, weights)
    limit = Target.parse(target) if target else None
    figures = read_published(published)
    trainings = sum(arm.seed is not None for arm in chosen)
    console.remark(f"{trainings} trainings of {shared.optimiser.steps} steps, scored on {', '.join(names)}")
    scored = list(arms.run(path, chosen, names, work, changes=changes, device=device, progress=console.BarProgress()))
    words = ["hybrid-bench", "study", "strategies", "--base", base, "--seeds", str(seeds)]
    words += ["--steps", str(steps)] if steps else []
    words += ["--suites", suites, "--alphas", alphas, *(["--baselines", baselines] if baselines else [])]
    words += ["--distillation-weights", distillation_weights] if distillation_weights else []
    words += ["--target", target] if target else []
    words += ["--recipe", str(recipe)] if recipe else []
    words += [word for text in change or [] for word in ("--set", text)]
    for file in report.write(scored, shared, figures, out, shlex.join(words), limit):
        console.echo(str(file))


@app.command("agreement")
def agreement(
    results: Annotated[
        list[Path], typer.Argument(help="Results (.json), folders of results, and tables of studies (strategies.csv).")
    ],
    suites: Annotated[str, typer.Option(help="The two suites, comma-separated.")] = "squad-dev-r,xquad-r",
    base: Annotated[str, typer.Option(help="The base of the studies whose tables are given.")] = "me5-small",
    output: Format = "table",
) -> None:
    """Compare how two suites rank the encoders that have results on both: rank correlations of four figures.

    Example: hybrid-bench study agreement results leaderboards/studies/strategies.csv
    """
    from hybrid_bench.errors import HybridBenchError
    from hybrid_bench.results import tables
    from hybrid_bench.training.study import agreement as study_agreement

    tables.check_format(output)
    names = [name.strip() for name in suites.split(",") if name.strip()]
    if len(set(names)) != 2:
        raise HybridBenchError(f"--suites {suites!r} does not name two suites", "For example --suites squad-dev-r,xquad-r.")
    figures = study_agreement.read(results, base)
    for name in names:
        if name not in figures:
            raise HybridBenchError(
                f"there is no result on {name}", f"The given files have results on {', '.join(sorted(figures)) or 'no suite'}."
            )
    one, other = (figures[name] for name in names)
    rows = [
        (row.figure, row.encoders, f"{row.spearman:.3f}", f"{row.kendall:.3f}", f"{row.p:.2g}", f"{row.alike} of {row.pairs}")
        for row in study_agreement.agreement(one, other)
    ]
    columns = ("figure", "encoders", "Spearman's rho", "Kendall's tau", "p of tau", "pairs ordered alike")
    console.show_frame(tables.listing(columns, rows), output, f"Order of encoders on {names[0]} and {names[1]}")
    console.remark(f"compared: {', '.join(sorted(one.keys() & other.keys()))}")


@app.command("images")
def images(
    encoders: Annotated[
        list[str] | None,
        typer.Argument(
            help="Encoders of texts and images; the first is what others are compared with. "
            "[default: me5-small+lite0 and its mono-, cross- and hybrid- forms]"
        ),
    ] = None,
    suites: Annotated[str, typer.Option(help="Comma-separated suites of images.")] = (
        "multi30k-flickr8k,multi30k-flickr8k/val,xflickrco-flickr8k"
    ),
    fits: Annotated[
        Path | None,
        typer.Option(help="Folder of further fits, as many of each encoder: <fits>/<encoder>/<any name>, each an encoder."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Output folder of the report.")] = Path("leaderboards/studies/images"),
) -> None:
    """Compare encoders on captions and images by language, with a control for language offsets, and write the answers.

    Example: hybrid-bench study images me5-small+lite0 hybrid-me5-small+lite0
    """
    from hybrid_bench.encoders.load import load_encoder
    from hybrid_bench.support.optional import need
    from hybrid_bench.training.study import images_report
    from hybrid_bench.training.study.images import STUDIED, Arm, measure

    encoders = encoders or list(STUDIED)
    need("figures", "the figures of this study", "matplotlib")
    names = [name.strip() for name in suites.split(",") if name.strip()]
    arms = []
    for encoder in encoders:
        folder = fits / encoder if fits else None
        more = sorted(str(path) for path in folder.iterdir() if path.is_dir()) if folder and folder.is_dir() else []
        needed: dict[str, Any] = {"modalities": ("text", "image"), "needed_by": "the study of images"}
        arms.append(Arm(encoder, [load_encoder(one, **needed) for one in (encoder, *more)]))
    found = measure(arms, names, console.BarProgress())
    words = ["hybrid-bench", "study", "images", *encoders, "--suites", suites, *(["--fits", str(fits)] if fits else [])]
    for file in images_report.write(found, encoders[0], out, shlex.join(words)):
        console.echo(str(file))


@app.command("robustness")
def robustness(
    suites: Annotated[
        str, typer.Option(help="Comma-separated suites, or groups of them: low-resource, domains, beir.")
    ] = "low-resource",
    encoders: Annotated[str, typer.Option(help="Comma-separated encoders; later ones are compared with earlier ones.")] = (
        "me5-small,mono-me5-small,cross-me5-small,hybrid-me5-small"
    ),
    beside: Annotated[
        list[str] | None,
        typer.Option(
            help="Another searcher to report too: the name of its results in --work, or a file or folder of results; repeatable. "
            "[default: bm25]"
        ),
    ] = None,
    dtype: Dtype = "fp32",
    device: Device = "auto",
    work: Annotated[Path, typer.Option(help="Folder of results; those in it are reused.")] = Path("results"),
    store: Store = None,
    out: Annotated[Path, typer.Option(help="Output folder of the report.")] = Path("leaderboards/studies/robustness"),
) -> None:
    """Compare encoders in low-resource languages or on other domains: gaps, drops, and whether they differ by more than noise.

    Run again to resume an interrupted study. Example: hybrid-bench study robustness --suites domains
    """
    from hybrid_bench.errors import HybridBenchError
    from hybrid_bench.evaluation.options import EvaluationOptions
    from hybrid_bench.evaluation.robustness import report, study

    chosen, named = study.suites_of(separated(suites)), separated(encoders)
    if not named or len(set(named)) < len(named):
        raise HybridBenchError(f"--encoders {encoders!r} names no encoder, or one twice", "For example --encoders me5-small.")
    others = ["bm25"] if beside is None else beside
    options = EvaluationOptions(encoder={"dtype": dtype, "device": device}, store=store)
    outcome = study.run(named, chosen, options, folder=work, beside=others, progress=console.BarProgress())
    for suite, reason in outcome.missing.items():
        console.remark(f"{suite} is left out: {reason}")
    for reason in itertools.chain.from_iterable(outcome.absent.values()):
        console.remark(f"left out: {reason}")
    words = ["hybrid-bench", "study", "robustness", "--suites", suites, "--encoders", encoders]
    words += ["--dtype", dtype] if dtype != "fp32" else []
    words += [word for one in beside or [] for word in ("--beside", one)] + ["--out", str(out)]
    for file in report.write(outcome, out, shlex.join(words)):
        console.echo(str(file))


def _numbers(text: str, option: str) -> list[float]:
    from hybrid_bench.errors import HybridBenchError

    try:
        return [float(number) for number in text.split(",") if number.strip()]
    except ValueError as error:
        raise HybridBenchError(f"{option} {text!r} is not a list of numbers", f"For example {option} .25,.5,1.") from error
