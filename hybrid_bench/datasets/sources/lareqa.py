"""XQuAD-R and MLQA-R: question answering in several languages as sentence retrieval (LAReQA, arXiv 2004.05484)."""

from __future__ import annotations

import functools
import json
from importlib import resources
from pathlib import Path
from typing import Any, TypedDict, cast

from hybrid_bench.datasets.downloads import fetch
from hybrid_bench.datasets.sources.records import LanguageCollection, SentencePassage, passage_id
from hybrid_bench.errors import HybridBenchError
from hybrid_bench.support.toml import loads


class Source(TypedDict):
    """Where the files of a dataset come from."""

    url: str
    licence: str
    md5: dict[str, str]


@functools.cache
def sources() -> dict[str, Source]:
    """The sources of ``xquad-r`` and ``mlqa-r``."""
    text = resources.files(__package__).joinpath("lareqa.toml").read_text(encoding="utf-8")
    return cast(dict[str, Source], loads(text, "lareqa.toml"))


@functools.cache
def load(name: str, language: str) -> LanguageCollection:
    """Download (once), check and parse one language of ``xquad-r`` or ``mlqa-r``."""
    from ir_datasets.util import home_path

    source = sources()[name]
    path = fetch(
        source["url"].format(language=language),
        Path(home_path()) / name / f"{language}.json",
        source["md5"][language],
    )
    return parse(json.loads(path.read_text(encoding="utf-8")), language)


def parse(file: dict[str, Any], language: str) -> LanguageCollection:
    """Read a file in LAReQA's format (SQuAD's, with ``sentence_breaks``).

    Every sentence span is a passage, duplicates kept. A question's relevant passage is the first sentence with
    ``start <= answer_start < end``; other sentences of the same paragraph with identical text are relevant too.

    Raises:
        HybridBenchError: if an answer starts outside every sentence of its paragraph.
    """
    passages: list[SentencePassage] = []
    questions: dict[str, str] = {}
    relevant: dict[str, list[str]] = {}
    paragraphs = ((article.get("title", ""), paragraph) for article in file["data"] for paragraph in article["paragraphs"])
    for number, (title, paragraph) in enumerate(paragraphs):
        context: str = paragraph["context"]
        spans: list[tuple[int, int]] = [(start, end) for start, end in paragraph["sentence_breaks"]]
        sentences = [
            SentencePassage(passage_id(language, number, index), context[start:end], title.replace("_", " "), context)
            for index, (start, end) in enumerate(spans)
        ]
        passages.extend(sentences)
        for question in paragraph["qas"]:
            offset = question["answers"][0]["answer_start"]
            answer = next((i for i, (start, end) in enumerate(spans) if start <= offset < end), None)
            if answer is None:
                raise HybridBenchError(
                    f"question {question['id']} ({language}): no sentence of its paragraph holds offset {offset}"
                )
            questions[question["id"]] = question["question"]
            relevant[question["id"]] = [s.doc_id for s in sentences if s.text == sentences[answer].text]
    return LanguageCollection(language, passages, questions, relevant)
