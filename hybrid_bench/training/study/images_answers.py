"""What the study of images answers, in words that follow from its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from hybrid_bench.training.study.images import CUTOFF, SEEN, STUDIED, Difference, Key, Measured, difference, mean

#: Beginning of a dataset's name to the question that it is asked for, and how the whole of it is measured.
_QUESTIONS = {
    "multi30k": (
        "Does a text encoder trained with hybrid batches help out of its domain, in multimodal retrieval on Multi30k?",
        "multi30k",
    ),
    "xflickrco": (
        "Does it help in zero-shot cross-lingual retrieval, on Flickr30k in further languages (xFlickr&CO)?",
        "xflickrco",
    ),
}
_DUAL = "openai/clip-vit-base-patch32"


def is_published(found: Mapping[str, Measured]) -> bool:
    """Whether all arms are of the study as it is published, so that it is known what they have seen and what is not at hand."""
    return set(found) <= set(STUDIED)


def seen(keys: Sequence[Key]) -> list[Key]:
    """The query sets in the language that projections were fitted to."""
    return [key for key in keys if key[1] == SEEN]


def unseen(keys: Sequence[Key]) -> list[Key]:
    """The query sets in languages that no projection has seen."""
    return [key for key in keys if key[1] != SEEN]


def compare(
    found: Mapping[str, Measured], a: str, b: str, of: Sequence[Key], values: Literal["hits", "centred", "auc"] = "hits"
) -> Difference:
    """The difference of two arms over some query sets."""
    return difference(getattr(found[a], values), getattr(found[b], values), of)


def points(found: Difference) -> str:
    """A difference with its interval and the range of its fits, in points."""
    fits = f"; {100 * min(found.fits):+.1f} to {100 * max(found.fits):+.1f}" if len(found.fits) > 1 else ""
    return f"{100 * found.value:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f}{fits})"


def verdict(found: Difference) -> str:
    """A difference in words."""
    return ("better" if found.value > 0 else "worse") if found.clear else "no clear difference"


def answers(found: Mapping[str, Measured], base: str) -> str:
    """An answer to each question, and what cannot be answered."""
    keys = list(found[base].hits)
    lines = ["## Answers\n"]
    for beginning, (question, whole) in _QUESTIONS.items():
        suites = list(dict.fromkeys(suite for suite, _ in keys if suite.startswith(beginning)))
        if suites:
            lines.append(f"### {question}\n")
            lines += _in_short(found, base, {suite: [key for key in keys if key[0] == suite] for suite in suites})
            for suite in suites:
                lines += _of_suite(found, base, suite, [key for key in keys if key[0] == suite])
            if is_published(found):
                lines.append(
                    f"- Not answered here: whether the same holds on all of {whole}, and for a dual encoder that was trained on "
                    "pairs of texts and images. The images and such an encoder are not at hand. With them: `hybrid-bench images "
                    f"add {whole} --from FOLDER`, then `hybrid-bench evaluate {_DUAL} --suite {whole}`."
                )
            lines.append("")
    return "\n".join([*lines, *_of_clip_score(found, base)])


def _hybrid(found: Mapping[str, Measured]) -> str | None:
    return next((arm for arm in found if arm.startswith("hybrid")), None)


def _in_short(found: Mapping[str, Measured], base: str, suites: Mapping[str, Sequence[Key]]) -> list[str]:
    """How often the hybrid encoder is clearly better than others in unseen languages."""
    hybrid = _hybrid(found)
    if hybrid in (None, base):
        return []

    def better(other: str, values: Literal["hits", "centred"] = "hits") -> str:
        gaps = [compare(found, str(hybrid), other, unseen(keys), values) for keys in suites.values()]
        return f"{sum(gap.clear and gap.value > 0 for gap in gaps)} of {len(gaps)}"

    others = " and ".join(f"than {other} on {better(other)}" for other in found if other not in (base, hybrid))
    text = (
        f"In unseen languages {hybrid} is better than {base} on {better(base)} suites; without offsets of languages on "
        f"{better(base, 'centred')}"
    )
    return [f"{text}. It is better {others}.\n" if others else f"{text}.\n"]


def _of_suite(found: Mapping[str, Measured], base: str, suite: str, keys: Sequence[Key]) -> list[str]:
    lines = []
    for arm in (arm for arm in found if arm != base):
        raw = compare(found, arm, base, unseen(keys))
        centred = compare(found, arm, base, unseen(keys), "centred")
        text = f"- {suite}: {arm} against {base} in unseen languages: {verdict(raw)}, {points(raw)} points of R@{CUTOFF}"
        if raw.clear and raw.value > 0:
            left = "a part is left" if centred.clear and centred.value > 0 else "nothing clear is left"
            text += f"; without offsets of languages {left}, {points(centred)}"
        if seen(keys):
            english = compare(found, arm, base, seen(keys))
            text += f". In English: {verdict(english)}, {points(english)}"
        lines.append(f"{text}.")
    hybrid = _hybrid(found)
    for other in (arm for arm in found if hybrid and arm not in (base, hybrid)):
        gap = compare(found, str(hybrid), other, unseen(keys))
        lines.append(f"- {suite}: {hybrid} against {other} in unseen languages: {verdict(gap)}, {points(gap)} points.")
    return lines


def _auc(one: Measured, of: Sequence[Key]) -> float:
    return float(mean(one.auc, of)[0])


def _of_clip_score(found: Mapping[str, Measured], base: str) -> list[str]:
    lines = ["### How do monolingual and cross-lingual accuracy compare by CLIPScore?\n"]
    keys = list(found[base].clip)
    for dataset in dict.fromkeys(dataset for dataset, _ in keys):
        of = [key for key in keys if key[0] == dataset]
        if not seen(of):
            continue
        lost = {arm: _auc(one, seen(of)) - _auc(one, unseen(of)) for arm, one in found.items()}
        lines.append(
            f"On {dataset} the AUC in unseen languages is below that in English by "
            + ", ".join(f"{gap:.3f} ({arm})" for arm, gap in lost.items())
            + ".\n"
        )
        for arm, one in found.items():
            english, others = _auc(one, seen(of)), _auc(one, unseen(of))
            scores = [float(np.mean([one.clip[key].mean() for key in part])) for part in (seen(of), unseen(of))]
            text = (
                f"- {dataset}: {arm} tells match from no-match with an AUC of {english:.3f} in English and {others:.3f} in "
                f"unseen languages; its mean CLIPScore is {scores[0]:.3f} in English and {scores[1]:.3f} in unseen languages"
            )
            if arm != base:
                mono, cross = (compare(found, arm, base, part, "auc") for part in (seen(of), unseen(of)))
                text += (
                    f". Against {base}: in English {verdict(mono)}, {points(mono)} points of AUC; in unseen languages "
                    f"{verdict(cross)}, {points(cross)}"
                )
            lines.append(f"{text}.")
        lines.append("")
    if is_published(found):
        lines.append(
            "- Not answered here: the same on multilingual COCO, XTD10 and Crossmodal-3600, whose images are not at hand, and by "
            "the CLIPScore of a pretrained dual encoder. With them: `hybrid-bench images add xtd10 --from FOLDER`, then "
            f"`hybrid-bench study images {_DUAL} org/another --suites xtd10`; `hybrid-bench clipscore {_DUAL} --pairs "
            "pairs.jsonl` scores captions one by one.\n"
        )
    return lines
