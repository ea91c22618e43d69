"""The texts that encoders are tested on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hybrid_bench.datasets.languages import XQUAD_R
from hybrid_bench.datasets.sources import mini
from hybrid_bench.encoders.card import EncoderCard

#: Texts of many lengths, so that batching by length reorders them; one occurs twice.
TEXTS: tuple[str, ...] = (
    "Why does bread dough rise?",
    "Yeast turns sugar into carbon dioxide, and the bubbles of gas lift the dough.",
    "Tea",
    "The lighthouse keeper lit the lamp every evening, cleaned its lenses in the morning, and wrote down in a thick book what "
    "the weather had been like, which ships had passed, and whether the supply boat had come. " * 3,
    "河流发源于哪里？",
    "Wo entspringt der Fluss, der durch die Hauptstadt fließt?",
    "Tea",
    "Кто написал эту книгу?",
    "A migratory bird finds its way by the sun, the stars and the magnetic field of the earth.",
)

#: Unusual texts that a collection from the web contains, by what is unusual about them.
UNUSUAL: dict[str, str] = {
    "emoji": "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f3f3\ufe0f\u200d\U0001f308 \U0001f44d\U0001f3fd",
    "right-to-left": "שלום עולם, مرحبا بالعالم \u202eabc\u202c",
    "combining marks": "e\u0301 n\u0303 Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334 \u0915\u094d\u0937\u093f",
    "mixed scripts": "Die 北京 конференция की تاريخ ไทย 2024 Ελλάδα",
    "zero-width characters": "zero\u200bwidth\u200djoiner\ufeffmark\u2060",
    "nothing but zero-width characters": "\u200b\u200d\u2060",
    "letters beyond the basic plane": "\U0001d518\U0001d52b\U0001d526 \U0002070e \U00010348 \U0001e900",
    "control characters": "tab\there, bell\x07, escape\x1b[31m, lines\r\n\u2028\u0085end",
    "private use and unassigned code points": "\ue000 \uffff \U0010fffd \u0378",
    "nothing but punctuation": "... !!! ??? \u2026",
    "a single letter": "a",
    "text that looks like special tokens": "[CLS] </s> <mask> <|endoftext|> [PAD]",
}

#: 20,000 characters each.
LONG: dict[str, str] = {
    "words": ("The river rises in the mountains and flows to the sea. " * 400)[:20_000],
    "one word without spaces": "a" * 20_000,
    "Chinese": ("河流发源于山区，最后流入大海。" * 1500)[:20_000],
}


def languages(card: EncoderCard) -> list[str]:
    """The languages to test: those of the card for which there are texts; English if it states none."""
    return [language for language in card.languages if language in XQUAD_R] if card.languages else ["en"]


class Quiz(NamedTuple):
    """The questions and passages of the suite ``mini`` in one language."""

    questions: list[str]
    passages: list[str]
    answers: list[int]  #: the position in ``passages`` of the answer to each question


def quiz(language: str) -> Quiz:
    """The part of ``mini`` in a language."""
    collection = mini.load(language)
    position = {passage.doc_id: number for number, passage in enumerate(collection.passages)}
    return Quiz(
        questions=list(collection.questions.values()),
        passages=[passage.text for passage in collection.passages],
        answers=[position[collection.relevant[question][0]] for question in collection.questions],
    )


def shuffled(inputs: Sequence[object]) -> list[int]:
    """Positions in an order that is neither the original nor its reverse: 1, 3, 5, ..., 0, 2, 4, ..."""
    return [*range(1, len(inputs), 2), *range(0, len(inputs), 2)]
