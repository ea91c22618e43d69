"""The development set: held-out questions, their loss, and their retrieval scores in the three settings."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hybrid_bench.datasets.judged import JudgedQueries, judged_queries
from hybrid_bench.datasets.parts import Collection, Judgement, QuerySet
from hybrid_bench.datasets.settings import ALL, language_settings
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.encoders.protocol import Role
from hybrid_bench.measures.scores import score_ranks
from hybrid_bench.results.ranks import Ranks
from hybrid_bench.retrieval.exact.columns import Columns
from hybrid_bench.retrieval.exact.grid import Grid
from hybrid_bench.training.batches.pairs import PairIndex
from hybrid_bench.training.batches.strategies import Strategy
from hybrid_bench.training.data.dev_split import DevSplit, hold_out_articles
from hybrid_bench.training.data.table import ParallelTable

#: Encodes texts of a role to unit vectors.  # (texts, dimension) float32
Encode = Callable[[Sequence[str], Role], np.ndarray]

_SHORT = {"monolingual": "mono", "cross-lingual": "cross", "multilingual": "multi"}


class _Record(NamedTuple):
    id: str
    text: str

    @property
    def doc_id(self) -> str:
        return self.id

    @property
    def query_id(self) -> str:
        return self.id

    def default_text(self) -> str:
        return self.text


def split_dev_set(table: ParallelTable, questions: int, seed: int, languages: Sequence[str] | None) -> DevSplit:
    """Hold out whole articles, and draw the development set from their rows.

    Only rows with a question and its passage in one of the languages are used; other rows of held-out articles are in neither
    part. Parallel sentences are held out only if the table has nothing else: the encoder is not trained to find translations.

    Args:
        table: the training data.
        questions: the size of the development set.
        seed: of the draws.
        languages: the languages of the training; None: all languages of the table.
    """
    index = PairIndex.build(table, languages)
    answered = index.has_kind("monolingual")
    found = hold_out_articles(table, questions, seed, answered if answered.any() else index.has_kind("cross-lingual"))
    chosen = np.random.default_rng(seed).permutation(len(found.dev))[:questions]
    return DevSplit(found.training, found.dev.select(np.sort(chosen)))


@dataclass(frozen=True)
class DevSet:
    """Questions and answer passages in every language of the training. Passages with equal texts are one passage."""

    table: ParallelTable
    languages: tuple[str, ...]

    @functools.cached_property
    def _questions(self) -> dict[str, dict[int, str]]:
        return self._texts("question")

    @functools.cached_property
    def _passages(self) -> dict[str, dict[int, str]]:
        return self._texts("sentence")

    def _texts(self, part: str) -> dict[str, dict[int, str]]:
        found = {
            language: {row: text for row, text in enumerate(self.table.column(part, language)) if text}  # type: ignore[arg-type]
            for language in self.languages
        }
        return {language: texts for language, texts in found.items() if texts}

    @functools.cached_property
    def _doc_ids(self) -> dict[str, dict[str, str]]:
        """Language to the id of each passage text."""
        return {
            language: {text: f"{language}-{number:06d}" for number, text in enumerate(dict.fromkeys(texts.values()))}
            for language, texts in self._passages.items()
        }

    @functools.cached_property
    def suite(self) -> Suite:
        """The development set as a suite: every question searches the passages of each language, and of all together."""
        collections = tuple(
            Collection(language, functools.partial(self._passage_records, language), language=language)
            for language in self._passages
        )
        query_sets = tuple(
            QuerySet(
                language,
                functools.partial(self._question_records, language),
                functools.partial(self._judgements, language),
                language=language,
            )
            for language in self._questions
        )
        return Suite(
            name="dev",
            description="held-out questions of the training data",
            query_sets=query_sets,
            collections=collections,
            settings=language_settings(query_sets, collections),
            pools={ALL: tuple(self._passages)} if len(collections) > 1 else {},
            primary="AP",
            unique_ids=True,
        )

    def _passage_records(self, language: str) -> list[_Record]:
        return [_Record(doc_id, text) for text, doc_id in self._doc_ids[language].items()]

    def _question_records(self, language: str) -> list[_Record]:
        return [_Record(f"{language}-{row}", text) for row, text in self._questions[language].items()]

    def _judgements(self, language: str) -> list[Judgement]:
        return [
            Judgement(f"{language}-{row}", other, self._doc_ids[other][texts[row]], 1)
            for row in self._questions[language]
            for other, texts in self._passages.items()
            if row in texts
        ]

    def scores(self, encode: Encode, strategy: Strategy, temperature: float) -> dict[str, float]:
        """``mono AP``, ``cross AP``, ``multi AP``, their mean ``AP``, ``RankDistance``, and the ``loss`` under a strategy.

        AP is averaged over the questions of a setting, then over the settings of a kind.
        """
        suite = self.suite
        asked = judged_queries(suite)
        passages = {of.name: suite.passages(of.name) for of in suite.collections}
        of_passages = {name: encode([str(item.content) for item in items], "passage") for name, items in passages.items()}
        of_questions = {name: encode([str(item.content) for item in part.queries], "query") for name, part in asked.items()}
        ids = {name: [item.id for item in items] for name, items in passages.items()}
        columns = Columns.stack(of_passages, ids, dict(suite.pools))
        ranks, groups = Grid(suite, columns, {name: (part, of_questions[name]) for name, part in asked.items()}).rank()
        rows, _ = score_ranks(suite, Ranks(ranks), groups, ["AP"])
        found = {}
        for kind, short in _SHORT.items():
            values = [row.value for row in rows if row.setting == kind and row.measure == "AP"]
            if values:
                found[f"{short} AP"] = float(np.mean(values))
        found["AP"] = float(np.mean(list(found.values())))
        distances = [row.value for row in rows if row.measure == "RankDistance"]
        if distances:
            found["RankDistance"] = float(np.mean(distances))
        found["loss"] = self._loss(asked, of_questions, ids, of_passages, strategy.alpha, temperature)
        return found

    def _loss(
        self,
        asked: Mapping[str, JudgedQueries],
        questions: Mapping[str, np.ndarray],
        ids: Mapping[str, Sequence[str]],
        passages: Mapping[str, np.ndarray],
        alpha: float,
        temperature: float,
    ) -> float:
        """``alpha`` times the mean InfoNCE of the monolingual language pairs, plus ``1 - alpha`` times that of the others."""
        losses: dict[bool, list[float]] = {True: [], False: []}
        for language, part in asked.items():
            row_of = {f"{language}-{row}": row for row in self._questions[language]}
            rows = [row_of[query.id] for query in part.queries]
            for other, doc_ids in ids.items():
                place = {doc_id: at for at, doc_id in enumerate(doc_ids)}
                both = [at for at, row in enumerate(rows) if row in self._passages[other]]
                answers = np.array([place[self._doc_ids[other][self._passages[other][rows[at]]]] for at in both], dtype=np.int64)
                # A passage that answers several questions is one candidate: otherwise it would be its own negative.
                candidates, own = np.unique(answers, return_inverse=True)
                if len(candidates) > 1:
                    vectors = passages[other][candidates]
                    losses[language == other].append(info_nce(questions[language][both], vectors, own, temperature))
        mono, cross = (float(np.mean(losses[kind])) if losses[kind] else None for kind in (True, False))
        if mono is None or cross is None:
            return mono if mono is not None else cross if cross is not None else float("nan")
        return alpha * mono + (1 - alpha) * cross


def info_nce(queries: np.ndarray, passages: np.ndarray, own: np.ndarray, temperature: float) -> float:
    """Mean over queries of ``-log softmax(q . p / temperature)`` at the query's own passage, in float64.

    Args:
        queries: (queries, dimension) of unit length.
        passages: (passages, dimension) of unit length.
        own: (queries,) the index of each query's passage.
        temperature: above 0.
    """
    from scipy.special import logsumexp

    scores = queries.astype(np.float64) @ passages.astype(np.float64).T / temperature
    return float(np.mean(logsumexp(scores, axis=1) - scores[np.arange(len(scores)), own]))
