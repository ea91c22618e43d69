"""Small synthetic tables of parallel questions."""

from __future__ import annotations

from hybrid_bench.training.data.table import ParallelRow, ParallelTable

LANGUAGES = ("de", "en", "tr", "zh")


def question_rows(count: int = 40, languages: tuple[str, ...] = LANGUAGES, source: str = "qa") -> list[ParallelRow]:
    """Two questions share a sentence, four an article; every third question lacks its first language."""
    return [
        ParallelRow(
            id=f"q{number}",
            source=source,
            article=f"article {number // 4}",
            question={own: f"{own} question {number}" for own in languages[number % 3 == 0 :]},
            sentence={own: f"{own} sentence {number // 2}" for own in languages},
            context={own: f"{own} sentence {number // 2}, and more of it" for own in languages},
        )
        for number in range(count)
    ]


def sentence_rows(count: int = 30, languages: tuple[str, ...] = ("el", *LANGUAGES), source: str = "news") -> list[ParallelRow]:
    """Parallel sentences: question and passage are the same text."""
    texts = [{own: f"{own} news {number}" for own in languages} for number in range(count)]
    return [ParallelRow(f"{source}{number}", source, "", text, dict(text)) for number, text in enumerate(texts)]


def mixed_table() -> ParallelTable:
    """Questions and parallel sentences in one table."""
    return ParallelTable.from_rows([*question_rows(), *sentence_rows()])
