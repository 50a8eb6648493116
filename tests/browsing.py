"""A real headless Chromium for tests of pages, and what a page must never do in it."""

import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,1000",
)


def _program(*names):
    return next((found for name in names if (found := shutil.which(name))), None)


CHROMIUM = _program("chromium", "chromium-browser", "google-chrome")
DRIVER = _program("chromedriver")
needs_chromium = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver, which are not installed"
)


@contextmanager
def open_browser(profile: Path, *flags: str):
    """A browser with a profile of its own that logs its console and every request."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*_FLAGS, *flags, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield browser
    finally:
        browser.quit()


def module_browser(*flags: str):
    """A fixture: one browser for all tests of a module."""

    @pytest.fixture(scope="module")
    def browser(tmp_path_factory):
        with open_browser(tmp_path_factory.mktemp("profile"), *flags) as started:
            yield started

    return browser


def open_page(browser, path: Path) -> None:
    """Open a written page and wait until it has drawn itself."""
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(path.as_uri())
    WebDriverWait(browser, 60).until(
        lambda b: b.execute_script("return document.documentElement.dataset.ready !== undefined")
    )


def complaints(browser) -> list[str]:
    """Everything the console complains of since the last call, but for the tests' own reading of pixels."""
    return [
        entry["message"]
        for entry in browser.get_log("browser")
        if entry["level"] in ("SEVERE", "WARNING") and "willReadFrequently" not in entry["message"]
    ]


def requests_made(browser) -> list[str]:
    """Addresses the page asked for since the last call, those within the file left out."""
    import json

    asked = []
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent" and message["params"]["documentURL"].startswith(
            "file://"
        ):
            asked.append(message["params"]["request"]["url"])  # the browser's own start page asks for much
    return [url for url in asked if not url.startswith(("file://", "data:", "blob:"))]


def wait_until(browser, script: str, *arguments):
    """Wait until a script's value is true, and return it."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, 20).until(lambda b: b.execute_script(f"return {script}", *arguments))


def actions(browser):
    """A chain of movements, clicks and keys."""
    from selenium.webdriver import ActionChains

    return ActionChains(browser, duration=50)


def offset_of(browser, point: int) -> tuple[int, int]:
    """Where a point of the map is, from the middle of the stage, which is where actions count from."""
    x, y = browser.execute_script("return metricFace.view.map.screen(arguments[0])", point)
    size = browser.execute_script(
        "const b = document.querySelector('.stage').getBoundingClientRect(); return [b.width, b.height]"
    )
    return round(x - size[0] / 2), round(y - size[1] / 2)


SMALL_TEXTS = """
const small = [];
const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode, parent = node.parentElement;
  if (!node.textContent.trim() || !parent.checkVisibility() || parent.closest(".spoken, option, title")) continue;
  const svg = parent.closest("svg"), scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
  const size = parseFloat(getComputedStyle(parent).fontSize) * scale;
  if (size < 10.95) small.push([node.textContent.trim().slice(0, 30), size]);
}
return small;
"""
PALE_TEXTS = """
document.getAnimations().forEach((animation) => animation.finish()); // colors on their way are nobody's
const pale = [], paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const rgba = (css) => { // as painted, whatever the notation
  paint.clearRect(0, 0, 1, 1); paint.fillStyle = css; paint.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
};
const over = ([r, g, b, a], below) => [r, g, b].map((value, k) => value * a + below[k] * (1 - a));
const behind = (element) => {
  const below = element.parentElement ? behind(element.parentElement) : [255, 255, 255];
  return over(rgba(getComputedStyle(element).backgroundColor), below);
};
const light = (color) => color.map((value) => value / 255)
  .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
  .reduce((sum, value, k) => sum + value * [0.2126, 0.7152, 0.0722][k], 0);
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const text = walker.currentNode.textContent.trim(), parent = walker.currentNode.parentElement;
  if (!text || !parent.checkVisibility() || parent.closest(".spoken, title, script, style, :disabled")) continue;
  const style = getComputedStyle(parent), below = behind(parent);
  const ink = over(rgba(parent.closest("svg") ? style.fill : style.color), below);
  const [dark, bright] = [light(ink), light(below)].sort((a, b) => a - b);
  const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
  const ratio = (bright + 0.05) / (dark + 0.05);
  if (ratio < (large ? 3 : 4.5)) pale.push([text.slice(0, 30), parent.className, ratio]);
}
return pale;
"""
"""Texts whose contrast is below WCAG 2.2's level AA (criterion 1.4.3): 4.5, of large text 3."""
OVERFLOW = "return [document.documentElement.scrollWidth, innerWidth]"


def in_sizes(browser):
    """Show the open page at three widths, light and dark, and yield at each.

    Nothing overflows, is under 11 pixels or too pale to read.
    """
    try:
        for width in (390, 800, 1280):
            size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            for theme in ("light", "dark"):
                browser.execute_script(
                    "document.documentElement.dataset.theme = arguments[0]; metricFace.view?.theme()", theme
                )
                browser.execute_async_script(
                    "requestAnimationFrame(() => requestAnimationFrame(arguments[0]))"
                )
                wide, inner = browser.execute_script(OVERFLOW)
                assert wide <= inner == width
                assert browser.execute_script(SMALL_TEXTS) == []
                pale = browser.execute_script(PALE_TEXTS)
                assert pale == [], pale
                yield width, theme
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
