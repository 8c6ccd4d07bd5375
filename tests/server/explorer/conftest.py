"""A real browser, the app on a real port, and a run that is small enough to be made for tests."""

import dataclasses
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from server.explorer.options import ExploreOptions
from server.explorer.serving import listening
from taxonomy.pipeline import run_everything
from tests.server.explorer.browser import Browser
from tests.taxonomy.pipeline.tiny import tiny_dataset, tiny_options

Explore = Callable[..., str]


@pytest.fixture(scope="session")
def _driver() -> Iterator[webdriver.Chrome]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("Chromium and its driver are not installed: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
        "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ):  # fmt: skip
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with webdriver.Chrome(options=options, service=Service(driver)) as chrome:
        yield chrome


@pytest.fixture
def browser(_driver: webdriver.Chrome) -> Iterator[Browser]:
    """A browser at 1280 px, light, with nothing remembered; a test that leaves errors on the console fails."""
    found = Browser(_driver)
    found.resize(1280)
    yield found
    errors = found.console_errors()
    _driver.get("about:blank")
    assert not errors


@pytest.fixture
def explore() -> Iterator[Explore]:
    """Serves the app for `ExploreOptions` given by name, and returns its address."""
    with ExitStack() as stack:

        def start(results: Path, **options: Any) -> str:
            listener = stack.enter_context(listening(ExploreOptions(results=results, port=0, **options)))
            thread = threading.Thread(target=listener.serve, daemon=True)
            thread.start()
            stack.callback(thread.join, 10)
            stack.callback(listener.stop)
            return listener.address

        yield start


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tasks with their images, networks and readouts, made in seconds; not to be changed."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    tiny_dataset(folder / "data")
    options = dataclasses.replace(tiny_options(tasks=("autoencoding", "normal", "class_scene")), studies=False)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("taxonomy.pipeline.everything.write_report", lambda *_, **__: folder)  # nobody looks at it
        patched.setattr("taxonomy.pipeline.everything.gather_findings", lambda *_: None)
        run_everything(folder, folder / "data", options)
    return folder
