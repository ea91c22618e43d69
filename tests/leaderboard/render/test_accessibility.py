"""axe-core finds no violation on any page, in any state, width and colour scheme."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.leaderboard.render.pages import BOARD, DESKTOP, PAGES, PHONE, opened

#: Everything that axe-core checks by itself but its experimental rules.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
STATES = dict.fromkeys(PAGES, "") | {BOARD: "#languages=de,en&sort=rank_distance.ascending&text=drawn"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_no_violation(browser: Browser, site: Path, size: dict[str, int], scheme: str) -> None:
    options: dict[str, Any] = {"viewport": size, "color_scheme": scheme, "bypass_csp": True}
    for path, state in STATES.items():
        with opened(browser, site / path, state, **options) as page:
            if path == BOARD:
                page.get_by_role("button", name="What is multi AP?").click()
            found = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
            assert found.response["passes"], "it ran"
            assert found.response["violations"] == [], found.generate_report()
