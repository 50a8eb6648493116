"""The built documentation, opened as a file: it searches, and asks for nothing from elsewhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browsing import needs_chromium, open_browser, requests_made, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow, needs_chromium]
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs", reason="pip install 'metric_face[docs]'")
    folder = tmp_path_factory.mktemp("documentation") / "site"
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "METRIC_FACE_DOCS_RUN": "0"},
        check=True,
        capture_output=True,
    )
    return folder


@pytest.mark.parametrize("page", ["index.html", "commands/metric-face-knn.html", "ko/index.html"])
def test_a_page_searches_without_a_server_and_without_a_network(
    site: Path, tmp_path: Path, page: str
) -> None:
    with open_browser(tmp_path / "profile") as browser:
        browser.get((site / page).as_uri())
        box = browser.find_element("css selector", ".md-search__input")
        box.click()
        box.send_keys("trustworthiness")
        found = wait_until(
            browser, "[...document.querySelectorAll('.md-search-result__link')].map(a => a.href)"
        )
        assert any("measured.html" in address for address in found)
        assert requests_made(browser) == []


@pytest.mark.parametrize("width", [500, 800, 1280])
def test_no_page_is_wider_than_its_window(site: Path, tmp_path: Path, width: int) -> None:
    with open_browser(tmp_path / "profile", f"--window-size={width},900") as browser:
        too_wide = []
        for page in sorted(site.rglob("*.html")):
            browser.get(page.as_uri())
            root = browser.find_element("css selector", "html")
            if int(root.get_property("scrollWidth")) > int(root.get_property("clientWidth")):
                too_wide.append(page.relative_to(site).as_posix())
        assert too_wide == []
