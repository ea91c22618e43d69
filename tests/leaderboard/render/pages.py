"""Pages of the site in Chromium, and what is on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 375, "height": 740}
BOARD = "mlqa-r.html"
ENCODER = "encoders/drawn__blurred__1.0.html"
PAGES = ("index.html", "about.html", "xquad-r.html", BOARD, "miracl.html", ENCODER)


@contextmanager
def opened(browser: Browser, address: Path, state: str = "", **options: Any) -> Iterator[Page]:
    """Open a page; any console message, error or failed request fails the test."""
    context = browser.new_context(**{"viewport": DESKTOP, "offline": True} | options)
    messages: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("requestfailed", lambda request: messages.append(f"failed: {request.url}"))
    page.goto(address.as_uri() + state)
    try:
        yield page
    finally:
        context.close()
    assert messages == []


def column(page: Page, number: int, body: str = "recomputed") -> list[str]:
    cells = page.locator(f"#board tbody.{body} tr:not(.fixed) > :nth-child({number})")
    return [cell.split("\n")[0] for cell in cells.all_inner_texts()]


def names(page: Page, body: str = "recomputed") -> list[str]:
    rows = page.locator(f"#board tbody.{body} tr:not(.fixed):visible > th")
    return [re.split(r"\s", text.strip())[0] for text in rows.all_inner_texts()]


def head(page: Page, label: str) -> Locator:
    return page.locator("#board thead th").filter(has_text=re.compile(rf"^{label}$"))
