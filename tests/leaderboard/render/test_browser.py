"""The site in Chromium, opened from a folder, offline."""

from __future__ import annotations

import base64
import itertools
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.leaderboard.render.pages import BOARD, DESKTOP, ENCODER, PAGES, PHONE, column, head, names, opened


def test_a_click_sorts_recomputed_and_published_rows_separately(browser: Browser, site: Path) -> None:
    with opened(browser, site / BOARD) as page:
        assert head(page, "multi AP").get_attribute("aria-sort") == "descending"
        assert names(page)[0] == "drawn/sharp"
        published = names(page, "published")
        parameters = head(page, "Parameters")
        parameters.locator("button.sort").click()
        assert parameters.get_attribute("aria-sort") == "ascending"
        assert head(page, "multi AP").get_attribute("aria-sort") is None
        assert names(page) == ["drawn/blurred", "drawn/sharp", "drawn/blurred-too"], "1.0k, 2.5M, 117.7M: by number, not by text"
        assert names(page, "published") == published, "rows without a value keep their order"
        parameters.locator("button.sort").click()
        assert names(page)[0] == "drawn/blurred-too"
        head(page, "RankDistance").locator("button.sort").click()
        distances = [float(text) for text in column(page, 5, "published") if text != "–"]
        assert distances == sorted(distances)
        assert column(page, 5, "published")[-1] == "–", "missing values sort last"
        head(page, "RankDistance").locator("button.sort").click()
        assert column(page, 5, "published")[-1] == "–"


def test_the_table_can_be_sorted_by_keyboard(browser: Browser, site: Path) -> None:
    with opened(browser, site / BOARD) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        button = head(page, "mono AP").locator("button.sort")
        for _ in range(40):
            page.keyboard.press("Tab")
            if button.evaluate("node => node === document.activeElement"):
                break
        assert button.evaluate("node => node === document.activeElement"), "Tab reaches the column headings"
        assert button.evaluate("node => getComputedStyle(node).outlineStyle") == "solid", "the focus is visible"
        page.keyboard.press("Enter")
        assert head(page, "mono AP").get_attribute("aria-sort") == "descending"
        page.keyboard.press("Space")
        assert head(page, "mono AP").get_attribute("aria-sort") == "ascending"
        assert names(page)[-1] == "drawn/sharp"


def test_filters(browser: Browser, site: Path) -> None:
    with opened(browser, site / BOARD) as page:
        total = len(names(page)) + len(names(page, "published"))
        count = page.locator("output[name=count]")
        assert count.inner_text() == f"{total} of {total} rows"
        page.get_by_label("Encoder, strategy or licence").fill("BLURRED cc0")
        assert sorted(names(page)) == ["drawn/blurred", "drawn/blurred-too"]
        assert names(page, "published") == []
        assert count.inner_text() == f"2 of {total} rows"
        page.get_by_label("zero-shot only").check()
        assert names(page) == ["drawn/blurred-too"], "the other was trained on the suite's articles"
        page.get_by_label("Encoder, strategy or licence").fill("")
        page.get_by_label("zero-shot only").uncheck()
        page.locator("select[name=level]").select_option("published")
        assert names(page) == []
        assert len(names(page, "published")) == total - 3
        page.get_by_label("Encoder, strategy or licence").fill("x")
        page.keyboard.press("Enter")
        assert page.url.endswith(f"{BOARD}#level=published&text=x"), "the form is never submitted"


def test_links_open_pages(browser: Browser, site: Path) -> None:
    with opened(browser, site / "index.html") as page:
        page.get_by_role("navigation").get_by_role("link", name="MLQA-R").click()
        assert page.locator("h1").inner_text() == "MLQA-R"
        page.locator("#board").get_by_role("link", name="drawn/blurred", exact=True).click()
        assert page.locator("h1").inner_text() == "drawn/blurred"
        page.get_by_role("link", name="board").click()
        assert page.locator("h1").inner_text() == "MLQA-R"
        page.locator("svg.plot a").first.click()
        assert page.locator("h1").inner_text().startswith("drawn/")
        page.get_by_role("link", name="Hybrid Bench").click()
        assert page.locator("h1").inner_text().startswith("How well")


