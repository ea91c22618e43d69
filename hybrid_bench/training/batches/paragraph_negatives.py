"""Hard negatives from the answer's own paragraph: its other sentences, in the language of the passage, the question, or any."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from hybrid_bench.errors import HybridBenchError
from hybrid_bench.training.batches.batch import Batch, NegativesLanguage
from hybrid_bench.training.batches.pairs import PairIndex
from hybrid_bench.training.batches.seeding import Purpose, generator
from hybrid_bench.training.data import sentences
from hybrid_bench.training.data.table import ParallelTable
from hybrid_bench.training.data.text_keys import text_key


class ParagraphNegatives:
    """Draws sentences of the paragraphs of a batch that answer none of its questions.

    A paragraph is cut as its answer passages were (:mod:`hybrid_bench.training.data.sentences`). A sentence that is the passage
    of a row of the batch, in any language, is never drawn: it answers another question of the batch. The draws of a row depend
    on the seed, the step and the row only.

    Args:
        table: the training data.
        index: of the table.
        each: negatives of an example.
        language: the member of an example's language pair in which its negatives are; ``any``: one that is drawn for every
            example, among those that have its paragraph.
        seed: of the draws.

    Raises:
        HybridBenchError: if no row of the table has a paragraph.
    """

    def __init__(self, table: ParallelTable, index: PairIndex, each: int, language: NegativesLanguage, seed: int) -> None:
        if not any(table.counts("context").values()):
            raise HybridBenchError(
                "batches.paragraph_negatives needs paragraphs, and no row of the training data has one",
                "Add a source with paragraphs (`context`), or set it to 0.",
            )
        self._table = table
        self._index = index
        self._each = each
        self._language = language
        self._seed = seed
        # The cache belongs to the object, not to the class, so that it is freed with it.
        self._sentences = functools.lru_cache(maxsize=4096)(_sentences)

    def draw(self, batch: Batch) -> list[list[str]]:
        """The negatives of a whole batch: ``each`` lists with a text for every example; none if no row has a paragraph.

        An example whose paragraph has too few other sentences gets some of the other paragraphs.
        """
        answers = {key for keys in self._index.passages.values() for key in keys[batch.rows].tolist()}
        own = [[text for key, text in found if key not in answers] for found in self._paragraphs(batch)]
        everything = list(dict.fromkeys(text for texts in own for text in texts))
        if not everything:
            return []
        columns: list[list[str]] = [[] for _ in range(self._each)]
        for row, texts in zip(batch.rows.tolist(), own, strict=True):
            random = generator(self._seed, Purpose.PARAGRAPH_NEGATIVES, batch.step, row)
            chosen = [texts[place] for place in random.permutation(len(texts))[: self._each]]
            others = [text for text in everything if text not in texts] or everything
            missing = self._each - len(chosen)
            chosen += [others[place] for place in random.choice(len(others), missing, replace=missing > len(others))]
            for column, text in zip(columns, chosen, strict=True):
                column.append(text)
        return columns

    def _paragraphs(self, batch: Batch) -> list[tuple[tuple[int, str], ...]]:
        """The sentences of each example's paragraph, with their keys; none where it has no paragraph."""
        asked = [] if self._language == "any" else [getattr(pair, self._language) for pair in batch.pairs]
        languages = tuple(dict.fromkeys(asked)) or self._index.languages
        known = {language: self._table.texts_or_none("context", language, batch.rows) for language in languages}
        texts = [known[language][place] for place, language in enumerate(asked)] if asked else self._drawn(batch, known)
        return [self._sentences(text) if text else () for text in texts]

    def _drawn(self, batch: Batch, known: Mapping[str, Sequence[str | None]]) -> list[str | None]:
        """The paragraph of each example in a language that is drawn among those that have it; None: none has."""
        drawn = []
        for row, *texts in zip(batch.rows.tolist(), *known.values(), strict=True):
            having = [text for text in texts if text]
            random = generator(self._seed, Purpose.NEGATIVES_LANGUAGE, batch.step, row)
            drawn.append(having[random.integers(len(having))] if having else None)
        return drawn


def _sentences(paragraph: str) -> tuple[tuple[int, str], ...]:
    """The key and the text of every distinct sentence of a paragraph."""
    texts = [paragraph[start:end] for start, end in sentences.spans(paragraph)]
    return tuple({key: (key, text) for text in texts if (key := text_key(text))}.values())
