"""The web site: static, self-contained HTML that also works from a folder and without JavaScript."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from hybrid_bench.leaderboard.board import ZERO_SHOT, Board
from hybrid_bench.leaderboard.entry import Claimed, Entry, Scored
from hybrid_bench.leaderboard.levels import LEVELS
from hybrid_bench.leaderboard.render import about, commands, figures, formats
from hybrid_bench.leaderboard.render.plot import trade_off
from hybrid_bench.leaderboard.specs import BoardSpec, Column
from hybrid_bench.reports.letters import shortened
from hybrid_bench.submissions.format.schema import Submission, SuiteEntry
from hybrid_bench.support import escaping
from hybrid_bench.support.optional import need

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_FOLDER = Path(__file__).parent / "templates"
#: The scripts in ``templates/scripts``, in the order in which they run.
_SCRIPTS = ("address", "means", "sort", "filter", "languages", "compare", "hints", "scroll", "copy")
#: Number of colours of the heat map: the classes h0 to h10 of style.css, from viridis.
_COLOURS = 11


def pages(boards: Sequence[Board], entries: Sequence[Entry], links: Mapping[str, str] | None = None) -> dict[str, str]:
    """Render the site: path to content.

    Args:
        boards: in the order of the navigation.
        entries: all submissions.
        links: label to address of further links at the head of every page.
    """
    need("leaderboard", "the web page", "jinja2")
    from markupsafe import Markup

    environment = _environment([board.spec for board in boards], links or {})
    found = {"index.html": environment.get_template("index.html").render(root="", here="", all_boards=boards)}
    found["about.html"] = environment.get_template("about.html").render(root="", here="about", **about.of(boards))
    for board in boards:
        found[f"{board.spec.name}.html"] = environment.get_template("board.html").render(
            root="",
            here=board.spec.name,
            board=board,
            plot=trade_off(board),
            detail=board.spec.column(board.spec.detail),
            detail_at=board.spec.columns.index(board.spec.column(board.spec.detail)),
            main=board.spec.main,
            rows=[*board.rows, *board.published],
            figures=Markup(figures.to_script(board)),  # noqa: S704 - JSON in which no text can end the element
            facts=formats.FACTS,
            hints=about.HINTS,
            chosen=about.CHOSEN,
            groups=formats.GROUPS,
            example=board.spec.example,
        )
    for entry in entries:
        suites = [_Section.of(entry, suite, [board.spec for board in boards]) for suite in entry.scored]
        page = environment.get_template("encoder.html")
        found[f"encoders/{entry.slug}.html"] = page.render(root="../", here="", entry=entry, facts=_facts(entry), suites=suites)
        for part in suites:
            found[f"downloads/{part.download}"] = formats.to_json(_record(entry, part))
    return found


@dataclass(frozen=True)
class _Section:
    """The section of a suite on an encoder's page."""

    board: BoardSpec
    scored: Scored
    submission: Submission
    entry: SuiteEntry
    anchor: str
    download: str
    bias: Column | None
    bars: tuple[tuple[str, float, float], ...]  #: (language, value of ``bias``, percent of the largest value)

    @classmethod
    def of(cls, entry: Entry, suite: str, boards: Sequence[BoardSpec]) -> _Section:
        scored = entry.scored[suite]
        board = next(board for board in boards if board.covers(suite))
        distances = scored.by_language.get(board.bias.key, {}) if board.bias else {}
        largest = max(distances.values(), default=0) or 1
        anchor = suite.replace("/", "-")
        return cls(
            board=board,
            scored=scored,
            submission=entry.submission,
            entry=entry.submission.suites[suite],
            anchor=anchor,
            download=f"{entry.slug}.{anchor}.json",
            bias=board.bias,
            bars=tuple((language, value, round(100 * value / largest, 2)) for language, value in distances.items()),
        )

    @property
    def zero_shot(self) -> str:
        return ZERO_SHOT[self.entry.trained_on]

    @property
    def means(self) -> dict[str, float]:
        return {key: fmean(of_language.values()) for key, of_language in self.scored.by_language.items()}

    @property
    def means_without(self) -> dict[str, float]:
        """The means without the languages that the card leaves out."""
        return {key: fmean(of_language.values()) for key, of_language in self.scored.covered.items()}

    @property
    def commands(self) -> list[tuple[str, str]]:
        return commands.of(self.submission, self.scored.suite)

    @property
    def pools(self) -> list[str]:
        return list(dict.fromkeys(pool for of_pool in self.scored.matrix.values() for pool in of_pool))

    @property
    def unconfirmed_claims(self) -> list[Claimed]:
        return [claim for claim in self.scored.claims if not claim.confirmed]