def test_downloads_are_the_generated_files(browser: Browser, site: Path) -> None:
    with opened(browser, site / BOARD) as page:
        for label, ending in (("CSV", "csv"), ("JSON", "json"), ("Markdown", "md"), ("LaTeX", "tex")):
            target = page.get_by_role("link", name=label, exact=True).get_attribute("href")
            assert target == f"downloads/mlqa-r.{ending}"
            assert (site / target).read_bytes() == (site.parent / f"mlqa-r.{ending}").read_bytes()


@pytest.mark.parametrize("path", PAGES)
def test_a_phone_needs_no_horizontal_scrolling_of_the_page(browser: Browser, site: Path, path: str) -> None:
    with opened(browser, site / path, viewport=PHONE, is_mobile=True, has_touch=True) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        for table in page.locator(".scroll").all():
            box = table.bounding_box()
            assert box
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= PHONE["width"]
        for text in page.locator(".stay").all():
            box = text.bounding_box()
            assert box
            assert box["x"] + box["width"] <= PHONE["width"], "captions of wide tables are not cut off"
        assert page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 15


def test_the_tables_work_without_javascript(browser: Browser, site: Path) -> None:
    with opened(browser, site / BOARD, java_script_enabled=False) as page:
        assert names(page)[0] == "drawn/sharp"
        assert len(names(page, "published")) == 10
        assert not page.locator("#filters").is_visible(), "filters need JavaScript"
        assert page.locator("#board thead button.sort").count() == 0
        for part in ("#languages", "#compare"):
            assert not page.locator(part).is_visible(), "as do the choice of languages and comparisons"
        page.get_by_role("button", name="What is RankDistance?").click()
        assert page.locator("#hint-rank_distance").is_visible(), "explanations need none"
        assert page.locator("svg.plot").is_visible()
        assert head(page, "multi AP").is_visible()


