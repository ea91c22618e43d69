"""The web page: static HTML that needs nothing but a browser, also from a folder and without JavaScript."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from hybrid_bench.leaderboard.board import ZERO_SHOT, Board
from hybrid_bench.leaderboard.columns import BOARDS, BoardKind
from hybrid_bench.leaderboard.entry import Claimed, Entry, Scored
from hybrid_bench.leaderboard.render import escaping, formats
from hybrid_bench.leaderboard.render.plot import trade_off
from hybrid_bench.submissions.format.schema import Handed
from hybrid_bench.support.optional import need

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_FOLDER = Path(__file__).parent / "templates"
#: Colours of the heat map, from 0 to 1: classes h0 to h10 of style.css, which are viridis.
_COLOURS = 11


def pages(boards: Sequence[Board], entries: Sequence[Entry]) -> dict[str, str]:
    """Path in the site to the text of the file."""
    environment = _environment()
    found = {"index.html": environment.get_template("index.html").render(root="", here="", all_boards=boards)}
    for board in boards:
        found[f"{board.kind.suite}.html"] = environment.get_template("board.html").render(
            root="",
            here=board.kind.suite,
            board=board,
            plot=trade_off(board),
            detail=board.kind.column(board.kind.detail),
            facts=formats.FACTS,
            groups=formats.GROUPS,
        )
    for entry in entries:
        suites = [_Part.of(entry, suite, [board.kind for board in boards]) for suite in entry.scored]
        page = environment.get_template("encoder.html")
        found[f"encoders/{entry.slug}.html"] = page.render(root="../", here="", entry=entry, facts=_facts(entry), suites=suites)
        for part in suites:
            found[f"downloads/{part.download}"] = formats.to_json(_record(entry, part))
    return found


@dataclass(frozen=True)
class _Part:
    """A suite on an encoder's page."""

    kind: BoardKind
    scored: Scored
    handed: Handed
    anchor: str
    download: str
    bars: tuple[tuple[str, float, float], ...]  #: language, RankDistance, percent of the largest

    @classmethod
    def of(cls, entry: Entry, suite: str, kinds: Sequence[BoardKind]) -> _Part:
        scored = entry.scored[suite]
        distances = scored.by_language.get("rank_distance", {})
        largest = max(distances.values(), default=0) or 1
        anchor = suite.replace("/", "-")
        return cls(
            kind=next(kind for kind in kinds if kind.covers(suite)),
            scored=scored,
            handed=entry.submission.suites[suite],
            anchor=anchor,
            download=f"{entry.slug}.{anchor}.json",
            bars=tuple((language, value, round(100 * value / largest, 2)) for language, value in distances.items()),
        )

    @property
    def zero_shot(self) -> str:
        return ZERO_SHOT[self.handed.trained_on]

    @property
    def means(self) -> dict[str, float]:
        return {key: fmean(of_language.values()) for key, of_language in self.scored.by_language.items()}

    @property
    def pools(self) -> list[str]:
        return list(dict.fromkeys(pool for of_pool in self.scored.matrix.values() for pool in of_pool))

    @property
    def false_claims(self) -> list[Claimed]:
        return [claim for claim in self.scored.claims if not claim.confirmed]


def _record(entry: Entry, part: _Part) -> dict[str, Any]:
    fields = part.scored.model_dump(mode="json", exclude={"questions"})
    return {"encoder": entry.submission.title, "revision": entry.submission.revision} | fields


def _facts(entry: Entry) -> list[tuple[str, str]]:
    """What the card states, in words."""
    submission, card = entry.submission, entry.submission.card
    said = {
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
        "longest text": card.max_length and f"{card.max_length} tokens",
        "training data": card.training_data,
        "training languages": ", ".join(card.training_languages),
        "batch strategy": card.batch_strategy if card.alpha is None else f"{card.batch_strategy}, alpha {card.alpha:g}",
        "code": card.code,
        "paper": card.paper,
        "hardware": card.hardware,
        "contact": card.contact,
    }
    return [(label, "" if text is None else str(text)) for label, text in said.items()]


def _environment() -> Environment:
    need("leaderboard", "the web page", "jinja2")
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
    style, script = ((_FOLDER / name).read_text(encoding="utf-8") for name in ("style.css", "table.js"))
    environment.filters["link"] = escaping.link
    environment.filters["lines"] = _lines
    environment.globals.update(
        boards=BOARDS,
        style=Markup(style),  # noqa: S704 - ours, and as it is hashed for the policy
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
    """As a content security policy names the one style or script that it allows."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _heat(value: float) -> str:
    """The class of a share's colour."""
    return f"h{min(_COLOURS - 1, max(0, round(value * (_COLOURS - 1))))}"


def _scale() -> Markup:
    """The colours and what they stand for."""
    from markupsafe import Markup

    items = "".join(f'<li class="h{step}">{step / (_COLOURS - 1):.1f}</li>' for step in range(_COLOURS))
    return Markup(f'<ul class="scale" aria-label="Colours of the shares">{items}</ul>')  # noqa: S704


def _lines(text: str) -> Markup:
    """Several lines, each made harmless."""
    from markupsafe import Markup, escape

    return Markup("\n").join(escape(escaping.visible(line)) if line.strip() else "" for line in text.splitlines())
