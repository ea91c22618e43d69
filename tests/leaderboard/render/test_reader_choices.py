"""What a reader of a board chooses: order, rows, columns, languages and two encoders to compare."""

from __future__ import annotations

import json
import math
import random
import re
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from hybrid_bench.leaderboard import means, specs
from hybrid_bench.leaderboard.build import Built
from hybrid_bench.leaderboard.entry import entry_of
from hybrid_bench.leaderboard.render import site as rendering
from hybrid_bench.results.stated_languages import without
from hybrid_bench.submissions.rescoring import rescore
from tests.leaderboard.render.pages import BOARD, PHONE, head, names, opened

SCRIPTS = Path(rendering.__file__).parent / "templates" / "scripts"
COLUMNS = ("mono_ap", "cross_ap", "multi_ap", "rank_distance", "same_language")


def caption(page: Page) -> str:
    return page.locator("#board caption").inner_text()


def cells(page: Page, name: str) -> list[str]:
    row = page.locator("#board tbody tr:not(.fixed)").filter(has_text=re.compile(rf"^\s*{re.escape(name)}\s")).first
    return [text.split("\n")[0] for text in row.locator("td").all_inner_texts()[: len(COLUMNS) + 1]]


def test_the_caption_follows_the_order_and_the_address_keeps_it(browser: Browser, site: Path) -> None:
    with opened(browser, site / BOARD) as page:
        assert caption(page) == "MLQA-R, best multi AP first"
        assert page.url.endswith(BOARD)
        head(page, "RankDistance").locator("button.sort").click()
        assert caption(page) == "MLQA-R, best RankDistance first"
        head(page, "RankDistance").locator("button.sort").click()
        assert caption(page) == "MLQA-R, worst RankDistance first"
        head(page, "SameLanguage@20").locator("button.sort").click()
        assert caption(page) == "MLQA-R, highest SameLanguage@20 first", "neither is better"
        head(page, "Encoder").locator("button.sort").click()
        assert caption(page) == "MLQA-R, by encoder, A to Z"
        page.locator("#by-language thead").get_by_role("button", name="zh").click()
        page.get_by_label("Encoder, strategy or licence").fill("drawn")
        page.get_by_label("zero-shot only").check()
        address, expected = page.url, names(page)
        assert expected == ["drawn/blurred-too", "drawn/sharp"]
        page.get_by_label("Encoder, strategy or licence").fill("")
        page.get_by_label("zero-shot only").uncheck()
        head(page, "multi AP").locator("button.sort").click()
        page.locator("#by-language thead").get_by_role("button", name="zh").click()
        assert page.url.endswith("#by-language=zh.ascending"), "what is as it was at first is left out"
    with opened(browser, site / BOARD, "#" + address.partition("#")[2]) as page:
        assert (names(page), caption(page)) == (expected, "MLQA-R, by encoder, A to Z")
        assert page.locator("#by-language thead [aria-sort=descending]").inner_text() == "zh"
    for state in ("#sort=x.descending&level=nobody&compare=a~b&languages=xx&measure=q", "#sources", "#sort=%"):
        with opened(browser, site / BOARD, state) as page:
            assert (names(page)[0], caption(page)) == ("drawn/sharp", "MLQA-R, best multi AP first"), "what is unknown is ignored"


@pytest.mark.parametrize("touch", [False, True], ids=["hover", "tap"])
def test_headings_are_explained(browser: Browser, site: Path, touch: bool) -> None:
    options = {"viewport": PHONE, "is_mobile": True, "has_touch": True} if touch else {}
    with opened(browser, site / BOARD, **options) as page:
        heads = page.locator("#board thead th")
        assert all(heads.nth(at).locator("button.about").count() == 1 for at in range(heads.count()))
        panel = page.locator("#hint-rank_distance")
        assert not panel.is_visible()
        if touch:
            page.get_by_role("button", name="What is RankDistance?").tap()
        else:
            head(page, "RankDistance").hover()
        panel.wait_for(state="visible")
        assert "lower is better" in panel.inner_text()
        box = panel.bounding_box()
        width = page.evaluate("document.documentElement.clientWidth")
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= width
        page.keyboard.press("Escape")
        panel.wait_for(state="hidden")
        assert caption(page) == "MLQA-R, best multi AP first", "to ask is not to sort"


