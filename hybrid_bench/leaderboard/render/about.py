"""The texts of the site's page of definitions and sources, and the explanations of columns that all boards have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hybrid_bench.datasets.resolvers import SUITES
from hybrid_bench.leaderboard.board import Board
from hybrid_bench.leaderboard.render import formats

#: Heading of a column to its explanation.
HINTS = {
    "Encoder": "organisation and name, as submitted; or the name in the publication, and the publication",
    "Languages": "number of query languages in the means",
    "Domains": "number of domains in the means",
    "Datasets": "number of datasets in the means",
    "Checked": "what was verified, from ranks re-scored to re-run; the levels are explained below the table",
    "Zero-shot": "whether it was trained without the suite's data and articles, as its submitter or its publication states",
    "Passage text": "what the encoder reads of a passage: its sentence, or also the paragraph around it",
    "Strategy": "how its training batches mix languages: mono (one language), cross (two), hybrid (mono with probability alpha)",
    "Parameters": "number of weights",
    "Dimension": "numbers in a vector",
    "Licence": "of the weights, as submitted",
    "Revision": "of the submission; a published one does not change",
}
MEANS = (
    "A figure is a mean over query languages, or over domains or datasets where a board says so; that of a language is a mean "
    "over the pools of the column's kind."
)
CHOSEN = (
    "Means over chosen languages: of the questions in these languages, and where one language is searched, in passages of these "
    "languages. The pool of all languages stays as it was ranked, with the passages of every language. A row without a figure in "
    "a chosen language has no mean, and letters of significance are only for all languages."
)


def of(boards: Sequence[Board]) -> dict[str, Any]:
    """What the page's template needs."""
    columns = {column.label: column.hint for board in boards for column in board.spec.columns if column.hint}
    return {
        "means": MEANS,
        "definitions": columns | HINTS,
        "groups": formats.GROUPS,
        "chosen": CHOSEN,
        "suites": [board.spec.example for board in boards if board.spec.example in board.spec.suites] or [boards[0].spec.example],
        "sources": [source for board in boards for source in _sources(board)],
    }


def _sources(board: Board) -> list[dict[str, str]]:
    """Title, description, licence and citation of the registered suites of a board."""
    suites = [SUITES.get(name) for name in board.spec.suites if name in SUITES]
    return [
        {"title": board.spec.title, "about": suite.description, "licence": suite.licence, "citation": suite.citation}
        for suite in suites
    ] or [{"title": board.spec.title, "about": board.spec.about, "licence": "", "citation": ""}]