def _record(entry: Entry, part: _Section) -> dict[str, Any]:
    scored = part.scored
    unused = {"questions", "languages"} | (set() if scored.left_out else {"left_out"})
    fields = {"encoder": entry.submission.title, "revision": entry.submission.revision}
    fields |= scored.model_dump(mode="json", exclude=unused)
    fields["by_language"] = formats.rounded(scored.by_language)
    return fields | ({"covered": formats.rounded(scored.covered)} if scored.left_out else {})


def _facts(entry: Entry) -> list[tuple[str, str]]:
    """(label, text) of the fields of the card."""
    submission, card = entry.submission, entry.submission.card
    facts = {
        "revision": submission.revision,
        "licence": card.licence,
        "model": card.model,
        "base": card.base,
        "parameters": formats.count(card.parameters),
        "dimension": card.dimension,
        "pooling": card.pooling,
        "similarity": card.similarity,
        "query prefix": card.query_prefix and repr(card.query_prefix),
        "passage prefix": card.passage_prefix and repr(card.passage_prefix),
        "maximum length": card.max_length and f"{card.max_length} tokens",
        "training data": card.training_data,
        "training languages": ", ".join(card.training_languages),
        "batch strategy": card.batch_strategy if card.alpha is None else f"{card.batch_strategy}, alpha {card.alpha:g}",
        "code": card.code,
        "paper": card.paper,
        "hardware": card.hardware,
        "contact": card.contact,
    }
    return [(label, "" if text is None else str(text)) for label, text in facts.items()]


def _environment(boards: Sequence[BoardSpec], links: Mapping[str, str]) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def shown(value: object) -> object:
        return escaping.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=shown,
    )
    style = (_FOLDER / "style.css").read_text(encoding="utf-8")
    script = "".join((_FOLDER / "scripts" / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS)
    script = f'"use strict";\n(() => {{\n{script}}})();\n'
    environment.filters["link"] = escaping.link
    environment.filters["lines"] = _lines
    environment.filters["shortened"] = shortened
    environment.filters["brief"] = formats.brief
    environment.filters["breakable"] = _breakable
    environment.globals["levels"] = LEVELS
    environment.globals.update(
        boards=boards,
        links=links,
        style=Markup(style),  # noqa: S704 - not user input, and hashed for the policy
        script=Markup(script),  # noqa: S704
        policy=(
            f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
            "img-src data:; base-uri 'none'; form-action 'none'"
        ),
        heat=_heat,
        scale=_scale,
    )
    return environment


def _digest(text: str) -> str:
    """The hash source of an inline style or script in a content security policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _heat(value: float) -> str:
    """The CSS class of the colour of a share in [0, 1]."""
    return f"h{min(_COLOURS - 1, max(0, round(value * (_COLOURS - 1))))}"


def _scale() -> Markup:
    """The legend of the heat map."""
    from markupsafe import Markup

    items = "".join(f'<li class="h{step}">{step / (_COLOURS - 1):.1f}</li>' for step in range(_COLOURS))
    return Markup(f'<ul class="scale" aria-label="Colour scale">{items}</ul>')  # noqa: S704


def _lines(text: str) -> Markup:
    """Escape a text line by line."""
    from markupsafe import Markup, escape

    return Markup("\n").join(escape(escaping.visible(line)) if line.strip() else "" for line in text.splitlines())


def _breakable(label: str) -> Markup:
    """Let a heading such as ``RankDistance@20`` break where its words begin."""
    from markupsafe import Markup, escape

    return Markup("<wbr>").join(
        escape(escaping.visible(part)) for part in re.split(r"(?<=[a-z]{2})(?=[A-Z])|(?<=[A-Za-z]{3})(?=@)", label)
    )