def chosen(rng: random.Random, languages: list[str]) -> list[list[str]]:
    """Some choices of languages: one, all but one, and others."""
    others = [sorted(rng.sample(languages, rng.randint(2, len(languages) - 1))) for _ in range(4)]
    return [[languages[0]], languages[1:], *others]


def test_means_over_chosen_languages_are_those_of_a_result_without_the_others(browser: Browser, site: Path, folder: Path) -> None:
    (spec,) = (spec for spec in specs.load(folder) if spec.name == "mlqa-r")
    rescored = rescore(folder / "submissions" / "drawn__sharp" / "1.0")
    (result,) = rescored.results.values()
    scored = entry_of(rescored, [spec]).scored["mlqa-r"]
    languages = sorted(result.query_sets)
    for choice in chosen(random.Random(26), languages):
        left = without(result, set(languages) - set(choice)).scores
        expected = []
        for column in spec.columns:
            rows = left[(left["setting"] == column.setting) & (left["measure"] == column.measure)]
            mean = means.mean(scored.settings[column.key], scored.languages, choice)
            assert (mean is None) == rows.empty
            if mean is not None:
                assert mean == pytest.approx(rows.groupby("query_set")["value"].mean().mean(), abs=1e-6)
            expected.append(column.format(mean) or "–")
        with opened(browser, site / BOARD, "#languages=" + ",".join(choice)) as page:
            assert cells(page, "drawn/sharp") == [*expected, str(len(choice))]
            assert caption(page) == f"MLQA-R, best multi AP first, means over {', '.join(choice)}"
            heads = page.locator("#by-language thead th:visible").all_inner_texts()
            assert heads == ["Encoder", *choice]


def test_the_page_computes_means_as_python_does(browser: Browser) -> None:
    """Every bit: sums are exact, and ties are rounded to even."""
    rng = random.Random(2408)
    lists = [
        [rng.choice([rng.random(), rng.uniform(-1e9, 1e9), 1e-9, 10 ** rng.randint(-9, 9)]) for _ in range(rng.randint(1, 20))]
        for _ in range(300)
    ]
    lists += [[round(rng.random(), 6) for _ in range(11)] for _ in range(300)] + [
        [1e16, 1.0, 1e-16],
        [0.1] * 10,
        [1e100, 1.0, -1e100],
    ]
    ties = [0.03125, 0.09375, 248.25, 248.75, 0.5, 0.00005, 1e-7, 123456.65, 0.12345, 2.5]
    values = [fmean(of) for of in lists] + ties
    page = browser.new_page()
    script = (SCRIPTS / "means.js").read_text(encoding="utf-8")
    found = page.evaluate(f"(lists) => {{{script}; return lists.map(mean)}}", lists)
    assert [math.fsum(of) / len(of) for of in lists] == found == values[: len(lists)]
    for decimals in (0, 1, 4, 6):
        texts = page.evaluate(f"(values) => {{{script}; return values.map((v) => shown(v, {decimals}))}}", values)
        assert texts == [f"{value:.{decimals}f}" for value in values]
    page.close()


