"""The boards there are, and what their columns show."""

from __future__ import annotations

from dataclasses import dataclass

from hybrid_bench.datasets.settings import SettingKind


@dataclass(frozen=True)
class Column:
    """A measure in a kind of setting: the mean over query languages of the mean over a language's pools."""

    key: str  #: of CSV and JSON
    label: str
    setting: SettingKind
    measure: str
    hint: str
    higher_is_better: bool = True
    decimals: int = 4
    compared: bool = True  #: whether rows are tested for a difference

    def format(self, value: float | None) -> str:
        """The figure as every board prints it; empty if there is none."""
        return "" if value is None else f"{value:.{self.decimals}f}"


@dataclass(frozen=True)
class BoardKind:
    """What a board is about.

    Attributes:
        suite: the board's name; suites ``<suite>/...`` belong to it too.
        title: for readers.
        about: one sentence.
        columns: in their order.
        sorted_by: key of the column that decides the order.
        detail: key of the column that is shown by query language.
        caution: what a reader has to know before comparing rows.
    """

    suite: str
    title: str
    about: str
    columns: tuple[Column, ...]
    sorted_by: str
    detail: str
    caution: str = ""

    def column(self, key: str) -> Column:
        """The column of this key."""
        return next(column for column in self.columns if column.key == key)

    def language_of(self, suite: str) -> str | None:
        """The language that ``miracl/sw/dev`` is in; None for another suite than this board's languages."""
        parts = suite.split("/")
        return parts[1] if parts[0] == self.suite and len(parts) == 3 and parts[2] == "dev" else None

    def covers(self, suite: str) -> bool:
        """Whether figures on a suite belong on this board."""
        return suite == self.suite or self.language_of(suite) is not None


_PARALLEL = (
    Column("mono_ap", "mono AP", "monolingual", "AP", "questions and passages in one language"),
    Column("cross_ap", "cross AP", "cross-lingual", "AP", "questions in one language, passages in one other"),
    Column("multi_ap", "multi AP", "multilingual", "AP", "passages of all languages in one pool"),
    Column(
        "rank_distance", "RankDistance", "multilingual", "RankDistance",
        "mean gap between the best and the worst rank of a question's passages in the pool of all languages; lower is better",
        higher_is_better=False, decimals=1,
    ),
    Column(
        "same_language", "SameLanguage@20", "multilingual", "SameLanguage@20",
        "share of the first 20 passages of all that are in the question's language; neither high nor low is better",
        compared=False,
    ),
)  # fmt: skip

XQUAD_R = BoardKind(
    "xquad-r",
    "XQuAD-R",
    "1,190 questions, all in every one of 11 languages, on the sentences of XQuAD's paragraphs (LAReQA).",
    _PARALLEL,
    sorted_by="multi_ap",
    detail="multi_ap",
)
MLQA_R = BoardKind(
    "mlqa-r",
    "MLQA-R",
    "1,148 questions, each in two to four of 7 languages, on the sentences of MLQA's paragraphs (LAReQA).",
    _PARALLEL,
    sorted_by="multi_ap",
    detail="multi_ap",
)
MIRACL = BoardKind(
    "miracl",
    "MIRACL",
    "Questions on Wikipedia in up to 18 languages, dev topics, each language on its own passages.",
    (
        Column("mono_ndcg", "mono nDCG@10", "monolingual", "nDCG@10", "questions and passages in one language"),
        Column("mono_recall", "mono R@100", "monolingual", "R@100", "questions and passages in one language"),
    ),
    sorted_by="mono_ndcg",
    detail="mono_ndcg",
    caution="Means over other languages are other means: compare rows with the same number of languages, or by language.",
)
BOARDS = (XQUAD_R, MLQA_R, MIRACL)
