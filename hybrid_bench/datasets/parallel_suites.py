"""Suites of parallel texts: ``flores200``, ``tico19`` and ``mkqa``.

A query is a line in one language, and its translations are the relevant passages. English asks in each language and each language
in English, and all ask in one pool of all languages. There a query does not find itself: its own line is left out. Lines with the
same text are relevant to the same queries, as sentences are in LAReQA.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from hybrid_bench.datasets.parts import Collection, Judgement, QuerySet
from hybrid_bench.datasets.settings import ALL, Setting
from hybrid_bench.datasets.sources import parallel_lines, published
from hybrid_bench.datasets.sources.records import Question, TextPassage
from hybrid_bench.datasets.suite import Suite
from hybrid_bench.errors import HybridBenchError, UnknownNameError

_ENGLISH = "en"
_NOTE = (
    "In the pool of all languages a query's own line is left out of what it finds. Lines with the same text are relevant to the "
    "same queries."
)


@dataclass(frozen=True)
class _Parallel:
    """A dataset of parallel lines.

    Attributes:
        name: of the dataset and the suite.
        description: of the suite.
        by_default: the languages that are searched where none are chosen.
        domains: whether the domain of each line is stated.
        unit: what a line is.
    """

    name: str
    description: str
    by_default: tuple[str, ...]
    domains: bool = False
    unit: str = "sentence"

    def suite(self, languages: Sequence[str]) -> Suite:
        """The suite of some languages.

        Raises:
            UnknownNameError: if the dataset lacks one.
            HybridBenchError: if there are fewer than two.
        """
        known = parallel_lines.languages(self.name)
        for language in (one for one in languages if one not in known):
            if tag := parallel_lines.tag_of(self.name, language):
                raise HybridBenchError(f"{language} of {self.name} is named {tag} here", "Languages are named by BCP-47 tags.")
            raise UnknownNameError(f"language of {self.name}", language, known)
        chosen = [language for language in known if language in languages]
        if len(chosen) < 2:
            raise HybridBenchError(f"{self.name} in {' '.join(chosen) or 'no language'} alone has no translations", "Add en.")
        english = parallel_lines.english(self.name)
        others = [language for language in chosen if language != _ENGLISH]
        versions = dict.fromkeys(english[language] for language in others) if _ENGLISH in chosen else {}
        language_of = dict.fromkeys(versions, _ENGLISH) | {language: language for language in chosen}
        pairs = [(language, english[language]) for language in others if versions]
        asked_on = {
            name: dict.fromkeys(
                [
                    *(chosen if name in chosen else ()),
                    *(other for pair in pairs if name in pair for other in pair if other != name),
                ]
            )
            for name in language_of
        }
        return Suite(
            name=self.name,
            description=self.description,
            query_sets=tuple(
                QuerySet(
                    name,
                    functools.partial(_queries, self.name, name),
                    functools.partial(_judgements, self.name, name, tuple(asked_on[name])),
                    language=language,
                )
                for name, language in language_of.items()
            ),
            collections=tuple(
                Collection(name, functools.partial(_passages, self.name, name), language=language)
                for name, language in language_of.items()
            ),
            settings=(
                *(
                    Setting(*pair, "cross-lingual")
                    for language, version in pairs
                    for pair in [(language, version), (version, language)]
                ),
                *(Setting(name, ALL, "multilingual") for name in chosen),
            ),
            pools={ALL: tuple(chosen)},
            primary="AP",
            licence=published.source(self.name)["licence"],
            citation=published.source(self.name)["citation"].strip(),
            note=_NOTE,
            drops_own=True,
            unique_ids=True,
            slices=self._slices(tuple(language_of)),
            question_of=functools.partial(_line, self.name),
            unit=self.unit,
            of_languages=self.suite,
        )

    def _slices(self, query_sets: tuple[str, ...]) -> Mapping[str, Callable[[], Mapping[str, str]]]:
        return {"domain": functools.partial(_domains, self.name, query_sets)} if self.domains else {}


def _id(collection: str, line: str) -> str:
    return f"{collection}-{line}"


@functools.cache
def _lines(name: str, query_set: str) -> dict[str, str]:
    """Query id to its line, which is that of its translations too."""
    return {_id(query_set, line): line for line in parallel_lines.load(name, query_set)}


def _line(name: str, query_set: str, query_id: str) -> str:
    return _lines(name, query_set)[query_id]


def _passages(name: str, collection: str) -> Iterable[TextPassage]:
    return [TextPassage(_id(collection, line), "", text) for line, text in parallel_lines.load(name, collection).items()]


def _queries(name: str, query_set: str) -> Iterable[Question]:
    return [Question(_id(query_set, line), text) for line, text in parallel_lines.load(name, query_set).items()]


def _domains(name: str, query_sets: Sequence[str]) -> dict[str, str]:
    """Query id to the domain of its line."""
    domains = parallel_lines.domains(name)
    return {_id(query_set, line): domain for query_set in query_sets for line, domain in domains.items()}


def _judgements(name: str, query_set: str, collections: Sequence[str]) -> Iterable[Judgement]:
    """Each query's translations, and what has their text; of its own language, what else has its text."""
    asked = parallel_lines.load(name, query_set)
    for collection in collections:
        lines = parallel_lines.load(name, collection)
        if lines.keys() != asked.keys():
            raise HybridBenchError(
                f"{name} is not parallel: {query_set} has {len(asked):,} lines and {collection} {len(lines):,}, or others",
                "Delete both files and run again, so that they are downloaded again.",
            )
        alike: dict[str, list[str]] = {}
        for line, text in lines.items():
            alike.setdefault(text, []).append(line)
        for line, text in lines.items():
            for other in alike[text]:
                if collection != query_set or other != line:
                    yield Judgement(_id(query_set, line), collection, _id(collection, other), 1)


#: 30 languages by family (13 of them), script (17) and resources, with nine that XLM-R has not seen: bem, bo, fon, ks-Arab,
#: qu, sat, ti, yo, zu.
_FLORES = (
    "am", "ar", "bem", "bo", "de", "el", "en", "es", "fi", "fon", "ha", "hi", "id", "ja", "ka", "kk", "km", "ks-Arab", "qu", "ru",
    "sat", "sw", "ta", "th", "ti", "tr", "vi", "yo", "zh-Hans", "zu",
)  # fmt: skip
#: English, four languages with many resources, and nine with few.
_TICO = ("am", "ar", "en", "es-419", "ha", "hi", "km", "ln", "ru", "sw", "ta", "ti", "zh", "zu")

_DATASETS = (
    _Parallel("flores200", "FLORES-200 devtest: 1,012 parallel sentences; 30 of 204 languages by default", _FLORES, domains=True),
    _Parallel("tico19", "TICO-19 test: 2,100 parallel sentences on COVID-19; 14 of 39 languages by default", _TICO, domains=True),
    _Parallel(
        "mkqa",
        "MKQA: 5,000 parallel questions of Natural Questions, found by their translations",
        parallel_lines.languages("mkqa"),
        unit="question",
    ),
)
FLORES200, TICO19, MKQA = (dataset.suite(dataset.by_default) for dataset in _DATASETS)
