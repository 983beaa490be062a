"""A real browser for tests: the fixture `browser`, a headless Chromium that is shared by the whole session.

Without one the tests are skipped; with STEPSIZE_REQUIRE_BROWSER=1 they fail, so that CI cannot skip in silence.
"""

import base64
import math
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--window-size=1200,900",
)


def missing(what: str) -> NoReturn:
    if os.environ.get("STEPSIZE_REQUIRE_BROWSER") == "1":
        pytest.fail(f"STEPSIZE_REQUIRE_BROWSER=1, but there is no {what}")
    pytest.skip(f"no Chromium found: no {what}")


def program(*names: str) -> str:
    found = [path for path in map(shutil.which, names) if path]
    return found[0] if found else missing(f"{' or '.join(names)} on PATH")


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Browser"]:
    """The browser; `browser.open(path)` loads a page at desktop size, in light colours."""
    try:
        from selenium import webdriver
    except ModuleNotFoundError:
        missing("package selenium")
    options = webdriver.ChromeOptions()
    options.binary_location = program(*BROWSERS)
    # Named here, so that selenium does not look for a driver on the network.
    service = webdriver.ChromeService(executable_path=program("chromedriver"))
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=service)
    yield Browser(driver)
    driver.quit()


class Browser:
    """What tests ask of a page, in few words; `driver` is there for the rest."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, path: Path, *, width: int = 1200, height: int = 900, dark: bool = False) -> None:
        """Load a file as a screen of that size shows it."""
        self.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.devtools("Emulation.setEmulatedMedia", features=[scheme])
        self.driver.get(path.resolve().as_uri())
        self.settle()

    def resize(self, width: int, height: int = 900) -> None:
        """Make the view so many CSS pixels wide; narrow ones are phones, with a finger for a mouse."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.devtools("Emulation.setDeviceMetricsOverride", **size)
        self.devtools("Emulation.setTouchEmulationEnabled", enabled=width < 600)

    def settle(self) -> None:
        """Wait until what was asked for has been laid out and painted."""
        wait = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()));"
        self.driver.execute_async_script(wait)

    def devtools(self, command: str, **arguments):
        """One command of the Chrome DevTools protocol."""
        return self.driver.execute_cdp_cmd(command, arguments)

    def run(self, script: str, *arguments):
        """What a piece of JavaScript returns."""
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str):
        """The first element that a CSS selector names."""
        return self.driver.find_element("css selector", selector)

    def complaints(self) -> list[str]:
        """Warnings and errors in the console since the last question."""
        entries = self.driver.get_log("browser")
        return [entry["message"] for entry in entries if entry["level"] in ("WARNING", "SEVERE")]

    # Charts, named by the slug of their title.

    def plot(self, chart: str):
        """The area between the axes of a chart, scrolled into view."""
        area = self.find(f'[data-chart="{chart}"] .u-over')
        self.run("arguments[0].scrollIntoView({block: 'center'})", area)
        self.settle()
        return area

    def x_range(self, chart: str) -> tuple[float, float]:
        """The first and the last x in view."""
        low, high = self.find(f'[data-chart="{chart}"]').get_attribute("data-x-range").split()
        return float(low), float(high)

    def point(self, chart: str, x: float, height: float = 0.5) -> tuple[float, float]:
        """Where on the screen a chart has that x, at a share of its height from the top."""
        area = self.plot(chart)
        box = self.run("return arguments[0].getBoundingClientRect().toJSON()", area)
        data = self.find(f'[data-chart="{chart}"] script').get_attribute("textContent")
        place = math.log if '"xLog":true' in data else float
        low, high, there = (place(value) for value in (*self.x_range(chart), x))
        # The last pixel of the area is still inside, its right edge no longer is.
        across = min(box["width"] - 1, box["width"] * (there - low) / (high - low))
        return box["left"] + across, box["top"] + box["height"] * height

    def hover(self, chart: str, x: float) -> dict[str, str]:
        """Point at an x of a chart; what its legend then says, by the label of the series."""
        left, top = self.point(chart, x)
        self.devtools("Input.dispatchMouseEvent", type="mouseMoved", x=left, y=top)
        return self.values(chart)

    def drag(self, chart: str, start: float, end: float) -> None:
        """Drag the mouse from one x of a chart to another."""
        (left, top), (right, _) = self.point(chart, start), self.point(chart, end)
        button = {"button": "left", "clickCount": 1}
        self.devtools("Input.dispatchMouseEvent", type="mousePressed", x=left, y=top, **button)
        for share in (0.5, 1.0):
            x = left + share * (right - left)
            self.devtools("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=top, button="left", buttons=1)
        self.devtools("Input.dispatchMouseEvent", type="mouseReleased", x=right, y=top, **button)
        self.settle()

    def touch(self, *path: tuple[float, float]) -> None:
        """Put a finger down, move it along the path, lift it."""
        for i, (x, y) in enumerate(path):
            kind = "touchMove" if i else "touchStart"
            self.devtools("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y}])
        self.devtools("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        self.settle()

    def values(self, chart: str) -> dict[str, str]:
        """What the legend of a chart says now."""
        self.settle()
        script = """
            const keys = document.querySelectorAll(`[data-chart="${arguments[0]}"] .legend .reading`);
            const text = (key, part) => key.querySelector(part).textContent;
            return Object.fromEntries([...keys].map((key) => [text(key, ".name"), text(key, ".value")]));
        """
        return self.run(script, chart)

    def screenshot(self) -> bytes:
        """The whole page as PNG."""
        picture = self.devtools("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(picture["data"])

    def pdf(self) -> bytes:
        """The page as it would be printed."""
        printed = self.devtools("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        return base64.b64decode(printed["data"])
