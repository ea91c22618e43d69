"""``mini``: a small parallel collection in eleven languages, written for this project (CC0) and shipped with it."""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

from hybrid_bench.datasets.sources.records import LanguageCollection, SentencePassage, passage_id
from hybrid_bench.support.toml import loads


@functools.cache
def _topics() -> list[dict[str, Any]]:
    folder = resources.files(__package__) / "mini"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return [loads(file.read_text(encoding="utf-8"), file.name) for file in files]


@functools.cache
def load(language: str) -> LanguageCollection:
    """The sentences and questions of one language; ids are the same sentence in every language."""
    passages: list[SentencePassage] = []
    questions: dict[str, str] = {}
    relevant: dict[str, list[str]] = {}
    for number, topic in enumerate(_topics()):
        sentences = [sentence[language] for sentence in topic["sentences"]]
        context = ("" if language in ("zh",) else " ").join(sentences)
        passages.extend(
            SentencePassage(passage_id(language, number, index), sentence, topic["title"][language], context)
            for index, sentence in enumerate(sentences)
        )
        for index, question in enumerate(topic["questions"], start=1):
            question_id = f"{topic['id']}-{index}"
            questions[question_id] = question[language]
            relevant[question_id] = [passage_id(language, number, question["answer"])]
    return LanguageCollection(language, passages, questions, relevant)
