"""The report of the study of images: tables, a figure, and answers in words that follow from the figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from hybrid_bench.datasets.captioned import datasets
from hybrid_bench.support import atomic
from hybrid_bench.training.study import images_answers
from hybrid_bench.training.study.images import BETWEEN, CUTOFF, RESAMPLES, SEEN, Key, Measured, as_json, mean, pool_sizes
from hybrid_bench.training.study.images_answers import compare, points, seen, unseen
from hybrid_bench.training.study.plots import mono_against_cross


def write(found: Mapping[str, Measured], base: str, out: Path, command: str) -> list[Path]:
    """Write ``images.md``, ``images.json``, and a figure for each suite.

    Args:
        found: arm to its figures.
        base: the arm that the others are compared with.
        out: the folder.
        command: that makes the report again.

    Returns:
        The files.
    """
    out.mkdir(parents=True, exist_ok=True)
    contents = {
        "images.md": markdown(found, base, command).encode(),
        "images.json": (json.dumps(as_json(found), indent=1) + "\n").encode(),
    } | {figure_name(suite): _figure(found, suite) for suite in pool_sizes(found)}
    for name, content in contents.items():
        atomic.write(out / name, content)
    return [out / name for name in contents]


def figure_name(suite: str) -> str:
    """The file of a suite's figure."""
    return f"{suite.replace('/', '-')}-mono-cross.svg"


def markdown(found: Mapping[str, Measured], base: str, command: str) -> str:
    """The report."""
    sizes = pool_sizes(found)
    fits = len(next(iter(found[base].hits.values())))
    parts = [
        "# Text-image retrieval\n",
        f"Made by `{command}`. R@{CUTOFF} is the share of captions whose image is among the first {CUTOFF} of a pool of "
        + " and of ".join(f"{size} ({suite})" for suite, size in sizes.items())
        + f".{_on_subsets(list(sizes))}\n",
        f"{_on_unseen(found)} *Centred*: the mean of each language's captions, and that of the images, is subtracted first, "
        f"which removes offsets of languages. Intervals are 95 %, of a paired bootstrap over images ({RESAMPLES:,} resamples). "
        + (
            f"Each encoder was fitted {fits} times: once to all images, which the figures are of, and {fits - 1} times to a part "
            "of them; *fits* are the least and the largest figure of all. "
            if fits > 1
            else ""
        )
        + "A difference counts where its interval leaves out 0 and all fits agree on its sign.\n",
    ]
    for suite in sizes:
        keys = [key for key in found[base].hits if key[0] == suite]
        parts += [_recalls(found, keys, suite), _differences(found, base, keys), _pool(found, suite)]
        parts.append(f"![{suite}: R@{CUTOFF} in English and in unseen languages]({figure_name(suite)})\n")
    return "\n".join([*parts, _clip(found), images_answers.answers(found, base)])


def _on_subsets(suites: Sequence[str]) -> str:
    known = datasets()
    if not (some := [suite for suite in suites if suite in known and known[suite].kept is not None]):
        return ""
    which = "These pools" if len(some) == len(suites) else f"Those of {', '.join(some)}"
    return f" {which} are small subsets: do not compare the figures with those of whole benchmarks."


def _on_unseen(found: Mapping[str, Measured]) -> str:
    if images_answers.is_published(found):
        return (
            "Image features were projected into the space of each text encoder with English captions alone: every language but "
            f"`{SEEN}` is zero-shot."
        )
    return f"*Unseen* is the mean over all languages but `{SEEN}`, whether or not an encoder was trained on them."


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _head(cells: Sequence[str]) -> str:
    return _row(cells) + _row(["---", *["---:"] * (len(cells) - 1)])


def _range(values: Sequence[float] | np.ndarray) -> str:
    return f"{min(values):.3f} to {max(values):.3f}" if len(values) > 1 else "-"


