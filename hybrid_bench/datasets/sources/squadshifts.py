"""SQuADShifts (arXiv 2004.14444): new questions on paragraphs of other domains than SQuAD's."""

from __future__ import annotations

import functools
import itertools
import random

from hybrid_bench.datasets.sources import published, squad
from hybrid_bench.datasets.sources.records import LanguageCollection
from hybrid_bench.errors import HybridBenchError

NAME = "squadshifts"
#: Domain to the name of its file.
DOMAINS = {"new_wiki": "new_wiki", "reddit": "reddit", "amazon": "amazon_reviews"}
#: Passages and questions of each domain: scores over pools of different sizes cannot be compared.
PASSAGES, QUESTIONS, SEED = 3000, 1500, 1


@functools.cache
def load(domain: str) -> LanguageCollection:
    """All paragraphs and questions of a domain; the sentences that any annotator points to are relevant."""
    source = published.source(NAME)
    name = DOMAINS[domain]
    path = published.file(NAME, source["url"].format(file=name), f"{name}.json", source["md5"][name])
    return squad.read(path, domain, every_annotator=True)


@functools.cache
def drawn(domain: str) -> LanguageCollection:
    """The part of a domain that is as large as that of the others."""
    return draw(load(domain), PASSAGES, QUESTIONS, f"{NAME}/{domain}/{SEED}")


def draw(whole: LanguageCollection, passages: int, questions: int, seed: str) -> LanguageCollection:
    """Draw whole paragraphs, then questions on them, in the order of the file.

    Paragraphs are taken in a random order as long as they fit.

    Args:
        whole: what is drawn from.
        passages: that are drawn.
        questions: that are drawn.
        seed: of the draw; the same seed gives the same draw on every machine.

    Raises:
        HybridBenchError: if there are too few.
    """
    rng = random.Random(seed)  # noqa: S311 - nothing is secret
    paragraphs = [list(group) for _, group in itertools.groupby(whole.passages, key=lambda passage: passage.context)]
    kept: set[str] = set()
    for paragraph in rng.sample(paragraphs, len(paragraphs)):
        if len(kept) + len(paragraph) <= passages:
            kept |= {passage.doc_id for passage in paragraph}
    on_them = [name for name, relevant in whole.relevant.items() if relevant[0] in kept]
    if len(kept) < passages or len(on_them) < questions:
        found = f"{len(kept):,} passages and {len(on_them):,} questions"
        raise HybridBenchError(f"{whole.language} has {found}, and {passages:,} and {questions:,} are to be drawn", "Draw fewer.")
    chosen = set(rng.sample(on_them, questions))
    return LanguageCollection(
        whole.language,
        [passage for passage in whole.passages if passage.doc_id in kept],
        {name: text for name, text in whole.questions.items() if name in chosen},
        {name: relevant for name, relevant in whole.relevant.items() if name in chosen},
    )
