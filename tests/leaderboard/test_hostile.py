"""Hostile texts in a card are harmless in every output, even if they passed the schema."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from hybrid_bench.leaderboard import board, specs
from hybrid_bench.leaderboard.entry import Entry, entry_of
from hybrid_bench.leaderboard.render import formats, site
from hybrid_bench.submissions.rescoring import rescore

HOSTILE = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>{{7*7}}|[x](javascript:alert(3))\u202e\\input{x}\n# y"


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(sorted(name for name, _ in attrs))))


def tags(text: str) -> list[tuple[str, tuple[str, ...]]]:
    parser = _Tags()
    parser.feed(text)
    return parser.found


def with_card(entry: Entry, **fields: object) -> Entry:
    card = entry.submission.card.model_copy(update=fields)
    return entry.model_copy(update={"submission": entry.submission.model_copy(update={"card": card})})


def hostile(entry: Entry) -> Entry:
    """The same entry with a card that the schema would reject."""
    card = entry.submission.card.model_copy(
        update=dict.fromkeys(("description", "licence", "base", "training_data", "hardware", "contact"), HOSTILE)
        | {"batch_strategy": HOSTILE, "alpha": None, "query_prefix": HOSTILE, "code": "javascript:alert(1)"}
    )
    submission = entry.submission.model_copy(update={"card": card, "name": HOSTILE, "revision": "../../x"})
    return entry.model_copy(update={"submission": submission})


def test_a_long_licence_is_short_in_the_table_and_whole_in_the_csv(folder: Path) -> None:
    boards = [spec for spec in specs.load(folder) if spec.name == "mlqa-r"]
    entry = entry_of(rescore(folder / "submissions" / "drawn__sharp" / "1.0"), boards)
    long = "CC0-1.0; trained on: MIT | CC BY-SA 4.0"
    short, whole = (board.make(boards[0], [with_card(entry, licence=text)], []) for text in ("CC0-1.0", long))
    assert "| CC0-1.0 … |" in formats.markdown(whole)
    assert "[mlqa-r.csv](mlqa-r.csv)" in formats.markdown(whole)
    assert "Licences in full" not in formats.markdown(short)
    assert long in formats.table(whole)


def test_a_hostile_card_adds_no_markup(folder: Path) -> None:
    boards = [spec for spec in specs.load(folder) if spec.name == "mlqa-r"]
    valid = entry_of(rescore(folder / "submissions" / "drawn__sharp" / "1.0"), boards)
    valid = with_card(valid, licence="CC0-1.0, or any other licence that you like better")  # too long to be shown at once
    bad = hostile(valid)
    assert set(bad.slug) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    pages = {}
    for entry in (valid, bad):
        made = board.make(boards[0], [entry], [])
        pages[entry.slug] = {name.replace(entry.slug, "it"): text for name, text in site.pages([made], [entry]).items()}
        assert "<script>alert" not in formats.markdown(made)
        assert formats.markdown(made).count("\n|") == 3, "a head, a line below it, and one row"
        assert "\\input" not in formats.latex(made)
    good, tampered = pages[valid.slug], pages[bad.slug]
    assert good.keys() == tampered.keys()
    for name in good:
        if name.endswith(".html"):
            # Fields that were not stated before lose their dash, and a contact that is not a URL its link.
            ours, theirs = ([tag for tag in tags(text[name]) if tag[0] not in ("span", "a")] for text in (good, tampered))
            assert ours == theirs
            assert "javascript:" not in "".join(tampered[name].split("href=")[1:]).split(">")[0]
            assert "\u202e" not in tampered[name]
    assert "{{7*7}}" in tampered["encoders/it.html"], "a template in a card is text"