def _recalls(found: Mapping[str, Measured], keys: Sequence[Key], suite: str) -> str:
    heading = ["encoder", *(name for _, name in keys), "unseen", "unseen, fits"]
    lines = [f"## {suite}: captions to images, R@{CUTOFF}\n\n", _head(heading)]
    for centred in (False, True):
        for arm, one in found.items():
            values = one.centred if centred else one.hits
            cells = [f"{values[key][0].mean():.3f}" for key in keys]
            of_fits = mean(values, unseen(keys))
            lines.append(_row([arm + ", centred" * centred, *cells, f"{of_fits[0]:.3f}", _range(of_fits)]))
    return "".join(lines)


def _differences(found: Mapping[str, Measured], base: str, keys: Sequence[Key]) -> str:
    lines = [
        f"Differences to {base}, in points (interval; fits):\n\n",
        _head(["encoder", "unseen", "unseen, centred", SEEN]),
    ]
    for arm in found:
        if arm != base:
            of = {"unseen": compare(found, arm, base, unseen(keys)), SEEN: compare(found, arm, base, seen(keys))}
            centred = compare(found, arm, base, unseen(keys), "centred")
            lines.append(_row([arm, points(of["unseen"]), points(centred), points(of[SEEN])]))
    return "".join(lines)


def _pool(found: Mapping[str, Measured], suite: str) -> str:
    """Images on the pool of all captions: which languages are favoured; and captions on captions."""
    names = list(dict.fromkeys(measure for one in found.values() for measure in one.pool[suite]))
    shown = [f"R@{CUTOFF}", "RankDistance", *(name for name in names if name.startswith("First(")), BETWEEN]
    lines = ["Images to the captions of all languages in one pool, and captions to those of each other language:\n\n"]
    lines.append(_head(["encoder", *shown]))
    lines += [_row([arm, *(f"{one.pool[suite].get(name, np.nan):.3f}" for name in shown)]) for arm, one in found.items()]
    return "".join(lines) + (
        "\nFirst(de) is the share of images whose first relevant caption is in German; RankDistance the mean gap between the "
        "best and the worst rank of an image's captions.\n"
    )


def _clip(found: Mapping[str, Measured]) -> str:
    keys = list(next(iter(found.values())).clip)
    pairs = {key[0]: len(next(iter(found.values())).clip[key]) for key in keys}
    lines = [
        "## CLIPScore, and AUC of match against no-match pairs\n\n",
        "".join(
            f"{dataset}: {count} images with a caption of each language, against all {count * (count - 1):,} pairs of an image "
            "with the caption of another. "
            for dataset, count in pairs.items()
        ),
        "Without a prefix, which would be English in front of every language.\n",
    ]
    for dataset in pairs:
        of = [key for key in keys if key[0] == dataset]
        lines += ["\n", _head([dataset, *(name for _, name in of), "unseen", "unseen, fits"])]
        for arm, one in found.items():
            auc, clip = mean(one.auc, unseen(of)), float(np.mean([one.clip[key].mean() for key in unseen(of)]))
            lines.append(_row([f"{arm}, AUC", *(f"{one.auc[key][0].mean():.3f}" for key in of), f"{auc[0]:.3f}", _range(auc)]))
            lines.append(_row([f"{arm}, CLIPScore", *(f"{one.clip[key].mean():.3f}" for key in of), f"{clip:.3f}", ""]))
    return "".join(lines)


def _figure(found: Mapping[str, Measured], suite: str) -> bytes:
    keys = [key for key in next(iter(found.values())).hits if key[0] == suite]
    at = {}
    for centred in (False, True):
        for arm, one in found.items():
            values = one.centred if centred else one.hits
            at[arm + ", centred" * centred] = float(mean(values, seen(keys))[0]), float(mean(values, unseen(keys))[0])
    return mono_against_cross(at, f"{suite}: captions to images", f"R@{CUTOFF}, {SEEN}", f"R@{CUTOFF}, unseen languages")
