"""What tests do in a browser."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

T = TypeVar("T")

PATIENCE_S = 20

_QUIET = """
const done = arguments[arguments.length - 1];
const isQuiet = () => !Number(document.documentElement.dataset.asking || 0)
  && document.querySelector("[data-dash-is-loading]") === null;
let left = 4;
const look = () => {
  if (!isQuiet()) done(false);
  else if (--left) requestAnimationFrame(look);
  else done(true);
};
look();
"""
"""Whether nothing happens for some frames: Dash draws an answer, and may ask again, in the frame after it came."""

_OF_CYTOSCAPE = "custom wheel sensitivity"  # dash-cytoscape always sets its default, of which cytoscape then warns


class Browser:
    """A tab, waited for where a person would wait."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def open(self, address: str) -> None:
        """Go there, and wait until the page is drawn and no callback is under way."""
        self.driver.get(address)
        self.find("#page h1")
        self.settle()

    def find(self, selector: str) -> WebElement:
        """The first element of a CSS selector, as soon as there is one."""
        return self.until(lambda: self.driver.find_element(By.CSS_SELECTOR, selector), selector)

    def find_all(self, selector: str) -> list[WebElement]:
        """All that are there now."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """What a person reads there."""
        return self.find(selector).text

    def click(self, selector: str) -> None:
        """Click the first element, and wait for what follows."""
        self.find(selector).click()
        self.settle()

    def until(self, condition: Callable[[], T], what: str) -> T:
        """What a condition returns, as soon as that is true."""
        wait = WebDriverWait(self.driver, PATIENCE_S, 0.02, [StaleElementReferenceException, LookupError])
        return wait.until(lambda _: condition(), f"waited in vain for {what}; the page says: {self._words()}")

    def settle(self) -> None:
        """Wait until no callback is under way: nothing is asked for, and what was answered asks for nothing more."""
        self.until(lambda: self.driver.execute_async_script(_QUIET), "callbacks")

    def resize(self, width_px: int, height_px: int = 900) -> None:
        """The size of the page itself, as on a phone or a laptop."""
        metrics = {"width": width_px, "height": height_px, "deviceScaleFactor": 1, "mobile": width_px < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def screenshot(self, path: Path) -> None:
        """The whole page as a PNG."""
        how = {"format": "png", "captureBeyondViewport": True}
        found = self.driver.execute_cdp_cmd("Page.captureScreenshot", how)
        path.write_bytes(base64.b64decode(found["data"]))

    def console_errors(self) -> list[str]:
        """What the console says that is a warning or worse, since the last call."""
        log = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        words = [entry["message"] for entry in log if entry["level"] in ("SEVERE", "WARNING")]
        return [message for message in words if _OF_CYTOSCAPE not in message]

    def _words(self) -> str:
        return str(self.driver.execute_script("return document.body.innerText.slice(0, 500)"))
