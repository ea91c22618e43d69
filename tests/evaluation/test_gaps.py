"""Gaps, drops and their differences against figures computed by hand from the ranks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from hybrid_bench import Collection, EvaluationOptions, HybridBenchError, QuerySet, Result, Suite, evaluate, load_suite
from hybrid_bench.datasets.parts import Judgement
from hybrid_bench.datasets.resource_classes import resource_class, table
from hybrid_bench.datasets.settings import Setting, domain_settings
from hybrid_bench.datasets.sources.records import Question, TextPassage
from hybrid_bench.evaluation import gaps
from hybrid_bench.evaluation.robustness import figures
from hybrid_bench.plugin import UnknownNameError
from hybrid_bench.results import exposure
from hybrid_bench.results.saturation import saturated
from tests.tiny_encoder import TinyEncoder


class Coarse(TinyEncoder):
    """Fewer places, so that it finds less."""

    def __init__(self) -> None:
        super().__init__(dimension=16)
        self.card = self.card.model_copy(update={"name": "coarse"})


@pytest.fixture(scope="module")
def results() -> list[Result]:
    options = EvaluationOptions(languages=("en", "de", "es"))
    return [evaluate(encoder, "mini", options=options) for encoder in (TinyEncoder(), Coarse())]


def domains(questions: Sequence[int]) -> Suite:
    """Domains ``a``, ``b``, ... with as many questions as stated, on passages that hold their numbers."""
    names = [chr(ord("a") + at) for at in range(len(questions))]
    query_sets = tuple(
        QuerySet(
            name,
            lambda count=count: [Question(f"q{n}", f"what is word{n * 7}") for n in range(count)],
            lambda name=name, count=count: [Judgement(f"q{n}", name, f"d{n}", 1) for n in range(count)],
            "en",
            name,
        )
        for name, count in zip(names, questions, strict=True)
    )
    collections = tuple(
        Collection(name, lambda at=at: [TextPassage(f"d{n}", "", f"{'filler ' * at}word{n * 7}") for n in range(9)], "en", name)
        for at, name in enumerate(names)
    )
    return Suite("domains", "", query_sets, collections, domain_settings(query_sets, collections, pool=None), primary="AP")


def by_hand(result: Result, query_set: str, pool: str) -> dict[str, float]:
    """Query id to AP: each question of ``mini`` has one relevant passage a language."""
    ranks = result.ranks.by_query_set[query_set]
    inside = ranks.collection == pool
    return {ranks.query_ids[q]: 1 / rank for q, rank in zip(ranks.query[inside], ranks.rank[inside], strict=True)}


def test_values_are_those_of_the_ranks(results: list[Result]) -> None:
    found = gaps.values(results[0], "AP")
    values = found[Setting("de", "en", "cross-lingual")]
    assert dict(values) == pytest.approx(by_hand(results[0], "de", "en"))
    means = {(row.query_set, row.pool): row.value for row in results[0].rows if row.measure == "AP"}
    assert {(s.query_set, s.pool): v.mean() for s, v in found.items()} == pytest.approx(means)


def test_the_gap_pairs_the_same_questions_on_the_same_pool(results: list[Result]) -> None:
    found = gaps.values(results[0], "AP")
    paired = gaps.pairs(found)
    assert {(pair.cross.name, pair.mono.name) for pair in paired} == {
        (f"{asked}:{pool}", f"{pool}:{pool}") for asked in ("en", "de", "es") for pool in ("en", "de", "es") if asked != pool
    }
    one = next(pair for pair in paired if pair.cross.name == "de:en")
    mono, cross = by_hand(results[0], "en", "en"), by_hand(results[0], "de", "en")
    expected = np.mean([mono[name] - cross[name] for name in cross])
    interval = gaps.gap(found, [one])
    assert interval.value == pytest.approx(expected)
    assert interval.low < expected < interval.high


def test_the_difference_of_gaps(results: list[Result]) -> None:
    sides = [gaps.values(result, "AP") for result in results]
    paired = gaps.pairs(sides[0])
    of_both = [gaps.gap(side, paired).value for side in sides]
    found = gaps.difference_of_gaps(sides, paired)
    assert found.value == pytest.approx(of_both[1] - of_both[0])
    same = gaps.difference_of_gaps([sides[0], sides[0]], paired)
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)


def test_translations_are_resampled_together(results: list[Result]) -> None:
    """The same values in many settings tell no more than in one."""
    found = gaps.values(results[0], "AP")
    cross = [setting for setting in found if setting.kind == "cross-lingual"]
    zeros = dict.fromkeys(cross, found[cross[0]] * 0)
    alike = dict.fromkeys(cross, found[cross[0]])
    one, many = (gaps.difference([zeros, alike], settings) for settings in (cross[:1], cross))
    assert (many.value, many.low, many.high) == pytest.approx((one.value, one.low, one.high))


def test_translations_whose_ids_differ_are_resampled_together(shared: Path) -> None:
    """Lines of FLORES-200 have an id in each language: a suite says which are one question."""
    suite, options = load_suite("flores200").restrict(["en", "sw", "yo"]), EvaluationOptions(limit=60)
    sides = [evaluate(encoder, suite, options=options) for encoder in (TinyEncoder(), Coarse())]
    apart, together = ([gaps.values(side, "AP", of) for side in sides] for of in (None, suite.question_of))
    pooled = [setting for setting in together[0] if setting.kind == "multilingual"]
    assert len({tuple(together[0][setting].index) for setting in pooled}) == 1
    assert len({tuple(apart[0][setting].index) for setting in pooled}) == len(pooled) == 3
    one, other = gaps.difference(together, pooled), gaps.difference(apart, pooled)
    assert one.value == pytest.approx(other.value)
    by_line = np.mean([(together[1][setting] - together[0][setting]).to_numpy() for setting in pooled], axis=0)
    width = 2 * 1.96 * by_line.std() / len(by_line) ** 0.5  # the standard error of a mean over lines
    assert one.high - one.low == pytest.approx(width, rel=0.05)
    assert abs(other.high - other.low - width) > 0.05 * width
    frame = figures.table(sides).set_index(["statistic", "group", "name"])
    row = frame.loc[[("mean difference", "multilingual", "all")]].iloc[0]
    assert (row["low"], row["high"]) == pytest.approx((one.low, one.high))


def test_the_difference_of_means(results: list[Result]) -> None:
    sides = [gaps.values(result, "AP") for result in results]
    settings = [setting for setting in sides[0] if setting.kind == "cross-lingual"]
    means = [np.mean([side[setting].mean() for setting in settings]) for side in sides]
    assert gaps.difference(sides, settings).value == pytest.approx(means[1] - means[0])
    assert means[1] < means[0]


def test_the_drop_is_relative_to_the_reference() -> None:
    sides = [gaps.values(evaluate(encoder, domains([9, 9, 9])), "AP") for encoder in (TinyEncoder(), Coarse())]
    reference, others = gaps.domains(sides[0])
    assert (reference.query_set, [other.query_set for other in others]) == ("a", ["b", "c"])
    assert gaps.domains(sides[0], "b")[0].query_set == "b"
    inside, *outside = ([float(side[setting].mean()) for side in sides] for setting in (reference, *others))
    drops = [1 - (outside[0][at] + outside[1][at]) / 2 / inside[at] for at in (0, 1)]
    for side, expected in zip(sides, drops, strict=True):
        found = gaps.drop(side, reference, others)
        assert found.value == pytest.approx(expected)
        assert found.low <= found.value <= found.high
    assert gaps.difference_of_drops(sides, reference, others).value == pytest.approx(drops[1] - drops[0])
    with pytest.raises(UnknownNameError, match="unknown domain 'x'"):
        gaps.domains(sides[0], "x")


def test_a_domain_of_one_question_has_no_drop() -> None:
    values = gaps.values(evaluate(TinyEncoder(), domains([9, 1])), "AP")
    reference, others = gaps.domains(values)
    with pytest.raises(HybridBenchError, match="one question"):
        gaps.drop(values, reference, others)
    alone = gaps.values(evaluate(TinyEncoder(), domains([3])), "AP")
    with pytest.raises(HybridBenchError, match="no other domain than a"):
        gaps.domains(alone)


def test_saturated_kinds(results: list[Result]) -> None:
    rows = tuple(row.model_copy(update={"value": 0.99 if row.setting == "monolingual" else 0.97}) for row in results[0].rows)
    assert saturated(results[0].model_copy(update={"rows": rows})) == pytest.approx({"monolingual": 0.99})
    assert saturated(results[0]) == {}


def test_what_a_card_does_not_say_is_not_stated(results: list[Result]) -> None:
    result = results[0]
    assert set(exposure.of_languages(result).values()) == {"not stated"}
    assert exposure.of_suite(result) == "not stated"
    stated = result.model_copy(update={"encoder": result.encoder | {"languages": ["de", "en-GB"], "trained_on_suites": ["mini"]}})
    assert exposure.of_languages(stated) == {"de": "seen", "en": "seen", "es": "unseen"}
    assert exposure.of_suite(stated) == "seen"
    tuned = result.model_copy(update={"encoder": result.encoder | {"languages": ["de", "en"], "tuned_languages": ["en"]}})
    assert exposure.of_languages(tuned) == {"de": "seen", "en": "tuned on", "es": "unseen"}
    part = result.model_copy(update={"suite": "beir/nq/test", "encoder": result.encoder | {"trained_on_suites": ["beir/nq"]}})
    assert [exposure.of_suite(one) for one in (part, part.model_copy(update={"suite": "beir/nfcorpus"}))] == ["seen", "unseen"]
    other = result.model_copy(update={"encoder": result.encoder | {"trained_on_suites": []}})
    assert exposure.of_suite(other) == "unseen"


def test_resource_classes() -> None:
    classes = {"en": 5, "zh-Hans": 5, "hi": 4, "th": 3, "sw": 2, "sr-Latn": 4, "ig": 1, "gcf": None, None: None}
    assert {language: resource_class(language) for language in classes} == classes
    every = [language for languages in table()["classes"].values() for language in languages]
    assert len(every) == len(set(every))
    assert set(map(int, table()["classes"])) <= set(range(6))
