"""The browser of the tests of pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.leaderboard.render.pages import ARGUMENTS


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Limited to this module, because Playwright keeps an event loop while it is open."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("Chromium is not installed; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
