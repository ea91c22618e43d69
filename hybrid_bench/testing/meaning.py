"""Whether vectors reflect the content of their inputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from hybrid_bench.datasets.images import Input, Modality
from hybrid_bench.encoders.protocol import Encoder
from hybrid_bench.testing.base import EncoderTests, encode, label, noun, relative_distance, skip_without
from hybrid_bench.testing.pictures import changed_pictures, pictures
from hybrid_bench.testing.samples import languages, quiz

#: Minimum share of other passages that must be farther from a question than its answer. Random vectors reach 0.50 with a
#: standard deviation of 0.045 on these texts, character n-grams 0.73 to 0.84, good encoders 0.95 and more.
_NEARER = 0.65

#: Two vectors closer than this, as a share of their length, count as the same.
_SAME = 1e-6


class MeaningTests(EncoderTests):
    """Thresholds that every useful encoder exceeds by far and a broken one does not reach."""

    def test_different_inputs_have_different_vectors(self, encoder: Encoder, modality: Modality) -> None:
        """Passages in a language of the card, or different pictures."""
        items: Sequence[Input] = pictures()[:-1] if modality == "image" else quiz(_languages(encoder)[0]).passages
        vectors = encode(encoder, items, "passage")
        for position in range(1, len(items)):
            distance = relative_distance(vectors[:position], vectors[position])
            twin = int(distance.argmin())
            assert distance[twin] > _SAME, (
                f"two different passages have the same vector: {label(items[twin])} and {label(items[position])}"
            )

    def test_a_query_is_nearer_to_its_answer_than_to_others(self, encoder: Encoder) -> None:
        """In every language of the card for which there are questions; in English if it states none."""
        skip_without(encoder, "text")
        low = {}
        for language in _languages(encoder):
            questions, passages, answers = quiz(language)
            share = _share_nearer(encoder, questions, passages, answers)
            if share < _NEARER:
                low[language] = share
        assert not low, (
            "queries are hardly nearer to their answers than to other passages: "
            + ", ".join(f"in {language!r} than to {share:.0%} of them" for language, share in low.items())
            + f", expected {_NEARER:.0%} or more (random vectors: 50%); check the prefixes, the pooling and the order of rows"
        )

    def test_a_changed_image_is_nearer_to_its_original_than_to_others(self, encoder: Encoder) -> None:
        """A smaller picture with noise, against the original and different pictures."""
        skip_without(encoder, "image")
        originals = pictures()[:-1]
        share = _share_nearer(encoder, changed_pictures(), originals, range(len(originals)))
        assert share >= _NEARER, (
            f"changed images are nearer to their originals than to {share:.0%} of other images, expected {_NEARER:.0%} or more "
            "(random vectors: 50%); check the preprocessing and the order of rows"
        )

    def test_the_role_matters_if_and_only_if_the_card_says_so(self, encoder: Encoder, inputs: tuple[Input, ...]) -> None:
        """The encoder adds the card's prefixes to texts; otherwise, roles make no difference that is not declared."""
        card = encoder.card
        prefixed = noun(inputs) == "texts" and card.query_prefix != card.passage_prefix
        expected = prefixed if self.roles_differ is None else self.roles_differ
        queries, passages = encode(encoder, inputs, "query"), encode(encoder, inputs, "passage")
        _assert_comparable(queries, passages)
        distance = float(relative_distance(queries, passages).max())
        if expected:
            assert distance > _SAME, (
                f"the card has prefixes {card.query_prefix!r} and {card.passage_prefix!r}, or roles_differ is True, but "
                f"{noun(inputs)} have the same vectors as query and as passage: encode() must add the prefix"
            )
        else:
            assert distance <= self.tolerated(encoder), (
                f"the card has one prefix for both roles ({card.query_prefix!r}) or the inputs are images, but {noun(inputs)} "
                "have other vectors as query than as passage: state the prefixes on the card, or set roles_differ = True for an "
                "encoder with two towers"
            )


def _share_nearer(encoder: Encoder, queries: Sequence[Input], passages: Sequence[Input], answers: Sequence[int]) -> float:
    """The share of (query, other passage) pairs where the query's answer has a higher score than the other passage."""
    query_vectors, passage_vectors = encode(encoder, queries, "query"), encode(encoder, passages, "passage")
    _assert_comparable(query_vectors, passage_vectors)
    scores: np.ndarray = query_vectors @ passage_vectors.T
    own = np.take_along_axis(scores, np.array(answers)[:, None], axis=1)
    share: float = float((own > scores).sum()) / (scores.size - len(scores))
    return share


def _assert_comparable(queries: np.ndarray, passages: np.ndarray) -> None:
    assert queries.shape[1] == passages.shape[1], "queries and passages have different dimensions and cannot be compared"


def _languages(encoder: Encoder) -> list[str]:
    known = languages(encoder.card)
    if not known:
        pytest.skip(f"there are no texts in the languages of the card: {', '.join(encoder.card.languages)}")
    return known
