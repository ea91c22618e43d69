"""Whether vectors say anything about their texts."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.testing.base import EncoderTests, encode, relative_distance
from hybrid_bench.testing.samples import TEXTS, languages, quiz

#: The share of other passages that have to be farther from a question than its answer is. Vectors drawn at random reach
#: 0.50 with a standard deviation of 0.045 on these texts, character n-grams 0.73 to 0.84, good encoders 0.95 and more.
_NEARER = 0.65

#: Two texts whose vectors are closer than this, as a share of their length, have the same vector.
_SAME = 1e-6


class MeaningTests(EncoderTests):
    """Far below what a useful encoder does, and above what a broken one does."""

    def test_different_texts_have_different_vectors(self, encoder: Encoder) -> None:
        """In a language of the card."""
        texts = quiz(_languages(encoder)[0]).passages
        vectors = encode(encoder, texts, "passage")
        for position in range(1, len(texts)):
            distance = relative_distance(vectors[:position], vectors[position])
            twin = int(distance.argmin())
            assert distance[twin] > _SAME, (
                f"two different passages have the same vector: {texts[twin][:40]!r} and {texts[position][:40]!r}"
            )

    def test_a_query_is_nearer_to_its_answer_than_to_others(self, encoder: Encoder) -> None:
        """In every language of the card that there are questions in, and in English if it states none."""
        low = {}
        for language in _languages(encoder):
            questions, passages, answers = quiz(language)
            queries, searched = encode(encoder, questions, "query"), encode(encoder, passages, "passage")
            _assert_comparable(queries, searched)
            scores = queries @ searched.T
            own = np.take_along_axis(scores, np.array(answers)[:, None], axis=1)
            share = float((own > scores).sum()) / (scores.size - len(scores))
            if share < _NEARER:
                low[language] = share
        assert not low, (
            "queries are hardly nearer to their answers than to other passages: "
            + ", ".join(f"in {language!r} than to {share:.0%} of them" for language, share in low.items())
            + f", expected {_NEARER:.0%} or more (by chance 50%); are the prefixes, the pooling and the order of rows right?"
        )

    def test_the_role_matters_if_and_only_if_the_card_says_so(self, encoder: Encoder) -> None:
        """The encoder adds the prefixes of its card, and does nothing else by role that the card is silent about."""
        card = encoder.card
        expected = card.query_prefix != card.passage_prefix if self.roles_differ is None else self.roles_differ
        queries, passages = encode(encoder, TEXTS, "query"), encode(encoder, TEXTS, "passage")
        _assert_comparable(queries, passages)
        distance = float(relative_distance(queries, passages).max())
        if expected:
            assert distance > _SAME, (
                f"the card has prefixes {card.query_prefix!r} and {card.passage_prefix!r}, but a text has the same vector as "
                "query and as passage: encode() has to add the prefix"
            )
        else:
            assert distance <= self.tolerated(encoder), (
                f"the card has one prefix for both roles ({card.query_prefix!r}), but a text has other vectors as query and as "
                "passage: state the prefixes on the card, or set roles_differ = True for an encoder with two towers"
            )


def _assert_comparable(queries: np.ndarray, passages: np.ndarray) -> None:
    assert queries.shape[1] == passages.shape[1], "queries and passages have different dimensions and cannot be compared"


def _languages(encoder: Encoder) -> list[str]:
    known = languages(encoder.card)
    if not known:
        pytest.skip(f"there are no texts in the languages of the card: {', '.join(encoder.card.languages)}")
    return known
