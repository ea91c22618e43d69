"""The report of the study of images: tables, and answers in words that follow from the figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from hybrid_bench.support import atomic
from hybrid_bench.training.study.images import CUTOFF, RESAMPLES, SEEN, Difference, Measured, as_json, difference, pool_sizes

#: A query set of captions: suite and name.
Key = tuple[str, str]


def write(found: Mapping[str, Measured], base: str, out: Path, command: str) -> list[Path]:
    """Write ``images.md`` and ``images.json``.

    Args:
        found: arm to its figures.
        base: the arm that the others are compared with.
        out: the folder.
        command: that makes the report again.

    Returns:
        The files.
    """
    out.mkdir(parents=True, exist_ok=True)
    atomic.write(out / "images.json", (json.dumps(as_json(found), indent=1) + "\n").encode())
    atomic.write(out / "images.md", markdown(found, base, command).encode())
    return [out / "images.md", out / "images.json"]


def markdown(found: Mapping[str, Measured], base: str, command: str) -> str:
    """The report."""
    sizes = pool_sizes(found)
    keys = list(found[base].hits)
    parts = [
        "# Text-image retrieval\n",
        f"Made by `{command}`. R@{CUTOFF} is the share of captions whose image is among the first {CUTOFF} of a pool of "
        + " and of ".join(f"{size} ({suite})" for suite, size in sizes.items())
        + f". Image features were projected into the space of each text encoder with English captions alone: every language but "
        f"`{SEEN}` is zero-shot. Intervals are 95 %, of a paired bootstrap over images ({RESAMPLES:,} resamples). *Centred*: the "
        "mean of each language's captions, and that of the images, is subtracted first, which removes offsets of languages. "
        "These pools are small subsets: do not compare the figures with those of whole benchmarks.\n",
    ]
    for suite in sizes:
        parts += [_table(found, [key for key in keys if key[0] == suite], suite), _differences(found, base, suite, keys)]
    parts += [_pools(found), _clip(found), _answers(found, base, keys)]
    return "\n".join(parts)


def unseen(keys: Sequence[Key], suite: str) -> list[Key]:
    """The query sets of a suite in languages that no projection has seen."""
    return [key for key in keys if key[0] == suite and key[1] != SEEN]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _head(cells: Sequence[str]) -> str:
    return _row(cells) + _row(["---", *["---:"] * (len(cells) - 1)])


def _table(found: Mapping[str, Measured], keys: Sequence[Key], suite: str) -> str:
    lines = [f"## {suite}: captions to images, R@{CUTOFF}\n\n", _head(["encoder", *(name for _, name in keys), "unseen", "fits"])]
    for centred in (False, True):
        for arm, one in found.items():
            label = f"{arm}, centred" if centred else arm
            values = [one.recall([key], centred=centred) for key in keys]
            low, high = one.spread(unseen(keys, suite))
            fits = next(iter(one.hits.values())).shape[0]
            spread = f"{low:.3f} to {high:.3f} ({fits})" if fits > 1 and not centred else ""
            mean = one.recall(unseen(keys, suite), centred=centred)
            lines.append(_row([label, *(f"{value:.3f}" for value in values), f"{mean:.3f}", spread]))
    return "".join(lines)


def _differences(found: Mapping[str, Measured], base: str, suite: str, keys: Sequence[Key]) -> str:
    lines = [f"Differences to {base}, in points:\n\n", _head(["encoder", "unseen", "unseen, centred", SEEN])]
    for arm in found:
        if arm != base:
            seen = [(suite, SEEN)] if (suite, SEEN) in keys else []
            cells = [_points(compare(found, arm, base, unseen(keys, suite), centred=centred)) for centred in (False, True)]
            lines.append(_row([arm, *cells, _points(compare(found, arm, base, seen)) if seen else ""]))
    return "".join(lines)


def compare(found: Mapping[str, Measured], a: str, b: str, of: Sequence[Key], *, centred: bool = False) -> Difference:
    """The difference of two arms over some query sets."""
    first, second = (found[name].centred if centred else found[name].hits for name in (a, b))
    return difference(first, second, of)


def _points(found: Difference) -> str:
    return f"{100 * found.value:+.1f} ({100 * found.low:.1f} to {100 * found.high:.1f})"


def _pools(found: Mapping[str, Measured]) -> str:
    """Images on the pool of all captions: which languages are favoured."""
    lines = []
    for suite in next(iter(found.values())).pool:
        names = list(dict.fromkeys(measure for one in found.values() for measure in one.pool[suite]))
        shown = [f"R@{CUTOFF}", "RankDistance", *(name for name in names if name.startswith("First("))]
        lines += [f"## {suite}: images to the captions of all languages in one pool\n\n", _head(["encoder", *shown])]
        lines += [_row([arm, *(f"{one.pool[suite].get(name, np.nan):.3f}" for name in shown)]) for arm, one in found.items()]
        lines.append("\n")
    return "".join(lines) + (
        "First(de) is the share of images whose first relevant caption is in German; RankDistance the mean gap between the best "
        "and the worst rank of an image's captions.\n"
    )


def _clip(found: Mapping[str, Measured]) -> str:
    keys = list(next(iter(found.values())).clip)
    lines = ["## CLIPScore of captions with their images, and AUC of match against no-match pairs\n\n"]
    lines.append(_head(["encoder", *(f"{suite} {name}" for suite, name in keys)]))
    for arm, one in found.items():
        lines.append(_row([arm, *(f"{one.clip[key][0]:.3f} ({one.clip[key][1]:.3f})" for key in keys)]))
    return "".join(lines) + "\nWithout a prefix, which would be English in front of every language.\n"


def _answers(found: Mapping[str, Measured], base: str, keys: Sequence[Key]) -> str:
    suites = list(dict.fromkeys(suite for suite, _ in keys))
    lines = ["## Answers\n"]
    for arm in found:
        if arm != base:
            for suite in suites:
                lines.append(_sentence(found, arm, base, suite, keys))
    hybrid = next((arm for arm in found if arm.startswith("hybrid")), None)
    for other in (arm for arm in found if hybrid and arm not in (base, hybrid)):
        for suite in suites:
            gap = compare(found, str(hybrid), other, unseen(keys, suite))
            lines.append(f"- {hybrid} against {other} in unseen languages of {suite}: {_verdict(gap)}, {_points(gap)} points.")
    clip = {arm: [one.clip[key] for key in keys] for arm, one in found.items()}
    spread = {arm: max(score for score, _ in values) - min(score for score, _ in values) for arm, values in clip.items()}
    even = min(spread, key=lambda arm: spread[arm])
    best = max(clip, key=lambda arm: float(np.mean([auc for _, auc in clip[arm]])))
    lines.append(
        f"- By CLIPScore, which compares a caption with its image alone: {even} treats languages most evenly (its means differ "
        f"by {spread[even]:.3f} between languages, those of {base} by {spread[base]:.3f}), and {best} tells match from no-match "
        f"best (mean AUC {np.mean([auc for _, auc in clip[best]]):.3f})."
    )
    lines.append(
        "- Not answered here: whether the same holds for a dual encoder that was trained on text-image pairs, and on the whole "
        "of Multi30k, xFlickr&CO, XTD10 and Crossmodal-3600. Neither such a model nor the images are at hand. With them: "
        "`hybrid-bench images add multi30k --from FOLDER`, then `hybrid-bench evaluate openai/clip-vit-base-patch32 "
        "--suite multi30k`."
    )
    return "\n".join(lines) + "\n"


def _sentence(found: Mapping[str, Measured], arm: str, base: str, suite: str, keys: Sequence[Key]) -> str:
    of = unseen(keys, suite)
    raw, centred = compare(found, arm, base, of), compare(found, arm, base, of, centred=True)
    text = f"- {arm} against {base} in unseen languages of {suite}: {_verdict(raw)}, {_points(raw)} points"
    if raw.clear and raw.value > 0:
        left = "all but nothing is left" if not centred.clear else f"{100 * centred.value:.1f} points are left"
        text += f"; without offsets of languages, {left} ({_points(centred)})"
    if (suite, SEEN) in keys:
        english = compare(found, arm, base, [(suite, SEEN)])
        text += f". In English, {_verdict(english)} ({_points(english)})"
    return f"{text}."


def _verdict(found: Difference) -> str:
    if not found.clear:
        return "no clear difference"
    return "better" if found.value > 0 else "worse"
