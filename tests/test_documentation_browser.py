"""The built documentation, opened as a file: it searches, and asks for nothing from elsewhere."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.browsing import OVERFLOW, module_browser, needs_chromium, requests_made, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow, needs_chromium]


@pytest.fixture(scope="module")
def site(documentation: tuple[Path, subprocess.CompletedProcess[str]]) -> Path:
    folder, done = documentation
    assert done.returncode == 0, done.stderr
    return folder


browser = module_browser()


@pytest.mark.parametrize("page", ["index.html", "commands/metric-face-knn.html", "ko/index.html"])
def test_a_page_searches_without_a_server_and_without_a_network(site: Path, browser: Any, page: str) -> None:
    browser.get((site / page).as_uri())
    box = browser.find_element("css selector", ".md-search__input")
    box.click()
    box.send_keys("trustworthiness")
    found = wait_until(browser, "[...document.querySelectorAll('.md-search-result__link')].map(a => a.href)")
    assert any("measured.html" in address for address in found)
    assert requests_made(browser) == []


def test_no_page_is_wider_than_its_window(site: Path, browser: Any) -> None:
    too_wide = []
    for page in sorted(site.rglob("*.html")):
        browser.get(page.as_uri())
        for width in (390, 800, 1280):
            size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            wide, inner = browser.execute_script(OVERFLOW)
            assert inner == width
            if wide > width:
                too_wide.append((page.relative_to(site).as_posix(), width))
    assert too_wide == []