def contrast(page: Page, locator: Locator) -> float:
    """The WCAG 2 contrast ratio between an element's text and its background."""
    ink, paper = locator.evaluate(
        """node => {
            const paint = at => getComputedStyle(at).backgroundColor;
            let below = node;
            while (paint(below) === "rgba(0, 0, 0, 0)") below = below.parentElement;
            return [getComputedStyle(node).color, paint(below)].map(text => text.match(/[\\d.]+/g).slice(0, 3).map(Number));
        }"""
    )

    def light(colour: list[float]) -> float:
        shares = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
        return 0.2126 * shares[0] + 0.7152 * shares[1] + 0.0722 * shares[2]

    low, high = sorted((light(ink), light(paper)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_is_sufficient_in_light_and_dark_mode(browser: Browser, site: Path, scheme: str) -> None:
    selectors = {
        BOARD: ["body", "a", "caption", ".quiet", ".level", ".warning", ".published td.number", "thead th", ".h5", ".source"],
        ENCODER: ["dt", "dd", ".warning", *(f".scale .h{step}" for step in range(11))],
    }
    for path, chosen in selectors.items():
        with opened(browser, site / path, color_scheme=scheme) as page:
            brightness = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
            assert (max(brightness) < 64) == (scheme == "dark")
            for selector in chosen:
                assert contrast(page, page.locator(selector).first) >= 4.5, selector


#: Reads the pixels of a screenshot in a separate page, because a canvas cannot read images from files.
_PIXELS = """async ([image, points]) => {
    const bitmap = await createImageBitmap(await (await fetch(image)).blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    canvas.drawImage(bitmap, 0, 0);
    return points.map(([x, y]) => Array.from(canvas.getImageData(x, y, 1, 1).data).slice(0, 3));
}"""


def pixels(browser: Browser, image: bytes, points: list[tuple[float, float]]) -> list[list[int]]:
    page = browser.new_page()
    try:
        found: list[list[int]] = page.evaluate(_PIXELS, ["data:image/png;base64," + base64.b64encode(image).decode(), points])
    finally:
        page.close()
    return found


def boxes(page: Page, *selectors: str) -> list[dict[str, float]]:
    found = []
    for selector in selectors:
        box = page.locator(selector).first.bounding_box()
        assert box, selector
        assert box["width"] > 0
        assert box["height"] > 0
        found.append(dict(box))
    return found


def below_each_other(found: list[dict[str, float]]) -> bool:
    return all(above["y"] + above["height"] <= box["y"] + 0.5 for above, box in itertools.pairwise(found))


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_layout_of_a_board(browser: Browser, site: Path, size: dict[str, int]) -> None:
    with opened(browser, site / BOARD, viewport=size) as page:
        parts = (
            "header",
            "h1",
            ".downloads",
            "#filters",
            "#board",
            "#trade-off",
            "svg.plot",
            "#by-language",
            ".scale",
            "#sources",
        )
        found = boxes(page, *parts, "footer")
        assert below_each_other(found)
        recomputed, divider, published = boxes(
            page, "tbody.recomputed tr:last-child", "tbody.published tr.fixed", "tbody.published tr:not(.fixed)"
        )
        assert below_each_other([recomputed, divider, published])
        plot = found[parts.index("svg.plot")]
        image = page.screenshot(full_page=True)
        circles = [box for circle in page.locator("svg.plot circle").all() if (box := circle.bounding_box())]
        assert len(circles) == 3
        # The sharp encoder, whose row is first, is the highest point and the one furthest left.
        assert min(circles, key=lambda box: box["y"]) == circles[0] == min(circles, key=lambda box: box["x"])
        # On a phone the plot goes on, and its margin is under the cue that says so.
        inside = [box for box in circles if box["x"] + box["width"] < size["width"] - 60]
        points = [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in inside]
        ground = [(plot["x"] + 3, plot["y"] + 3)]
        *filled, empty = pixels(browser, image, [*points, *ground])
        assert filled
        assert all(colour == [0, 114, 178] for colour in filled), "the points are drawn, in a blue of Okabe and Ito"
        assert empty == [255, 255, 255]


def test_the_layout_of_an_encoder_page(browser: Browser, site: Path) -> None:
    with opened(browser, site / ENCODER) as page:
        assert below_each_other(
            boxes(page, "h1", "dl.facts", "dl.means", "table.claims", "table.heat", ".scale", "table.bars", "footer")
        )
        cells = page.locator("table.heat tbody td")
        assert cells.count() == 7 * 8
        values = [float(text) for text in cells.all_inner_texts()]
        corners = [(box["x"] + box["width"] - 3, box["y"] + 3) for cell in cells.all() if (box := cell.bounding_box())]
        scale = [
            (box["x"] + 2, box["y"] + 2)
            for step in page.locator(".scale").first.locator("li").all()
            if (box := step.bounding_box())
        ]
        image = page.screenshot(full_page=True)
        drawn = pixels(browser, image, corners + scale)
        colours = drawn[len(corners) :]
        assert len({tuple(colour) for colour in colours}) == 11
        # The colour of a cell is the nearest one of the scale; shown values are rounded, so either neighbour may match.
        for value, colour in zip(values, drawn, strict=False):
            assert colour in [colours[round(v * 10)] for v in (max(0, value - 0.0051), min(1, value + 0.0051))]
        bars = [box["width"] for bar in page.locator("table.bars rect").all() if (box := bar.bounding_box())]
        distances = [float(text) for text in page.locator("table.bars td.number").all_inner_texts()]
        longest = max(bars)
        assert [bar / longest for bar in bars] == pytest.approx([value / max(distances) for value in distances], abs=0.01)