def test_rows_without_a_chosen_language_have_no_mean(browser: Browser, site: Path, built: Built) -> None:
    board = json.loads(built.files["xquad-r.json"])
    (row,) = (row for row in board["published"] if row["encoder"] == "LaBSE Hybrid")
    with opened(browser, site / "xquad-r.html", "#languages=de,en") as page:
        found = cells(page, "LaBSE Hybrid")
        by_language = row["by_language"]["multi_ap"]
        assert found[2] == f"{fmean([by_language['de'], by_language['en']]):.4f}"
        assert found[1] == "–", "a published mean over all pools does not tell what it is over two"
        assert cells(page, "mBERT X-Y")[2] == "–", "a mean alone does not tell its languages"
        page.get_by_role("button", name="all", exact=True).click()
        assert cells(page, "LaBSE Hybrid")[1] == f"{row['values']['cross_ap']:.4f}"
        assert page.url.endswith("xquad-r.html")
        page.get_by_role("button", name="none", exact=True).click()
        assert caption(page) == "XQuAD-R, best multi AP first", "none is no choice"


def test_two_encoders_side_by_side(browser: Browser, site: Path, built: Built) -> None:
    board: dict[str, Any] = json.loads(built.files["mlqa-r.json"])
    one, other = board["recomputed"][0], board["recomputed"][1]
    with opened(browser, site / BOARD) as page:
        section = page.locator("#compare")
        section.get_by_label("First").select_option(label=one["encoder"])
        section.get_by_label("Second").select_option(label=other["encoder"])
        section.get_by_label("By language").select_option(label="mono AP")
        state = "#" + page.url.partition("#")[2]
    with opened(browser, site / BOARD, state) as page:
        table, languages = page.locator("#compare table").all()
        assert table.locator("thead th").all_inner_texts()[1:3] == [one["encoder"], other["encoder"]]
        line = table.locator("tbody tr", has_text="mono AP").locator("th, td").all_inner_texts()
        values = [of["values"]["mono_ap"] for of in (one, other)]
        assert line == ["mono AP", *(f"{v:.4f}" for v in values), f"{values[1] - values[0]:+.4f}", "significant"]
        assert languages.locator("tbody th").all_inner_texts() == list(one["by_language"]["mono_ap"])
        line = languages.locator("tbody tr", has_text="de").locator("td").all_inner_texts()
        assert line[:2] == [f"{of['by_language']['mono_ap']['de']:.4f}" for of in (one, other)]
        page.locator("#languages summary").click()
        page.get_by_label("de", exact=True).uncheck()
        assert page.locator("#compare table").first.locator("tbody tr").first.locator("td").last.inner_text() == "not tested"
        assert "de" not in languages.locator("tbody th").all_inner_texts()


@pytest.mark.parametrize("board", [BOARD, "xquad-r.html", "miracl.html"])
def test_a_phone_shows_the_columns_that_matter_and_the_others_on_request(browser: Browser, site: Path, board: str) -> None:
    with opened(browser, site / board, viewport=PHONE, is_mobile=True, has_touch=True) as page:
        shown = page.locator("#board thead th:visible .label").all_inner_texts()
        assert (
            shown == ["Encoder", "mono nDCG@10", "mono R@100"]
            if board == "miracl.html"
            else ["Encoder", "mono AP", "multi AP", "RankDistance"]
        )
        frame, scroll = page.locator(".frame:has(#board)"), page.locator(".scroll:has(#board)")
        assert scroll.evaluate("node => node.scrollWidth <= node.clientWidth"), "they fit"
        assert "more-right" not in (frame.get_attribute("class") or "")
        page.get_by_label("all columns").check()
        assert page.locator("#board thead th:visible").count() > 10
        page.locator(".frame.more-right:has(#board)").wait_for()
        scroll.evaluate("node => node.scrollTo(node.scrollWidth, 0)")
        page.locator(".frame.more-left:not(.more-right):has(#board)").wait_for()


def test_commands_are_copied(browser: Browser, site: Path) -> None:
    with opened(browser, site / "encoders" / "drawn__sharp__1.0.html", permissions=["clipboard-read", "clipboard-write"]) as page:
        code = page.locator(".command code").all_inner_texts()
        assert code == ["hybrid-bench leaderboard build --check", "hybrid-bench evaluate sharp --suite mlqa-r"]
        page.get_by_role("button", name="Copy").last.click()
        page.get_by_role("button", name="Copied").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == code[1]
